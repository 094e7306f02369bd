//! What the plugin says of itself, to the supervisor, the doctor and the API. Nothing is connected to in this
//! version, so the best condition of what is configured is "not connected".

use jackfield_sdk::abi::site;
use jackfield_sdk::{Condition, Failure, Host, State, params};
use serde::Deserialize;

const SEEN: &str = "SELECT (SELECT count(*) FROM core_peers WHERE kind IS NOT NULL) AS peers,
        (SELECT count(*) FROM core_peers WHERE kind = 'jackfield')
        + (SELECT count(*) FROM peering_synchronizer) AS configured,
        deployment FROM core_site";

#[derive(Deserialize)]
struct Seen {
    peers: u64,
    configured: u64,
    deployment: String,
}

/// The condition now.
pub fn now(host: &Host) -> Result<Condition, Failure> {
    let Some(seen) = host.db().first::<Seen>(SEEN, params![])? else { return Ok(idle()) };
    Ok(match lack(&seen.deployment) {
        // What an enterprise's own accounts come from is no peering.
        Some(reason) if seen.peers > 0 || seen.configured == 0 => lacked(reason, seen.peers > 0),
        _ if seen.configured > 0 => not_connected(),
        _ => idle(),
    })
}

/// Why a kind of deployment has no peering (seed 002); `None`: it may have it.
pub fn lack(deployment: &str) -> Option<String> {
    site::lacks(deployment, "Peering")
}

fn lacked(reason: String, is_wanted: bool) -> Condition {
    let (state, finding, advice) = match is_wanted {
        true => (State::Degraded, "warning", "Delete the peers, or correct the setting site.deployment."),
        false => (State::Up, "ok", ""),
    };
    Condition { word: "not_supported", reason: reason.into(), state, finding, advice: advice.into() }
}

fn idle() -> Condition {
    Condition {
        word: "idle",
        reason: "neither a sister appliance nor a directory is configured".into(),
        state: State::Up,
        finding: "ok",
        advice: "".into(),
    }
}

fn not_connected() -> Condition {
    Condition {
        word: "not_connected",
        reason:
            "configured, not connected: this version connects neither to sister appliances nor to directories"
                .into(),
        state: State::Degraded,
        finding: "warning",
        advice:
            "Contacts, accounts and presence are not synchronized. The configuration is kept for the version \
                 that connects; to silence this, disable the plugin peering."
                .into(),
    }
}
