//! When the state of a check changes. Pure. A good run counts at once; a worse one only when the next run confirms
//! it, so that one lost packet alarms nobody. That something could not be measured, or that the script failed, is no
//! better and no worse than what was known: it too needs two runs.

use serde::{Deserialize, Serialize};

/// How a check stands, or what one run of it came to; in order of how loud it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has not run yet.
    Pending,
    /// As it should be.
    Ok,
    /// Worth knowing.
    Notice,
    /// It cannot be measured from here; nothing is known to be wrong.
    NotMeasurable,
    /// The check itself failed.
    Unknown,
    /// Somebody should act.
    Warning,
    /// Something does not work, or soon will not.
    Error,
    /// People are affected.
    Critical,
}

/// Every state with its name, the calmest first.
const ALL: &[(State, &str)] = &[
    (State::Pending, "pending"),
    (State::Ok, "ok"),
    (State::Notice, "notice"),
    (State::NotMeasurable, "not_measurable"),
    (State::Unknown, "unknown"),
    (State::Warning, "warning"),
    (State::Error, "error"),
    (State::Critical, "critical"),
];

impl State {
    /// The names that the API uses.
    pub const NAMES: &[&str] =
        &["pending", "ok", "notice", "not_measurable", "unknown", "warning", "error", "critical"];

    /// The name of this state.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }

    /// Whether it says something of the thing that is checked.
    fn is_measured(self) -> bool {
        !matches!(self, Self::Pending | Self::Unknown | Self::NotMeasurable)
    }
}

/// What is remembered of a check between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The state that is shown.
    pub state: State,
    /// What the last run came to, when that did not confirm anything yet.
    pub doubt: Option<State>,
}

impl Standing {
    /// A check that has not run.
    pub const NEW: Self = Self { state: State::Pending, doubt: None };

    /// The standing after one more run.
    pub fn after(self, outcome: State) -> Self {
        if outcome == self.state || is_better(self.state, outcome) {
            return Self { state: outcome, doubt: None };
        }
        match self.doubt {
            None => Self { doubt: Some(outcome), ..self },
            Some(first) => Self { state: confirmed(first, outcome), doubt: None },
        }
    }
}

/// Whether a run is good news: what was measured is milder than what is shown. From a state in which nothing was
/// measured, only a good run is.
fn is_better(shown: State, outcome: State) -> bool {
    outcome == State::Ok || (shown.is_measured() && outcome.is_measured() && outcome < shown)
}

/// Of two bad runs in a row the milder one is certain; what was not measured gives way to what was.
fn confirmed(first: State, second: State) -> State {
    match (first.is_measured(), second.is_measured()) {
        (true, true) => first.min(second),
        (true, false) => first,
        (false, _) => second,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::State::*;
    use super::*;

    fn told(from: State, outcomes: &[State]) -> Vec<State> {
        let mut standing = Standing { state: from, doubt: None };
        let step = |outcome: &State| {
            standing = standing.after(*outcome);
            standing.state
        };
        outcomes.iter().map(step).collect()
    }

    #[test]
    fn every_turn_of_a_check_is_as_the_table_says() {
        let table: &[(State, &[State], &[State])] = &[
            (Pending, &[Ok], &[Ok]),
            (Pending, &[Error, Error], &[Pending, Error]),
            (Pending, &[NotMeasurable, NotMeasurable], &[Pending, NotMeasurable]),
            // One lost packet alarms nobody.
            (Ok, &[Error, Ok, Error, Ok], &[Ok, Ok, Ok, Ok]),
            (Ok, &[Error, Error], &[Ok, Error]),
            // What is certain is the milder of both.
            (Ok, &[Critical, Warning], &[Ok, Warning]),
            (Ok, &[Notice, Critical, Critical, Critical], &[Ok, Notice, Notice, Critical]),
            // Good news at once.
            (Critical, &[Ok], &[Ok]),
            (Critical, &[Warning], &[Warning]),
            (Unknown, &[Ok], &[Ok]),
            // Not to see does not heal.
            (Critical, &[Unknown, Critical], &[Critical, Critical]),
            (Critical, &[Unknown, Unknown], &[Critical, Unknown]),
            (Error, &[NotMeasurable, NotMeasurable], &[Error, NotMeasurable]),
            (Ok, &[NotMeasurable, Error], &[Ok, Error]),
            (Ok, &[Error, NotMeasurable], &[Ok, Error]),
            (NotMeasurable, &[Error, Error], &[NotMeasurable, Error]),
            (NotMeasurable, &[Notice, Notice], &[NotMeasurable, Notice]),
            (Unknown, &[NotMeasurable, NotMeasurable], &[Unknown, NotMeasurable]),
        ];
        for (from, outcomes, states) in table {
            assert_eq!(told(*from, outcomes), *states, "{from:?} {outcomes:?}");
        }
    }

    #[test]
    fn names_lead_back_to_their_state() {
        let names: Vec<&str> = ALL.iter().map(|(_, name)| *name).collect();
        assert_eq!(names, State::NAMES);
        assert!(ALL.iter().all(|(state, name)| State::parse(name) == Some(*state) && state.name() == *name));
        assert_eq!(State::parse("fine"), None);
    }

    proptest! {
        #[test]
        fn one_run_alone_makes_nothing_worse_and_two_alike_are_believed(from in 1..8_usize, to in 1..8_usize) {
            let (from, to) = (ALL[from].0, ALL[to].0);
            let once = told(from, &[to])[0];
            prop_assert!(once == from || to == Ok || (to < from));
            prop_assert_eq!(told(from, &[to, to])[1], to);
        }
    }
}
