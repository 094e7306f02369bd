//! Whether the plugins that are there serve.

use super::{Check, Finding, State};
use crate::engine::Engine;
use crate::host::{State as Serving, Status};

/// The check.
pub static CHECK: Check = Check { name: "plugins", gates_readiness: false, run };

fn run(engine: &Engine) -> Finding {
    let Some(host) = engine.plugins.get() else {
        return Finding::bad(State::Unknown, "no plugins are supervised", "Start the appliance.");
    };
    let all = host.list();
    let amiss: Vec<&Status> = all.iter().filter(|status| !is_fine(status)).collect();
    if amiss.is_empty() {
        return Finding::ok(format!("{} of {} serve", all.iter().filter(|s| serves(s)).count(), all.len()));
    }
    let told: Vec<_> = amiss.iter().map(|status| format!("{}: {}", status.id, status.reason)).collect();
    let advice =
        "`jackfield plugin list` tells more; after mending, restart the plugin or clear its quarantine.";
    Finding::bad(State::Warning, told.join("; "), advice)
}

fn serves(status: &Status) -> bool {
    matches!(status.state, Serving::Up | Serving::Degraded)
}

fn is_fine(status: &Status) -> bool {
    matches!(status.state, Serving::Up | Serving::Disabled | Serving::Starting | Serving::Stopping)
}
