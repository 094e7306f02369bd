//! Checks: what scripts look at again and again, and what came of it. A few threads take turns; each run's outcome
//! moves the check's state by the rule of `state`, is kept, and is told where it changes something. Leaves out how a
//! script runs (`registry` asks) and what it sees (`probes`).

mod registry;
mod roster;
mod running;
mod state;
mod store;
mod view;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub use registry::{OfScripts, RegisteredCheck};
pub use running::{begin, run_now};
pub use state::State;
pub use view::{figures, find, list, told};

use registry::Registry;
use roster::{Roster, Turn};

/// How the names of checks' findings begin at the doctor.
pub const FINDINGS: &str = "check.";
/// How often an idle thread looks whether scripts brought something new, or the appliance is ending.
const LOOK_UP: Duration = Duration::from_secs(1);
/// How often the scripts are asked which checks there are, besides being told.
const FOLLOW_EVERY: Duration = Duration::from_secs(10);

/// What checks need to know of each other.
#[derive(Default)]
pub struct Checks {
    roster: Mutex<Roster>,
    /// Wakes threads that wait for a turn, and people who wait for a run.
    news: Condvar,
    registry: OnceLock<Box<dyn Registry>>,
    followed: Mutex<Option<Instant>>,
    has_ended: Mutex<bool>,
    /// People who wait for a run.
    waiting: Mutex<usize>,
}

impl Checks {
    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether checks are run here: never where the command line works without a running appliance.
    pub fn is_running(&self) -> bool {
        self.registry.get().is_some()
    }

    /// Asks the scripts at the next occasion which checks there are.
    pub fn look_again(&self) {
        *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.news.notify_all();
    }

    /// Lets the threads end once their runs have ended.
    pub fn end(&self) {
        *self.has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.news.notify_all();
    }

    fn has_ended(&self) -> bool {
        *self.has_ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the scripts register now, if that was not done lately.
    fn follow(&self) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if followed.is_some_and(|at| at.elapsed() < FOLLOW_EVERY) {
            return;
        }
        *followed = Some(Instant::now());
        if let Some(registry) = self.registry.get() {
            let registered = registry.checks();
            self.roster().follow(registered);
        }
    }

    /// A check whose turn it is; waits a little for one.
    fn take(&self) -> Option<Turn> {
        self.follow();
        let mut roster = self.roster();
        let turn = roster.take(Instant::now());
        if turn.is_some() {
            return turn;
        }
        let due = roster.next_due().map(|due| due.saturating_duration_since(Instant::now()));
        let pause = due.unwrap_or(LOOK_UP).min(LOOK_UP).max(Duration::from_millis(1));
        let (mut roster, _) = self.news.wait_timeout(roster, pause).unwrap_or_else(PoisonError::into_inner);
        roster.take(Instant::now())
    }
}

/// Shorthand: the engine holds the checks.
type Shared = Arc<super::Engine>;

#[cfg(test)]
mod tests;
