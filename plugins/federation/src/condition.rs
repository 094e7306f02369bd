//! What the plugin says of itself, to the supervisor, the doctor and the API: one fact, told three times.
//! There is no XMPP in this version, so the best condition of federation that is on is "not connected".

use std::borrow::Cow;

use jackfield_sdk::{Condition, State};

use crate::standing::Switches;

static DISABLED: Condition = Condition {
    word: "disabled",
    reason: Cow::Borrowed("federation is switched off"),
    state: State::Up,
    finding: "ok",
    advice: Cow::Borrowed(""),
};

static NOT_CONNECTED: Condition = Condition {
    word: "not_connected",
    reason: Cow::Borrowed("configured, not connected: this version has no XMPP server"),
    state: State::Degraded,
    finding: "warning",
    advice: Cow::Borrowed(
        "Presence and messages do not reach other companies. Switch federation off to silence this; the table \
         of servers is kept for the version that connects.",
    ),
};

/// The condition with these switches.
pub fn of(switches: &Switches) -> &'static Condition {
    if switches.enabled { &NOT_CONNECTED } else { &DISABLED }
}
