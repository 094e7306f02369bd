//! What the plugin says of itself, to the supervisor, the doctor and the API. This version does not talk to
//! Microsoft Graph, so the best condition of presence that is on is "configured, not connected".

use jackfield_sdk::jiff::civil::Date;
use jackfield_sdk::{Condition, State};

use crate::setup::Setup;

/// How it does with this set-up on that day.
pub fn of(setup: &Setup, today: Date) -> Condition {
    if !setup.is_on() {
        return Condition {
            word: "off",
            reason: "Teams presence is switched off".into(),
            state: State::Up,
            finding: "ok",
            advice: "".into(),
        };
    }
    if setup.is_bi_directional() && !setup.contract.allows_bi_directional(today) {
        return Condition {
            word: "not_allowed",
            reason: format!(
                "bi-directional presence needs an active SWA contract of tier advantage or premium; {}",
                setup.contract.lack(today)
            )
            .into(),
            state: State::Degraded,
            finding: "problem",
            advice: "Renew the contract and enter its new last day, or set the direction to uni-directional."
                .into(),
        };
    }
    Condition {
        word: "not_connected",
        reason: "configured, not connected: this version does not talk to Microsoft Graph".into(),
        state: State::Degraded,
        finding: "warning",
        advice: "Presence is not synchronised with Teams. Set the direction to off to silence this; the set-up is \
                 kept for the version that connects."
            .into(),
    }
}
