//! Between the appliance's states and what XMPP says: `show`, `status`, `priority` (RFC 6121 section 4.7).
//!
//! | state | outward | from a client or another server |
//! |---|---|---|
//! | available | no `show` | no `show`, or `chat` |
//! | away | `away` | `away`, `xa` |
//! | be right back | `away`, "Be right back" | |
//! | out of office | `xa`, "Out of office" | |
//! | busy, in a call, in a meeting, do not disturb | `dnd`, with these words | do not disturb: `dnd` |
//! | offline, unknown | `unavailable` | offline: `unavailable` |
//!
//! Words that somebody wrote take the place of ours. What an XMPP client said itself is told as it said it, so that `xa`
//! stays `xa`: the appliance has no state for a client that was left alone for long.

use jackfield_sdk::abi::ops::Presence;

use crate::xml::{Element, ns};

/// Longest `status` that is kept and told, in bytes.
const LONGEST: usize = 1024;
/// Longest note that the appliance takes, in characters.
const NOTE: usize = 256;

/// What one resource shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// `away`, `chat`, `dnd` or `xa`; none: there.
    pub show: Option<&'static str>,
    /// Words; empty: none.
    pub status: String,
    /// From -128 to 127.
    pub priority: i8,
    /// What is told of the photo of whoever shows it.
    pub photo: Photo,
}

/// What presence says of a photo (XEP-0153 section 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Photo {
    /// Nothing: there was never one, and nobody thinks so.
    #[default]
    Unsaid,
    /// That there is none any more.
    Gone,
    /// Its SHA-1 in hexadecimal.
    Of(String),
}

/// What an account or contact shows to whoever sees it; none: it is not there.
pub type Seen = Option<Shown>;

impl Shown {
    /// What a stanza of a resource that is there says. What is no `show` counts as none (RFC 6121 section 4.7.2.1),
    /// a priority out of bounds as 0.
    pub fn of(presence: &Element) -> Self {
        let words = |name: &str| presence.find(ns::SERVER, name).map(Element::words).unwrap_or_default();
        let show = words("show");
        let show = ["away", "chat", "dnd", "xa"].into_iter().find(|known| *known == show.trim());
        let status = cut(&words("status"), LONGEST).to_owned();
        let priority = words("priority").trim().parse().unwrap_or_default();
        Self { show, status, priority, photo: Photo::Unsaid }
    }

    /// The appliance's state for it.
    pub fn state(&self) -> &'static str {
        match self.show {
            None | Some("chat") => "available",
            Some("dnd") => "do_not_disturb",
            Some(_) => "away",
        }
    }

    /// Its words as the appliance takes them: on one line, and not longer than a note may be.
    pub fn note(&self) -> String {
        let line = self.status.split_whitespace().collect::<Vec<_>>().join(" ");
        line.chars().filter(|c| !c.is_control()).take(NOTE).collect()
    }

    /// Of several resources the one that counts: the highest priority, and among equals the one that is most there.
    /// Who has a negative priority does not want messages, but is there.
    pub fn best<'a>(all: impl Iterator<Item = &'a Self>) -> Option<&'a Self> {
        let presence = |shown: &Self| match shown.show {
            Some("chat") => 4,
            None => 3,
            Some("dnd") => 2,
            Some("away") => 1,
            Some(_) => 0,
        };
        all.max_by_key(|shown| (shown.priority, presence(shown)))
    }
}

/// What is shown of an account whose state the appliance knows; `own` is what its own client, or its own server, last
/// said.
pub fn seen(merged: &Presence, own: Option<&Shown>) -> Seen {
    let is_own = |own: &&Shown| merged.source.as_deref() == Some("xmpp") && own.state() == merged.state;
    if let Some(own) = own.filter(is_own) {
        return Some(Shown { priority: 0, ..own.clone() });
    }
    let (show, words) = match merged.state.as_str() {
        "available" => (None, ""),
        "away" => (Some("away"), ""),
        "be_right_back" => (Some("away"), "Be right back"),
        "out_of_office" => (Some("xa"), "Out of office"),
        "busy" => (Some("dnd"), "Busy"),
        "in_call" => (Some("dnd"), "In a call"),
        "in_meeting" => (Some("dnd"), "In a meeting"),
        "do_not_disturb" => (Some("dnd"), "Do not disturb"),
        _ => return None,
    };
    let status = if merged.note.is_empty() { words } else { merged.note.as_str() };
    Some(Shown { show, status: status.to_owned(), ..Shown::default() })
}

/// The stanza that says it, without addresses.
pub fn stanza(seen: &Seen) -> Element {
    let presence = Element::new(ns::SERVER, "presence");
    let Some(shown) = seen else { return presence.with("type", "unavailable") };
    let child = |name: &str, text: &str| Element::new(ns::SERVER, name).text(text);
    let mut presence = presence;
    if let Some(show) = shown.show {
        presence = presence.child(child("show", show));
    }
    if !shown.status.is_empty() {
        presence = presence.child(child("status", &shown.status));
    }
    if shown.priority != 0 {
        presence = presence.child(child("priority", &shown.priority.to_string()));
    }
    let photo = Element::new(ns::VCARD_UPDATE, "photo");
    let photo = match &shown.photo {
        Photo::Unsaid => return presence,
        Photo::Gone => photo,
        Photo::Of(hash) => photo.text(hash),
    };
    presence.child(Element::new(ns::VCARD_UPDATE, "x").child(photo))
}

/// The beginning of a text that is not longer than that, whole characters only.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(state: &str, note: &str, source: Option<&str>) -> Presence {
        let (account, state, note) = (String::new(), state.to_owned(), note.to_owned());
        let source = source.map(str::to_owned);
        Presence { account, state, note, source, since: None, age_seconds: None, reason: String::new() }
    }

    fn presence(show: &str, status: &str, priority: &str) -> Element {
        [("show", show), ("status", status), ("priority", priority)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .fold(Element::new(ns::SERVER, "presence"), |presence, (name, text)| {
                presence.child(Element::new(ns::SERVER, name).text(text))
            })
    }

    #[test]
    fn states_go_outward_by_the_table() {
        for (state, show, status) in [
            ("available", None, ""),
            ("away", Some("away"), ""),
            ("be_right_back", Some("away"), "Be right back"),
            ("out_of_office", Some("xa"), "Out of office"),
            ("busy", Some("dnd"), "Busy"),
            ("in_call", Some("dnd"), "In a call"),
            ("in_meeting", Some("dnd"), "In a meeting"),
            ("do_not_disturb", Some("dnd"), "Do not disturb"),
        ] {
            let expected = Shown { show, status: status.to_owned(), ..Shown::default() };
            assert_eq!(seen(&merged(state, "", Some("teams")), None), Some(expected), "{state}");
            let noted = seen(&merged(state, "own words", Some("manual")), None).unwrap();
            assert_eq!((noted.show, noted.status.as_str()), (show, "own words"));
        }
        for state in ["offline", "unknown", "a state of later versions"] {
            assert_eq!(seen(&merged(state, "", None), None), None, "{state}");
        }
    }

    #[test]
    fn what_a_client_said_is_told_as_it_said_it_while_it_is_what_counts() {
        let own = Shown::of(&presence("xa", "gone\nfishing", "5"));
        let told = seen(&merged("away", "gone fishing", Some("xmpp")), Some(&own)).unwrap();
        assert_eq!((told.show, told.status.as_str(), told.priority), (Some("xa"), "gone\nfishing", 0));
        let by_hand = seen(&merged("away", "", Some("manual")), Some(&own)).unwrap();
        assert_eq!(by_hand.show, Some("away"));
        // The appliance has not heard of the change yet.
        let late = seen(&merged("available", "", Some("xmpp")), Some(&own)).unwrap();
        assert_eq!(late.show, None);
    }

    #[test]
    fn what_comes_in_is_read_with_bounds() {
        for (show, state) in [
            ("", "available"),
            ("chat", "available"),
            ("away", "away"),
            ("xa", "away"),
            ("dnd", "do_not_disturb"),
        ] {
            assert_eq!(Shown::of(&presence(show, "", "")).state(), state, "{show}");
        }
        let odd = Shown::of(&presence("online", &"\u{fc}".repeat(60_000), "999"));
        assert_eq!((odd.show, odd.status.len(), odd.priority), (None, LONGEST, 0));
        assert_eq!((odd.note().chars().count(), odd.state()), (NOTE, "available"));
        assert_eq!(Shown::of(&presence("", " a\n b\tc ", "-1")).note(), "a b c");
    }

    #[test]
    fn the_best_resource_is_the_one_with_the_highest_priority_then_the_most_present() {
        let of = |show: &str, priority: &str| Shown::of(&presence(show, "", priority));
        let all = [of("chat", "-1"), of("xa", "5"), of("away", "5"), of("", "0")];
        assert_eq!(Shown::best(all.iter()), Some(&all[2]));
        assert_eq!(Shown::best([].iter()), None);
    }

    #[test]
    fn a_stanza_says_what_is_shown() {
        let shown = Shown { show: Some("dnd"), status: "In a call".to_owned(), ..Shown::default() };
        let plain = stanza(&Some(shown.clone()));
        assert_eq!(Shown::of(&plain), shown);
        assert_eq!(stanza(&None).attribute("type"), Some("unavailable"));
        let with = |photo| {
            let told = stanza(&Some(Shown { photo, ..shown.clone() }));
            told.find(ns::VCARD_UPDATE, "x").map(|x| x.find(ns::VCARD_UPDATE, "photo").unwrap().words())
        };
        assert_eq!(with(Photo::Unsaid), None, "who has no photo says nothing of it");
        assert_eq!(with(Photo::Gone).as_deref(), Some(""));
        assert_eq!(with(Photo::Of("ab".to_owned())).as_deref(), Some("ab"));
    }
}
