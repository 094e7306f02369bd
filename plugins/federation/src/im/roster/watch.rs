//! Contacts of external peers (seed 001): a directory of theirs was synchronised, so everybody here shall see what they
//! are doing. One address of each enterprise, `directory@DOMAIN`, subscribes to all of them, not each user to each; what
//! their server says becomes the source `xmpp` of the contact. It shows itself to nobody and lets nobody subscribe.
//!
//! When a peer is deleted its domain is no partner any more, so nobody there can be told that we have gone.
//! There may be hundreds of thousands, so requests are spread, and how far they have come is kept.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jackfield_sdk::{Failure, log};
use jid::BareJid;

use super::Roster;
use super::table::Kind;
use super::watch_store::{self as store, Due};
use crate::im::effect::Effect;
use crate::im::parcel::Parcel;
use crate::im::presence::heard::Heard;
use crate::im::presence::words::Shown;
use crate::im::site::Site;
use crate::s2s::{Pair, address};
use crate::xml::{Element, ns};

/// Name of the address that watches.
pub const WATCHER: &str = "directory";
/// Most that is asked in a second, of each kind of question.
const RATE: usize = 20;
/// Pause between two rounds in which everybody who may be seen is asked anew. The appliance forgets after a day.
const ROUND: Duration = Duration::from_secs(12 * 3600);

/// What is in memory of it.
pub struct Watch {
    /// Whether contacts may have come or gone.
    pub is_stale: bool,
    /// Contacts of which something was heard, with the ids that their address has.
    heard: HashMap<BareJid, (Vec<String>, Heard)>,
    turn: Option<Instant>,
    /// How far this round has come; none: it is over.
    round: Option<String>,
    round_begun: Option<Instant>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            is_stale: true,
            heard: HashMap::new(),
            turn: None,
            round: Some(String::new()),
            round_begun: None,
        }
    }
}

impl Watch {
    /// What the server of a contact says of it.
    pub fn best(&self, address: &BareJid) -> Option<&Shown> {
        self.heard.get(address).and_then(|(_, heard)| heard.best())
    }
}

impl Roster {
    /// What is due in this second.
    pub(super) fn watches(&mut self, site: &Site, now: Instant) -> Vec<Effect> {
        let is_due = |at: Instant| now.duration_since(at) >= Duration::from_secs(1);
        if !self.watch.turn.is_none_or(is_due) {
            return vec![];
        }
        self.watch.turn = Some(now);
        self.watched(site, now).unwrap_or_else(|failure| {
            log::warn!("contacts of peers could not be watched, trying again: {failure}");
            vec![]
        })
    }

    fn watched(&mut self, site: &Site, now: Instant) -> Result<Vec<Effect>, Failure> {
        if self.watch.is_stale {
            self.watch.is_stale = store::follow(&site.host)?;
        }
        let mut effects = Vec::new();
        let (asked, others): (Vec<Due>, _) =
            store::due(&site.host, RATE)?.into_iter().partition(|due| talks(site, due));
        store::asked(&site.host, &asked)?;
        store::later(&site.host, &others)?;
        effects.extend(asked.iter().map(|due| stanza(due, Kind::Subscribe.word())));
        let leaving = store::leaving(&site.host, RATE)?;
        store::left(&site.host, &leaving)?;
        for due in &leaving {
            self.people.says_state(&due.contact, None);
            self.watch.heard.retain(|_, (contacts, _)| !contacts.contains(&due.contact));
            effects.push(stanza(due, Kind::Unsubscribe.word()));
        }
        effects.extend(self.round(site, now)?);
        Ok(effects)
    }

    /// Who may be seen is asked after the start, after a lost link, and twice a day.
    fn round(&mut self, site: &Site, now: Instant) -> Result<Vec<Effect>, Failure> {
        let begun = *self.watch.round_begun.get_or_insert(now);
        let Some(after) = self.watch.round.take() else {
            if now.duration_since(begun) >= ROUND {
                (self.watch.round, self.watch.round_begun) = (Some(String::new()), Some(now));
            }
            return Ok(vec![]);
        };
        let seen = store::seen(&site.host, &after, RATE)?;
        self.watch.round = seen.last().map(|due| due.contact.clone());
        let reached = seen.iter().filter(|due| talks(site, due));
        Ok(reached.map(|due| stanza(due, "probe")).collect())
    }

    /// A partner says something to the address that watches.
    pub(super) fn watch_hears(&mut self, site: &Site, parcel: &Parcel) -> Result<Vec<Effect>, Failure> {
        let from = parcel.from.to_bare();
        match parcel.kind() {
            "" | "unavailable" => {
                self.watch_sees(site, parcel, &from)?;
                Ok(vec![])
            }
            "error" => {
                self.watch_loses(|address| *address == from);
                Ok(vec![])
            }
            "subscribed" => {
                store::allowed(&site.host, &from)?;
                Ok(vec![])
            }
            "unsubscribed" => {
                store::refused(&site.host, &from)?;
                self.watch_loses(|address| *address == from);
                Ok(vec![])
            }
            // Nobody sees a directory.
            "subscribe" | "probe" => {
                let refusal = Element::new(ns::SERVER, "presence").with("type", Kind::Unsubscribed.word());
                let refusal = refusal.with("from", parcel.target().as_str());
                Ok(vec![Effect::Send(refusal.with("to", from.as_str()))])
            }
            _ => Ok(vec![]),
        }
    }

    fn watch_sees(&mut self, site: &Site, parcel: &Parcel, from: &BareJid) -> Result<(), Failure> {
        if !self.watch.heard.contains_key(from) {
            let contacts = store::contacts(&site.host, from)?;
            if contacts.is_empty() {
                return Ok(());
            }
            self.watch.heard.insert(from.clone(), (contacts, Heard::default()));
        }
        let Some((contacts, heard)) = self.watch.heard.get_mut(from) else { return Ok(()) };
        heard.hear(&parcel.from, &parcel.stanza);
        let said =
            heard.best().map_or_else(|| ("offline", String::new()), |shown| (shown.state(), shown.note()));
        contacts.iter().for_each(|contact| self.people.says_state(contact, Some(said.clone())));
        if heard.is_empty() {
            self.watch.heard.remove(from);
        }
        Ok(())
    }

    /// Nothing is known any more of these.
    fn watch_loses(&mut self, is_lost: impl Fn(&BareJid) -> bool) {
        let lost: Vec<_> = self.watch.heard.extract_if(|address, _| is_lost(address)).collect();
        for (_, (contacts, _)) in lost {
            contacts.iter().for_each(|contact| self.people.says_state(contact, None));
        }
    }

    /// The link of that pair is lost.
    pub(super) fn watch_lost(&mut self, pair: &Pair) {
        self.watch_loses(|address| address.domain().as_str() == pair.to);
    }

    /// It is back: everybody is asked anew.
    pub(super) fn watch_found(&mut self) {
        self.watch.round = Some(String::new());
    }

    /// Partners are others now: who could not be reached is tried at once.
    pub(super) fn watch_hurries(&self, site: &Site) {
        if let Err(failure) = store::hurry(&site.host) {
            log::warn!("contacts of peers are not asked before five minutes have passed: {failure}");
        }
    }

    /// What was asked did not reach the contact's server; it is asked again later.
    pub(super) fn watch_bounced(&mut self, site: &Site, stanza: &Element) {
        let to = stanza.attribute("to").and_then(address::parsed).map(jid::Jid::into_bare);
        if let Some(to) = to
            && let Err(failure) = store::missed(&site.host, &to)
        {
            log::warn!("a contact that was not reached could not be noted: {failure}");
        }
    }
}

/// Whether that is the address that watches, at whatever domain.
pub fn is_watcher(address: &BareJid) -> bool {
    address.node().is_some_and(|node| node.as_str() == WATCHER)
}

fn talks(site: &Site, due: &Due) -> bool {
    address::parsed(&due.address).is_some_and(|address| site.outside.talks_to(address.domain().as_str()))
}

fn stanza(due: &Due, kind: &str) -> Effect {
    let stanza = Element::new(ns::SERVER, "presence").with("type", kind);
    Effect::Send(stanza.with("from", &due.watcher).with("to", &due.address))
}
