//! How every link does, for the API: by direction and pair, what is and what was last wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jackfield_sdk::jiff::Timestamp;
use serde::Serialize;

use super::tls::Seen;
use crate::s2s::Pair;

/// Most links that are shown; the oldest that are down make room.
const MOST: usize = 2000;

/// Which way stanzas go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the partner.
    In,
    /// To the partner.
    Out,
}

impl Direction {
    /// As it is called in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Domain of the partner.
    pub domain: String,
    /// Our domain.
    pub own: String,
    /// Which way stanzas go.
    pub direction: Direction,
    /// `connecting`, `up`, `waiting` (to try again) or `down`.
    pub state: &'static str,
    /// Since when, RFC 3339.
    pub since: String,
    /// Version and cipher of TLS; null: none.
    pub tls: Option<String>,
    /// The partner's certificate; null: none was shown.
    pub certificate: Option<Seen>,
    /// Names that its certificate should have one of.
    pub expected: Vec<String>,
    /// What is wrong with it; empty: nothing.
    pub certificate_fault: String,
    /// `external` or `dialback`; null: not yet.
    pub authenticated_by: Option<&'static str>,
    /// Address that was connected to or from.
    pub address: String,
    /// Stanzas that wait.
    pub queued: usize,
    /// What was last wrong, in words; empty: nothing was.
    pub last_error: String,
    /// When that was, RFC 3339.
    pub last_error_at: Option<String>,
    /// Streams that stand; a partner may have several.
    #[serde(skip)]
    streams: usize,
}

type Links = BTreeMap<(Direction, Pair), Link>;

/// All links.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Links>>);

impl Board {
    fn lock(&self) -> MutexGuard<'_, Links> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them by direction and pair.
    pub fn all(&self) -> Vec<Link> {
        self.lock().values().cloned().collect()
    }

    /// Changes one, which is made where it is missing. `pair` is who sends to whom.
    pub fn note(&self, direction: Direction, pair: &Pair, change: impl FnOnce(&mut Link)) {
        let mut links = self.lock();
        let key = (direction, pair.clone());
        if links.len() >= MOST && !links.contains_key(&key) {
            let down = links.iter().filter(|(_, link)| link.state == "down");
            let oldest = down.min_by(|a, b| a.1.since.cmp(&b.1.since)).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { return };
            links.remove(&oldest);
        }
        change(links.entry(key).or_insert_with(|| Link::new(direction, pair)));
    }

    /// Every link is down for that reason.
    pub fn all_down(&self) {
        self.lock().values_mut().for_each(|link| link.become_state("down"));
    }
}

impl Link {
    fn new(direction: Direction, pair: &Pair) -> Self {
        let (domain, own) = match direction {
            Direction::In => (&pair.from, &pair.to),
            Direction::Out => (&pair.to, &pair.from),
        };
        Self {
            domain: domain.clone(),
            own: own.clone(),
            direction,
            state: "down",
            since: now(),
            tls: None,
            certificate: None,
            expected: vec![domain.clone()],
            certificate_fault: String::new(),
            authenticated_by: None,
            address: String::new(),
            queued: 0,
            last_error: String::new(),
            last_error_at: None,
            streams: 0,
        }
    }

    /// Notes the state, and since when where it is another one.
    pub fn become_state(&mut self, state: &'static str) {
        if self.state != state {
            (self.state, self.since) = (state, now());
        }
    }

    /// One more stream stands.
    pub fn opened(&mut self) {
        self.streams += 1;
        self.become_state("up");
    }

    /// One of them has ended.
    pub fn closed(&mut self) {
        self.streams = self.streams.saturating_sub(1);
        if self.streams == 0 {
            self.become_state("down");
        }
    }

    /// Notes what went wrong.
    pub fn failed(&mut self, words: &str) {
        (self.last_error, self.last_error_at) = (words.to_owned(), Some(now()));
    }
}

fn now() -> String {
    Timestamp::now().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_bounded_and_those_that_are_up_stay() {
        let board = Board::default();
        let pair = |n: usize| Pair { from: "home.example".to_owned(), to: format!("p{n}.example") };
        board.note(Direction::Out, &pair(0), |link| link.become_state("up"));
        for n in 1..MOST + 50 {
            board.note(Direction::Out, &pair(n), |link| link.failed("x"));
        }
        let all = board.all();
        assert_eq!(all.len(), MOST);
        assert!(all.iter().any(|link| link.domain == "p0.example" && link.state == "up"));
    }
}
