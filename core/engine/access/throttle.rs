//! Slows down guessing: after a few failures for one key (an address, a name), further attempts must wait,
//! longer each time. Lives in memory; bounded; a restart is an amnesty that guessing gains nothing from.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::catalog::counted;
use crate::catalog::problems::{Problem, THROTTLED};

const FREE_FAILURES: u32 = 5;
const LONGEST: Duration = Duration::from_secs(300);
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);
const MOST_KEYS: usize = 10_000;

struct Failures {
    count: u32,
    last: Instant,
}

/// Failed attempts by key.
#[derive(Default)]
pub struct Throttle {
    failures: Mutex<HashMap<String, Failures>>,
}

impl Throttle {
    /// Refuses while one of the keys must wait.
    pub fn check(&self, keys: &[String]) -> Result<(), Problem> {
        let wait = keys.iter().filter_map(|key| self.wait(key, Instant::now())).max();
        let Some(wait) = wait else { return Ok(()) };
        let seconds = wait.as_secs() + 1;
        Err(Problem::new(THROTTLED, format!("Wait {}, then try again.", counted(seconds, "second")))
            .retry_after(seconds))
    }

    fn wait(&self, key: &str, now: Instant) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failures.get(key)?;
        let pause = pause_after(known.count)?;
        pause.checked_sub(now.duration_since(known.last))
    }

    /// Notes a failure for every key.
    pub fn failed(&self, keys: &[String]) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() + keys.len() > MOST_KEYS {
            make_room(&mut failures);
        }
        for key in keys {
            let entry = failures.entry(key.clone()).or_insert(Failures { count: 0, last: Instant::now() });
            let forgotten = entry.last.elapsed() > FORGOTTEN_AFTER;
            *entry = Failures {
                count: if forgotten { 1 } else { entry.count.saturating_add(1) },
                last: Instant::now(),
            };
        }
    }

    /// Forgets the failures of every key.
    pub fn succeeded(&self, keys: &[String]) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|key, _| !keys.contains(key));
    }
}

/// The key of a network address: an IPv6 caller owns a whole /64, so that is what is slowed down.
pub fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => format!("address:{v4}"),
        IpAddr::V6(v6) => format!("address:{:x?}", &v6.segments()[..4]),
    }
}

/// 1, 2, 4 … seconds once the free failures are used up.
fn pause_after(count: u32) -> Option<Duration> {
    let over = count.checked_sub(FREE_FAILURES)?;
    Some(Duration::from_secs(1 << over.min(9)).min(LONGEST))
}

/// Drops what is old; if an attack filled the table with fresh keys, the least guilty half goes.
fn make_room(failures: &mut HashMap<String, Failures>) {
    failures.retain(|_, known| known.last.elapsed() < LONGEST);
    if failures.len() < MOST_KEYS / 2 {
        return;
    }
    let mut counts: Vec<u32> = failures.values().map(|known| known.count).collect();
    let middle = counts.len() / 2;
    let (_, median, _) = counts.select_nth_unstable(middle);
    let median = *median;
    failures.retain(|_, known| known.count > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slowed_down_and_success_is_forgiven() {
        let throttle = Throttle::default();
        let keys = ["name:alice".to_owned()];
        for _ in 0..FREE_FAILURES {
            assert!(throttle.check(&keys).is_ok());
            throttle.failed(&keys);
        }
        assert_eq!(throttle.check(&keys).unwrap_err().kind, THROTTLED);
        throttle.succeeded(&keys);
        assert!(throttle.check(&keys).is_ok());
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let seconds = |count| pause_after(count).map(|p| p.as_secs());
        assert_eq!(
            [seconds(4), seconds(5), seconds(6), seconds(12), seconds(99)],
            [None, Some(1), Some(2), Some(128), Some(300)]
        );
    }

    #[test]
    fn a_flood_of_names_does_not_grow_without_end() {
        let throttle = Throttle::default();
        (0..3 * MOST_KEYS).for_each(|n| throttle.failed(&[format!("name:{n}")]));
        assert!(throttle.failures.lock().unwrap().len() <= MOST_KEYS);
    }
}
