//! Whether the database file is undamaged (SQLite's quick_check). Reads the whole file.

use super::{Check, Finding, State};
use crate::engine::Engine;

/// The check.
pub static CHECK: Check = Check { name: "database_whole", gates_readiness: false, run };

fn run(engine: &Engine) -> Finding {
    let advice = "Stop the service and restore the latest backup; then look for the cause (disk, memory).";
    match engine.db.quick_check() {
        Ok(faults) if faults.is_empty() => Finding::ok("no damage found"),
        Ok(faults) => Finding::bad(State::Problem, faults.join("; "), advice),
        Err(error) => Finding::bad(State::Problem, error.to_string(), advice),
    }
}
