//! The doctor: one registry of checks that feeds the API, the command line, readiness and the metrics.
//! One check, one file. A check looks and tells; it repairs nothing.

mod certificate;
mod claimed;
mod clock;
mod database_answers;
mod database_whole;
mod deployment;
mod disk_space;
mod door;
mod plugins;
mod scripts;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

pub use database_answers::is_stuck;
use serde_json::{Value, json};

use super::Engine;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing to do.
    Ok,
    /// Nobody has looked yet.
    Unknown,
    /// Works, but somebody should act.
    Warning,
    /// Does not work.
    Problem,
}

impl State {
    /// The names the API uses.
    pub const NAMES: &[&str] = &["ok", "unknown", "warning", "problem"];

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Ok, Self::Unknown, Self::Warning, Self::Problem].into_iter().find(|state| state.name() == name)
    }

    /// The name of this state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What a check saw.
#[derive(Debug, Clone)]
pub struct Finding {
    /// How bad it is.
    pub state: State,
    /// What was seen.
    pub detail: String,
    /// What to do about it; empty when nothing is to be done.
    pub advice: String,
}

impl Finding {
    /// All is well.
    pub fn ok(detail: impl Into<String>) -> Self {
        Self { state: State::Ok, detail: detail.into(), advice: String::new() }
    }

    /// Something is to be done.
    pub fn bad(state: State, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state, detail: detail.into(), advice: advice.into() }
    }
}

/// One check.
pub struct Check {
    /// Name in the API and on the command line.
    pub name: &'static str,
    /// Whether the appliance is not ready while this is a problem. Such a check must be cheap.
    pub gates_readiness: bool,
    /// Looks.
    pub run: fn(&Engine) -> Finding,
}

/// Every check, cheap ones first.
pub static ALL: &[&Check] = &[
    &database_answers::CHECK,
    &door::CHECK,
    &disk_space::CHECK,
    &certificate::CHECK,
    &claimed::CHECK,
    &clock::CHECK,
    &deployment::CHECK,
    &plugins::CHECK,
    &scripts::CHECK,
    &database_whole::CHECK,
];

/// How the names of plugins' findings begin on the board.
pub const PLUGIN_FINDINGS: &str = "plugin.";

/// A check with what it saw.
pub struct Result {
    /// Name of the check.
    pub name: String,
    /// What it saw.
    pub finding: Finding,
}

impl Result {
    /// As the API shows it.
    pub fn to_json(&self) -> Value {
        let Finding { state, detail, advice } = &self.finding;
        json!({"name": self.name, "state": state.name(), "detail": detail, "advice": advice})
    }
}

/// Runs every check.
pub fn examine(engine: &Engine) -> Vec<Result> {
    let own = ALL.iter().map(|check| Result { name: check.name.to_owned(), finding: (check.run)(engine) });
    let told: Vec<_> = plugins::told(engine).into_iter().chain(super::checks::told(engine)).collect();
    // What a plugin answers now is newer than what it reported of the same before.
    let mut reported = engine.board.below(PLUGIN_FINDINGS);
    reported.retain(|(name, _)| told.iter().all(|(asked, _)| asked != name));
    own.chain(reported.into_iter().chain(told).map(|(name, finding)| Result { name, finding })).collect()
}

/// Runs the checks that readiness hangs on, and returns those that found a problem.
pub fn obstacles(engine: &Engine) -> Vec<Result> {
    let gates = ALL.iter().filter(|check| check.gates_readiness);
    let seen = gates.map(|check| Result { name: check.name.to_owned(), finding: (check.run)(engine) });
    seen.filter(|result| result.finding.state == State::Problem).collect()
}

/// What parts outside the engine report about themselves, by name.
#[derive(Default)]
pub struct Board {
    findings: Mutex<BTreeMap<String, Finding>>,
}

impl Board {
    /// Puts up a part's newest finding.
    pub fn report(&self, name: &str, finding: Finding) {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), finding);
    }

    /// The newest findings whose names begin so.
    pub fn below(&self, prefix: &str) -> Vec<(String, Finding)> {
        let findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        let found = findings.iter().filter(|(name, _)| name.starts_with(prefix));
        found.map(|(name, finding)| (name.clone(), finding.clone())).collect()
    }

    /// The newest finding of a part.
    pub fn read(&self, name: &str) -> Finding {
        let findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        let absent = || {
            Finding::bad(
                State::Unknown,
                "nothing was reported yet",
                "Start the appliance; it reports on its own.",
            )
        };
        findings.get(name).cloned().unwrap_or_else(absent)
    }
}
