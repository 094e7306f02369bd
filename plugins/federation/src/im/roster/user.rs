//! A user of ours who is connected: contacts, what was heard of them, and what each client of theirs has said of itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jackfield_sdk::{Failure, Host};
use jid::{BareJid, Jid};

use super::contact::Contact;
use super::directory::Circle;
use super::store;
use crate::im::desk::SessionId;
use crate::im::effect::Effect;
use crate::im::out::Delivery;
use crate::im::presence::heard::Heard;
use crate::im::presence::words::Shown;
use crate::xml::Element;

/// Most addresses that one client shows itself to besides its contacts.
const MOST_DIRECTED: usize = 100;

/// A user.
#[derive(Debug)]
pub struct User {
    /// Id of the account.
    pub account: String,
    /// Address.
    pub own: BareJid,
    /// Whom the directory shows.
    pub circle: Circle,
    /// Everybody of whom something is kept.
    pub contacts: BTreeMap<BareJid, Contact>,
    /// What contacts at other servers say.
    pub heard: HashMap<BareJid, Heard>,
    /// Contacts who are blocked and would see the user otherwise (XEP-0191).
    pub barred: BTreeSet<BareJid>,
    /// Clients.
    pub seats: BTreeMap<SessionId, Seat>,
    /// Version of the kept contacts.
    pub version: i64,
}

/// One client of a user's.
#[derive(Debug, Default)]
pub struct Seat {
    /// Whether it has asked for the roster, and is told of changes (RFC 6121 section 2.1.6).
    pub is_interested: bool,
    /// What it shows; none: it is not available.
    pub shown: Option<Shown>,
    /// Others that it showed itself to (RFC 6121 section 4.6).
    pub directed: BTreeSet<Jid>,
}

impl User {
    /// Reads what is kept.
    pub fn load(host: &Host, account: &str, own: BareJid, circle: Circle) -> Result<Self, Failure> {
        Ok(Self {
            account: account.to_owned(),
            own,
            circle,
            contacts: store::all(host, account)?.into_iter().collect(),
            heard: HashMap::new(),
            barred: BTreeSet::new(),
            seats: BTreeMap::new(),
            version: store::version(host, account)?,
        })
    }

    /// Whether any client is available.
    pub fn is_available(&self) -> bool {
        self.seats.values().any(|seat| seat.shown.is_some())
    }

    /// What the client that counts shows.
    pub fn best(&self) -> Option<&Shown> {
        Shown::best(self.seats.values().filter_map(|seat| seat.shown.as_ref()))
    }

    /// The client; one that is new is there from now on.
    pub fn seat(&mut self, id: SessionId) -> &mut Seat {
        self.seats.entry(id).or_default()
    }

    /// A stanza to every client that is available.
    pub fn to_available(&self, stanza: Element) -> Vec<Effect> {
        self.to(stanza, |seat| seat.shown.is_some())
    }

    /// A stanza to every client that knows the roster.
    pub fn to_interested(&self, stanza: Element) -> Vec<Effect> {
        self.to(stanza, |seat| seat.is_interested)
    }

    fn to(&self, stanza: Element, is_meant: impl Fn(&Seat) -> bool) -> Vec<Effect> {
        let mut meant = self.seats.iter().filter(|(_, seat)| is_meant(seat)).peekable();
        if meant.peek().is_none() {
            return vec![];
        }
        let delivery = self.delivery(stanza);
        meant.map(|(id, _)| Effect::Deliver(*id, delivery.clone())).collect()
    }

    /// The stanza as this user gets it.
    pub fn delivery(&self, mut stanza: Element) -> Delivery {
        stanza.set("to", self.own.as_str());
        Delivery::new(&stanza)
    }

    /// What stands for the versions of the contacts and of the directory together.
    pub fn tag(&self, directory: u64) -> String {
        format!("{}-{directory:x}", self.version)
    }
}

impl Seat {
    /// Notes that it shows itself to somebody, or does not any more; false: it does so to too many.
    pub fn directs(&mut self, to: &Jid, is_shown: bool) -> bool {
        if !is_shown {
            self.directed.remove(to);
            return true;
        }
        if self.directed.len() >= MOST_DIRECTED && !self.directed.contains(to) {
            return false;
        }
        self.directed.insert(to.clone());
        true
    }
}
