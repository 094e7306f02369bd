//! What the plugin says of itself, to the supervisor, the doctor and the API. This version does not talk to
//! CloudLink, so the best condition is "configured, not connected".

use std::borrow::Cow;

use jackfield_sdk::{Condition, State};

use crate::daemon::Daemon;
use crate::setup::Setup;

const NOT_CONNECTED: &str = "configured, not connected: this version does not talk to CloudLink";

/// How the integration does with this set-up.
pub fn of(setup: &Setup) -> Condition {
    if *setup == Setup::default() {
        return idle("not_configured", "CloudLink is not set up");
    }
    let missing: Vec<_> = setup.missing().into_iter().map(|missing| missing.detail).collect();
    if missing.is_empty() {
        return waiting(
            NOT_CONNECTED,
            "Accounts are not activated and chat stays as it is. The configuration is kept for the version that \
             connects.",
        );
    }
    Condition {
        word: "not_configured",
        reason: format!("not set up completely: {}", missing.join("; ")).into(),
        ..waiting("", "Complete the set-up of CloudLink, or empty its fields to silence this.")
    }
}

/// How the daemon does with this set-up.
pub fn of_daemon(daemon: &Daemon) -> Condition {
    if daemon.enabled {
        return waiting(
            "configured, not connected: this version has no CloudLink daemon",
            "Inventory and contract status are not reported, and no tunnel can be started. Switch the daemon off \
             to silence this.",
        );
    }
    idle("disabled", "the daemon is switched off")
}

/// Nobody asked for anything.
fn idle(word: &'static str, reason: &'static str) -> Condition {
    Condition {
        word,
        reason: Cow::Borrowed(reason),
        state: State::Up,
        finding: "ok",
        advice: Cow::Borrowed(""),
    }
}

/// Somebody waits for something that this version does not do.
fn waiting(reason: &'static str, advice: &'static str) -> Condition {
    Condition {
        word: "not_connected",
        reason: Cow::Borrowed(reason),
        state: State::Degraded,
        finding: "warning",
        advice: Cow::Borrowed(advice),
    }
}
