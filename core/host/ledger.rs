//! Which requests are in a plugin's hands, and which were given up and may still be answered.

use std::collections::HashMap;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{Code, Failure};

use super::link::Answer;

/// Most answers that are overdue before the oldest are forgotten.
const MOST_OVERDUE: usize = 1024;

/// The book.
#[derive(Default)]
pub struct Table {
    /// Id of the latest request.
    pub last_id: u64,
    /// Requests in the plugin's hands, by id.
    pub open: HashMap<u64, Open>,
    /// Requests that are overdue, by id.
    pub overdue: HashMap<u64, Overdue>,
    /// When something was last answered.
    pub last_answer: Option<Instant>,
    /// Whether no more requests are taken.
    pub is_draining: bool,
    /// Why the process is gone, once it is.
    pub ended: Option<String>,
}

/// A request in the plugin's hands.
pub struct Open {
    /// Operation.
    pub op: String,
    /// When it was asked.
    pub asked: Instant,
    /// Who waits for the answer.
    pub answer: SyncSender<Answer>,
}

/// A request whose answer nobody waits for any more.
pub struct Overdue {
    /// Operation.
    pub op: String,
    /// When it was asked.
    pub asked: Instant,
    /// When it was given up.
    pub due: Instant,
}

impl Table {
    /// Enters a request; its id.
    pub fn enter(&mut self, op: &str, answer: SyncSender<Answer>) -> u64 {
        self.last_id += 2;
        self.open.insert(self.last_id, Open { op: op.to_owned(), asked: Instant::now(), answer });
        self.last_id
    }

    /// The operation that has been overdue for longer than the grace while nothing else was answered either.
    pub fn stuck_in(&self, grace: Duration) -> Option<String> {
        let is_stuck = |overdue: &&Overdue| {
            overdue.due.elapsed() > grace && self.last_answer.is_none_or(|answer| answer < overdue.asked)
        };
        self.overdue.values().filter(is_stuck).min_by_key(|o| o.asked).map(|o| o.op.clone())
    }

    /// The operation that has taken ten times its time, within bounds that the grace sets.
    pub fn late_in(&self, grace: Duration) -> Option<String> {
        let is_late = |overdue: &&Overdue| {
            let given = overdue.due.duration_since(overdue.asked);
            overdue.due.elapsed() > (given * 9).clamp(grace / 2, grace)
        };
        self.overdue.values().filter(is_late).min_by_key(|o| o.asked).map(|o| o.op.clone())
    }

    /// The operations in the plugin's hands, oldest first.
    pub fn in_flight(&self) -> Vec<String> {
        let open = self.open.values().map(|open| (open.asked, open.op.clone()));
        let overdue = self.overdue.values().map(|overdue| (overdue.asked, overdue.op.clone()));
        let mut all: Vec<_> = open.chain(overdue).collect();
        all.sort();
        all.into_iter().map(|(_, op)| op).collect()
    }

    /// Keeps a request that was given up, so that its late answer is known as one.
    pub fn remember_overdue(&mut self, id: u64, open: Open) {
        if self.overdue.len() >= MOST_OVERDUE {
            let oldest = self.overdue.iter().min_by_key(|(_, overdue)| overdue.asked).map(|(id, _)| *id);
            oldest.and_then(|oldest| self.overdue.remove(&oldest));
        }
        self.overdue.insert(id, Overdue { op: open.op, asked: open.asked, due: Instant::now() });
    }
}

/// What a reply says, and whether it could be read.
pub fn answer_of(frame: &Frame) -> (Answer, bool) {
    match serde_json::from_slice(&frame.bytes) {
        Ok(value) => (Ok(value), true),
        Err(cause) => {
            (Err(Failure::new(Code::Internal, format!("the plugin answered with bad JSON: {cause}"))), false)
        }
    }
}

/// What an error says, and whether it could be read.
pub fn failure_of(frame: &Frame) -> (Answer, bool) {
    match serde_json::from_slice(&frame.bytes) {
        Ok(failure) => (Err(failure), true),
        Err(cause) => {
            (Err(Failure::new(Code::Internal, format!("the plugin failed with bad JSON: {cause}"))), false)
        }
    }
}
