//! Asking the host: one question, one answer, at most so long.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use jackfield_abi::Kind;
use jackfield_abi::ops::{self, Code, Failure};
use serde::Serialize;

use super::{Phase, Shared};
use crate::message::{Heard, encode};

/// Longest wait that anybody may ask for.
const MOST_PATIENCE: Duration = Duration::from_secs(3600);

/// An [`ops::Request`] whose arguments are written as they are, because messages come by the thousand.
#[derive(Serialize)]
struct Question<'a, T> {
    op: &'a str,
    args: &'a T,
    deadline_ms: Option<u64>,
}

impl Shared {
    /// Asks the host and waits, at most so long, and never longer than an hour; the answer is as it came.
    pub fn call(&self, op: &str, args: &impl Serialize, patience: Duration) -> Heard {
        self.ask(op, args, patience.min(MOST_PATIENCE), Phase::Running)
    }

    /// The last question of a process that is about to end: its answer proves that the host, which reads in
    /// order, has everything that was sent before.
    pub(super) fn last_words(&self, why: &str) -> Heard {
        let told = serde_json::json!({"state": "failed", "reason": why});
        self.ask(ops::STATE_REPORT, &told, Duration::from_secs(1), Phase::Broken)
    }

    fn ask(&self, op: &str, args: &impl Serialize, patience: Duration, needed: Phase) -> Heard {
        let until = Instant::now() + patience;
        let deadline_ms = u64::try_from(patience.as_millis()).ok();
        let not_asked =
            |failure: Failure| Failure { msg: format!("`{op}` was not asked: {}", failure.msg), ..failure };
        let bytes = encode(&Question { op, args, deadline_ms }).map_err(not_asked)?;
        let (answer, answered) = sync_channel(1);
        let id = self.register(answer, needed).map_err(not_asked)?;
        if let Err(failure) = self.send_until(Kind::Request, id, &bytes, until) {
            self.lock().pending.remove(&id);
            return Err(not_asked(failure));
        }
        let left = until.saturating_duration_since(Instant::now());
        answered.recv_timeout(left).unwrap_or_else(|why| Err(self.abandon(op, id, why, patience)))
    }

    fn register(&self, answer: SyncSender<Heard>, needed: Phase) -> Result<u64, Failure> {
        let mut state = self.lock();
        if state.phase != needed {
            return Err(Failure::new(Code::Unavailable, silence(state.phase)));
        }
        let most = self.limits.requests_in_flight;
        if state.pending.len() >= most {
            let text = format!("{most} questions already wait for the host's answer; try again");
            return Err(Failure { retry_ms: Some(100), ..Failure::new(Code::Busy, text) });
        }
        let id = state.next_id;
        // The plugin's ids are odd.
        state.next_id += 2;
        state.pending.insert(id, answer);
        Ok(id)
    }

    fn abandon(&self, op: &str, id: u64, why: RecvTimeoutError, patience: Duration) -> Failure {
        self.lock().pending.remove(&id);
        if why == RecvTimeoutError::Disconnected {
            let text = format!("`{op}` has no answer: {}", silence(self.phase()));
            return Failure::new(Code::Unavailable, text);
        }
        // Advice only: nothing depends on its arrival.
        let _ = self.outlet.send(Kind::Cancel, id, b"");
        Failure::new(Code::Timeout, format!("`{op}` has no answer from the host after {patience:?}"))
    }

    /// Gives the answer to the call that waits for it; a late one is nobody's.
    pub fn complete(&self, id: u64, answer: Heard) {
        let Some(waiting) = self.lock().pending.remove(&id) else { return };
        // Fails only when the caller has just given up.
        let _ = waiting.try_send(answer);
    }
}

/// Why the host does not answer.
fn silence(phase: Phase) -> &'static str {
    match phase {
        Phase::Starting => "the host answers only once `start` has returned; ask it in `ready`",
        Phase::Running => "the plugin is running, and nothing is wrong with it",
        Phase::Stopping => "the plugin is stopping and the host answers nothing any more",
        Phase::Broken => "the plugin's code panicked or could not begin, and its process is about to end",
    }
}
