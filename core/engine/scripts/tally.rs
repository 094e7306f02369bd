//! How scripts do at their hooks: calls, failures, time, the last error, and whether one is being skipped because it
//! failed again and again. The only place that knows who is skipped, so that it outlives the process of the scripts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::catalog::hooks::{BREAKER_FAILURES, BREAKER_REST, BREAKER_WINDOW};
use crate::engine::{Engine, clock};

/// Longest error that is kept, in characters.
const ERROR_CHARS: usize = 2048;

/// One script at one hook.
#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    failures: u64,
    micros: u64,
    recent: VecDeque<Instant>,
    open_until: Option<Instant>,
    last_error: Option<LastError>,
}

#[derive(Debug, Clone)]
struct LastError {
    hook: String,
    text: String,
    at: String,
    count: u64,
}

/// Figures of one script at one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Name of the script.
    pub script: String,
    /// Name of the hook.
    pub hook: String,
    /// How often it was asked.
    pub calls: u64,
    /// How often it failed.
    pub failures: u64,
    /// Time it took in all.
    pub took: Duration,
    /// Whether it is skipped now.
    pub is_skipped: bool,
}

/// All scripts at all hooks.
#[derive(Debug, Default)]
pub struct Tallies {
    tallies: Mutex<BTreeMap<(String, String), Tally>>,
}

impl Tallies {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another version serves: what was said of the one before is over. The counters go on.
    pub fn begin(&self, script: &str) {
        for (_, tally) in self.lock().iter_mut().filter(|((name, _), _)| name == script) {
            *tally = Tally {
                calls: tally.calls,
                failures: tally.failures,
                micros: tally.micros,
                ..Tally::default()
            };
        }
    }

    /// Counts one call that went well.
    pub fn well(&self, script: &str, hook: &str, micros: u64) {
        let mut tallies = self.lock();
        let tally = tallies.entry((script.to_owned(), hook.to_owned())).or_default();
        tally.calls += 1;
        tally.micros += micros;
    }

    /// Counts one call that failed. Whether the script is skipped from now on, which is said once.
    pub fn failed(&self, script: &str, hook: &str, micros: u64, error: &str) -> bool {
        let mut tallies = self.lock();
        let tally = tallies.entry((script.to_owned(), hook.to_owned())).or_default();
        tally.calls += 1;
        tally.failures += 1;
        tally.micros += micros;
        tally.remember(hook, error);
        let now = Instant::now();
        tally.recent.retain(|at| now.duration_since(*at) < BREAKER_WINDOW);
        tally.recent.push_back(now);
        let opens = tally.recent.len() >= BREAKER_FAILURES;
        if opens {
            tally.recent.clear();
            tally.open_until = Some(now + BREAKER_REST);
        }
        opens
    }

    /// For how long the script is still skipped at that hook.
    pub fn skipped_for(&self, script: &str, hook: &str) -> Option<Duration> {
        let tallies = self.lock();
        tallies.get(&(script.to_owned(), hook.to_owned()))?.skipped_for()
    }

    /// What the API shows of a script: calls, failures, last error, breaker.
    pub fn shown(&self, script: &str) -> Value {
        let tallies = self.lock();
        let own = tallies.iter().filter(|((name, _), _)| name == script).map(|(_, tally)| tally);
        let (mut calls, mut failures, mut skipped, mut last) = (0, 0, Vec::new(), None::<&LastError>);
        for tally in own {
            calls += tally.calls;
            failures += tally.failures;
            skipped.extend(tally.skipped_for());
            let later =
                tally.last_error.as_ref().filter(|error| last.is_none_or(|known| known.at <= error.at));
            last = later.or(last);
        }
        let error = last.map(|e| json!({"hook": e.hook, "text": e.text, "at": e.at, "count": e.count}));
        let seconds = skipped.iter().max().map(|left| left.as_secs() + 1);
        json!({
            "calls": calls, "failures": failures, "last_error": error,
            "breaker": {"open": seconds.is_some(), "seconds_left": seconds},
        })
    }
}

impl Tally {
    fn skipped_for(&self) -> Option<Duration> {
        self.open_until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// The same error again only counts.
    fn remember(&mut self, hook: &str, error: &str) {
        let text: String = error.chars().take(ERROR_CHARS).collect();
        let count =
            self.last_error.as_ref().filter(|known| known.text == text).map_or(0, |known| known.count);
        self.last_error = Some(LastError { hook: hook.to_owned(), text, at: clock::now(), count: count + 1 });
    }
}

/// The figures of every script that was asked since the start.
pub fn figures(engine: &Engine) -> Vec<Figures> {
    let tallies = engine.scripts.tallies.lock();
    let one = |((script, hook), tally): (&(String, String), &Tally)| Figures {
        script: script.clone(),
        hook: hook.clone(),
        calls: tally.calls,
        failures: tally.failures,
        took: Duration::from_micros(tally.micros),
        is_skipped: tally.skipped_for().is_some(),
    };
    tallies.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_within_a_minute_skip_that_script_only() {
        let tallies = Tallies::default();
        let opened: Vec<bool> =
            (0..BREAKER_FAILURES).map(|_| tallies.failed("bad", "dial.rewrite", 10, "boom")).collect();
        assert_eq!(opened, [false, false, false, false, true]);
        tallies.well("good", "dial.rewrite", 10);
        assert_eq!(
            tallies.shown("bad")["breaker"],
            json!({"open": true, "seconds_left": BREAKER_REST.as_secs()})
        );
        assert_eq!(tallies.shown("good")["breaker"], json!({"open": false, "seconds_left": null}));
    }

    #[test]
    fn a_new_version_begins_with_a_clean_record_and_the_counters_go_on() {
        let tallies = Tallies::default();
        for _ in 0..BREAKER_FAILURES {
            tallies.failed("bad", "dial.rewrite", 10, "boom");
        }
        tallies.begin("bad");
        let shown = tallies.shown("bad");
        assert_eq!(shown["breaker"]["open"], false);
        assert_eq!((&shown["failures"], &shown["last_error"]), (&json!(5), &Value::Null));
    }

    #[test]
    fn equal_errors_are_counted_and_another_one_takes_their_place() {
        let tallies = Tallies::default();
        tallies.failed("bad", "dial.rewrite", 10, "boom");
        tallies.failed("bad", "dial.rewrite", 10, "boom");
        assert_eq!(tallies.shown("bad")["last_error"]["count"], 2);
        tallies.failed("bad", "dial.rewrite", 10, "bang");
        let shown = tallies.shown("bad");
        assert_eq!(
            (&shown["last_error"]["text"], &shown["last_error"]["count"]),
            (&json!("bang"), &json!(1))
        );
    }
}
