//! How many accounts would fail activation, and why. Counting looks at every account, which takes seconds where there
//! are hundreds of thousands; so it is done by a thread of its own, nobody waits long for it, and what was counted
//! is kept until accounts change.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use jackfield_sdk::{Code, Failure};

/// Longest that somebody waits for the count.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is counted faster than this is counted anew each time: then it is never behind.
const QUICK: Duration = Duration::from_millis(250);

/// Numbers by name.
pub type Numbers = BTreeMap<String, i64>;

/// What was counted.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The numbers.
    pub numbers: Numbers,
    /// Whether accounts have not changed since the count began.
    pub is_current: bool,
}

/// Keeps the count.
#[derive(Default)]
pub struct Counter {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// How often accounts have changed.
    changes: u64,
    is_counting: bool,
    is_stopped: bool,
    failure: Option<Failure>,
    thread: Option<JoinHandle<()>>,
}

struct Known {
    numbers: Numbers,
    changes: u64,
    took: Duration,
}

impl Counter {
    /// The count: the current one where it is known or done in time, else the last one, or none. `count` is asked
    /// whether to go on between its steps.
    pub fn read<C>(self: &Arc<Self>, count: C) -> Result<Option<Counted>, Failure>
    where
        C: FnOnce(&dyn Fn() -> bool) -> Result<Numbers, Failure> + Send + 'static,
    {
        let mut state = self.lock();
        if !state.is_counting && !state.is_kept() {
            self.begin(&mut state, count)?;
        }
        let waited = self.ended.wait_timeout_while(state, PATIENCE, |state| state.is_counting);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        match state.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(state.counted()),
        }
    }

    /// Accounts have changed.
    pub fn note_change(&self) {
        self.lock().changes += 1;
    }

    /// Stops counting and waits until it is over.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.is_stopped = true;
        let thread = state.thread.take();
        drop(state);
        // One that panicked has told of it already.
        let _ = thread.map(JoinHandle::join);
    }

    fn begin<C>(self: &Arc<Self>, state: &mut State, count: C) -> Result<(), Failure>
    where
        C: FnOnce(&dyn Fn() -> bool) -> Result<Numbers, Failure> + Send + 'static,
    {
        if state.is_stopped {
            return Err(Failure::new(Code::Unavailable, "the plugin is stopping"));
        }
        let (counter, changes, began) = (Arc::clone(self), state.changes, Instant::now());
        let work = move || {
            let counted = count(&|| !counter.lock().is_stopped);
            let known = counted.map(|numbers| Known { numbers, changes, took: began.elapsed() });
            counter.lock().take(known);
            counter.ended.notify_all();
        };
        let spawned = Builder::new().name("count".to_owned()).spawn(work);
        let thread =
            spawned.map_err(|e| Failure::new(Code::Unavailable, format!("no thread to count: {e}")))?;
        state.is_counting = true;
        // The one before is over: it said so.
        state.thread = Some(thread);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether what is known needs not be counted anew.
    fn is_kept(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.changes == self.changes && known.took > QUICK)
    }

    fn take(&mut self, known: Result<Known, Failure>) {
        self.is_counting = false;
        // What was broken off is no count.
        if self.is_stopped {
            return;
        }
        match known {
            Ok(known) => (self.known, self.failure) = (Some(known), None),
            Err(failure) => self.failure = Some(failure),
        }
    }

    fn counted(&self) -> Option<Counted> {
        let known = self.known.as_ref()?;
        let is_current = known.changes == self.changes && !self.is_counting;
        Some(Counted { numbers: known.numbers.clone(), is_current })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn one(n: i64) -> Numbers {
        Numbers::from([("accounts".to_owned(), n)])
    }

    fn shown(counter: &Arc<Counter>, n: i64) -> (Option<i64>, bool) {
        let counted = counter.read(move |_| Ok(one(n))).unwrap();
        (counted.as_ref().map(|c| c.numbers["accounts"]), counted.is_some_and(|c| c.is_current))
    }

    #[test]
    fn what_is_counted_quickly_is_counted_each_time() {
        let counter = Arc::default();
        assert_eq!(shown(&counter, 1), (Some(1), true));
        assert_eq!(shown(&counter, 2), (Some(2), true));
    }

    #[test]
    fn nobody_waits_for_a_long_count_and_the_last_one_is_said_to_be_old() {
        let counter = Arc::new(Counter::default());
        let (release, released) = channel::<()>();
        let long = move |_: &dyn Fn() -> bool| {
            let _ = released.recv();
            Ok(one(1))
        };
        assert!(counter.read(long).unwrap().is_none());
        assert_eq!(shown(&counter, 9), (None, false), "it is still being counted");
        drop(release);
        assert_eq!(shown(&counter, 9), (Some(1), true));
        assert_eq!(shown(&counter, 9), (Some(1), true), "it is kept");
        counter.note_change();
        assert_eq!(shown(&counter, 3), (Some(3), true));
    }

    #[test]
    fn a_count_that_fails_is_told_and_begun_anew() {
        let counter = Arc::new(Counter::default());
        let failing = |_: &dyn Fn() -> bool| Err(Failure::new(Code::Internal, "no"));
        assert_eq!(counter.read(failing).unwrap_err().msg, "no");
        assert_eq!(shown(&counter, 1), (Some(1), true));
    }

    #[test]
    fn stopping_ends_the_count() {
        let counter = Arc::new(Counter::default());
        let endless = |goes_on: &dyn Fn() -> bool| {
            while goes_on() {
                std::thread::yield_now();
            }
            Ok(one(0))
        };
        assert!(counter.read(endless).unwrap().is_none());
        counter.stop();
        assert!(counter.read(|_| Ok(one(0))).is_err());
    }
}
