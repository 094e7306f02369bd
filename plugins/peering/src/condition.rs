//! What the plugin says of directories. None is read in this version, so the best condition of one that is configured is
//! "not connected".

use jackfield_sdk::{Condition, Failure, Host, State, params};
use serde::Deserialize;

const COUNT: &str = "SELECT count(*) AS configured FROM peering_synchronizer";

#[derive(Deserialize)]
struct Count {
    configured: u64,
}

/// The condition now.
pub fn now(host: &Host) -> Result<Condition, Failure> {
    let count: Option<Count> = host.db().first(COUNT, params![])?;
    Ok(if count.is_some_and(|count| count.configured > 0) { not_connected() } else { idle() })
}

fn idle() -> Condition {
    Condition {
        word: "idle",
        reason: "no directory is configured".into(),
        state: State::Up,
        finding: "ok",
        advice: "".into(),
    }
}

fn not_connected() -> Condition {
    Condition {
        word: "not_connected",
        reason: "configured, not connected: this version does not read directories".into(),
        state: State::Degraded,
        finding: "warning",
        advice:
            "Contacts, accounts and presence are not synchronized. The configuration is kept for the version \
                 that connects; to silence this, disable the plugin peering."
                .into(),
    }
}
