//! Everybody's inputs in memory, and when each is over. Knows no clock of its own, no database and no listeners.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::facts::Known;
use super::merge::{Facts, merge};
use super::state::{Input, Inputs, Shown, Source, State};
use crate::engine::clock::Now;

/// What a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The state.
    pub state: State,
    /// The words that go with it.
    pub note: String,
    /// For how long; none: until it is taken back.
    pub lasts: Option<Duration>,
}

/// Everything about one account.
pub struct Person {
    /// What each source says.
    pub inputs: Inputs,
    /// What is set for it.
    pub known: Known,
    /// Until when Teams is on, with the number that makes it unique among the deadlines.
    pub teams: Option<(Instant, u64)>,
    /// What is shown now.
    pub shown: Arc<Shown>,
}

/// What is over at a deadline.
#[derive(Debug, Clone, Copy)]
enum Due {
    Input(Source),
    Teams,
}

/// Everybody.
#[derive(Default)]
pub struct Table {
    people: HashMap<Arc<str>, Person>,
    deadlines: BTreeMap<(Instant, u64), (Arc<str>, Due)>,
    order: u64,
    /// Accounts whose state by hand is not on the disk as it is here.
    pub unsaved: HashSet<Arc<str>>,
    /// How many were taken out of `unsaved` to be written and are not on the disk yet.
    pub saving: usize,
    /// Rises with every change of what the database says of accounts.
    pub generation: u64,
    /// An enterprise or many accounts were changed: everybody is to be looked up again.
    pub is_outdated: bool,
}

/// What is shown of an account has changed.
pub type Change = (Arc<str>, Arc<Shown>);

impl Person {
    /// What the merge needs to know.
    pub fn facts(&self) -> Facts {
        let Known { is_shown, has_calendar } = self.known;
        Facts { is_shown, is_teams_on: self.teams.is_some(), has_calendar }
    }

    /// What is shown, or told to a world whose own input is left out.
    pub fn merged(&self, without: Option<Source>) -> Shown {
        let verdict = merge(&self.inputs, self.facts(), without);
        let input = verdict.source.and_then(|source| self.inputs[source as usize].as_deref());
        Shown {
            state: verdict.state,
            note: input.map(|input| input.note.clone()).unwrap_or_default(),
            source: verdict.source,
            since: input.map(|input| input.since),
            rule: verdict.rule,
        }
    }
}

impl Table {
    /// How many accounts are known.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// An account.
    pub fn person(&self, account: &str) -> Option<&Person> {
        self.people.get(account)
    }

    /// The ids of all accounts.
    pub fn accounts(&self) -> Vec<Arc<str>> {
        self.people.keys().cloned().collect()
    }

    /// Begins to know an account, or notes anew what is set for it.
    pub fn admit(&mut self, account: &str, known: Known) -> Option<Change> {
        let new = || Person { inputs: Inputs::default(), known, teams: None, shown: Arc::default() };
        match self.people.get_mut(account) {
            Some(person) => person.known = known,
            None => drop(self.people.insert(account.into(), new())),
        }
        self.settle(account)
    }

    /// Forgets an account that is gone.
    pub fn forget(&mut self, account: &str) {
        let Some(person) = self.people.remove(account) else { return };
        person.inputs.iter().flatten().for_each(|input| self.undue(input));
        person.teams.inspect(|key| drop(self.deadlines.remove(key)));
        self.unsaved.remove(account);
    }

    /// A source says something of a known account. Saying the same again only puts off its end.
    pub fn tell(&mut self, account: &str, source: Source, told: Told, now: Now) -> Option<Change> {
        let expires = told.lasts.map(|lasts| now.instant + lasts);
        let (id, person) = self.people.get_key_value(account)?;
        let (id, before) = (Arc::clone(id), person.inputs[source as usize].clone());
        before.iter().for_each(|input| self.undue(input));
        let same = before.filter(|b| b.state == told.state && *b.note == *told.note);
        let order = self.next_order();
        let (since, order) = same.map_or((now.unix, order), |before| (before.since, before.order));
        let note = told.note.into();
        let input = Input { state: told.state, note, since, order, told: now.instant, expires };
        if let Some(at) = expires {
            self.deadlines.insert((at, order), (Arc::clone(&id), Due::Input(source)));
        }
        self.put(&id, source, Some(input))
    }

    /// A source takes back what it said.
    pub fn clear(&mut self, account: &str, source: Source) -> Option<Change> {
        let (id, person) = self.people.get_key_value(account)?;
        let (id, before) = (Arc::clone(id), person.inputs[source as usize].clone());
        before.iter().for_each(|input| self.undue(input));
        self.put(&id, source, None)
    }

    /// Switches Teams on for a known account, for so long; or off.
    pub fn set_teams(&mut self, account: &str, lasts: Option<Duration>, now: Now) -> Option<Change> {
        let key = lasts.map(|lasts| (now.instant + lasts, self.next_order()));
        let (id, _) = self.people.get_key_value(account)?;
        let id = Arc::clone(id);
        let person = self.people.get_mut(&id)?;
        let before = std::mem::replace(&mut person.teams, key);
        before.inspect(|key| drop(self.deadlines.remove(key)));
        key.inspect(|key| drop(self.deadlines.insert(*key, (Arc::clone(&id), Due::Teams))));
        self.settle(&id)
    }

    /// The next moment at which something is over.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first_key_value().map(|((at, _), _)| *at)
    }

    /// Ends one thing that is over; none: nothing is.
    pub fn end_one(&mut self, now: Instant) -> Option<Option<Change>> {
        let first = self.deadlines.first_entry().filter(|first| first.key().0 <= now)?;
        let (account, due) = first.remove();
        Some(match due {
            Due::Input(source) => self.put(&account, source, None),
            Due::Teams => {
                if let Some(person) = self.people.get_mut(&account) {
                    person.teams = None;
                }
                self.settle(&account)
            }
        })
    }

    fn put(&mut self, account: &Arc<str>, source: Source, input: Option<Input>) -> Option<Change> {
        if source == Source::Manual {
            self.unsaved.insert(Arc::clone(account));
        }
        self.people.get_mut(account)?.inputs[source as usize] = input.map(Box::new);
        self.settle(account)
    }

    /// Merges anew; the change, if there is one to show.
    fn settle(&mut self, account: &str) -> Option<Change> {
        let (id, person) = self.people.get_key_value(account)?;
        let (id, shown) = (Arc::clone(id), person.merged(None));
        if *person.shown == shown {
            return None;
        }
        let shown = Arc::new(shown);
        self.people.get_mut(account)?.shown = Arc::clone(&shown);
        Some((id, shown))
    }

    fn undue(&mut self, input: &Input) {
        if let Some(at) = input.expires {
            self.deadlines.remove(&(at, input.order));
        }
    }

    fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Known = Known { is_shown: true, has_calendar: true };

    fn told(state: State, seconds: Option<u64>) -> Told {
        Told { state, note: String::new(), lasts: seconds.map(Duration::from_secs) }
    }

    fn now() -> Now {
        Now { instant: Instant::now(), unix: 1000 }
    }

    fn later(now: Now, seconds: u64) -> Now {
        let unix = now.unix + i64::try_from(seconds).unwrap() * 1000;
        Now { instant: now.instant + Duration::from_secs(seconds), unix }
    }

    fn state(change: Option<Change>) -> Option<State> {
        change.map(|(_, shown)| shown.state)
    }

    #[test]
    fn what_is_over_gives_way_to_what_is_left() {
        let (mut table, now) = (Table::default(), now());
        table.admit("ann", OPEN);
        table.tell("ann", Source::Manual, told(State::Away, None), now);
        assert_eq!(
            state(table.tell("ann", Source::Calendar, told(State::InMeeting, Some(60)), now)),
            Some(State::InMeeting)
        );
        assert!(table.end_one(later(now, 59).instant).is_none());
        assert_eq!(table.end_one(later(now, 60).instant).map(state), Some(Some(State::Away)));
        assert!(table.next_deadline().is_none());
    }

    #[test]
    fn saying_the_same_again_moves_the_end_and_is_no_change() {
        let (mut table, begun) = (Table::default(), now());
        table.admit("ann", OPEN);
        table.tell("ann", Source::Telephony, told(State::InCall, Some(60)), begun);
        let again = later(begun, 50);
        assert_eq!(table.tell("ann", Source::Telephony, told(State::InCall, Some(60)), again), None);
        assert_eq!(table.person("ann").unwrap().shown.since, Some(begun.unix));
        assert_eq!(table.deadlines.len(), 1, "one deadline for one input");
        assert!(table.end_one(later(begun, 70).instant).is_none());
        assert_eq!(table.end_one(later(begun, 110).instant).map(state), Some(Some(State::Unknown)));
    }

    #[test]
    fn the_same_said_again_is_not_the_last_change() {
        let (mut table, now) = (Table::default(), now());
        table.admit("ann", OPEN);
        table.tell("ann", Source::Calendar, told(State::InMeeting, None), now);
        table.tell("ann", Source::Manual, told(State::Available, None), now);
        assert_eq!(table.tell("ann", Source::Calendar, told(State::InMeeting, None), now), None);
        assert_eq!(table.person("ann").unwrap().shown.state, State::Available);
    }

    #[test]
    fn what_was_set_by_hand_comes_back_when_teams_is_switched_off_or_falls_silent() {
        let (mut table, now) = (Table::default(), now());
        table.admit("ann", OPEN);
        table.tell("ann", Source::Manual, told(State::Busy, None), now);
        assert_eq!(state(table.set_teams("ann", Some(Duration::from_secs(60)), now)), Some(State::Unknown));
        assert_eq!(state(table.set_teams("ann", None, now)), Some(State::Busy));
        table.set_teams("ann", Some(Duration::from_secs(60)), now);
        assert_eq!(table.end_one(later(now, 60).instant).map(state), Some(Some(State::Busy)));
    }

    #[test]
    fn who_is_forgotten_leaves_nothing_behind() {
        let (mut table, now) = (Table::default(), now());
        table.admit("ann", OPEN);
        table.tell("ann", Source::Manual, told(State::Busy, Some(60)), now);
        table.set_teams("ann", Some(Duration::from_secs(60)), now);
        table.forget("ann");
        assert!(table.people.is_empty() && table.deadlines.is_empty() && table.unsaved.is_empty());
        assert_eq!(table.tell("ann", Source::Manual, told(State::Busy, None), now), None);
    }

    #[test]
    fn a_hidden_account_is_unknown_until_it_is_shown() {
        let (mut table, now) = (Table::default(), now());
        table.admit("ann", Known { is_shown: false, ..OPEN });
        table.tell("ann", Source::Manual, told(State::Busy, None), now);
        assert_eq!(table.person("ann").unwrap().shown.state, State::Unknown);
        assert_eq!(state(table.admit("ann", OPEN)), Some(State::Busy));
    }
}
