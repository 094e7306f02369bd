//! What the plugin says of itself, to the supervisor, the doctor and the API: one fact, told three times.

use std::borrow::Cow;

use jackfield_sdk::{Condition, Failure, Host, State};

use crate::server::Server;
use crate::standing::Switches;

static DISABLED: Condition = Condition {
    word: "disabled",
    reason: Cow::Borrowed("federation is switched off"),
    state: State::Up,
    finding: "ok",
    advice: Cow::Borrowed(""),
};

static NOWHERE: Condition = Condition {
    word: "not_listening",
    reason: Cow::Borrowed("federation is on, but listens nowhere, so no other server can reach it"),
    state: State::Degraded,
    finding: "warning",
    advice: Cow::Borrowed("Put address and port into the setting federation.s2s_listen, such as [::]:5269."),
};

static STARTING: Condition = Condition {
    word: "starting",
    reason: Cow::Borrowed("federation begins to listen once this is kept"),
    state: State::Up,
    finding: "ok",
    advice: Cow::Borrowed(""),
};

static NOBODY: Condition = Condition {
    word: "idle",
    reason: Cow::Borrowed("nobody can sign in, so clients of our own users are not waited for"),
    state: State::Up,
    finding: "ok",
    advice: Cow::Borrowed(""),
};

static NO_PLACE: Condition = Condition {
    word: "not_listening",
    reason: Cow::Borrowed("users can sign in, but there is no place where their clients are waited for"),
    state: State::Degraded,
    finding: "warning",
    advice: Cow::Borrowed("Put address and port into the setting federation.c2s_listen, such as [::]:5222."),
};

/// How it does with clients of our own users.
pub fn of_clients(server: &Server) -> Condition {
    let not = |why: &str| Condition {
        word: "not_listening",
        reason: Cow::Owned(format!("clients of our own users are not waited for: {why}")),
        state: State::Degraded,
        finding: "problem",
        advice: Cow::Borrowed(
            "Free that address and port, or change federation.c2s_listen or federation.c2s_tls_listen; it is tried again \
             every few seconds.",
        ),
    };
    let Some(clients) = server.clients() else {
        return if server.clients_trouble().is_empty() {
            NOBODY.clone()
        } else {
            not(server.clients_trouble())
        };
    };
    let places = clients.places();
    if let Some(trouble) = places.iter().map(|place| place.trouble.as_str()).find(|why| !why.is_empty()) {
        return not(trouble);
    }
    if places.is_empty() {
        return NO_PLACE.clone();
    }
    let places: Vec<_> = places.iter().map(|place| place.address.to_string()).collect();
    Condition {
        word: "listening",
        reason: Cow::Owned(format!("clients of our own users are waited for on {}", places.join(", "))),
        state: State::Up,
        finding: "ok",
        advice: Cow::Borrowed(""),
    }
}

/// Tells the supervisor and the doctor. For the supervisor it is one state: that of other servers, unless only that of
/// clients is bad.
pub fn tell(host: &Host, switches: &Switches, server: &Server) -> Result<(), Failure> {
    let (servers, clients) = (of(switches, server), of_clients(server));
    host.finding(&clients.finding("clients"))?;
    host.finding(&servers.finding("connection"))?;
    let worse = if servers.state == State::Up && clients.state != State::Up { &clients } else { &servers };
    host.report(worse.state, &worse.reason)
}

/// The condition with these switches and that server.
pub fn of(switches: &Switches, server: &Server) -> Condition {
    if !server.lacked().is_empty() {
        return lacked(switches.enabled, server.lacked());
    }
    match (switches.enabled, server.listens()) {
        (false, _) => DISABLED.clone(),
        (true, None) if server.trouble().is_empty() => STARTING.clone(),
        (true, None) => Condition {
            word: "not_listening",
            reason: Cow::Owned(format!("federation is on, but does not run: {}", server.trouble())),
            state: State::Degraded,
            finding: "problem",
            advice: Cow::Borrowed(
                "Mend that, then switch federation off and on again, or restart the plugin.",
            ),
        },
        (true, Some([])) => NOWHERE.clone(),
        (true, Some(places)) => {
            let places: Vec<_> = places.iter().map(ToString::to_string).collect();
            Condition {
                word: "listening",
                reason: Cow::Owned(format!("federation listens on {}", places.join(", "))),
                state: State::Up,
                finding: "ok",
                advice: Cow::Borrowed(""),
            }
        }
    }
}

/// The deployment does not have it: nothing is amiss unless somebody counts on it.
fn lacked(is_wanted: bool, reason: &str) -> Condition {
    let (state, finding, advice) = match is_wanted {
        true => {
            (State::Degraded, "warning", "Switch federation off, or correct the setting site.deployment.")
        }
        false => (State::Up, "ok", ""),
    };
    Condition {
        word: "not_supported",
        reason: Cow::Owned(reason.to_owned()),
        state,
        finding,
        advice: Cow::Borrowed(advice),
    }
}
