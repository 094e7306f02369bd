//! The words of presence: states, sources, one source's input, and what is shown of an account in the end.

use std::time::Instant;

/// What somebody is doing, as the API and plugins spell it. XMPP and Teams know other words; whoever speaks with
/// them translates there, so that nothing is lost on the way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Reachable.
    Available,
    /// Occupied.
    Busy,
    /// On the telephone.
    InCall,
    /// In a meeting.
    InMeeting,
    /// Not to be disturbed.
    DoNotDisturb,
    /// Not at the desk.
    Away,
    /// Away for a moment.
    BeRightBack,
    /// Not at work for longer.
    OutOfOffice,
    /// Not there.
    Offline,
    /// Nobody knows, or nobody may know.
    #[default]
    Unknown,
}

impl State {
    /// The names, in the order above.
    pub const NAMES: &[&str] = &[
        "available",
        "busy",
        "in_call",
        "in_meeting",
        "do_not_disturb",
        "away",
        "be_right_back",
        "out_of_office",
        "offline",
        "unknown",
    ];
    const ALL: [Self; 10] = [
        Self::Available,
        Self::Busy,
        Self::InCall,
        Self::InMeeting,
        Self::DoNotDisturb,
        Self::Away,
        Self::BeRightBack,
        Self::OutOfOffice,
        Self::Offline,
        Self::Unknown,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The person, or somebody for them.
    Manual,
    /// Their XMPP clients.
    Xmpp,
    /// The PBX.
    Telephony,
    /// Microsoft Teams.
    Teams,
    /// CloudLink.
    Cloudlink,
    /// Their calendar.
    Calendar,
}

/// How many sources there are.
pub const SOURCES: usize = 6;

impl Source {
    /// The names, in the order above.
    pub const NAMES: &[&str] = &["manual", "xmpp", "telephony", "teams", "cloudlink", "calendar"];
    /// All of them.
    pub const ALL: [Self; SOURCES] =
        [Self::Manual, Self::Xmpp, Self::Telephony, Self::Teams, Self::Cloudlink, Self::Calendar];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The source of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// What one source says of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The state.
    pub state: State,
    /// The words that go with it; often none.
    pub note: Box<str>,
    /// Since when, milliseconds of Unix time; saying the same again does not move it.
    pub since: i64,
    /// Rises with every change of any input, so that the last one is known whatever the clock does.
    pub order: u64,
    /// When it was last said.
    pub told: Instant,
    /// When it is over; none: never.
    pub expires: Option<Instant>,
}

/// The inputs of one account, by source.
pub type Inputs = [Option<Box<Input>>; SOURCES];

/// Why a state is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rule {
    /// Privacy hides it.
    Hidden,
    /// Teams alone counts.
    TeamsOnly,
    /// Teams alone counts and has said nothing.
    TeamsSilent,
    /// It was set last.
    LastSet,
    /// It was set by hand, which counts more than a call.
    ByHand,
    /// The telephone counts more than what else is known.
    Telephone,
    /// Nothing better is known.
    Faint,
    /// No source says anything.
    #[default]
    Nothing,
}

impl Rule {
    /// The reason, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Hidden => "the account does not show its presence",
            Self::TeamsOnly => "Teams is on for this account, so only its Teams status is shown",
            Self::TeamsSilent => {
                "Teams is on for this account, so only its Teams status is shown, and that is not known"
            }
            Self::LastSet => "it was set last",
            Self::ByHand => "it was set by hand, which counts more than the telephone",
            Self::Telephone => "the telephone says so, which counts more than what else is known",
            Self::Faint => "no source says more",
            Self::Nothing => "no source has told a state",
        }
    }
}

/// What is shown of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The state.
    pub state: State,
    /// The words that go with it.
    pub note: Box<str>,
    /// Whose input it is; none when it is nobody's.
    pub source: Option<Source>,
    /// Since when that source says so, milliseconds of Unix time.
    pub since: Option<i64>,
    /// Why this one.
    pub rule: Rule,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_written() {
        assert!(State::NAMES.iter().all(|name| State::parse(name).is_some_and(|s| s.name() == *name)));
        assert!(Source::NAMES.iter().all(|name| Source::parse(name).is_some_and(|s| s.name() == *name)));
        assert_eq!((State::parse("Busy"), Source::parse("")), (None, None));
    }
}
