//! The log itself: ordinary events in a ring, presence by account. A new presence takes the place of the old
//! one, so who reads slowly misses values in between but never the last; and the log is never longer than there
//! are accounts, however many follow it and however slow they are.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::engine::events::Fired;
use crate::engine::presence::Shown;

/// Ordinary events that are kept.
const KEPT: usize = 4096;

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Item {
    /// An event about an object.
    Event(Fired),
    /// An account's presence is now this.
    Presence(Arc<str>, Arc<Shown>),
}

/// Why reading cannot go on at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Events after it are not kept any more.
    TooOld,
    /// The appliance has begun anew since.
    Restarted,
}

/// Everything that is kept.
#[derive(Default)]
pub struct Log {
    last: u64,
    /// The newest ordinary event that is not kept any more.
    dropped: u64,
    events: VecDeque<(u64, Fired)>,
    presence: BTreeMap<u64, (Arc<str>, Arc<Shown>)>,
    places: HashMap<Arc<str>, u64>,
}

impl Log {
    /// Number of what was told last.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Tells an event; the oldest makes room.
    pub fn tell(&mut self, fired: Fired) {
        self.last += 1;
        if self.events.len() >= KEPT
            && let Some((number, _)) = self.events.pop_front()
        {
            self.dropped = number;
        }
        self.events.push_back((self.last, fired));
    }

    /// Tells a presence in the place of the account's last.
    pub fn tell_presence(&mut self, account: &Arc<str>, shown: Arc<Shown>) {
        self.last += 1;
        if let Some(before) = self.places.insert(Arc::clone(account), self.last) {
            self.presence.remove(&before);
        }
        self.presence.insert(self.last, (Arc::clone(account), shown));
    }

    /// Forgets an account.
    pub fn forget_presence(&mut self, account: &str) {
        if let Some(place) = self.places.remove(account) {
            self.presence.remove(&place);
        }
    }

    /// The presence that came after a number, at most so many, in order. Nothing of it is ever lost.
    pub fn presence_after(&self, from: u64, most: usize) -> Vec<(u64, Arc<str>)> {
        let after = self.presence.range(from + 1..).take(most);
        after.map(|(number, (account, _))| (*number, Arc::clone(account))).collect()
    }

    /// What came after a number, at most so many, in order.
    pub fn after(&self, from: u64, most: usize) -> Result<Vec<(u64, Item)>, Lost> {
        if from < self.dropped {
            return Err(Lost::TooOld);
        }
        // A number that was never given cannot be ours.
        if from > self.last {
            return Err(Lost::Restarted);
        }
        let first = self.events.partition_point(|(number, _)| *number <= from);
        let mut events = self.events.range(first..).peekable();
        let mut presence = self.presence.range(from + 1..).peekable();
        let mut found = Vec::new();
        while found.len() < most {
            let is_event_next = match (events.peek(), presence.peek()) {
                (Some((event, _)), Some((other, _))) => event < *other,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            if is_event_next {
                found.extend(events.next().map(|(number, fired)| (*number, Item::Event(fired.clone()))));
            } else {
                found.extend(presence.next().map(|(number, (account, shown))| {
                    (*number, Item::Presence(Arc::clone(account), Arc::clone(shown)))
                }));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::presence::State;

    fn fired(n: usize) -> Fired {
        Fired { event: "thing.changed".to_owned(), object: n.to_string() }
    }

    fn shown(state: State) -> Arc<Shown> {
        Arc::new(Shown { state, ..Shown::default() })
    }

    fn read(log: &Log, from: u64) -> Vec<String> {
        let name = |item: Item| match item {
            Item::Event(fired) => fired.object,
            Item::Presence(account, shown) => format!("{account} {}", shown.state.name()),
        };
        log.after(from, 1000).unwrap().into_iter().map(|(_, item)| name(item)).collect()
    }

    #[test]
    fn events_and_presence_come_in_one_order_from_any_position() {
        let mut log = Log::default();
        let ann: Arc<str> = "ann".into();
        log.tell(fired(1));
        log.tell_presence(&ann, shown(State::Busy));
        log.tell(fired(3));
        assert_eq!(read(&log, 0), ["1", "ann busy", "3"]);
        assert_eq!(read(&log, 1), ["ann busy", "3"]);
        assert_eq!(log.after(0, 2).unwrap().last().map(|(number, _)| *number), Some(2));
        assert!(read(&log, 3).is_empty());
    }

    #[test]
    fn who_is_slow_misses_values_in_between_but_never_the_last() {
        let mut log = Log::default();
        let (ann, bob): (Arc<str>, Arc<str>) = ("ann".into(), "bob".into());
        for _ in 0..1000 {
            log.tell_presence(&ann, shown(State::Away));
            log.tell_presence(&bob, shown(State::Away));
        }
        log.tell_presence(&ann, shown(State::Busy));
        assert_eq!(read(&log, 0), ["bob away", "ann busy"]);
        assert_eq!((log.presence.len(), log.places.len()), (2, 2), "it grows with the accounts alone");
        log.forget_presence("ann");
        assert_eq!((read(&log, 0), log.places.len()), (vec!["bob away".to_owned()], 1));
    }

    #[test]
    fn who_was_away_too_long_is_told_so() {
        let mut log = Log::default();
        (1..=KEPT + 10).for_each(|n| log.tell(fired(n)));
        assert_eq!(log.after(9, 1).err(), Some(Lost::TooOld));
        assert_eq!(log.after(10, KEPT + 10).unwrap().len(), KEPT);
        assert_eq!(log.after(log.last() + 1, 1).err(), Some(Lost::Restarted));
    }
}
