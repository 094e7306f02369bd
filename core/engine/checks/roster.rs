//! The checks with their turns: which one is due, which one somebody waits for, which one runs. Knows no threads.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::registry::RegisteredCheck;
use super::store::Known;
use crate::engine::{clock, secrets};

/// Most checks.
pub const MOST: usize = 500;
/// Shortest and longest time between two runs of a check, in seconds.
const EVERY: std::ops::RangeInclusive<u64> = 30..=24 * 3600;
/// A run that is in doubt is repeated after so long; results of probes that have just gone bad are renewed by then.
const CONFIRM_AFTER: Duration = Duration::from_secs(30);
/// Checks of a start begin within so long, not all at once.
const FIRST_WITHIN: Duration = Duration::from_secs(20);

/// One check.
pub struct Slot {
    /// As it is registered.
    pub check: RegisteredCheck,
    /// How it stands.
    pub known: Known,
    /// When it is due.
    pub due: Instant,
    /// Whether somebody waits for it.
    pub wanted: bool,
    /// Since when it runs.
    pub running: Option<Instant>,
    /// Runs that began, and that ended, since the start.
    pub begun: u64,
    /// See `begun`.
    pub ended: u64,
}

/// All checks by name.
#[derive(Default)]
pub struct Roster {
    /// The checks.
    pub slots: BTreeMap<String, Slot>,
    /// What was known of checks before they were registered.
    pub remembered: BTreeMap<String, Known>,
}

/// A check whose turn it is.
pub struct Turn {
    /// Its name.
    pub name: String,
    /// As it is registered.
    pub check: RegisteredCheck,
    /// Whether somebody waits for it.
    pub wanted: bool,
}

impl Roster {
    /// Takes over what is registered now. A check that stays keeps its turn; one that is gone keeps what is known.
    pub fn follow(&mut self, registered: Vec<RegisteredCheck>) {
        if registered.len() > MOST {
            log::warn!("scripts bring {} checks; the first {MOST} are run", registered.len());
        }
        let mut before = std::mem::take(&mut self.slots);
        for check in registered.into_iter().take(MOST) {
            let name = check.name();
            let slot = match before.remove(&name) {
                Some(slot) => Slot { due: slot.due.min(Instant::now() + every(&check)), check, ..slot },
                None => self.fresh(&name, check),
            };
            self.slots.insert(name, slot);
        }
        self.remembered.extend(before.into_iter().map(|(name, slot)| (name, slot.known)));
    }

    fn fresh(&mut self, name: &str, check: RegisteredCheck) -> Slot {
        let known = self.remembered.remove(name).unwrap_or_else(|| Known::new(clock::now()));
        let due = Instant::now() + FIRST_WITHIN.mul_f64(share());
        Slot { check, known, due, wanted: false, running: None, begun: 0, ended: 0 }
    }

    /// The next check whose turn it is, which runs from now on; those that somebody waits for come first.
    pub fn take(&mut self, now: Instant) -> Option<Turn> {
        let free = self.slots.iter_mut().filter(|(_, slot)| slot.running.is_none());
        let turns = free.filter(|(_, slot)| slot.wanted || slot.due <= now);
        let (name, slot) = turns.min_by_key(|(_, slot)| (!slot.wanted, slot.due))?;
        let wanted = std::mem::take(&mut slot.wanted);
        slot.running = Some(now);
        slot.begun += 1;
        Some(Turn { name: name.clone(), check: slot.check.clone(), wanted })
    }

    /// A run has ended; its next turn is drawn.
    pub fn close(&mut self, name: &str, known: Known) {
        let Some(slot) = self.slots.get_mut(name) else {
            self.remembered.insert(name.to_owned(), known);
            return;
        };
        let pause = match known.standing.doubt {
            Some(_) => every(&slot.check).min(CONFIRM_AFTER),
            None => every(&slot.check),
        };
        // Up to a tenth later, so that checks of one rhythm do not stay together.
        slot.due = Instant::now() + pause.mul_f64(1.0 + share() / 10.0);
        slot.running = None;
        slot.ended += 1;
        slot.known = known;
    }

    /// When the next check is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.slots.values().filter(|slot| slot.running.is_none()).map(|slot| slot.due).min()
    }
}

/// Time between two runs, within bounds.
pub fn every(check: &RegisteredCheck) -> Duration {
    Duration::from_secs(check.every.clamp(*EVERY.start(), *EVERY.end()))
}

/// A random share of one; none where there is no randomness.
fn share() -> f64 {
    secrets::random::<2>().map_or(0.0, |bytes| f64::from(u16::from_ne_bytes(bytes)) / 65536.0)
}

#[cfg(test)]
mod tests {
    use super::super::state::{Standing, State};
    use super::*;

    fn check(name: &str, every: u64) -> RegisteredCheck {
        RegisteredCheck { script: "s".to_owned(), version: 1, check: name.to_owned(), every, line: 7 }
    }

    fn roster(checks: &[(&str, u64)]) -> Roster {
        let mut roster = Roster::default();
        roster.follow(checks.iter().map(|(name, every)| check(name, *every)).collect());
        roster
    }

    fn later(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn first_runs_are_soon_and_none_runs_twice_at_once() {
        let mut roster = roster(&[("a", 300), ("b", 300)]);
        let mut names = vec![roster.take(later(21)).unwrap().name, roster.take(later(21)).unwrap().name];
        names.sort();
        assert_eq!(names, ["s.a", "s.b"]);
        assert!(roster.take(later(100_000)).is_none());
    }

    #[test]
    fn what_somebody_waits_for_comes_first_and_at_once() {
        let mut roster = roster(&[("a", 300), ("b", 300)]);
        roster.slots.get_mut("s.b").unwrap().wanted = true;
        let turn = roster.take(later(21)).unwrap();
        assert!(turn.name == "s.b" && turn.wanted);
        assert!(!roster.slots["s.b"].wanted);
    }

    #[test]
    fn a_run_in_doubt_is_repeated_soon_and_any_other_in_its_rhythm() {
        let pause_after = |every, doubt| {
            let mut roster = roster(&[("a", every)]);
            drop(roster.take(later(21)));
            let standing = Standing { state: State::Ok, doubt };
            roster.close("s.a", Known { standing, ..Known::new(clock::now()) });
            roster.next_due().unwrap().duration_since(Instant::now()).as_secs_f64()
        };
        assert!((299.0..=331.0).contains(&pause_after(300, None)));
        assert!((29.0..=34.0).contains(&pause_after(300, Some(State::Error))));
        assert!((29.0..=34.0).contains(&pause_after(1, None)), "nothing runs more often than every 30 s");
    }

    #[test]
    fn a_check_that_comes_back_is_remembered() {
        let mut roster = roster(&[("a", 300)]);
        drop(roster.take(later(21)));
        let standing = Standing { state: State::Error, doubt: None };
        roster.close("s.a", Known { standing, ..Known::new(clock::now()) });
        roster.follow(Vec::new());
        assert!(roster.slots.is_empty());
        roster.follow(vec![check("a", 60)]);
        assert_eq!(roster.slots["s.a"].known.standing, standing);
    }

    #[test]
    fn a_new_version_keeps_its_turn_but_not_longer_than_its_rhythm() {
        let mut roster = roster(&[("a", 24 * 3600)]);
        drop(roster.take(later(21)));
        roster.close("s.a", Known::new(clock::now()));
        roster.follow(vec![RegisteredCheck { version: 2, ..check("a", 60) }]);
        assert_eq!(roster.slots["s.a"].check.version, 2);
        assert!(roster.next_due().unwrap() <= later(61));
    }
}
