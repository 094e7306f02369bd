//! What the plugin says of itself, to the supervisor, the doctor and the API: one fact, told three times.
//! There is no XMPP in this version, so the best condition of federation that is on is "not connected".

use jackfield_sdk::{Failure, Finding, Host, State};

use crate::standing::Switches;

/// How federation does.
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

static DISABLED: Condition = Condition {
    word: "disabled",
    reason: "federation is switched off",
    state: State::Up,
    finding: "ok",
    advice: "",
};

static NOT_CONNECTED: Condition = Condition {
    word: "not_connected",
    reason: "configured, not connected: this version has no XMPP server",
    state: State::Degraded,
    finding: "warning",
    advice: "Presence and messages do not reach other companies. Switch federation off to silence this; the \
             table of servers is kept for the version that connects.",
};

/// The condition with these switches.
pub fn of(switches: &Switches) -> &'static Condition {
    if switches.enabled { &NOT_CONNECTED } else { &DISABLED }
}

impl Condition {
    /// Tells the supervisor and the doctor.
    pub fn tell(&self, host: &Host) -> Result<(), Failure> {
        host.report(self.state, self.reason)?;
        host.finding(&Finding {
            name: "connection".to_owned(),
            state: self.finding.to_owned(),
            detail: self.reason.to_owned(),
            advice: self.advice.to_owned(),
        })
    }
}
