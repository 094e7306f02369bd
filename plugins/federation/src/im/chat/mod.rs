//! Messages: kept by the appliance before anything else, then handed to whoever is connected, or to the server that they
//! are for. What nobody can take waits in the store.
//!
//! Those of one turn are kept by one write and handed on in their order, with those that are not kept among them.

mod archive;
mod asking;
mod blocks;
mod catching_up;
mod flights;
mod home;
mod letter;
pub mod names;
mod news;
mod outside;
mod outward;
mod stamped;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use jackfield_sdk::{Code, Event, Failure, NewMessage, log};

pub use asking::is_about_blocking;
pub use blocks::Blocks;
use catching_up::CatchingUp;
use flights::Flights;
use letter::{Letter, Refusal, Sort};
use outward::Outward;

use super::desk::SessionId;
use super::effect::Effect;
use super::parcel::{Origin, Parcel};
use super::sessions::Session;
use super::site::Site;
use crate::s2s::stanza::explained;
use crate::xml::{Element, ns};

/// The part that knows of messages.
#[derive(Default)]
pub struct Chat {
    /// What came in this turn.
    queue: Vec<Item>,
    /// Clients that get copies (XEP-0280 section 4).
    carbons: HashSet<SessionId>,
    /// Clients that were given what had waited.
    served: HashSet<SessionId>,
    catching_up: HashMap<SessionId, CatchingUp>,
    flights: Flights,
    outward: Outward,
    /// What did not go, with the reason: told to the store at a turn's end.
    failed: Vec<(String, String)>,
    /// Domains of sister appliances, whose messages another plugin carries.
    sisters: HashSet<String>,
    /// Clients that are told of changes of their list of blocked addresses (XEP-0191 section 3.3).
    listening: HashSet<SessionId>,
    /// The newest message of an account's own that others brought, by account.
    seen: HashMap<String, String>,
}

/// A message on its way through a turn.
struct Item {
    letter: Letter,
    whither: Whither,
    /// What is to be stored of it; none: it is only handed on.
    kept: Option<NewMessage>,
}

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whither {
    /// To an account of ours.
    Home,
    /// To a sister appliance: it is kept, and another plugin fetches it.
    Sister,
    /// To another server.
    Outside,
}

impl Chat {
    /// A message of a client or of a partner. It is dealt with when the turn is settled.
    pub fn take(&mut self, site: &mut Site, parcel: Parcel) -> Vec<Effect> {
        let letter = Letter::new(parcel, |domain| site.serves(domain));
        if letter.sort == Sort::Error && letter.parcel.session().is_none() {
            self.refused_there(&letter.parcel.stanza);
        }
        match self.judged(site, &letter) {
            Ok(Some((whither, kept))) => {
                self.queue.push(Item { letter, whither, kept });
                vec![]
            }
            Ok(None) => vec![],
            Err(refusal) => refused(&letter, &refusal),
        }
    }

    /// Where a message goes and what is kept of it; none: nothing happens.
    fn judged(
        &mut self,
        site: &mut Site,
        letter: &Letter,
    ) -> Result<Option<(Whither, Option<NewMessage>)>, Refusal> {
        let domain = letter.target.domain().as_str();
        if site.serves(domain) {
            return judged_home(site, letter).map(|kept| kept.map(|kept| (Whither::Home, kept)));
        }
        // A partner reaches nobody through us.
        if matches!(letter.parcel.origin, Origin::Partner(_)) {
            return Ok(None);
        }
        let is_sister = self.sisters.contains(domain);
        let is_said_there = letter.sort != Sort::Groupchat && letter.target.node().is_some();
        let kept = if is_said_there { letter.kept()? } else { None };
        match (is_sister, kept) {
            (true, None) => Ok(None),
            (true, kept) => Ok(Some((Whither::Sister, kept))),
            (false, kept) => Ok(Some((Whither::Outside, kept))),
        }
    }

    /// Stores what came in this turn, and hands it on. A turn comes at least once a second.
    pub fn settle(&mut self, site: &mut Site, now: Instant) -> Vec<Effect> {
        let mut effects = self.flush(site);
        effects.extend(self.take_up(site));
        self.tell(site, now);
        effects
    }

    /// Stores what came so far, and hands it on.
    pub fn flush(&mut self, site: &mut Site) -> Vec<Effect> {
        if self.queue.is_empty() {
            return vec![];
        }
        let mut queue = std::mem::take(&mut self.queue);
        let has_kept: Vec<bool> = queue.iter().map(|item| item.kept.is_some()).collect();
        let kept: Vec<NewMessage> = queue.iter_mut().filter_map(|item| item.kept.take()).collect();
        let taken = if kept.is_empty() { vec![] } else { site.host.chat().accept_all(&kept) };
        let (mut taken, mut effects) = (taken.into_iter(), Vec::new());
        for (item, is_kept) in queue.into_iter().zip(has_kept) {
            if !is_kept {
                effects.extend(self.hand_on(site, &item, None));
                continue;
            }
            match taken.next() {
                // It was handed on when it came first.
                Some(Ok(accepted)) if accepted.duplicate => {}
                Some(Ok(accepted)) => effects.extend(self.hand_on(site, &item, Some(&accepted.id))),
                Some(Err(failure)) => effects.extend(refused(&item.letter, &unkept(&failure))),
                None => {}
            }
        }
        effects
    }

    fn hand_on(&mut self, site: &mut Site, item: &Item, id: Option<&str>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let reached = match item.whither {
            Whither::Home => {
                let reached = self.deliver(site, &item.letter, id, &mut effects);
                self.copy_received(site, &item.letter, id, &reached, &mut effects);
                reached
            }
            Whither::Sister => vec![],
            Whither::Outside => {
                effects.extend(self.send_out(site, &item.letter.parcel.stanza, id));
                vec![]
            }
        };
        self.copy_sent(site, &item.letter, id, &reached, &mut effects);
        effects
    }

    /// Reads what it must know before anybody comes.
    pub fn begin(&mut self, site: &mut Site) -> Result<(), Failure> {
        self.read_sisters(site);
        site.blocks = Blocks::read(&site.host)?;
        Ok(())
    }

    /// Tells the store what has arrived and what has not.
    fn tell(&mut self, site: &Site, now: Instant) {
        let due = self.flights.due(now);
        if !due.is_empty() {
            match site.host.chat().delivered(&due) {
                Ok(()) => self.flights.told(&due),
                Err(failure) => log::warn!("messages arrived, but that could not be noted yet: {failure}"),
            }
        }
        for (id, words) in std::mem::take(&mut self.failed) {
            if let Err(failure) = site.host.chat().failed(std::slice::from_ref(&id), &words) {
                log::warn!("a message did not arrive, but that could not be noted yet: {failure}");
                self.failed.push((id, words));
                return;
            }
        }
    }

    /// Stored messages have reached a client.
    pub fn written(&mut self, site: &mut Site, id: SessionId, ids: Vec<String>, now: Instant) -> Vec<Effect> {
        self.flights.arrive(id, ids, now);
        self.catch_up_more(site, id)
    }

    /// Stored messages have reached a partner.
    pub fn confirmed(&mut self, ids: Vec<String>, now: Instant) {
        for id in ids {
            if self.outward.end(&id) {
                self.flights.note(id, now);
            }
        }
    }

    /// A session is over; it is not among the sessions any more.
    pub fn gone(&mut self, site: &mut Site, gone: &Session) -> Vec<Effect> {
        self.carbons.remove(&gone.id);
        self.served.remove(&gone.id);
        self.listening.remove(&gone.id);
        self.catching_up.remove(&gone.id);
        if self.flights.end(gone.id) {
            // It took messages with it that another client of the same person can have.
            return self.fetch(site, &gone.account, true);
        }
        vec![]
    }

    /// Something happened in the appliance.
    pub fn hear(&mut self, site: &mut Site, event: &Event) -> Vec<Effect> {
        match event.event.as_str() {
            "message.received" => self.fetch(site, &event.object, false),
            "message.sent" => self.copy_of_others(site, &event.object),
            "peer.changed" | "peer.deleted" | "directory.changed" => {
                self.read_sisters(site);
                vec![]
            }
            _ => vec![],
        }
    }
}

/// What is kept of a message to one of our domains; none: nothing happens.
fn judged_home(site: &mut Site, letter: &Letter) -> Result<Option<Option<NewMessage>>, Refusal> {
    let account = site.accounts.find(&site.host, &letter.target).map_err(|failure| unkept(&failure))?;
    let has_body = letter.parcel.stanza.find(ns::SERVER, "body").is_some();
    if account.is_none() {
        // Without a text it may be a question whether somebody is there, and gets no answer either way.
        let is_told = has_body && matches!(letter.sort, Sort::Chat | Sort::Normal | Sort::Groupchat);
        return if is_told { Err(Refusal::nobody()) } else { Ok(None) };
    }
    // Rooms write to the client that has entered them, never to a person (RFC 6121 section 8.5.2.1.1).
    if letter.sort == Sort::Groupchat {
        let full = letter.parcel.to.as_ref().and_then(|to| to.try_as_full().ok());
        let is_there = full.is_some_and(|full| site.sessions.at(full).is_some());
        return if is_there { Ok(Some(None)) } else { Err(Refusal::nobody()) };
    }
    // A server itself writes only to who is there.
    if letter.parcel.from.node().is_none() {
        return Ok(Some(None));
    }
    letter.kept().map(Some)
}

/// The answer to a message that is not taken; none: it gets none.
fn refused(letter: &Letter, refusal: &Refusal) -> Vec<Effect> {
    let Refusal { condition, words } = refusal;
    let answer = letter.parcel.error(condition);
    Effect::send(if words.is_empty() { answer } else { explained(answer, words) })
}

/// Why the appliance does not keep a message, in its own words where they are for people.
fn unkept(failure: &Failure) -> Refusal {
    match failure.code {
        Code::NotFound => Refusal::nobody(),
        Code::Conflict | Code::Busy => Refusal::new("resource-constraint", failure.msg.clone()),
        Code::BadRequest => Refusal::new("not-acceptable", failure.msg.clone()),
        _ => {
            log::warn!("a message was not kept: {failure}");
            let words = "The message could not be kept just now. Send it again later.";
            Refusal::new("internal-server-error", words)
        }
    }
}

/// The same stanza for another reader.
fn addressed(mut stanza: Element, to: &str) -> Element {
    stanza.set("to", to);
    stanza
}
