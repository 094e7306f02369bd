//! The appliance's own jobs: they stand in the same table, run on the same threads and are asked for, watched and
//! cancelled like those of plugins.

use std::sync::Arc;

use serde_json::Value;

use crate::catalog::problems::Problem;
use crate::catalog::rights::{REVISIONS_UNDO, Right, SETTINGS_WRITE};
use crate::engine::{Engine, clock, import, revisions};

/// What stands in the place of a plugin for the appliance's own jobs.
pub const OWN: &str = "core";

/// One kind of job of the appliance's own.
pub struct OwnJob {
    /// Its name.
    pub name: &'static str,
    /// Right to ask for it by name; `None`: other routes ask for it.
    pub by_hand: Option<&'static Right>,
    /// Whether one with this input goes on after a stop of the appliance.
    pub goes_on: fn(&Value) -> bool,
    /// What is left of one that does not go on.
    pub left: &'static str,
    /// Does it.
    pub run: fn(&Work<'_>) -> Result<Value, Ended>,
}

/// Every job of the appliance's own.
pub static ALL: &[&OwnJob] = &[&import::IMPORT, &import::DEPLOY, &SWEEP, &BELIEVE];

/// Forgets revisions that are older than the site keeps them.
static SWEEP: OwnJob = OwnJob {
    name: "revisions.sweep",
    by_hand: Some(REVISIONS_UNDO),
    goes_on: |_| false,
    left: "what it had forgotten stays forgotten",
    run: |work| {
        let mut halted = None;
        let swept = revisions::sweep(work.engine, |rows| {
            halted = work.progress(rows, 0, "revisions and their parts").err();
            halted.is_some()
        })?;
        halted.map_or_else(|| Ok(serde_json::json!({"revisions": swept})), |halt| Err(Ended::Halted(halt)))
    },
};

/// Takes a clock at its word that has leapt: somebody has looked at it.
static BELIEVE: OwnJob = OwnJob {
    name: "clock.believe",
    by_hand: Some(SETTINGS_WRITE),
    goes_on: |_| true,
    left: "the clock is not believed yet",
    run: |work| {
        work.engine.leaps.believe(&work.engine.db)?;
        Ok(serde_json::json!({"at": clock::now()}))
    },
};

/// The job of that name.
pub fn find(name: &str) -> Option<&'static OwnJob> {
    ALL.iter().copied().find(|job| job.name == name)
}

/// One job under way.
pub struct Work<'a> {
    /// The appliance.
    pub engine: &'a Arc<Engine>,
    /// Id of the job.
    pub id: &'a str,
    /// What it was asked for with.
    pub input: &'a Value,
    /// Who asked for it.
    pub who: &'a str,
}

/// Why a job ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// Somebody cancelled it.
    Cancelled,
    /// The appliance stops.
    Stopping,
}

/// How a job ended that is not done.
pub enum Ended {
    /// It failed.
    Failed(Problem),
    /// It was told to end.
    Halted(Halt),
}

impl From<Problem> for Ended {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<Halt> for Ended {
    fn from(halt: Halt) -> Self {
        Self::Halted(halt)
    }
}

impl Work<'_> {
    /// Notes how far it is; the error says that it shall end.
    pub fn progress(&self, done: u64, total: u64, note: &str) -> Result<(), Halt> {
        let is_cancelled = self.engine.jobs.note_progress(self.id, done, total, note).unwrap_or(false);
        match (is_cancelled, self.engine.jobs.has_ended()) {
            (true, _) => Err(Halt::Cancelled),
            (_, true) => Err(Halt::Stopping),
            _ => Ok(()),
        }
    }
}
