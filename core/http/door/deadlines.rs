//! One deadline per key, the earliest first. Leaves out what happens when one passes.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Instant;

/// Deadlines of many things, each with at most one.
#[derive(Debug)]
pub struct Deadlines<K> {
    order: BTreeSet<(Instant, K)>,
    by_key: HashMap<K, Instant>,
}

impl<K: Copy + Eq + Hash + Ord> Deadlines<K> {
    /// None yet.
    pub fn new() -> Self {
        Self { order: BTreeSet::new(), by_key: HashMap::new() }
    }

    /// Sets or moves the deadline of `key`.
    pub fn set(&mut self, key: K, when: Instant) {
        match self.by_key.insert(key, when) {
            Some(before) if before == when => return,
            Some(before) => self.order.remove(&(before, key)),
            None => false,
        };
        self.order.insert((when, key));
    }

    /// Forgets the deadline of `key`, if it has one.
    pub fn clear(&mut self, key: K) {
        if let Some(when) = self.by_key.remove(&key) {
            self.order.remove(&(when, key));
        }
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.order.first().map(|(when, _)| *when)
    }

    /// Takes out one deadline that has passed.
    pub fn take_due(&mut self, now: Instant) -> Option<K> {
        let (when, key) = *self.order.first()?;
        if when > now {
            return None;
        }
        self.clear(key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_moved_deadline_counts_once_and_at_its_new_time() {
        let now = Instant::now();
        let mut deadlines = Deadlines::new();
        deadlines.set(1, now);
        deadlines.set(2, now + Duration::from_secs(1));
        deadlines.set(1, now + Duration::from_secs(2));
        assert_eq!(deadlines.take_due(now), None);
        assert_eq!(deadlines.take_due(now + Duration::from_secs(3)), Some(2));
        assert_eq!(deadlines.take_due(now + Duration::from_secs(3)), Some(1));
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn a_cleared_deadline_never_comes() {
        let now = Instant::now();
        let mut deadlines = Deadlines::new();
        deadlines.set(1, now);
        deadlines.clear(1);
        assert_eq!(deadlines.take_due(now), None);
    }
}
