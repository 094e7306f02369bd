//! The appliance as scripts reach it: questions with an answer, and lines for the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{self, Code, Failure, Log};
use jackfield_abi::{Kind, Sent};
use serde::Serialize;
use serde_json::{Value, json};

/// How frames get out; never waits.
pub type Send = Arc<dyn Fn(&Frame) -> Sent + std::marker::Send + Sync>;

/// The appliance.
pub trait Core: std::marker::Send + Sync {
    /// Asks and waits for the answer, at most so long.
    fn ask(&self, op: &str, args: Value, within: Duration) -> Result<Value, Failure>;
    /// Writes a line into the log.
    fn log(&self, level: &str, script: &str, line: &str);
}

/// Lines of scripts in one second; more are dropped. Far below the rate at which a unit counts as flooding, so
/// that a script that talks much does not end the process that others need.
const LINES_PER_SECOND: u32 = 50;

/// The appliance behind a socket.
pub struct Wire {
    send: Send,
    lines: Mutex<Lines>,
    last_id: AtomicU64,
    waiting: Mutex<HashMap<u64, SyncSender<Result<Value, Failure>>>>,
}

/// Lines in the second that goes on.
struct Lines {
    began: Instant,
    count: u32,
}

impl Lines {
    /// Whether one more may be written.
    fn admits(&mut self, now: Instant) -> bool {
        if now.duration_since(self.began) >= Duration::from_secs(1) {
            *self = Self { began: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= LINES_PER_SECOND
    }
}

impl Wire {
    /// Nothing has been asked yet.
    pub fn new(send: Send) -> Self {
        // What a plugin asks has odd numbers.
        let lines = Mutex::new(Lines { began: Instant::now(), count: 0 });
        Self { send, lines, last_id: AtomicU64::new(1), waiting: Mutex::default() }
    }

    /// Answers a question of the appliance.
    pub fn answer(&self, id: u64, outcome: &Result<Value, Failure>) {
        let sent = match outcome {
            Ok(value) => self.push(Kind::Reply, id, value),
            Err(failure) => self.push(Kind::Error, id, failure),
        };
        if sent == Sent::TooBig {
            self.push(Kind::Error, id, &Failure::new(Code::Internal, "the answer is over 1 MiB"));
        }
    }

    /// Sends anything.
    pub fn push(&self, kind: Kind, id: u64, content: &impl Serialize) -> Sent {
        (self.send)(&Frame::new(kind, id, serde_json::to_vec(content).unwrap_or_default()))
    }

    /// Takes an answer of the appliance. One that nobody waits for is dropped.
    pub fn take(&self, frame: &Frame) {
        let Some(waiting) = self.lock().remove(&frame.id) else { return };
        let broken =
            |e: serde_json::Error| Failure::new(Code::Internal, format!("the answer cannot be read: {e}"));
        let outcome = match frame.kind {
            Kind::Reply => serde_json::from_slice(&frame.bytes).map_err(broken),
            _ => Err(serde_json::from_slice(&frame.bytes).unwrap_or_else(broken)),
        };
        // Who stopped waiting has its own answer.
        let _ = waiting.try_send(outcome);
    }

    fn next_id(&self) -> u64 {
        self.last_id.fetch_add(2, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, SyncSender<Result<Value, Failure>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core for Wire {
    fn ask(&self, op: &str, args: Value, within: Duration) -> Result<Value, Failure> {
        let (sender, answer) = sync_channel(1);
        let id = self.next_id();
        self.lock().insert(id, sender);
        let deadline_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let request = ops::Request { op: op.to_owned(), args, deadline_ms: Some(deadline_ms) };
        let sent = self.push(Kind::Request, id, &request);
        let outcome = match sent {
            Sent::Ok => answer.recv_timeout(within),
            _ => Err(RecvTimeoutError::Disconnected),
        };
        self.lock().remove(&id);
        match outcome {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => {
                self.push(Kind::Cancel, id, &json!({}));
                let text = format!("no answer to {op} within {} ms", within.as_millis());
                Err(Failure::new(Code::Timeout, text))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::new(Code::Unavailable, format!("the appliance takes no {op} now")))
            }
        }
    }

    fn log(&self, level: &str, script: &str, line: &str) {
        if !self.lines.lock().unwrap_or_else(PoisonError::into_inner).admits(Instant::now()) {
            return;
        }
        let line = Log { level: level.to_owned(), target: script.to_owned(), msg: line.to_owned() };
        self.push(Kind::Log, 0, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_dropped_over_the_rate_and_taken_again_in_the_next_second() {
        let began = Instant::now();
        let mut lines = Lines { began, count: 0 };
        let admitted = (0..1000).filter(|_| lines.admits(began)).count();
        assert_eq!(admitted, 50);
        assert!(lines.admits(began + Duration::from_secs(1)));
    }
}
