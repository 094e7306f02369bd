//! Where checks come from and who runs them. Checks are registered by scripts and run in the child of the scripts;
//! this is all that the schedule knows of that.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jackfield_abi::ops::{Code, Failure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use crate::catalog::hooks::CHECK;
use crate::engine::Engine;

/// Unit in which published scripts run.
const UNIT: &str = "scripts";
/// What a run may take beyond its own bounds: others may be before it, and the way there and back.
const MARGIN: Duration = Duration::from_secs(25);

/// One check that a script registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredCheck {
    /// Name of the script.
    pub script: String,
    /// The version that serves.
    pub version: i64,
    /// Name of the check within the script.
    pub check: String,
    /// Seconds between two runs.
    pub every: u64,
    /// Line at which it is registered.
    pub line: u32,
}

impl RegisteredCheck {
    /// Its name everywhere: the script's and its own, so that two scripts do not get into each other's way.
    pub fn name(&self) -> String {
        format!("{}.{}", self.script, self.check)
    }

    /// Where it stands in the source.
    pub fn place(&self) -> String {
        format!("site/{}.lua:{}", self.script, self.line)
    }
}

/// What one run of a check came to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Outcome {
    /// The state that the check says.
    pub state: State,
    /// What was seen.
    #[serde(default)]
    pub detail: String,
    /// What to do; empty: nothing.
    #[serde(default)]
    pub advice: String,
    /// Figures and whatever else the check gives.
    #[serde(default)]
    pub data: Value,
}

impl Outcome {
    /// The check itself failed.
    pub fn unknown(detail: impl Into<String>) -> Self {
        let advice = String::new();
        Self { state: State::Unknown, detail: detail.into(), advice, data: Value::Null }
    }
}

/// Knows the checks, and runs one.
pub trait Registry: Send + Sync {
    /// Every check there is.
    fn checks(&self) -> Vec<RegisteredCheck>;
    /// Runs one, within a time limit of its own.
    fn run(&self, check: &RegisteredCheck) -> Result<Outcome, Failure>;
}

/// The checks of the scripts.
pub struct OfScripts {
    engine: Weak<Engine>,
    registered: fn(&Engine) -> Vec<RegisteredCheck>,
}

impl OfScripts {
    /// The checks that this function lists.
    pub fn new(engine: &Arc<Engine>, registered: fn(&Engine) -> Vec<RegisteredCheck>) -> Self {
        Self { engine: Arc::downgrade(engine), registered }
    }
}

impl Registry for OfScripts {
    fn checks(&self) -> Vec<RegisteredCheck> {
        self.engine.upgrade().map(|engine| (self.registered)(&engine)).unwrap_or_default()
    }

    fn run(&self, check: &RegisteredCheck) -> Result<Outcome, Failure> {
        let stopping = || Failure::new(Code::Unavailable, "the appliance is stopping");
        let engine = self.engine.upgrade().ok_or_else(stopping)?;
        let host = engine.plugins.get().ok_or_else(stopping)?;
        let args = json!({"name": check.script, "version": check.version, "check": check.check});
        let answer = host.request(UNIT, "check.run", &args, CHECK.longest() + MARGIN)?;
        serde_json::from_value(answer).map_err(|e| {
            Failure::new(Code::Internal, format!("the scripts' process answered what is no result: {e}"))
        })
    }
}
