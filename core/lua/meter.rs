//! How much a script has used, and the end of its patience: the engine asks at every safepoint, which is at
//! each loop, call and step of a pattern. Once a bound is reached every later safepoint fails as well, so that
//! `pcall` cannot outlive it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use mlua::{Error, Lua, VmState};
use rustix::time::{ClockId, clock_gettime};

use crate::catalog::hooks::Hook;

/// Between two looks at the clock, which costs more than counting.
const LOOK_EVERY: u64 = 8;

/// The meter of one engine.
#[derive(Default)]
pub struct Meter {
    used: Cell<u64>,
    most: Cell<u64>,
    time: Cell<Duration>,
    wall: Cell<Duration>,
    waiting: Cell<Duration>,
    waited: Cell<Duration>,
    began: Cell<Option<Instant>>,
    began_thread: Cell<Duration>,
    tripped: RefCell<Option<String>>,
}

impl Meter {
    /// Has the engine ask this meter at every safepoint.
    pub fn watch(lua: &Lua) -> Rc<Self> {
        let meter = Rc::new(Self::default());
        let asked = Rc::clone(&meter);
        lua.set_interrupt(move |lua| asked.step(lua).map(|()| VmState::Continue));
        meter
    }

    /// A run of that hook begins.
    pub fn begin(&self, hook: &Hook) {
        self.used.set(0);
        self.most.set(hook.safepoints);
        self.time.set(hook.time);
        self.wall.set(hook.wall);
        self.waiting.set(hook.waiting);
        self.waited.set(Duration::ZERO);
        self.began.set(Some(Instant::now()));
        self.began_thread.set(thread_time());
        *self.tripped.borrow_mut() = None;
    }

    /// Safepoints of the run so far.
    pub fn used(&self) -> u64 {
        self.used.get()
    }

    /// Makes a call that waits for somebody else, which gets the time that is left for that. It does not count as
    /// the script's own time.
    pub fn wait<T>(&self, call: impl FnOnce(Duration) -> T) -> T {
        let began = Instant::now();
        let answer = call(self.waiting.get().saturating_sub(self.waited.get()));
        self.waited.set(self.waited.get() + began.elapsed());
        answer
    }

    /// The bound that was reached, in words with its place, when one was.
    pub fn tripped(&self) -> Option<String> {
        self.tripped.borrow().clone()
    }

    /// Fails when a bound is or was reached; also asked after each call that waited.
    pub fn look(&self, lua: &Lua) -> Result<(), Error> {
        if self.tripped.borrow().is_none()
            && let Some(bound) = self.over()
        {
            let place = super::errors::place(lua);
            *self.tripped.borrow_mut() = Some(format!("{place}{bound}"));
        }
        match &*self.tripped.borrow() {
            None => Ok(()),
            Some(words) => Err(Error::RuntimeError(words.clone())),
        }
    }

    fn step(&self, lua: &Lua) -> Result<(), Error> {
        let used = self.used.get() + 1;
        self.used.set(used);
        if used <= self.most.get() && !used.is_multiple_of(LOOK_EVERY) && self.tripped.borrow().is_none() {
            return Ok(());
        }
        self.look(lua)
    }

    fn over(&self) -> Option<String> {
        if self.used.get() > self.most.get() {
            return Some(format!("took more than {} steps", self.most.get()));
        }
        let waited = self.waited.get();
        if waited > self.waiting.get() {
            return Some(format!("made calls that took more than {} ms", self.waiting.get().as_millis()));
        }
        let gone = self.began.get().map_or(Duration::ZERO, |began| began.elapsed()).saturating_sub(waited);
        // A script that the machine kept waiting is not to blame; what it used itself is looked at first.
        if gone > self.time.get() && thread_time().saturating_sub(self.began_thread.get()) > self.time.get() {
            return Some(format!("took more than {} ms of the processor", self.time.get().as_millis()));
        }
        (gone > self.wall.get()).then(|| format!("took more than {} ms", self.wall.get().as_millis()))
    }
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;
    use crate::catalog::hooks::CHECK;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    /// What a run has used up after it waited in a call and then did something else for so long.
    fn over(hook: &Hook, called: Duration, own: Duration) -> Option<String> {
        let meter = Meter::default();
        meter.begin(hook);
        meter.wait(|_| sleep(called));
        sleep(own);
        meter.over()
    }

    #[test]
    fn time_in_calls_and_time_of_its_own_are_bounded_each_for_itself() {
        let quick = Hook { wall: SHORT, waiting: LONG, ..*CHECK };
        assert_eq!(over(&quick, SHORT * 5, Duration::ZERO), None, "a call is not the script's own time");
        assert_eq!(over(&quick, Duration::ZERO, SHORT * 2).unwrap(), "took more than 20 ms");
        let impatient = Hook { wall: LONG, waiting: SHORT, ..*CHECK };
        assert_eq!(over(&impatient, Duration::ZERO, SHORT * 2), None);
        let said = over(&impatient, SHORT * 2, Duration::ZERO).unwrap();
        assert_eq!(said, "made calls that took more than 20 ms");
    }

    #[test]
    fn a_call_gets_what_the_calls_before_it_left() {
        let meter = Meter::default();
        meter.begin(CHECK);
        meter.wait(|left| {
            assert_eq!(left, CHECK.waiting);
            sleep(SHORT);
        });
        meter.wait(|left| assert!(left <= CHECK.waiting - SHORT));
        meter.begin(CHECK);
        meter.wait(|left| assert_eq!(left, CHECK.waiting, "each run begins anew"));
    }
}
