//! What the plugin says of itself, to the supervisor, the doctor and the API: one fact, told three times. Nothing is
//! connected to in this version, so the best condition of what is configured is "not connected".

use jackfield_sdk::{Failure, Finding, Host, State, params};
use serde::Deserialize;

const COUNT: &str = "SELECT (SELECT count(*) FROM core_peers WHERE kind = 'jackfield')
        + (SELECT count(*) FROM peering_synchronizer) AS configured";

/// How peering does.
#[derive(Debug)]
pub struct Condition {
    /// `state` in the API.
    pub word: &'static str,
    /// The same in words.
    pub reason: &'static str,
    state: State,
    finding: &'static str,
    advice: &'static str,
}

static IDLE: Condition = Condition {
    word: "idle",
    reason: "neither a sister appliance nor a directory is configured",
    state: State::Up,
    finding: "ok",
    advice: "",
};

static NOT_CONNECTED: Condition = Condition {
    word: "not_connected",
    reason: "configured, not connected: this version connects neither to sister appliances nor to directories",
    state: State::Degraded,
    finding: "warning",
    advice: "Contacts, accounts and presence are not synchronized. The configuration is kept for the version that \
             connects; to silence this, disable the plugin peering.",
};

#[derive(Deserialize)]
struct Count {
    configured: u64,
}

/// The condition now.
pub fn now(host: &Host) -> Result<&'static Condition, Failure> {
    let count: Option<Count> = host.db().first(COUNT, params![])?;
    Ok(if count.is_some_and(|count| count.configured > 0) { &NOT_CONNECTED } else { &IDLE })
}

/// Tells the supervisor and the doctor.
pub fn tell(host: &Host) -> Result<(), Failure> {
    let condition = now(host)?;
    host.report(condition.state, condition.reason)?;
    host.finding(&Finding {
        name: "connection".to_owned(),
        state: condition.finding.to_owned(),
        detail: condition.reason.to_owned(),
        advice: condition.advice.to_owned(),
    })
}
