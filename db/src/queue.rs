//! The waiting room in front of the writer: bounded, in order of arrival, closable.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::job::Job;

/// Jobs between the callers and the writer.
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    drained: Condvar,
    length: usize,
    patience: Duration,
}

struct State {
    jobs: VecDeque<Box<dyn Job>>,
    is_open: bool,
}

impl Queue {
    /// A queue for `length` jobs, in front of which a caller waits for `patience` at most.
    pub(crate) fn new(length: usize, patience: Duration) -> Self {
        let state = Mutex::new(State { jobs: VecDeque::new(), is_open: true });
        Self { state, filled: Condvar::new(), drained: Condvar::new(), length: length.max(1), patience }
    }

    /// Adds a job at the end.
    pub(crate) fn push(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let is_full = |state: &mut State| state.is_open && state.jobs.len() >= self.length;
        let waited = self.drained.wait_timeout_while(self.lock(), self.patience, is_full);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if !state.is_open {
            return Err(Error::Closed);
        }
        if waited.timed_out() {
            return Err(self.too_long());
        }
        state.jobs.push_back(job);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for a job and takes it with all that follow, `most` together. `None`: closed, and nothing left to do.
    pub(crate) fn take(&self, most: usize) -> Option<VecDeque<Box<dyn Job>>> {
        // No time limit: this is the writer's place of rest, left by `push` or `close`.
        let waited = self.filled.wait_while(self.lock(), |state| state.is_open && state.jobs.is_empty());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let count = state.jobs.len().min(most);
        let taken: VecDeque<_> = state.jobs.drain(..count).collect();
        self.drained.notify_all();
        (!taken.is_empty()).then_some(taken)
    }

    /// Refuses new jobs from now on; those that wait stay.
    pub(crate) fn close(&self) {
        self.lock().is_open = false;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// Closes and forgets what waits; each forgotten job's caller is answered `Closed`.
    pub(crate) fn abandon(&self) {
        self.close();
        let forgotten = std::mem::take(&mut self.lock().jobs);
        // Dropped here, after the lock: a job may own anything, even the last handle, whose end closes this queue.
        drop(forgotten);
    }

    /// Jobs that wait now.
    pub(crate) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Whether new jobs are accepted.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().is_open
    }

    fn too_long(&self) -> Error {
        Error::busy(format_args!(
            "The change was not saved because {} others have waited for the disk for {} s; try again, and check the disk if it happens often.",
            self.length,
            self.patience.as_secs()
        ))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
