//! When a plugin whose process died is started again: after 1, 2, 4 … 60 seconds; after five deaths within ten
//! minutes it is quarantined, with one try a day. A pure function of what is remembered and the time, so that
//! a restart of the appliance is no amnesty.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::wire::milliseconds;

/// What is remembered of a plugin; it outlives the appliance's process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// When its process died lately, in milliseconds of Unix time, oldest first.
    pub deaths: Vec<u64>,
    /// Deaths since it last ran for the whole window.
    pub deaths_in_a_row: u32,
    /// Set while it is quarantined.
    pub quarantine: Option<Quarantine>,
    /// Whether an operator switched it off.
    pub is_disabled: bool,
    /// SHA-256 of the library that all this is about.
    pub sha256: String,
    /// How often its process was started again, for whatever reason.
    pub restarts: u64,
    /// Why its process ended last.
    pub last_end: String,
}

/// Since when, why, and when it was tried last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// In milliseconds of Unix time.
    pub since: u64,
    /// In words.
    pub reason: String,
    /// Last try, in milliseconds of Unix time.
    pub last_try: u64,
}

/// The times of the rule; the defaults are the appliance's.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Wait after the first death; doubled with each.
    pub first_wait: Duration,
    /// Longest wait.
    pub longest_wait: Duration,
    /// So many deaths …
    pub deaths: usize,
    /// … within that time lead to quarantine. Having run for that long, all is forgotten.
    pub window: Duration,
    /// Between two tries in quarantine.
    pub probe_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            deaths: 5,
            window: Duration::from_secs(600),
            probe_every: Duration::from_secs(24 * 3600),
        }
    }
}

/// What to do with a plugin that does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it now.
    Start,
    /// Wait until that time, in milliseconds of Unix time.
    Backoff(u64),
    /// Leave it alone until that time, in milliseconds of Unix time, and try it once then.
    Quarantine(u64),
    /// Leave it alone until an operator switches it on.
    Disabled,
}

impl Counters {
    /// What to do at that time.
    pub fn verdict(&self, pace: &Pace, now: u64) -> Verdict {
        if self.is_disabled {
            return Verdict::Disabled;
        }
        if let Some(quarantine) = &self.quarantine {
            let next = later(quarantine.last_try, pace.probe_every);
            return if is_over(next, now, pace.probe_every) {
                Verdict::Start
            } else {
                Verdict::Quarantine(next)
            };
        }
        let next = self.deaths.last().map_or(0, |last| later(*last, self.wait(pace)));
        if is_over(next, now, pace.longest_wait) { Verdict::Start } else { Verdict::Backoff(next) }
    }

    /// Its process died at that time, for that reason.
    pub fn died(&mut self, pace: &Pace, now: u64, reason: &str) {
        self.last_end = reason.to_owned();
        self.deaths.retain(|death| later(*death, pace.window) > now);
        self.deaths.push(now);
        self.deaths_in_a_row = self.deaths_in_a_row.saturating_add(1);
        if let Some(quarantine) = &mut self.quarantine {
            quarantine.last_try = now;
        } else if self.deaths.len() >= pace.deaths {
            let reason =
                format!("{} ends within {} s; the last: {reason}", self.deaths.len(), pace.window.as_secs());
            self.quarantine = Some(Quarantine { since: now, reason, last_try: now });
        }
    }

    /// It has run for that long: after a whole window all is forgotten. Whether something was.
    pub fn ran_for(&mut self, pace: &Pace, lived: Duration) -> bool {
        lived >= pace.window && self.forget()
    }

    /// It is the library of that hash that is about to run: another one than before starts afresh.
    /// Whether something changed.
    pub fn meet(&mut self, sha256: &str) -> bool {
        if self.sha256 == sha256 {
            return false;
        }
        self.forget();
        self.sha256 = sha256.to_owned();
        true
    }

    /// Forgets deaths and quarantine. Whether there was something to forget.
    pub fn forget(&mut self) -> bool {
        let was_clean = self.deaths.is_empty() && self.deaths_in_a_row == 0 && self.quarantine.is_none();
        self.deaths.clear();
        self.deaths_in_a_row = 0;
        self.quarantine = None;
        !was_clean
    }

    fn wait(&self, pace: &Pace) -> Duration {
        let doublings = self.deaths_in_a_row.saturating_sub(1).min(16);
        pace.first_wait.saturating_mul(1 << doublings).min(pace.longest_wait)
    }
}

/// Whether the wait until `next` is over. A clock that was set back must not keep a plugin down for longer than any wait is.
fn is_over(next: u64, now: u64, longest: Duration) -> bool {
    now >= next || next - now > milliseconds(longest)
}

fn later(at: u64, duration: Duration) -> u64 {
    at.saturating_add(milliseconds(duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: fn() -> Pace = Pace::default;

    /// Dies at each of these seconds; what the verdict is right after the last.
    fn after_deaths(seconds: &[u64]) -> (Counters, Verdict) {
        let mut counters = Counters::default();
        for second in seconds {
            counters.died(&PACE(), second * 1000, "killed by SIGSEGV");
        }
        let verdict = counters.verdict(&PACE(), seconds.last().unwrap_or(&0) * 1000);
        (counters, verdict)
    }

    #[test]
    fn waits_double_up_to_a_minute_and_five_deaths_in_ten_minutes_quarantine() {
        let day = 24 * 3600;
        let rows: &[(&[u64], Verdict)] = &[
            (&[], Verdict::Start),
            (&[100], Verdict::Backoff(101_000)),
            (&[100, 110], Verdict::Backoff(112_000)),
            (&[100, 110, 120], Verdict::Backoff(124_000)),
            (&[100, 110, 120, 130], Verdict::Backoff(138_000)),
            (&[100, 110, 120, 130, 140], Verdict::Quarantine((140 + day) * 1000)),
            (&[0, 10, 20, 30, 600], Verdict::Backoff(616_000)),
            (&[0, 200, 400, 600, 800, 1000, 1200], Verdict::Backoff(1_260_000)),
        ];
        for (deaths, expected) in rows {
            assert_eq!(after_deaths(deaths).1, *expected, "deaths at {deaths:?}");
        }
    }

    #[test]
    fn the_wait_is_over_when_its_time_has_come() {
        let (counters, _) = after_deaths(&[100]);
        assert_eq!(counters.verdict(&PACE(), 100_999), Verdict::Backoff(101_000));
        assert_eq!(counters.verdict(&PACE(), 101_000), Verdict::Start);
    }

    #[test]
    fn a_quarantined_plugin_is_tried_once_a_day() {
        let (mut counters, _) = after_deaths(&[1, 2, 3, 4, 5]);
        let day = 24 * 3600 * 1000;
        assert_eq!(counters.verdict(&PACE(), 5000 + day), Verdict::Start);
        counters.died(&PACE(), 6000 + day, "exit code 3");
        assert_eq!(counters.verdict(&PACE(), 7000 + day), Verdict::Quarantine(6000 + 2 * day));
        assert_eq!(counters.quarantine.as_ref().map(|q| q.since), Some(5000));
    }

    #[test]
    fn a_window_of_life_an_operator_or_a_new_version_clear_the_record() {
        let quarantined = || after_deaths(&[1, 2, 3, 4, 5]).0;
        let mut lived = quarantined();
        assert!(!lived.ran_for(&PACE(), Duration::from_secs(599)));
        assert!(lived.ran_for(&PACE(), Duration::from_secs(600)));
        let mut cleared = quarantined();
        assert!(cleared.forget());
        let mut renewed = quarantined();
        assert!(renewed.meet("new"));
        for counters in [lived, cleared, renewed] {
            assert_eq!(counters.verdict(&PACE(), 6000), Verdict::Start);
        }
        let mut same = quarantined();
        same.sha256 = "new".into();
        assert!(!same.meet("new"));
        assert!(same.quarantine.is_some());
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nothing_down() {
        let (counters, _) = after_deaths(&[100_000]);
        assert_eq!(counters.verdict(&PACE(), 1000), Verdict::Start);
        let (quarantined, _) = after_deaths(&[1001, 1002, 1003, 1004, 1005]);
        assert_eq!(quarantined.verdict(&PACE(), 1000), Verdict::Start);
    }

    #[test]
    fn a_disabled_plugin_stays_so() {
        let counters = Counters { is_disabled: true, ..Counters::default() };
        assert_eq!(counters.verdict(&PACE(), u64::MAX), Verdict::Disabled);
    }
}
