//! Stored messages that were handed to clients: which have arrived is noted in the store a little later and many at
//! once. A crash meanwhile shows some again, under the same id; none is lost. Pure, with the time as an argument.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::im::desk::SessionId;

/// Messages that have arrived before the store is told.
const MOST: usize = 250;
/// Longest time before it is told.
const LATEST: Duration = Duration::from_secs(1);

/// What is under way, and what has arrived.
#[derive(Debug, Default)]
pub struct Flights {
    under_way: HashMap<String, Vec<SessionId>>,
    of_session: HashMap<SessionId, HashSet<String>>,
    arrived: HashSet<String>,
    since: Option<Instant>,
}

impl Flights {
    /// Handed to a client.
    pub fn begin(&mut self, id: &str, session: SessionId) {
        self.under_way.entry(id.to_owned()).or_default().push(session);
        self.of_session.entry(session).or_default().insert(id.to_owned());
    }

    /// Whether it is under way or has arrived: it must not be handed out once more.
    pub fn has(&self, id: &str) -> bool {
        self.under_way.contains_key(id) || self.arrived.contains(id)
    }

    /// How many are under way to a client.
    pub fn open(&self, session: SessionId) -> usize {
        self.of_session.get(&session).map_or(0, HashSet::len)
    }

    /// Ids of those under way to a client.
    #[cfg(test)]
    pub fn of(&self, session: SessionId) -> Vec<String> {
        self.of_session.get(&session).into_iter().flatten().cloned().collect()
    }

    /// Arrived at one of the clients it is under way to; what another says later adds nothing.
    pub fn arrive(&mut self, session: SessionId, ids: Vec<String>, now: Instant) {
        for id in ids {
            if let Some(open) = self.of_session.get_mut(&session) {
                open.remove(&id);
            }
            if let Some(others) = self.under_way.remove(&id) {
                for other in others.into_iter().filter(|other| *other != session) {
                    if let Some(open) = self.of_session.get_mut(&other) {
                        open.remove(&id);
                    }
                }
                self.note(id, now);
            }
        }
    }

    /// Arrived elsewhere than at a client.
    pub fn note(&mut self, id: String, now: Instant) {
        self.since.get_or_insert(now);
        self.arrived.insert(id);
    }

    /// A client has gone; whether messages are left that are under way to nobody now.
    pub fn end(&mut self, session: SessionId) -> bool {
        let mut is_lost = false;
        for id in self.of_session.remove(&session).unwrap_or_default() {
            let Some(to) = self.under_way.get_mut(&id) else { continue };
            to.retain(|other| *other != session);
            if to.is_empty() {
                self.under_way.remove(&id);
                is_lost = true;
            }
        }
        is_lost
    }

    /// What the store is to be told now. It counts as arrived until [`Flights::told`].
    pub fn due(&self, now: Instant) -> Vec<String> {
        let is_late = self.since.is_some_and(|since| now.duration_since(since) >= LATEST);
        if self.arrived.len() < MOST && !is_late {
            return vec![];
        }
        self.arrived.iter().cloned().collect()
    }

    /// The store knows it now.
    pub fn told(&mut self, ids: &[String]) {
        for id in ids {
            self.arrived.remove(id);
        }
        self.since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESK: SessionId = SessionId(1);
    const PHONE: SessionId = SessionId(2);

    #[test]
    fn a_message_has_arrived_once_one_client_has_it() {
        let (mut flights, now) = (Flights::default(), Instant::now());
        flights.begin("m1", DESK);
        flights.begin("m1", PHONE);
        flights.arrive(PHONE, vec!["m1".into(), "unknown".into()], now);
        flights.arrive(DESK, vec!["m1".into()], now);
        assert_eq!((flights.open(DESK), flights.open(PHONE), flights.has("m1")), (0, 0, true));
        assert!(flights.due(now).is_empty(), "the store is told a little later");
        let late = now + LATEST;
        assert_eq!(flights.due(late), ["m1"]);
        flights.told(&["m1".into()]);
        assert!(!flights.has("m1") && flights.due(late).is_empty());
    }

    #[test]
    fn many_are_told_at_once() {
        let (mut flights, now) = (Flights::default(), Instant::now());
        (0..MOST).for_each(|n| flights.note(n.to_string(), now));
        assert_eq!(flights.due(now).len(), MOST);
    }

    #[test]
    fn what_a_client_took_with_it_is_under_way_to_nobody() {
        let mut flights = Flights::default();
        flights.begin("m1", DESK);
        flights.begin("m1", PHONE);
        assert!(!flights.end(DESK), "the other client may still get it");
        assert!(flights.end(PHONE));
        assert!(!flights.has("m1"));
        assert!(!flights.end(PHONE));
    }
}
