//! What the people of a peer are doing, as the other side says: kept by their keys, so that it is right whether the
//! directory or the news came first. Decides what is to be published; the appliance's memory of it ends by itself.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::frame::{Part, Person};

/// Most people that are remembered.
const MOST: usize = 500_000;
/// Longest note in characters, as `presence.publish` has it.
const NOTE: usize = 256;
/// How long what is published holds, and how often it is said again.
pub const HOLDS: Duration = Duration::from_secs(120);
const AGAIN: Duration = Duration::from_secs(45);

/// Somebody's state to be published: the account here, and what; none: nobody says.
pub type Say = (String, Option<(String, String)>);

/// A contact here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Id of the account here.
    pub account: String,
    /// Whether the login is in UPN form.
    pub is_upn: bool,
}

/// The people of one peer.
#[derive(Debug, Default)]
pub struct People {
    contacts: HashMap<String, Contact>,
    heard: HashMap<String, (String, String)>,
    /// Keys of the whole that is just coming.
    whole: Option<HashSet<String>>,
    said: Option<Instant>,
    shows_upn: bool,
}

impl People {
    /// Whether logins in UPN form are shown; what changes by that.
    pub fn show_upn(&mut self, shows: bool) -> Vec<Say> {
        if std::mem::replace(&mut self.shows_upn, shows) == shows {
            return Vec::new();
        }
        let upn: Vec<String> =
            self.contacts.iter().filter(|(_, c)| c.is_upn).map(|(key, _)| key.clone()).collect();
        upn.iter().filter_map(|key| self.say(key)).collect()
    }

    /// These are the contacts now; what is known of those who were not there before.
    pub fn know(&mut self, contacts: HashMap<String, Contact>) -> Vec<Say> {
        let before = std::mem::replace(&mut self.contacts, contacts);
        let new = self.heard.keys().filter(|key| before.get(*key) != self.contacts.get(*key));
        let new: Vec<String> = new.cloned().collect();
        new.iter().filter_map(|key| self.say(key)).collect()
    }

    /// Takes what came; what is to be published.
    pub fn take(&mut self, part: Part, items: Vec<Person>) -> Vec<Say> {
        if matches!(part, Part::First | Part::Only) {
            self.whole = Some(HashSet::new());
        }
        let mut say = Vec::new();
        for Person { key, state, note } in items {
            if let Some(whole) = &mut self.whole {
                whole.insert(key.clone());
            }
            if state == "unknown" {
                self.heard.remove(&key);
            } else if self.heard.len() < MOST || self.heard.contains_key(&key) {
                let note = note.chars().filter(|c| !c.is_control()).take(NOTE).collect();
                self.heard.insert(key.clone(), (state, note));
            }
            say.extend(self.say(&key));
        }
        if matches!(part, Part::Last | Part::Only) {
            let whole = self.whole.take().unwrap_or_default();
            let gone: Vec<String> = self.heard.keys().filter(|key| !whole.contains(*key)).cloned().collect();
            for key in gone {
                self.heard.remove(&key);
                say.extend(self.say(&key));
            }
        }
        say
    }

    /// Everything again, when it is time.
    pub fn again(&mut self, now: Instant) -> Vec<Say> {
        if self.said.is_some_and(|said| now.duration_since(said) < AGAIN) {
            return Vec::new();
        }
        self.said = Some(now);
        let known: Vec<&String> = self.heard.keys().collect();
        known.into_iter().filter_map(|key| self.say(key)).filter(|(_, what)| what.is_some()).collect()
    }

    /// The link is gone for good: nothing is known of anybody.
    pub fn forget(&mut self) -> Vec<Say> {
        self.whole = None;
        let heard = std::mem::take(&mut self.heard);
        let contacts = heard.keys().filter_map(|key| self.contacts.get(key));
        contacts.map(|contact| (contact.account.clone(), None)).collect()
    }

    fn say(&self, key: &str) -> Option<Say> {
        let contact = self.contacts.get(key)?;
        let hidden = contact.is_upn && !self.shows_upn;
        Some((contact.account.clone(), self.heard.get(key).filter(|_| !hidden).cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(key: &str, state: &str) -> Person {
        Person { key: key.into(), state: state.into(), note: String::new() }
    }

    fn say(account: &str, state: &str) -> Say {
        (account.into(), Some((state.into(), String::new())))
    }

    fn contacts(keys: &[&str]) -> HashMap<String, Contact> {
        let contact = |key: &str| Contact { account: format!("acc-{key}"), is_upn: key.contains('@') };
        keys.iter().map(|key| ((*key).to_owned(), contact(key))).collect()
    }

    fn sorted(mut say: Vec<Say>) -> Vec<Say> {
        say.sort();
        say
    }

    #[test]
    fn news_and_directory_may_come_in_any_order() {
        let mut people = People::default();
        assert_eq!(people.take(Part::Change, vec![person("a", "busy")]), []);
        assert_eq!(people.know(contacts(&["a", "b"])), [say("acc-a", "busy")]);
        assert_eq!(people.know(contacts(&["a", "b"])), [], "nothing is new");
        assert_eq!(people.take(Part::Change, vec![person("b", "away")]), [say("acc-b", "away")]);
    }

    #[test]
    fn who_is_not_in_the_whole_is_unknown_afterwards() {
        let mut people = People::default();
        people.know(contacts(&["a", "b", "c"]));
        people.take(Part::Only, vec![person("a", "busy"), person("b", "busy")]);
        people.take(Part::First, vec![person("a", "away")]);
        assert_eq!(people.take(Part::More, vec![person("c", "busy")]), [say("acc-c", "busy")]);
        assert_eq!(people.take(Part::Last, vec![]), [("acc-b".to_owned(), None)]);
        assert_eq!(people.take(Part::Only, vec![]).len(), 2);
    }

    #[test]
    fn unknown_takes_back_what_was_said() {
        let mut people = People::default();
        people.know(contacts(&["a"]));
        people.take(Part::Change, vec![person("a", "busy")]);
        assert_eq!(people.take(Part::Change, vec![person("a", "unknown")]), [("acc-a".to_owned(), None)]);
        assert_eq!(people.forget(), [], "there is nothing left");
    }

    #[test]
    fn it_is_said_again_before_it_is_over() {
        let (mut people, now) = (People::default(), Instant::now());
        people.know(contacts(&["a"]));
        people.take(Part::Only, vec![person("a", "busy"), person("stranger", "busy")]);
        assert_eq!(people.again(now), [say("acc-a", "busy")]);
        assert_eq!(people.again(now + AGAIN / 2), []);
        assert_eq!(people.again(now + AGAIN), [say("acc-a", "busy")]);
        assert!(AGAIN * 2 < HOLDS);
        assert_eq!(people.forget(), [("acc-a".to_owned(), None)]);
    }

    #[test]
    fn logins_in_upn_form_are_hidden_until_both_sides_can() {
        let mut people = People::default();
        people.know(contacts(&["a", "b@x"]));
        let said = people.take(Part::Only, vec![person("a", "busy"), person("b@x", "busy")]);
        assert_eq!(sorted(said), [say("acc-a", "busy"), ("acc-b@x".to_owned(), None)]);
        assert_eq!(people.show_upn(true), [say("acc-b@x", "busy")]);
        assert_eq!(people.show_upn(true), []);
        assert_eq!(people.show_upn(false), [("acc-b@x".to_owned(), None)]);
    }

    #[test]
    fn notes_are_one_line_and_short() {
        let mut people = People::default();
        people.know(contacts(&["a"]));
        let note = format!("a\nb{}", "x".repeat(1000));
        let said = people.take(Part::Change, vec![Person { note, ..person("a", "busy") }]);
        let (_, note) = said[0].1.clone().unwrap();
        assert_eq!((note.chars().count(), note.contains('\n')), (NOTE, false));
    }
}
