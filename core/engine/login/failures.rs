//! How often signing in as a person failed lately. After ten failures within five minutes nobody may try until the
//! oldest of them is five minutes old. Logins that do not exist are counted alike. Lives in memory, bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::access::digest;

/// Failures after which trying must wait.
const MOST: usize = 10;
/// Time in which they count.
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Most people that are remembered, about 5 MB.
const MOST_PEOPLE: usize = 20_000;

/// Who signs in, as failures are counted: of one size, however long a login somebody makes up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Person(Vec<u8>);

impl Person {
    /// Whoever has that login at that domain, without regard to case.
    pub fn of(login: &str, domain: &str) -> Self {
        // With its length, so that no two pairs are one text.
        Self(digest(&format!("{} {}@{}", login.len(), login.to_lowercase(), domain.to_lowercase())))
    }
}

/// Failed attempts by person, the oldest first.
#[derive(Default)]
pub struct Failures(Mutex<HashMap<Person, VecDeque<Instant>>>);

impl Failures {
    /// How long the person must wait now, if at all.
    pub fn wait(&self, person: &Person, now: Instant) -> Option<Duration> {
        waiting(self.lock().get(person)?, now)
    }

    /// Begins an attempt, which counts as failed until it is said to be otherwise: attempts at the same time are no way
    /// around the bound. The error is how long to wait.
    pub fn begin(&self, person: &Person, now: Instant) -> Result<(), Duration> {
        let mut people = self.lock();
        if people.len() >= MOST_PEOPLE && !people.contains_key(person) {
            make_room(&mut people, now);
        }
        let times = people.entry(person.clone()).or_default();
        match waiting(times, now) {
            Some(wait) => Err(wait),
            None => {
                if times.len() >= MOST {
                    times.pop_front();
                }
                times.push_back(now);
                Ok(())
            }
        }
    }

    /// Takes one attempt back that came to no end.
    pub fn take_back(&self, person: &Person) {
        let mut people = self.lock();
        let is_empty = people.get_mut(person).is_some_and(|times| {
            times.pop_back();
            times.is_empty()
        });
        if is_empty {
            people.remove(person);
        }
    }

    /// Forgets the failures of somebody who has signed in.
    pub fn forget(&self, person: &Person) {
        self.lock().remove(person);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Person, VecDeque<Instant>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn waiting(times: &VecDeque<Instant>, now: Instant) -> Option<Duration> {
    let oldest = times.front().filter(|_| times.len() >= MOST)?;
    WINDOW.checked_sub(now.saturating_duration_since(*oldest)).filter(|wait| !wait.is_zero())
}

/// Drops what is old; where a flood of made-up logins filled the table, those with the fewest failures go.
fn make_room(people: &mut HashMap<Person, VecDeque<Instant>>, now: Instant) {
    let is_fresh =
        |times: &VecDeque<Instant>| times.back().is_some_and(|last| now.duration_since(*last) < WINDOW);
    people.retain(|_, times| is_fresh(times));
    let mut least = 1;
    while people.len() > MOST_PEOPLE / 2 {
        people.retain(|_, times| times.len() > least);
        least += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_within_five_minutes_are_the_most() {
        let (failures, ann, start) = (Failures::default(), Person::of("Ann", "ACME.example"), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for second in 0..10 {
            assert_eq!(failures.begin(&ann, at(second)), Ok(()));
        }
        let same = Person::of("ann", "acme.example");
        assert_eq!(failures.begin(&same, at(100)), Err(Duration::from_secs(200)));
        assert_eq!(failures.wait(&same, at(299)), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(&Person::of("bob", "acme.example"), at(100)), None);
        assert_eq!(failures.begin(&ann, at(300)), Ok(()), "the first one is over");
        assert_eq!(failures.begin(&ann, at(300)), Err(Duration::from_secs(1)), "the second one is not");
    }

    #[test]
    fn success_and_what_came_to_no_end_do_not_count() {
        let (failures, ann, now) = (Failures::default(), Person::of("ann", "acme.example"), Instant::now());
        for _ in 0..3 * MOST {
            failures.begin(&ann, now).unwrap();
            failures.take_back(&ann);
        }
        assert!(failures.lock().is_empty());
        (0..MOST).for_each(|_| failures.begin(&ann, now).unwrap());
        failures.forget(&ann);
        assert_eq!(failures.wait(&ann, now), None);
    }

    #[test]
    fn a_flood_of_logins_does_not_grow_without_end_nor_free_the_guilty() {
        let (failures, ann, now) = (Failures::default(), Person::of("ann", "acme.example"), Instant::now());
        (0..MOST).for_each(|_| failures.begin(&ann, now).unwrap());
        for n in 0..3 * MOST_PEOPLE {
            failures.begin(&Person::of(&n.to_string(), "acme.example"), now).unwrap();
        }
        assert!(failures.lock().len() <= MOST_PEOPLE);
        assert!(failures.wait(&ann, now).is_some());
    }
}
