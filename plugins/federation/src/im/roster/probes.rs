//! Presence stanzas that can wait: questions to other servers at a login, after a restart and after a lost link. They
//! are spread, because a thousand users who come back at once have ten thousand contacts.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::s2s::Pair;
use crate::xml::Element;

/// Most that leave in a second.
const RATE: usize = 100;
/// Most that wait; what is more is not asked: that contact's server tells of the next change by itself.
const MOST: usize = 50_000;
/// Pause before a link that was lost is tried again because somebody waits for it.
const AGAIN: Duration = Duration::from_secs(60);

/// What waits, and which links are lost.
#[derive(Default)]
pub struct Probes {
    waiting: VecDeque<Element>,
    begun: Option<Instant>,
    sent: usize,
    lost: HashMap<Pair, Instant>,
}

impl Probes {
    /// Has one sent when it is its turn; false: too many wait.
    pub fn push(&mut self, stanza: Element) -> bool {
        if self.waiting.len() >= MOST {
            return false;
        }
        self.waiting.push_back(stanza);
        true
    }

    /// Those whose turn it is.
    pub fn due(&mut self, now: Instant) -> Vec<Element> {
        if self.begun.is_none_or(|begun| now.duration_since(begun) >= Duration::from_secs(1)) {
            (self.begun, self.sent) = (Some(now), 0);
        }
        let count = self.waiting.len().min(RATE - self.sent);
        self.sent += count;
        self.waiting.drain(..count).collect()
    }

    /// A link is lost; whether that is news.
    pub fn loses(&mut self, pair: &Pair, now: Instant) -> bool {
        self.lost.insert(pair.clone(), now).is_none()
    }

    /// A link stands; whether it was lost.
    pub fn finds(&mut self, pair: &Pair) -> bool {
        self.lost.remove(pair).is_some()
    }

    /// Lost links that may be tried again now.
    pub fn retries(&mut self, now: Instant) -> Vec<Pair> {
        let due = self.lost.iter_mut().filter(|(_, at)| now.duration_since(**at) >= AGAIN);
        due.map(|(pair, at)| {
            *at = now;
            pair.clone()
        })
        .collect()
    }

    /// Nobody waits for that link any more.
    pub fn forget(&mut self, pair: &Pair) {
        self.lost.remove(pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_spread_over_the_seconds() {
        let (mut probes, now) = (Probes::default(), Instant::now());
        (0..RATE + 30).for_each(|_| assert!(probes.push(Element::new("", "presence"))));
        let at = |seconds: u64| now + Duration::from_secs(seconds);
        assert_eq!(probes.due(at(0)).len(), RATE);
        assert_eq!(probes.due(at(0)).len(), 0);
        assert_eq!((probes.due(at(1)).len(), probes.due(at(2)).len()), (30, 0));
        assert!((0..MOST).all(|_| probes.push(Element::new("", "presence"))));
        assert!(!probes.push(Element::new("", "presence")));
    }

    #[test]
    fn a_lost_link_is_tried_again_with_pauses() {
        let (mut probes, now) = (Probes::default(), Instant::now());
        let pair = Pair { from: "home.example".to_owned(), to: "far.example".to_owned() };
        assert!(probes.loses(&pair, now) && !probes.loses(&pair, now) && probes.lost.contains_key(&pair));
        assert!(probes.retries(now).is_empty());
        let later = now + AGAIN;
        assert_eq!((probes.retries(later), probes.retries(later)), (vec![pair.clone()], vec![]));
        assert!(probes.finds(&pair) && !probes.finds(&pair));
    }
}
