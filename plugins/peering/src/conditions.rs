//! How the whole plugin does: sister appliances and directories each have a finding of their own, and the worse of both
//! is what the supervisor is told and the API shows.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jackfield_sdk::{Condition, Failure, Host, State, log};

/// How the plugin's parts do, each under the name of its finding.
#[derive(Debug, Default)]
pub struct Conditions(Mutex<BTreeMap<&'static str, Condition>>);

/// Sister appliances.
pub const SISTERS: &str = "sisters";
/// Directories.
pub const DIRECTORIES: &str = "connection";

impl Conditions {
    /// One part does so now; tells it.
    pub fn put(&self, host: &Host, part: &'static str, condition: Condition) -> Result<(), Failure> {
        let finding = condition.finding(part);
        let whole = {
            let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            parts.insert(part, condition);
            whole(&parts)
        };
        host.report(whole.state, &whole.reason)?;
        host.finding(&finding)
    }

    /// The same after a change, which is durable by then: a host that does not listen must not make the request fail.
    pub fn put_after_change(&self, host: &Host, part: &'static str, condition: Condition) {
        if let Err(failure) = self.put(host, part, condition) {
            log::warn!("the configuration was changed, but the new state could not be reported: {failure}");
        }
    }

    /// How the whole does.
    pub fn whole(&self) -> Condition {
        whole(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The worst part's word, and the reasons of all that are as bad.
fn whole(parts: &BTreeMap<&'static str, Condition>) -> Condition {
    let rank = |condition: &Condition| match (condition.state, condition.word) {
        (State::Failed, _) => 3,
        (State::Degraded, _) => 2,
        (State::Up, "idle") => 0,
        (State::Up, _) => 1,
    };
    let worst = parts.values().map(rank).max().unwrap_or_default();
    let mut bad = parts.values().filter(|condition| rank(condition) == worst);
    let Some(first) = bad.next() else { return idle() };
    if worst == 0 {
        return idle();
    }
    let mut whole = first.clone();
    for other in bad {
        whole.reason = format!("{}; {}", whole.reason, other.reason).into();
    }
    whole
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
