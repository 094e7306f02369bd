//! What becomes of a subscription when one side says something: RFC 6121 appendix A as one pure function. Who keeps the
//! state and who carries the stanzas is told elsewhere.
//!
//! T: we see them. F: they see us. +o: our request is open. +i: theirs is.
//!
//! | | we: subscribe | we: unsubscribe | we: subscribed | we: unsubscribed | they: subscribe | they: unsubscribe | they: subscribed | they: unsubscribed |
//! |---|---|---|---|---|---|---|---|---|
//! | N | r N+o | r | | | d N+i | | | |
//! | N+o | r | r N | | | d N+oi | | d T | d N |
//! | N+i | r N+oi | r | r F | r N | | d N | | |
//! | N+oi | r | r N+i | r F+o | r N+o | | d N+o | d T+i | d N+i |
//! | T | r | r N | | | d T+i | | | d N |
//! | T+i | r | r N+i | r B | r T | | d T | | d N+i |
//! | F | r F+o | r | | r N | auto | d N | | |
//! | F+o | r | r F | | r N+o | auto | d N+o | d B | d F |
//! | B | r | r F | | r T | auto | d T | | d F |
//!
//! r: routed, d: delivered, auto: answered by `subscribed`, empty: nothing. Nine states are two directions with three
//! values each, so the code decides by direction; the tests hold it to the cells.

/// A subscription as one side has it: one of the nine states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum State {
    /// Nobody sees anybody.
    #[default]
    None,
    /// We have asked.
    NoneOut,
    /// They have asked.
    NoneIn,
    /// Both have asked.
    NoneOutIn,
    /// We see them.
    To,
    /// We see them, and they have asked.
    ToIn,
    /// They see us.
    From,
    /// They see us, and we have asked.
    FromOut,
    /// Each sees the other.
    Both,
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Our user.
    We,
    /// The contact.
    They,
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// "I want to see you."
    Subscribe,
    /// "I do not want to see you any more."
    Unsubscribe,
    /// "You may see me."
    Subscribed,
    /// "You may not see me", or "not any more".
    Unsubscribed,
}

/// What is done with the stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Nothing at all.
    Nothing,
    /// It goes to the contact.
    Route,
    /// It goes to our user.
    Deliver,
    /// It is answered by `subscribed` in our user's name, because they see us already.
    Answer,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::NoneOut,
        Self::NoneIn,
        Self::NoneOutIn,
        Self::To,
        Self::ToIn,
        Self::From,
        Self::FromOut,
        Self::Both,
    ];
    /// Their names, in that order, as they are stored.
    pub const WORDS: [&'static str; 9] = ["N", "N+o", "N+i", "N+oi", "T", "T+i", "F", "F+o", "B"];

    /// Its name.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// The one of that name.
    pub fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().position(|known| *known == word).map(|at| Self::ALL[at])
    }

    /// Whether we see them.
    pub fn sees(self) -> bool {
        matches!(self, Self::To | Self::ToIn | Self::Both)
    }

    /// Whether they see us.
    pub fn is_seen(self) -> bool {
        matches!(self, Self::From | Self::FromOut | Self::Both)
    }

    /// Whether we have asked and not been answered.
    pub fn has_asked(self) -> bool {
        matches!(self, Self::NoneOut | Self::NoneOutIn | Self::FromOut)
    }

    /// Whether they have asked and not been answered.
    pub fn is_asked(self) -> bool {
        matches!(self, Self::NoneIn | Self::NoneOutIn | Self::ToIn)
    }

    /// As a roster has it (RFC 6121 section 2.1.2.5).
    pub fn subscription(self) -> &'static str {
        match (self.sees(), self.is_seen()) {
            (false, false) => "none",
            (true, false) => "to",
            (false, true) => "from",
            (true, true) => "both",
        }
    }

    fn made(ours: Half, theirs: Half) -> Self {
        match (ours, theirs) {
            (Half::No, Half::No) => Self::None,
            (Half::Asked, Half::No) => Self::NoneOut,
            (Half::No, Half::Asked) => Self::NoneIn,
            (Half::Asked, Half::Asked) => Self::NoneOutIn,
            (Half::Yes, Half::No) => Self::To,
            (Half::Yes, Half::Asked) => Self::ToIn,
            (Half::No, Half::Yes) => Self::From,
            (Half::Asked, Half::Yes) => Self::FromOut,
            (Half::Yes, Half::Yes) => Self::Both,
        }
    }

    fn ours(self) -> Half {
        Half::of(self.sees(), self.has_asked())
    }

    fn theirs(self) -> Half {
        Half::of(self.is_seen(), self.is_asked())
    }
}

/// One direction of a subscription: two of them make the nine states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    No,
    Asked,
    Yes,
}

impl Half {
    fn of(is_there: bool, is_asked: bool) -> Self {
        match (is_there, is_asked) {
            (true, _) => Self::Yes,
            (false, true) => Self::Asked,
            (false, false) => Self::No,
        }
    }
}

impl Kind {
    /// The one of that `type`; none: it is another kind of presence.
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::Subscribe, Self::Unsubscribe, Self::Subscribed, Self::Unsubscribed];
        all.into_iter().find(|kind| kind.word() == word)
    }

    /// The `type` of its stanza.
    pub fn word(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::Subscribed => "subscribed",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

/// What becomes of a subscription, and what is done with the stanza.
pub fn step(state: State, who: Who, kind: Kind) -> (State, Does) {
    let (ours, theirs) = (state.ours(), state.theirs());
    let route = |ours, theirs| (State::made(ours, theirs), Does::Route);
    let deliver = |ours, theirs| (State::made(ours, theirs), Does::Deliver);
    let nothing = (state, Does::Nothing);
    match (who, kind) {
        // Asking again and giving up again are sent again: the first one may have been lost.
        (Who::We, Kind::Subscribe) if ours == Half::No => route(Half::Asked, theirs),
        (Who::We, Kind::Subscribe) => route(ours, theirs),
        (Who::We, Kind::Unsubscribe) => route(Half::No, theirs),
        // Nobody allows what was not asked for: there is no approval in advance.
        (Who::We, Kind::Subscribed) if theirs == Half::Asked => route(ours, Half::Yes),
        (Who::We, Kind::Unsubscribed) if theirs != Half::No => route(ours, Half::No),
        (Who::They, Kind::Subscribe) => match theirs {
            Half::No => deliver(ours, Half::Asked),
            Half::Asked => nothing,
            Half::Yes => (state, Does::Answer),
        },
        (Who::They, Kind::Unsubscribe) if theirs != Half::No => deliver(ours, Half::No),
        // An unasked `subscribed` has no effect, whoever sends it.
        (Who::They, Kind::Subscribed) if ours == Half::Asked => deliver(Half::Yes, theirs),
        (Who::They, Kind::Unsubscribed) if ours != Half::No => deliver(Half::No, theirs),
        (Who::We, Kind::Subscribed | Kind::Unsubscribed)
        | (Who::They, Kind::Unsubscribe | Kind::Subscribed | Kind::Unsubscribed) => nothing,
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
