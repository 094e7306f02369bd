//! How many messages wait for each recipient, at most: only a message that is taken makes it more, so the store counts
//! them again where the bound could be reached, and not for every message. Lives in memory, bounded.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most recipients that are remembered.
const MOST: usize = 10_000;

/// By account, or by address where the recipient has none here.
#[derive(Debug, Default)]
pub struct Backlogs(Mutex<HashMap<String, i64>>);

impl Backlogs {
    /// How many wait for a recipient at most; none: nobody has counted.
    pub fn most(&self, recipient: &str) -> Option<i64> {
        self.lock().get(recipient).copied()
    }

    /// Notes how many wait for a recipient at most.
    pub fn note(&self, recipient: &str, most: i64) {
        let mut known = self.lock();
        if let Some(known) = known.get_mut(recipient) {
            *known = most;
            return;
        }
        // Who is forgotten is counted again.
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(recipient.to_owned(), most);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let backlogs = Backlogs::default();
        for n in 0..=MOST {
            backlogs.note(&n.to_string(), 1);
        }
        backlogs.note("0", 7);
        assert_eq!((backlogs.most("0"), backlogs.most("1")), (Some(7), None));
        assert!(backlogs.lock().len() <= MOST);
    }
}
