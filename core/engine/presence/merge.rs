//! One state from many inputs: a pure function. Leaves out expiry: who calls leaves out what is over.
//!
//! | order | rule | from |
//! |---|---|---|
//! | 1 | An account that does not show its presence is `unknown` to everybody. | Mitel's help on privacy |
//! | 2 | While Teams is on for the account, its Teams status is shown and nothing else. | seed 003 |
//! | 3 | Among what was said on purpose (by hand, calendar, XMPP and CloudLink beyond "there" and "not there") the last change wins. | Mitel's help on dynamic status, for hand and calendar; the rest is ours |
//! | 4 | A call, or "do not disturb" at the telephone, counts more than that, unless the state was set by hand to something other than available. | ours; as in Microsoft Graph a status that the user chose beats all sessions, and choosing "available" is taking one's choice back |
//! | 5 | Else whoever is there makes the account available; else it is offline if somebody says so; else unknown. | ours |
//! | - | The calendar has no say unless enterprise and profile have calendar integration. | Mitel's help on user profiles |
//! | - | What goes outward to a world is the same with that world's own input left out, so that nothing comes back as an echo. | ours, for the loop that two-way Teams presence would make |
//! | - | While Teams is on, what was set by hand is not used outward either. | seed 003: "will not be displayed or utilized" |
//!
//! Schedules and locations, which that help names beside hand and calendar, are no sources of their own: who sets a
//! state by them tells it as `manual` or `calendar`. A world's own words become states where it is spoken with, and so does
//! keeping back its echo: only there is known what was written to it, and when.

use super::state::{Input, Inputs, Rule, Source, State};

/// What is known of an account besides its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Whether its presence may be shown.
    pub is_shown: bool,
    /// Whether Teams is on for it.
    pub is_teams_on: bool,
    /// Whether its calendar has a say.
    pub has_calendar: bool,
}

/// The outcome: the state, whose it is, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The state.
    pub state: State,
    /// Whose input it is.
    pub source: Option<Source>,
    /// Why.
    pub rule: Rule,
}

/// Sources that may say something on purpose.
const ON_PURPOSE: [Source; 4] = [Source::Manual, Source::Calendar, Source::Xmpp, Source::Cloudlink];
/// Sources that tell whether somebody is there. An idle telephone says that little too.
const FAINT: [Source; 4] = [Source::Xmpp, Source::Cloudlink, Source::Telephony, Source::Calendar];

/// The state to show, or to tell a world whose own input is left out.
pub fn merge(inputs: &Inputs, facts: Facts, without: Option<Source>) -> Verdict {
    if !facts.is_shown {
        return nobodys(Rule::Hidden);
    }
    let said = |source: Source| {
        let is_left_out = Some(source) == without || (source == Source::Calendar && !facts.has_calendar);
        let input = inputs[source as usize].as_deref().filter(|_| !is_left_out)?;
        (input.state != State::Unknown).then_some(input)
    };
    if facts.is_teams_on && without != Some(Source::Teams) {
        let teams = said(Source::Teams);
        return teams.map_or(nobodys(Rule::TeamsSilent), |input| of(Source::Teams, input, Rule::TeamsOnly));
    }
    let counts = |source: &Source| !(facts.is_teams_on && *source == Source::Manual);
    let on_purpose = ON_PURPOSE.into_iter().filter(counts);
    let on_purpose = on_purpose.filter_map(|source| Some((source, said(source)?)));
    let last = on_purpose.filter(|(source, input)| is_on_purpose(*source, input.state));
    let last = last.max_by_key(|(_, input)| input.order);
    let telephone = said(Source::Telephony).filter(|input| is_occupied(input.state));
    match (last, telephone) {
        (Some((Source::Manual, input)), Some(_)) if input.state != State::Available => {
            of(Source::Manual, input, Rule::ByHand)
        }
        (_, Some(input)) => of(Source::Telephony, input, Rule::Telephone),
        (Some((source, input)), None) => of(source, input, Rule::LastSet),
        (None, None) => faint(said),
    }
}

fn of(source: Source, input: &Input, rule: Rule) -> Verdict {
    Verdict { state: input.state, source: Some(source), rule }
}

fn nobodys(rule: Rule) -> Verdict {
    Verdict { state: State::Unknown, source: None, rule }
}

/// A client that is there or not, and a calendar without an entry, say nothing about what the person wants.
fn is_on_purpose(source: Source, state: State) -> bool {
    source == Source::Manual || !matches!(state, State::Available | State::Offline)
}

/// States in which a telephone is not idle.
fn is_occupied(state: State) -> bool {
    matches!(state, State::InCall | State::InMeeting | State::Busy | State::DoNotDisturb)
}

fn faint<'a>(said: impl Fn(Source) -> Option<&'a Input>) -> Verdict {
    let of_state = |wanted: State| {
        let all = FAINT.into_iter().filter_map(|source| Some((source, said(source)?)));
        let fitting = all.filter(|(_, input)| input.state == wanted);
        fitting.max_by_key(|(_, input)| input.order)
    };
    let found = of_state(State::Available).or_else(|| of_state(State::Offline));
    found.map_or(nobodys(Rule::Nothing), |(source, input)| of(source, input, Rule::Faint))
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
