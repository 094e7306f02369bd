//! Whether somebody has claimed the appliance: until then whoever has the code can.

use super::{Check, Finding, State};
use crate::engine::Engine;
use crate::engine::access::claim;

/// The check.
pub static CHECK: Check = Check { name: "claimed", gates_readiness: false, run };

fn run(engine: &Engine) -> Finding {
    match engine.db.read(claim::is_open) {
        Ok(false) => Finding::ok("there is an administrator"),
        Ok(true) => Finding::bad(
            State::Warning,
            "there is no administrator yet",
            "Open the console and enter the claim code; `jackfield claim-code` shows it.",
        ),
        Err(problem) => Finding::bad(State::Problem, problem.detail, "See the check database_answers."),
    }
}
