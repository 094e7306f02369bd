//! Whether the clock may be believed by those who forget what is old: to a clock that has leapt ahead, everything is old
//! at once. Time that has passed is known from a clock that never steps, and over a restart from how late it was.
//! Leaves out which clock is right (the probes), and what ends by the clock without being lost.
//!
//! A clock that is behind deletes nothing, so only one that is ahead is doubted. It is believed again when it is back,
//! when somebody says so, or when it has gone on evenly for a week.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jackfield_db::{Db, params};
use serde::{Deserialize, Serialize};

use super::{Now, written};
use crate::catalog::counted;
use crate::catalog::problems::{CONFLICT, Problem};
use crate::engine::doctor::{Finding, State};

/// Name under which the database remembers how late it was.
const NAME: &str = "clock.known";
const DAY: i64 = 24 * 3600 * 1000;
/// How far ahead a running appliance's clock may be: as long as a machine may have been suspended.
const RUNNING: i64 = DAY;
/// How long an appliance may have been off.
const OFF: i64 = 30 * DAY;
/// For how long a clock that has leapt must go on evenly.
const SETTLES: i64 = 7 * DAY;

/// How late it is believed to be, and whether the clock says otherwise. Times are milliseconds of Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    believed: i64,
    doubted: Option<Doubted>,
    /// When the appliance first ran, and from then on for how long it has run; 0: that is not known yet.
    #[serde(default)]
    ran: i64,
}

/// A clock that is ahead of what is believed, by its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Doubted {
    since: i64,
    last: i64,
}

impl Known {
    /// Looks at the clock. `passed` is the time since the last look; none: that was before a restart.
    fn look(&mut self, clock: i64, passed: Option<i64>) {
        let slack = if passed.is_some() { RUNNING } else { OFF };
        let passed = passed.unwrap_or(0);
        self.believed = self.believed.saturating_add(passed);
        self.ran = self.ran.saturating_add(passed);
        if clock <= self.believed.saturating_add(slack) {
            return self.believe(clock);
        }
        let goes_on = |doubted: &Doubted| {
            (doubted.since..=doubted.last.saturating_add(passed + RUNNING)).contains(&clock)
        };
        let since = self.doubted.filter(goes_on).map_or(clock, |doubted| doubted.since);
        match clock - since >= SETTLES {
            true => self.believe(clock),
            false => self.doubted = Some(Doubted { since, last: clock }),
        }
    }

    /// A clock that is behind does not make it earlier, or its way back would be a leap.
    fn believe(&mut self, clock: i64) {
        *self = Self { believed: self.believed.max(clock), doubted: None, ..*self };
    }
}

/// Watches the clock.
pub struct Leaps {
    known: Mutex<(Known, Option<Instant>)>,
}

impl Leaps {
    /// Reads how late it was when the appliance last ran. The first time the clock is taken at its word.
    pub fn open(db: &Db) -> Result<Self, Problem> {
        let sql = "SELECT value FROM meta WHERE name = ?1";
        let kept =
            db.read(|read| Ok::<_, Problem>(read.one(sql, params![NAME], |row| row.get::<_, String>(0))?))?;
        let first = || Known { believed: Now::read().unix, doubted: None, ran: 0 };
        let mut known: Known = kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(first);
        if known.ran == 0 {
            known.ran = known.believed;
        }
        let leaps = Self { known: Mutex::new((known, None)) };
        leaps.keep(db)?;
        Ok(leaps)
    }

    /// Writes down how late it is.
    pub fn keep(&self, db: &Db) -> Result<(), Problem> {
        let text = serde_json::json!(self.look(Now::read())).to_string();
        let sql =
            "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
        db.write(move |tx| Ok::<_, Problem>(tx.execute(sql, params![NAME, text]).map(drop)?))
    }

    /// Somebody says that the clock is right.
    pub fn believe(&self, db: &Db) -> Result<(), Problem> {
        self.lock().0.believe(Now::read().unix);
        self.keep(db)
    }

    /// A time in seconds that goes on while the appliance runs, by the clock that never steps, and stands still while it is
    /// off: for what must be kept so long whatever the clock says.
    pub fn ran(&self) -> i64 {
        self.look(Now::read()).ran.div_euclid(1000)
    }

    /// Refuses to forget what is old while the clock has leapt.
    pub fn refuse(&self) -> Result<(), Problem> {
        match sentence(&self.look(Now::read())) {
            None => Ok(()),
            Some(leapt) => Err(Problem::new(CONFLICT, format!("{leapt} Nothing was forgotten."))),
        }
    }

    /// What the doctor is told.
    pub fn finding(&self) -> Finding {
        let known = self.look(Now::read());
        let (Some(leapt), Some(doubted)) = (sentence(&known), known.doubted) else {
            return Finding::ok("it goes on evenly");
        };
        let advice = format!(
            "Set it right, best by a time server. If it is right, because the appliance was off for long or was restored \
             from an old copy, ask for the job clock.believe of core (POST /api/v1/jobs); by itself it is believed when it \
             says {}.",
            written(doubted.since.saturating_add(SETTLES))
        );
        let detail =
            format!("{leapt} Until that is settled no old revisions, messages and sessions are forgotten.");
        Finding::bad(State::Warning, detail, advice)
    }

    fn look(&self, now: Now) -> Known {
        let mut known = self.lock();
        let passed = known.1.map(|before| now.instant.saturating_duration_since(before).as_millis());
        known.0.look(now.unix, passed.map(|passed| i64::try_from(passed).unwrap_or(i64::MAX)));
        known.1 = Some(now.instant);
        known.0
    }

    fn lock(&self) -> MutexGuard<'_, (Known, Option<Instant>)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wrong with the clock, for people.
fn sentence(known: &Known) -> Option<String> {
    let Doubted { last, .. } = known.doubted?;
    let days = (last - known.believed).div_euclid(DAY).unsigned_abs();
    Some(format!(
        "The clock has leapt ahead by {}: it says {}, and by the time that has passed it should be about {}.",
        counted(days, "day"),
        written(last),
        written(known.believed)
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: i64 = 60 * 1000;
    const YEAR: i64 = 365 * DAY;
    /// Some day.
    const START: i64 = 20_000 * DAY;

    /// Each step: time that has passed (none: a restart), how far the clock is then from the start, whether it is doubted.
    type Steps = &'static [(Option<i64>, i64, bool)];

    const STORIES: &[(&str, Steps)] = &[
        (
            "an even clock",
            &[(None, MINUTE, false), (Some(MINUTE), 2 * MINUTE, false), (Some(YEAR), YEAR, false)],
        ),
        ("off for a fortnight", &[(None, 14 * DAY, false), (Some(MINUTE), 14 * DAY + MINUTE, false)]),
        ("suspended overnight", &[(None, 0, false), (Some(MINUTE), DAY / 2, false)]),
        (
            "ten years ahead while it runs, and right again",
            &[
                (None, 0, false),
                (Some(MINUTE), 10 * YEAR, true),
                (Some(MINUTE), 10 * YEAR, true),
                (Some(DAY), 2 * DAY, false),
            ],
        ),
        (
            "right again after days",
            &[(None, 0, false), (Some(MINUTE), YEAR, true), (Some(3 * DAY), 3 * DAY, false)],
        ),
        ("ahead after a restart", &[(None, YEAR, true), (None, YEAR + MINUTE, true), (None, MINUTE, false)]),
        (
            "back to 1970 and right again is no leap",
            &[
                (None, 0, false),
                (Some(MINUTE), -START, false),
                (None, -START + MINUTE, false),
                (None, DAY, false),
            ],
        ),
        (
            "a leap that was right is believed after a week, over a restart",
            &[
                (None, YEAR, true),
                (Some(4 * DAY), YEAR + 4 * DAY, true),
                (None, YEAR + 4 * DAY, true),
                (Some(3 * DAY), YEAR + 7 * DAY, false),
            ],
        ),
        (
            "a week that was leapt over is no week",
            &[(None, YEAR, true), (Some(MINUTE), YEAR + 9 * DAY, true), (Some(MINUTE), YEAR + 9 * DAY, true)],
        ),
    ];

    #[test]
    fn each_story_is_judged_as_it_must() {
        for (what, steps) in STORIES {
            let mut known = Known { believed: START, doubted: None, ran: START };
            for (n, (passed, clock, is_doubted)) in steps.iter().enumerate() {
                known.look(START + clock, *passed);
                assert_eq!(known.doubted.is_some(), *is_doubted, "{what}, step {n}: {known:?}");
            }
            let ran = steps.iter().filter_map(|(passed, ..)| *passed).sum::<i64>();
            assert_eq!(known.ran, START + ran, "{what}: no step of the clock counts");
        }
    }

    /// The same with both clocks, through what sweeps and the doctor ask.
    #[test]
    fn a_leap_is_told_in_days_and_is_over_when_the_clock_is_right() {
        let known = Known { believed: START, doubted: None, ran: START };
        let leaps = Leaps { known: Mutex::new((known, None)) };
        let begun = Instant::now();
        let at = |seconds: u64, unix: i64| Now { instant: begun + Duration::from_secs(seconds), unix };
        assert_eq!(sentence(&leaps.look(at(0, START))), None);
        let leapt = sentence(&leaps.look(at(60, START + 400 * DAY))).unwrap_or_default();
        assert!(leapt.starts_with("The clock has leapt ahead by 399 days: it says 2025-"), "{leapt}");
        assert_eq!(sentence(&leaps.look(at(120, START + 120_000))), None);
    }
}
