//! Follows the events of an appliance over a connection of its own, as a browser's EventSource does: blocks of
//! lines, an id that stays until the next, comments as signs of life.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for an event that must come.
const SOON: Duration = Duration::from_secs(20);
/// Longest single read, so that a deadline is looked at now and then.
pub const READ: Duration = Duration::from_millis(100);

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its id; empty when it has none of its own.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
}

/// One open stream.
pub struct Follower {
    wire: Box<dyn Read + Send>,
    unread: Vec<u8>,
    /// Head of the answer.
    pub head: String,
    /// Id that a reconnection would send.
    pub last_id: String,
    /// Signs of life so far.
    pub beats: usize,
    /// Whether the other side has ended the stream.
    pub is_over: bool,
}

impl Follower {
    /// Begins to read where the request has been sent already; reads on that wire must not block for long.
    #[track_caller]
    pub fn over(wire: impl Read + Send + 'static) -> Self {
        let mut follower = Self {
            wire: Box::new(wire),
            unread: Vec::new(),
            head: String::new(),
            last_id: String::new(),
            beats: 0,
            is_over: false,
        };
        let head = follower.until(Instant::now() + SOON, b"\r\n\r\n").expect("the head of an answer");
        follower.head = String::from_utf8_lossy(&head).into_owned();
        assert!(follower.head.starts_with("HTTP/1.1 200 "), "{}", follower.head);
        assert!(follower.head.contains("Content-Type: text/event-stream"), "{}", follower.head);
        follower
    }

    /// The next event; it must come soon.
    #[track_caller]
    pub fn next(&mut self) -> Told {
        self.next_within(SOON).expect("an event within time")
    }

    /// The next event of that name; what comes before is passed over.
    #[track_caller]
    pub fn next_named(&mut self, name: &str) -> Told {
        loop {
            let told = self.next();
            if told.name == name {
                return told;
            }
        }
    }

    /// The next event, if one comes in time.
    pub fn next_within(&mut self, within: Duration) -> Option<Told> {
        let by = Instant::now() + within;
        loop {
            let block = self.until(by, b"\n\n")?;
            if let Some(told) = self.read_block(&String::from_utf8_lossy(&block)) {
                return Some(told);
            }
        }
    }

    /// Waits for a sign of life; whether it came in time, and no event before it.
    pub fn beat_within(&mut self, within: Duration) -> bool {
        let (by, before) = (Instant::now() + within, self.beats);
        while self.beats == before {
            let Some(block) = self.until(by, b"\n\n") else { return false };
            if self.read_block(&String::from_utf8_lossy(&block)).is_some() {
                return false;
            }
        }
        true
    }

    /// Whether the stream ends in time, whatever is told before.
    pub fn ends_within(&mut self, within: Duration) -> bool {
        let by = Instant::now() + within;
        while self.until(by, b"\n\n").is_some() {}
        self.is_over
    }

    /// Reads one block by the rules of the HTML standard, section 9.2.6; none: it dispatches no event.
    fn read_block(&mut self, block: &str) -> Option<Told> {
        let (mut own, mut name, mut data) = (String::new(), "message".to_owned(), String::new());
        for line in block.lines() {
            match line.split_once(':').map(|(field, value)| (field, value.strip_prefix(' ').unwrap_or(value)))
            {
                Some(("", _)) => self.beats += 1,
                Some(("id", id)) => id.clone_into(&mut own),
                Some(("event", event)) => event.clone_into(&mut name),
                Some(("data", text)) => data.push_str(text),
                _ => {}
            }
        }
        if !own.is_empty() {
            own.clone_into(&mut self.last_id);
        }
        if data.is_empty() {
            return None;
        }
        let data = serde_json::from_str(&data).unwrap_or_else(|e| panic!("{data:?} is no JSON: {e}"));
        Some(Told { id: own, name, data })
    }

    /// The bytes up to and with an end, if they come in time.
    fn until(&mut self, by: Instant, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|part| part == end) {
                return Some(self.unread.drain(..at + end.len()).collect());
            }
            if self.is_over || Instant::now() > by {
                return None;
            }
            let mut part = [0; 16 * 1024];
            match self.wire.read(&mut part) {
                Ok(0) => self.is_over = true,
                Ok(length) => self.unread.extend(&part[..length]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => self.is_over = true,
            }
        }
    }
}
