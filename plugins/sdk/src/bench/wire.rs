//! What the plugin has sent, kept for the test to look at and to wait for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jackfield_abi::frame::Frame;
use jackfield_abi::{Kind, MESSAGE_BYTES, Sent};

use crate::shared::Outlet;

/// Longest wait for anything on the bench.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that came out of the plugin.
#[derive(Default)]
pub struct Wire {
    state: Mutex<State>,
    changed: Condvar,
}

/// The same, under its lock.
#[derive(Default)]
pub struct State {
    /// All messages, in order.
    pub sent: Vec<Frame>,
    /// How the process would have ended.
    pub exit_code: Option<i32>,
    /// Whether nothing may be sent any more.
    pub is_closed: bool,
    /// How many messages still meet a full queue.
    pub busy: usize,
}

impl Wire {
    /// Looks at it.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the look finds something, at most so long.
    pub fn wait<T>(&self, patience: Duration, mut look: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            let found = look(&state);
            let left = until.saturating_duration_since(Instant::now());
            if found.is_some() || left.is_zero() {
                return found;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// The plugin's side of it.
pub struct Line(pub std::sync::Arc<Wire>);

impl Outlet for Line {
    fn send(&self, kind: Kind, id: u64, bytes: &[u8]) -> Sent {
        let mut state = self.0.lock();
        if state.is_closed || state.exit_code.is_some() {
            return Sent::Closed;
        }
        if bytes.len() > MESSAGE_BYTES {
            return Sent::TooBig;
        }
        if state.busy > 0 {
            state.busy -= 1;
            return Sent::Busy;
        }
        state.sent.push(Frame::new(kind, id, bytes));
        drop(state);
        self.0.changed.notify_all();
        Sent::Ok
    }

    fn end(&self, code: i32) {
        self.0.change(|state| {
            state.exit_code.get_or_insert(code);
        });
    }

    fn close(&self) {
        self.0.change(|state| state.is_closed = true);
    }
}
