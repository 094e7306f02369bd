//! Results that are used again for a while, with their age said, so that several checks of one host cost it one
//! probe. Whoever asks on demand gets nothing older than the question.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Most results that are kept.
const MOST: usize = 1024;
/// What came before is remembered this long, though not given out again.
const REMEMBERED: Duration = Duration::from_secs(3600);

struct Kept {
    value: Value,
    made: Instant,
    good_for: Duration,
}

/// The results, and the questions on demand that are open.
#[derive(Default)]
pub struct Shelf {
    kept: Mutex<HashMap<String, Kept>>,
    demands: Mutex<Vec<Instant>>,
}

/// While this is held, results from before it began are not used again.
pub struct Demand<'a> {
    shelf: &'a Shelf,
    since: Instant,
}

impl Shelf {
    fn kept(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn demands(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.demands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody waits for results that are new.
    pub fn demand(&self) -> Demand<'_> {
        let since = Instant::now();
        self.demands().push(since);
        Demand { shelf: self, since }
    }

    /// The result of that name, if it may be used again, with its age.
    pub fn find(&self, key: &str) -> Option<(Value, Duration)> {
        let wanted_since = self.demands().iter().max().copied();
        let kept = self.kept();
        let found = kept.get(key)?;
        let is_stale = found.made.elapsed() > found.good_for || wanted_since.is_some_and(|w| found.made < w);
        (!is_stale).then(|| (found.value.clone(), found.made.elapsed()))
    }

    /// The result of that name from the last hour, however stale.
    pub fn last(&self, key: &str) -> Option<Value> {
        self.kept().get(key).filter(|kept| kept.made.elapsed() < REMEMBERED).map(|kept| kept.value.clone())
    }

    /// Keeps a result.
    pub fn put(&self, key: &str, value: &Value, good_for: Duration) {
        let mut kept = self.kept();
        if kept.len() >= MOST && !kept.contains_key(key) {
            kept.retain(|_, kept| kept.made.elapsed() < REMEMBERED.min(kept.good_for));
        }
        if kept.len() >= MOST && !kept.contains_key(key) {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.made).map(|(key, _)| key.clone());
            oldest.map(|key| kept.remove(&key));
        }
        kept.insert(key.to_owned(), Kept { value: value.clone(), made: Instant::now(), good_for });
    }
}

impl Drop for Demand<'_> {
    fn drop(&mut self) {
        let mut demands = self.shelf.demands();
        if let Some(index) = demands.iter().position(|since| *since == self.since) {
            demands.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_result_is_used_again_until_it_is_stale() {
        let shelf = Shelf::default();
        shelf.put("fresh", &Value::from(1), LONG);
        shelf.put("stale", &Value::from(2), Duration::ZERO);
        assert_eq!(shelf.find("fresh").unwrap().0, 1);
        assert!(shelf.find("stale").is_none() && shelf.find("other").is_none());
        assert_eq!(shelf.last("stale").unwrap(), 2);
    }

    #[test]
    fn on_demand_only_what_is_newer_than_the_question_counts() {
        let shelf = Shelf::default();
        shelf.put("a", &Value::from(1), LONG);
        {
            let _demand = shelf.demand();
            assert!(shelf.find("a").is_none());
            shelf.put("a", &Value::from(2), LONG);
            assert_eq!(shelf.find("a").unwrap().0, 2);
        }
        shelf.put("b", &Value::from(3), LONG);
        assert!(shelf.find("b").is_some());
    }

    #[test]
    fn the_shelf_does_not_grow_for_ever() {
        let shelf = Shelf::default();
        (0..MOST + 10).for_each(|n| shelf.put(&n.to_string(), &Value::from(n), LONG));
        assert_eq!(shelf.kept().len(), MOST);
        assert!(shelf.find("0").is_none() && shelf.find(&(MOST + 9).to_string()).is_some());
    }
}
