//! A script that fails again and again is skipped for a while, so that callers do not wait for it each time.
//! A pure function of what happened and the time.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::catalog::hooks::{BREAKER_FAILURES, BREAKER_REST, BREAKER_WINDOW};

/// What is remembered of each script in each hook.
#[derive(Default)]
pub struct Breaker {
    book: HashMap<String, Page>,
}

#[derive(Default)]
struct Page {
    failures: VecDeque<Instant>,
    rests_until: Option<Instant>,
    is_reported: bool,
}

/// What a run's outcome changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing that others must know.
    None,
    /// It is skipped from now on.
    Tripped,
    /// It works again.
    Mended,
}

impl Breaker {
    /// Whether it may run now.
    pub fn admits(&self, key: &str, now: Instant) -> bool {
        self.book.get(key).and_then(|page| page.rests_until).is_none_or(|until| now >= until)
    }

    /// It ran, and failed or did not.
    pub fn ran(&mut self, key: &str, has_failed: bool, now: Instant) -> Change {
        if has_failed { self.failed(key, now) } else { self.worked(key) }
    }

    /// A script is gone.
    pub fn forget(&mut self, is_its: impl Fn(&str) -> bool) {
        self.book.retain(|key, _| !is_its(key));
    }

    fn failed(&mut self, key: &str, now: Instant) -> Change {
        let page = self.book.entry(key.to_owned()).or_default();
        page.failures.push_back(now);
        while page.failures.front().is_some_and(|first| now.duration_since(*first) > BREAKER_WINDOW) {
            page.failures.pop_front();
        }
        if page.failures.len() < BREAKER_FAILURES {
            return Change::None;
        }
        page.failures.clear();
        page.rests_until = Some(now + BREAKER_REST);
        page.is_reported = true;
        Change::Tripped
    }

    /// Failures within the window still count: one good answer among many bad ones changes nothing. But one
    /// that had been skipped and works again is told.
    fn worked(&mut self, key: &str) -> Change {
        let Some(page) = self.book.get_mut(key) else { return Change::None };
        page.rests_until = None;
        if std::mem::take(&mut page.is_reported) { Change::Mended } else { Change::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn five_failures_within_a_minute_rest_it_for_half_a_minute() {
        let mut breaker = Breaker::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in [0, 10, 20, 30] {
            assert_eq!(breaker.ran("a", true, at(second)), Change::None);
        }
        assert!(breaker.admits("a", at(30)));
        assert_eq!(breaker.ran("a", true, at(40)), Change::Tripped);
        assert!(!breaker.admits("a", at(41)) && !breaker.admits("a", at(69)));
        assert!(breaker.admits("a", at(70)) && breaker.admits("b", at(41)));
        assert_eq!(breaker.ran("a", false, at(71)), Change::Mended);
        assert_eq!(breaker.ran("a", false, at(72)), Change::None);
    }

    #[test]
    fn failures_that_are_far_apart_rest_nothing() {
        let mut breaker = Breaker::default();
        let start = Instant::now();
        for n in 0..20 {
            assert_eq!(breaker.ran("a", true, start + Duration::from_secs(n * 16)), Change::None);
        }
    }

    #[test]
    fn a_script_that_is_gone_is_forgotten() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        (0..5).for_each(|_| assert_ne!(breaker.ran("a 1", true, now), Change::Mended));
        breaker.forget(|key| key.starts_with("a "));
        assert!(breaker.admits("a 1", now));
    }
}
