//! What a plugin says: into the appliance's log at a bounded rate, and the last lines kept for whoever asks
//! why it ended. Lines over the rate are counted and dropped.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use log::Level;

/// Lines kept.
const KEPT: usize = 64;
/// Longest line, in bytes.
const LINE_BYTES: usize = 8 * 1024;
const SECOND: Duration = Duration::from_secs(1);

/// The log of one plugin.
pub struct Journal {
    target: String,
    lines_per_second: u32,
    book: Mutex<Book>,
}

struct Book {
    kept: VecDeque<String>,
    second_began: Instant,
    in_this_second: u32,
    dropped_in_this_second: u64,
    dropped: u64,
    /// Since when every second was over the rate.
    over_since: Option<Instant>,
}

impl Journal {
    /// An empty journal of that plugin.
    pub fn new(plugin: &str, lines_per_second: u32) -> Self {
        let book = Book {
            kept: VecDeque::with_capacity(KEPT),
            second_began: Instant::now(),
            in_this_second: 0,
            dropped_in_this_second: 0,
            dropped: 0,
            over_since: None,
        };
        Self { target: format!("plugin::{plugin}"), lines_per_second, book: Mutex::new(book) }
    }

    /// Whether one more line may be written now; asked before a line is even read.
    pub fn admits(&self) -> bool {
        let mut book = self.lock();
        if let Some(dropped) = book.turn_second(Instant::now()) {
            log::warn!(target: &self.target, "{dropped} lines in one second were over the rate and dropped");
        }
        book.in_this_second += 1;
        let is_within = book.in_this_second <= self.lines_per_second;
        if !is_within {
            book.dropped += 1;
            book.dropped_in_this_second += 1;
            book.over_since.get_or_insert_with(Instant::now);
            // Far over the rate the number only has to stay far over.
            book.in_this_second = self.lines_per_second;
        }
        is_within
    }

    /// Writes a line that was admitted.
    pub fn write(&self, level: &str, part: &str, text: &str) {
        let level = level.parse().unwrap_or(Level::Info);
        let text = clean(text);
        let line = if part.is_empty() { text } else { format!("{}: {text}", clean(part)) };
        log::log!(target: &self.target, level, "{line}");
        let mut book = self.lock();
        if book.kept.len() == KEPT {
            book.kept.pop_front();
        }
        book.kept.push_back(format!("{level} {line}"));
    }

    /// The last lines, oldest first.
    pub fn last_lines(&self) -> Vec<String> {
        self.lock().kept.iter().cloned().collect()
    }

    /// Lines dropped so far.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// For how long every second has been over the rate.
    pub fn flooding(&self) -> Duration {
        let book = self.lock();
        let is_current = book.second_began.elapsed() < SECOND * 2;
        book.over_since.filter(|_| is_current).map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// A new process begins: an old flood is no fault of it.
    pub fn begin(&self) {
        self.lock().over_since = None;
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Begins the next second when it is time; lines dropped in the one that ended, if any.
    fn turn_second(&mut self, now: Instant) -> Option<u64> {
        let gone = now.duration_since(self.second_began);
        if gone < SECOND {
            return None;
        }
        let dropped = std::mem::take(&mut self.dropped_in_this_second);
        if dropped == 0 || gone > SECOND * 2 {
            self.over_since = None;
        }
        self.second_began = now;
        self.in_this_second = 0;
        (dropped > 0).then_some(dropped)
    }
}

/// One line without control characters, cut at the limit.
fn clean(text: &str) -> String {
    let mut end = text.len().min(LINE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_over_the_rate_are_dropped_and_counted() {
        let journal = Journal::new("echo", 3);
        let admitted = (0..10).filter(|_| journal.admits()).count();
        assert_eq!((admitted, journal.dropped()), (3, 7));
        assert!(journal.flooding() > Duration::ZERO);
        journal.begin();
        assert_eq!(journal.flooding(), Duration::ZERO);
    }

    #[test]
    fn the_last_lines_are_kept_without_control_characters() {
        let journal = Journal::new("echo", 1000);
        (0..100).for_each(|n| journal.write("warn", "", &format!("line {n}\x1b[2J\n")));
        let lines = journal.last_lines();
        assert_eq!((lines.len(), lines[63].as_str()), (64, "WARN line 99 [2J"));
        journal.write("loud", "part", &"ü".repeat(10_000));
        assert!(journal.last_lines()[63].len() < LINE_BYTES + 20);
    }
}
