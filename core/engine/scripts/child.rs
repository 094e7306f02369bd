//! The processes that run scripts, as the engine speaks to them: `scripts` serves, `workbench` tries what is not
//! proven yet, so that it never runs beside the good ones. Supervision is `host`'s.

use std::time::Duration;

use jackfield_abi::ops::{Code, Failure};
use serde_json::{Value, json};

use super::registers::Registers;
use crate::catalog::hooks::{SCRIPT_DROP, SCRIPT_LOAD, SCRIPTS, WORKBENCH};
use crate::engine::Engine;

/// Whether a name is that of one of the appliance's own processes, and so of no plugin.
pub fn is_own(unit: &str) -> bool {
    unit == SCRIPTS || unit == WORKBENCH
}

/// Time to load a script; its own top level has a budget far below.
const LOAD_WITHIN: Duration = Duration::from_secs(10);
/// Time to drop one.
const DROP_WITHIN: Duration = Duration::from_secs(5);

/// Why a version is not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The script is at fault; the text names its file and line.
    Script(String),
    /// The process does not serve, for that reason; the script may be well.
    Process(String),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        match failure.code {
            Code::BadRequest => Self::Script(failure.msg),
            _ => Self::Process(failure.msg),
        }
    }
}

/// Asks one of the processes.
pub fn ask(engine: &Engine, unit: &str, op: &str, args: &Value, within: Duration) -> Result<Value, Failure> {
    match engine.plugins.get() {
        Some(host) => host.request(unit, op, args, within),
        None => {
            Err(Failure::new(Code::Unavailable, "scripts run only while the appliance runs; start it first"))
        }
    }
}

/// Loads a version; the answer is what it registers.
pub fn load(engine: &Engine, unit: &str, name: &str, n: i64, source: &str) -> Result<Registers, Refused> {
    let args = json!({"name": name, "version": n, "source": source});
    let answer = ask(engine, unit, SCRIPT_LOAD, &args, LOAD_WITHIN)?;
    serde_json::from_value(answer)
        .map_err(|e| Refused::Process(format!("its answer to script.load does not fit: {e}")))
}

/// Drops a version after its calls; whether the process answered. One that is not there is no error.
pub fn unload(engine: &Engine, unit: &str, name: &str, n: i64) -> bool {
    let args = json!({"name": name, "version": n});
    let dropped = ask(engine, unit, SCRIPT_DROP, &args, DROP_WITHIN);
    if let Err(failure) = &dropped {
        log::debug!("{unit} did not drop version {n} of {name}: {failure}");
    }
    dropped.is_ok()
}
