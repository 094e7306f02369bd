//! What somebody wants to say, checked: words that are states, a note of one line, a time that is allowed.

use std::sync::Arc;
use std::time::Duration;

use super::state::{Source, State};
use super::table::Told;
use super::{LONGEST, LONGEST_BY_HAND, NOTE_LENGTH};
use crate::catalog::rules;

/// One change that a source asks for; no state takes back what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Account.
    pub account: Arc<str>,
    /// What the source says.
    pub told: Option<Told>,
}

/// What a source says, or the end of a sentence that says what is wrong with it. Without a time it is over after
/// a day: what nobody has confirmed for so long is not known. By hand it stays until it is taken back.
pub fn told(
    source: Source,
    state: Option<&str>,
    note: &str,
    expires_in: Option<u64>,
) -> Result<Option<Told>, String> {
    let Some(name) = state else { return Ok(None) };
    let wrong = || format!("state must be one of {}; {name:?} is not", State::NAMES.join(", "));
    let state = State::parse(name).ok_or_else(wrong)?;
    if note.chars().count() > NOTE_LENGTH || !rules::PLAIN.allows(note) {
        return Err(format!("note must be at most {NOTE_LENGTH} characters on one line"));
    }
    let (longest, usual) = match source {
        Source::Manual => (LONGEST_BY_HAND, None),
        _ => (LONGEST, Some(LONGEST)),
    };
    let seconds = expires_in.or(usual);
    if seconds.is_some_and(|seconds| seconds == 0 || seconds > longest) {
        return Err(format!(
            "expires_in must be 1 to {longest} seconds for the source {}; {} is not",
            source.name(),
            seconds.unwrap_or_default()
        ));
    }
    Ok(Some(Told { state, note: note.to_owned(), lasts: seconds.map(Duration::from_secs) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_and_what_is_left_out_is_filled_in() {
        let lasts = |source, seconds| told(source, Some("busy"), "", seconds).unwrap().unwrap().lasts;
        assert_eq!(lasts(Source::Manual, None), None);
        assert_eq!(lasts(Source::Telephony, None), Some(Duration::from_secs(LONGEST)));
        assert_eq!(lasts(Source::Telephony, Some(60)), Some(Duration::from_secs(60)));
        assert_eq!(told(Source::Xmpp, None, "", None), Ok(None));
        for (state, note, seconds, said) in [
            ("Busy", "", None, "state must be one of available, busy"),
            ("busy", "two\nlines", None, "note must be"),
            ("busy", "", Some(0), "expires_in must be 1 to 86400 seconds for the source xmpp; 0 is not"),
            ("busy", "", Some(LONGEST + 1), "expires_in must be"),
        ] {
            let wrong = told(Source::Xmpp, Some(state), note, seconds).unwrap_err();
            assert!(wrong.contains(said), "{wrong}");
        }
        assert!(told(Source::Xmpp, Some("busy"), &"x".repeat(NOTE_LENGTH + 1), None).is_err());
    }
}
