//! What the writer did and does, for metrics and for the watchdog.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The writer at one moment. Counts run from opening the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Transactions on disk.
    pub commits: u64,
    /// Writes on disk; at least one per commit.
    pub writes: u64,
    /// Writes and rehearsals that failed, by themselves or with their group.
    pub failed_writes: u64,
    /// Writes that wait now.
    pub queued: usize,
    /// When a commit last reached the disk.
    pub last_commit: Option<SystemTime>,
    /// How long the present job or commit has been running; `None` while the writer rests.
    pub running_for: Option<Duration>,
}

/// The writer's counters.
#[derive(Default)]
pub(crate) struct Counters(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    commits: u64,
    writes: u64,
    failed_writes: u64,
    last_commit: Option<SystemTime>,
    running_since: Option<Instant>,
}

impl Counters {
    /// A job or a commit starts now.
    pub(crate) fn starts(&self) {
        self.lock().running_since = Some(Instant::now());
    }

    /// The writer has nothing to do.
    pub(crate) fn rests(&self) {
        self.lock().running_since = None;
    }

    pub(crate) fn committed(&self, writes: u64) {
        let mut counts = self.lock();
        counts.commits += 1;
        counts.writes += writes;
        counts.last_commit = Some(SystemTime::now());
    }

    pub(crate) fn failed(&self, writes: u64) {
        self.lock().failed_writes += writes;
    }

    pub(crate) fn snapshot(&self, queued: usize) -> Stats {
        let counts = self.lock();
        Stats {
            commits: counts.commits,
            writes: counts.writes,
            failed_writes: counts.failed_writes,
            queued,
            last_commit: counts.last_commit,
            running_for: counts.running_since.map(|since| since.elapsed()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
