//! Who is connected: by number, by account and by address, with the presence that each last sent.

use std::collections::HashMap;

use jid::{BareJid, FullJid};

use super::desk::{NewSession, SessionId};
use super::out::Out;
use crate::xml::{Element, ns};

/// A client that is in.
#[derive(Debug)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Id of its account.
    pub account: String,
    /// When the password was set with which it came in.
    pub password_at: Option<String>,
    /// Its address with the resource.
    pub address: FullJid,
    /// The way to it.
    pub out: Out,
    /// Whether its connection broke and it may be resumed.
    pub is_asleep: bool,
    presence: Option<Element>,
    priority: i8,
}

impl Session {
    /// The presence that it last sent to everybody; none: it sent none, or is unavailable (RFC 6121 section 4.2).
    pub fn presence(&self) -> Option<&Element> {
        self.presence.as_ref()
    }

    /// Whether messages to its account's bare address are for it (RFC 6121 section 8.5.2.1.1).
    pub fn takes_messages(&self) -> bool {
        self.presence.is_some() && self.priority >= 0
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Sessions {
    all: HashMap<SessionId, Session>,
    by_address: HashMap<BareJid, Vec<SessionId>>,
    by_account: HashMap<String, Vec<SessionId>>,
}

impl Sessions {
    /// One more.
    pub fn insert(&mut self, new: NewSession) {
        let NewSession { id, account, password_at, address, out } = new;
        self.by_address.entry(address.to_bare()).or_default().push(id);
        self.by_account.entry(account.clone()).or_default().push(id);
        let (presence, priority) = (None, 0);
        self.all.insert(
            id,
            Session { id, account, password_at, address, out, is_asleep: false, presence, priority },
        );
    }

    /// One less; none: it is not known.
    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        let gone = self.all.remove(&id)?;
        leave(&mut self.by_address, &gone.address.to_bare(), id);
        leave(&mut self.by_account, &gone.account, id);
        Some(gone)
    }

    /// The one of that number.
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.all.get(&id)
    }

    /// Notes that its connection broke, or stands again.
    pub fn sleeps(&mut self, id: SessionId, is_asleep: bool) {
        if let Some(session) = self.all.get_mut(&id) {
            session.is_asleep = is_asleep;
        }
    }

    /// Notes the presence that it sent to everybody; none: it is unavailable.
    pub fn present(&mut self, id: SessionId, presence: Option<Element>) {
        let Some(session) = self.all.get_mut(&id) else { return };
        session.priority = presence.as_ref().map(priority).unwrap_or_default();
        session.presence = presence;
    }

    /// The one with exactly that address; the newest, because one that lost its place to another may not be gone yet.
    pub fn at(&self, address: &FullJid) -> Option<&Session> {
        self.of(&address.to_bare()).filter(|session| session.address == *address).last()
    }

    /// Those of an address without resource, the oldest first.
    pub fn of(&self, address: &BareJid) -> impl Iterator<Item = &Session> + use<'_> {
        self.by_address.get(address).into_iter().flatten().filter_map(|id| self.all.get(id))
    }

    /// Those of an account, the oldest first.
    pub fn of_account(&self, account: &str) -> impl Iterator<Item = &Session> + use<'_> {
        self.by_account.get(account).into_iter().flatten().filter_map(|id| self.all.get(id))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Session> + use<'_> {
        self.all.values()
    }
}

fn leave<K: std::hash::Hash + Eq>(index: &mut HashMap<K, Vec<SessionId>>, key: &K, id: SessionId) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|known| *known != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// What is no priority counts as 0.
fn priority(presence: &Element) -> i8 {
    let said = presence.find(ns::SERVER, "priority").map(Element::words);
    said.and_then(|said| said.trim().parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::im::out::Outs;

    fn new(id: u64, account: &str, address: &str) -> NewSession {
        let (id, account, address) = (SessionId(id), account.to_owned(), FullJid::new(address).unwrap());
        NewSession { id, account, password_at: None, address, out: Outs::default().open() }
    }

    #[test]
    fn sessions_are_found_every_way_until_they_go() {
        let mut sessions = Sessions::default();
        sessions.insert(new(1, "a1", "ann@home.example/desk"));
        sessions.insert(new(2, "a1", "ann@home.example/phone"));
        let bare = BareJid::new("ann@home.example").unwrap();
        let full = FullJid::new("ann@home.example/phone").unwrap();
        assert_eq!(sessions.of(&bare).count(), 2);
        assert_eq!(sessions.at(&full).map(|found| found.id), Some(SessionId(2)));
        assert_eq!(sessions.of_account("a1").next().map(|found| found.id), Some(SessionId(1)));
        sessions.remove(SessionId(1));
        sessions.remove(SessionId(2));
        assert!(sessions.remove(SessionId(2)).is_none());
        assert_eq!((sessions.all.len(), sessions.by_address.len(), sessions.by_account.len()), (0, 0, 0));
    }

    #[test]
    fn messages_are_for_those_who_are_present_with_a_priority_that_is_not_negative() {
        let mut sessions = Sessions::default();
        sessions.insert(new(1, "a1", "ann@home.example/desk"));
        let takes = |sessions: &Sessions| sessions.get(SessionId(1)).unwrap().takes_messages();
        assert!(!takes(&sessions), "it has sent no presence yet");
        let with = |text: &str| {
            let priority = Element::new(ns::SERVER, "priority").text(text);
            Some(Element::new(ns::SERVER, "presence").child(priority))
        };
        for (text, is_taken) in [("5", true), ("0", true), (" -1 ", false), ("999", true), ("", true)] {
            sessions.present(SessionId(1), with(text));
            assert_eq!(takes(&sessions), is_taken, "{text}");
        }
        sessions.present(SessionId(1), None);
        assert!(!takes(&sessions));
    }
}
