//! Whether the plugins that are there serve.

use std::time::Duration;

use jackfield_abi::ops;
use serde::Deserialize;
use serde_json::json;

use super::{Check, Finding, PLUGIN_FINDINGS, State};
use crate::engine::Engine;
use crate::host::{Host, State as Serving, Status};

/// Time for a plugin to look at itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most findings that are taken from one plugin.
const MOST_FINDINGS: usize = 64;

/// The check.
pub static CHECK: Check = Check { name: "plugins", gates_readiness: false, run };

fn run(engine: &Engine) -> Finding {
    let Some(host) = engine.plugins.get() else {
        return Finding::bad(State::Unknown, "no plugins are supervised", "Start the appliance.");
    };
    let all = host.list();
    let amiss: Vec<&Status> = all.iter().filter(|status| !is_fine(status)).collect();
    if amiss.is_empty() {
        // The appliance's own units are no plugins to count; that they do well is worth no words.
        let plugins: Vec<&Status> = all.iter().filter(|status| !status.builtin).collect();
        let serve = plugins.iter().filter(|status| serves(status)).count();
        return Finding::ok(format!("{serve} of {} serve", plugins.len()));
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
    // What is amiss with one that serves, its own findings say.
    // A plugin may be switched off for good; without a unit of its own the appliance lacks a part of itself.
    let is_meant = status.state == Serving::Disabled && !status.builtin;
    serves(status) || is_meant || matches!(status.state, Serving::Starting | Serving::Stopping)
}

#[derive(Deserialize)]
struct Told {
    findings: Vec<ops::Finding>,
}

/// What the plugins that can look at themselves see, by name.
pub fn told(engine: &Engine) -> Vec<(String, Finding)> {
    let Some(host) = engine.plugins.get() else { return Vec::new() };
    let able =
        host.manifests().into_iter().filter(|manifest| manifest.ops.iter().any(|op| op == ops::DOCTOR));
    able.flat_map(|manifest| ask(host, &manifest.id)).collect()
}

fn ask(host: &Host, plugin: &str) -> Vec<(String, Finding)> {
    let answer = host.request(plugin, ops::DOCTOR, &json!({}), PATIENCE);
    let told = answer.map_err(|failure| failure.msg);
    match told.and_then(|value| serde_json::from_value::<Told>(value).map_err(|e| e.to_string())) {
        Ok(told) => {
            told.findings.into_iter().take(MOST_FINDINGS).map(|finding| named(plugin, finding)).collect()
        }
        Err(cause) => {
            let detail = format!("the plugin could not look at itself: {cause}");
            let finding = Finding::bad(State::Warning, detail, "`jackfield plugin list` tells how it does.");
            vec![(format!("{PLUGIN_FINDINGS}{plugin}.doctor"), finding)]
        }
    }
}

/// A state that the doctor does not know counts as unknown.
fn named(plugin: &str, finding: ops::Finding) -> (String, Finding) {
    let state = State::parse(&finding.state).unwrap_or(State::Unknown);
    let name = format!("{PLUGIN_FINDINGS}{plugin}.{}", finding.name);
    (name, Finding { state, detail: finding.detail, advice: finding.advice })
}
