//! Whether the site's scripts serve as they were published.

use super::{Check, Finding, State};
use crate::engine::Engine;
use crate::engine::objects::text;
use crate::engine::scripts;

/// The check.
pub static CHECK: Check = Check { name: "scripts", gates_readiness: false, run };

fn run(engine: &Engine) -> Finding {
    let all = match scripts::list(engine) {
        Ok(all) => all,
        Err(problem) => return Finding::bad(State::Unknown, problem.detail, "Look at the database first."),
    };
    let failed = all.iter().filter(|script| text(script, "state") == "failed");
    let failed: Vec<_> =
        failed.map(|script| format!("{}: {}", text(script, "name"), text(script, "reason"))).collect();
    let skipped = scripts::figures(engine).into_iter().filter(|one| one.is_skipped);
    let skipped: Vec<_> = skipped
        .map(|one| format!("{}: fails again and again at {} and is skipped", one.script, one.hook))
        .collect();
    if failed.is_empty() && skipped.is_empty() {
        let serve = all.iter().filter(|script| text(script, "state") == "active").count();
        return Finding::ok(format!("{serve} of {} serve; the others are not published", all.len()));
    }
    let advice = "`jackfield hook show NAME` tells more; put and publish a better version, or roll back.";
    Finding::bad(State::Warning, [failed, skipped].concat().join("; "), advice)
}
