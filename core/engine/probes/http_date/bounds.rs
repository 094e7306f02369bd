//! What `Date` headers say of a clock: each reply bounds its offset from both sides, and a request aimed at the turn
//! of the second halves what is unknown. Pure.

use std::time::Duration;

/// The offset of a clock, between two bounds, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Least offset.
    pub low: f64,
    /// Greatest offset.
    pub high: f64,
}

impl Bounds {
    /// What one reply says. `Date` is whole seconds, so the host's clock showed between `date` and `date + 1` some
    /// time between our sending and our receiving.
    pub fn of(date: f64, sent: f64, received: f64) -> Self {
        Self { low: date - received, high: date + 1.0 - sent }
    }

    /// What both say together; `None` when they contradict each other: the clock was stepped, or several answer.
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self { low: self.low.max(other.low), high: self.high.min(other.high) };
        (both.low <= both.high).then_some(both)
    }

    /// The offset in the middle.
    pub fn middle(self) -> f64 {
        f64::midpoint(self.low, self.high)
    }

    /// How far the truth may be from the middle.
    pub fn error(self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// How long to wait so that the request is there when the host's second turns, if its offset is the middle one.
    pub fn aim(self, now: f64, one_way: f64) -> Duration {
        let there = (now + one_way + self.middle()).rem_euclid(1.0);
        Duration::from_secs_f64((1.0 - there).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A host whose clock is off by `offset`, asked `requests` times over a way of 2 ms each.
    fn measured(offset: f64, requests: usize, mut now: f64) -> Bounds {
        let ask = |now: f64| Bounds::of((now + 0.002 + offset).floor(), now, now + 0.004);
        let mut bounds = ask(now);
        for _ in 1..requests {
            now += 0.004;
            now += bounds.aim(now, 0.002).as_secs_f64();
            bounds = bounds.and(ask(now)).unwrap();
        }
        bounds
    }

    #[test]
    fn aimed_requests_halve_what_is_unknown() {
        assert!((measured(0.3, 1, 100.7).error() - 0.502).abs() < 1e-9);
        assert!(measured(0.3, 4, 100.7).error() < 0.08);
        assert!(measured(0.3, 7, 100.7).error() < 0.015);
    }

    #[test]
    fn replies_that_contradict_each_other_are_noticed() {
        assert_eq!(Bounds::of(100.0, 100.0, 100.1).and(Bounds::of(200.0, 101.0, 101.1)), None);
    }

    proptest! {
        #[test]
        fn the_truth_is_always_between_the_bounds(offset in -100_000.0..100_000.0_f64, requests in 1..9_usize, now in 1e9..2e9_f64) {
            let bounds = measured(offset, requests, now);
            prop_assert!(bounds.low - 1e-4 <= offset && offset <= bounds.high + 1e-4, "{bounds:?}");
            prop_assert!(bounds.error() <= 0.503);
        }
    }
}
