//! Whether the site's scripts serve as they were published.

use super::{Check, Finding, State};
use crate::engine::Engine;
use crate::engine::objects::text;
use crate::engine::scripts;

const RESTART: &str = "`jackfield plugin list` says how it does; `jackfield plugin enable scripts` switches it on again, \
                       `jackfield plugin clear-quarantine scripts` starts it after many deaths.";

/// The check.
pub static CHECK: Check = Check { name: "scripts", gates_readiness: false, run };

fn run(engine: &Engine) -> Finding {
    let all = match scripts::list(engine) {
        Ok(all) => all,
        Err(problem) => return Finding::bad(State::Unknown, problem.detail, "Look at the database first."),
    };
    let published = all.iter().filter(|script| script.get("active").is_some_and(|n| !n.is_null())).count();
    if let Some(cause) = scripts::obstacle(engine).filter(|_| published > 0) {
        let detail = format!(
            "{cause}. None of the {published} published scripts is asked: numbers stay as the appliance's own rule \
             makes them, calls that a script has to admit are rejected, and checks are unknown."
        );
        return Finding::bad(State::Warning, detail, RESTART);
    }
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
