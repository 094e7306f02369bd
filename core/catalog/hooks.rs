//! Where the site's own scripts have a word: the points, how several scripts share one, how much a script may
//! use, which calls it may make, and what happens when it fails. Who runs scripts reads it, and who shows it.

use std::time::Duration;

/// Unit that runs published scripts.
pub const SCRIPTS: &str = "scripts";
/// Unit that tries scripts which are not published yet.
pub const WORKBENCH: &str = "workbench";

/// Builds a script: `{name, version, source}` to `{hooks, checks, tests, events}`.
pub const SCRIPT_LOAD: &str = "script.load";
/// Forgets a script: `{name, version}` to `{}`.
pub const SCRIPT_DROP: &str = "script.drop";
/// Runs the scripts of a dialing hook: `{hook, scripts, call}` to `{number, steps, rejected}`.
pub const HOOK_CHAIN: &str = "hook.chain";
/// Runs one check: `{name, version, check}` to its state.
pub const CHECK_RUN: &str = "check.run";
/// Tells scripts an event: `{event, object, scripts}` to `{failed}`.
pub const EVENT_TELL: &str = "event.tell";
/// What a unit that runs scripts answers.
pub const SCRIPT_OPS: &[&str] = &[SCRIPT_LOAD, SCRIPT_DROP, HOOK_CHAIN, CHECK_RUN, EVENT_TELL];

/// How several scripts share a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each gets what the one before it made.
    Chain,
    /// The first that has an opinion decides.
    First,
    /// Exactly one is asked.
    Single,
    /// All are told.
    All,
}

/// What a failure of a script does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// As if the script were not there.
    Open,
    /// As if the script had said no.
    Closed,
    /// The state is unknown, and never ok.
    Unknown,
    /// Nothing but a count.
    Ignore,
}

/// One point where scripts have a word.
#[derive(Debug, PartialEq, Eq)]
pub struct Hook {
    /// Name in a script; `event.` stands for all names that begin so.
    pub name: &'static str,
    /// How scripts share it.
    pub mode: Mode,
    /// Steps that one run may take; the same script with the same input always takes as many.
    pub safepoints: u64,
    /// Processor time of one run.
    pub time: Duration,
    /// Time of one run by the clock, without the calls that it makes; far more than its processor time, because a
    /// machine that is busy with other things is no fault of a script.
    pub wall: Duration,
    /// Time that all calls of one run may take together; each has its own limit as well, and there are at most
    /// [`MOST_CALLS`].
    pub waiting: Duration,
    /// Calls that a script may make there.
    pub calls: &'static [&'static str],
    /// What a failure does.
    pub policy: Policy,
    /// The same in words, for those who choose it.
    pub on_failure: &'static str,
}

/// Calls that may be made wherever something is watched.
const WATCHING: &[&str] = &[
    "ntp.query",
    "ntp.judge",
    "tcp.probe",
    "csta.judge",
    "dns.lookup",
    "http.date",
    "site.nodes",
    "site.peers",
    "site.setting",
    "log",
];

/// Changes the number that will be dialed.
pub const DIAL_REWRITE: &Hook = &Hook {
    name: "dial.rewrite",
    mode: Mode::Chain,
    safepoints: 50_000,
    time: Duration::from_millis(5),
    wall: Duration::from_millis(250),
    waiting: Duration::ZERO,
    calls: &[],
    policy: Policy::Open,
    on_failure: "The number stays as it was before the script.",
};

/// Lets a call pass, or rejects it.
pub const DIAL_ADMIT: &Hook = &Hook {
    name: "dial.admit",
    mode: Mode::First,
    safepoints: 50_000,
    time: Duration::from_millis(5),
    wall: Duration::from_millis(250),
    waiting: Duration::from_millis(250),
    calls: &["directory.lookup"],
    policy: Policy::Closed,
    on_failure: "The call is rejected with \"policy unavailable\".",
};

/// Looks at something and says how it is.
pub const CHECK: &Hook = &Hook {
    name: "check",
    mode: Mode::Single,
    safepoints: 1_000_000,
    time: Duration::from_secs(1),
    wall: Duration::from_secs(5),
    // A host that is silent costs seconds, and a check may look at many.
    waiting: Duration::from_secs(60),
    calls: WATCHING,
    policy: Policy::Unknown,
    on_failure: "The state is unknown, which raises an alarm; it is never ok.",
};

/// Is told what happened.
pub const EVENT: &Hook = &Hook {
    name: "event.",
    mode: Mode::All,
    safepoints: 100_000,
    time: Duration::from_millis(20),
    wall: Duration::from_millis(200),
    waiting: Duration::from_millis(200),
    calls: &["log"],
    policy: Policy::Ignore,
    on_failure: "Nothing else happens; the failure is counted.",
};

/// The top level of a script, which runs before each of its calls, so that nothing is kept between two.
pub const TOP_LEVEL: &Hook = &Hook {
    name: "top level",
    mode: Mode::Single,
    safepoints: 50_000,
    time: Duration::from_millis(100),
    wall: Duration::from_secs(1),
    waiting: Duration::ZERO,
    calls: &[],
    policy: Policy::Closed,
    on_failure: "The script is not loaded; the version before it stays.",
};

/// Every hook and the check.
pub const ALL: &[&Hook] = &[DIAL_REWRITE, DIAL_ADMIT, CHECK, EVENT];

/// Most calls that one run makes.
pub const MOST_CALLS: usize = 256;
/// Longest wait for one call, beyond the longest of every probe.
pub const CALL_WITHIN: Duration = Duration::from_secs(20);

/// What a rejected call is told when a script that had to decide failed.
pub const POLICY_UNAVAILABLE: &str = "policy unavailable";

/// Failures of one script in one hook within [`BREAKER_WINDOW`] before it is skipped.
pub const BREAKER_FAILURES: usize = 5;
/// See [`BREAKER_FAILURES`].
pub const BREAKER_WINDOW: Duration = Duration::from_secs(60);
/// For so long a script that failed too often is skipped under the hook's policy.
pub const BREAKER_REST: Duration = Duration::from_secs(30);

/// The hook of that name in a script; a check has none, it is registered by `check`.
pub fn find(name: &str) -> Option<&'static Hook> {
    let is_event = |name: &str| {
        let parts: Vec<_> = name.split('.').collect();
        let is_word = |word: &&str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        parts.len() == 2 && parts.iter().all(is_word)
    };
    match name.strip_prefix(EVENT.name) {
        Some(event) => Some(EVENT).filter(|_| is_event(event)),
        None => [DIAL_REWRITE, DIAL_ADMIT].into_iter().find(|hook| hook.name == name),
    }
}

/// Where a call may be made, in words.
pub fn places(call: &str) -> String {
    let places: Vec<_> =
        ALL.iter().filter(|hook| hook.calls.contains(&call)).map(|hook| hook.shown()).collect();
    places.join(", ")
}

impl Hook {
    /// Longest time of one run by the clock, with the calls that it makes.
    pub fn longest(&self) -> Duration {
        self.wall + self.waiting
    }

    /// Its name as people read it.
    pub fn shown(&self) -> &'static str {
        if self.name == EVENT.name { "event.*" } else { self.name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_their_hook() {
        assert_eq!(find("dial.rewrite"), Some(DIAL_REWRITE));
        assert_eq!(find("event.account.changed"), Some(EVENT));
        for name in ["dial.rewrit", "check", "event.", "event.x", "event.a.b.c", "event.A.b", ""] {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn the_clock_is_never_stricter_than_the_processor_and_every_call_has_a_place() {
        for hook in ALL {
            assert!(hook.wall >= hook.time && !hook.on_failure.is_empty(), "{}", hook.name);
            assert_eq!(hook.waiting.is_zero(), hook.calls.is_empty(), "{}", hook.name);
        }
        assert_eq!(places("directory.lookup"), "dial.admit");
        assert_eq!(places("log"), "check, event.*");
    }
}
