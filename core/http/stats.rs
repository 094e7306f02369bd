//! What the door has seen, as counters that any thread may read while it works. Leaves out how they are
//! published, which belongs to the metrics page.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::limits::Wait;

/// A snapshot for people and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Open client connections by what they are doing.
    pub open: BTreeMap<&'static str, usize>,
    /// Client connections accepted since the start.
    pub accepted: u64,
    /// Newcomers closed because a cap was reached and nobody could make room.
    pub refused: u64,
    /// Silent or slow connections closed to make room for a newcomer.
    pub evicted: u64,
    /// Connections ended by a deadline, by what was waited for.
    pub timed_out: BTreeMap<&'static str, u64>,
    /// Requests handed to a worker.
    pub requests: u64,
    /// Requests the door answered itself because something was wrong with them.
    pub bad_requests: u64,
    /// Requests answered 503 because too many were waiting.
    pub overloaded: u64,
    /// Requests that reached the private socket without coming through the door; none was served.
    pub strangers: u64,
    /// Time since the door's loop last turned; over a few seconds means that it hangs.
    pub since_last_turn: Duration,
}

/// What a client connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing received yet.
    Silent,
    /// TLS handshake or request head is arriving.
    Head,
    /// A body small enough to be kept is arriving.
    Collecting,
    /// The request waits for a free worker.
    Waiting,
    /// Joined to a worker.
    Serving,
    /// The worker is done, the client still takes the answer.
    Flushing,
    /// Between two requests.
    Idle,
    /// The last answer is being written.
    Closing,
    /// Our side is closed; what the client still sends is thrown away.
    Draining,
    /// Its answer goes on while there is something to tell.
    Streaming,
}

const PHASES: [&str; 10] = [
    "silent",
    "head",
    "collecting",
    "waiting",
    "serving",
    "flushing",
    "idle",
    "closing",
    "draining",
    "streaming",
];
const WAITS: [&str; 7] = ["head", "body", "worker", "answer", "client", "idle", "farewell"];

/// The live counters, shared by the door, the workers and whoever reads [`Stats`].
#[derive(Debug)]
pub struct Counters {
    started: Instant,
    turned_ms: AtomicU64,
    open: [AtomicUsize; PHASES.len()],
    timed_out: [AtomicU64; WAITS.len()],
    /// See [`Stats::accepted`].
    pub accepted: AtomicU64,
    /// See [`Stats::refused`].
    pub refused: AtomicU64,
    /// See [`Stats::evicted`].
    pub evicted: AtomicU64,
    /// See [`Stats::requests`].
    pub requests: AtomicU64,
    /// See [`Stats::bad_requests`].
    pub bad_requests: AtomicU64,
    /// See [`Stats::overloaded`].
    pub overloaded: AtomicU64,
    /// See [`Stats::strangers`].
    pub strangers: AtomicU64,
}

impl Counters {
    /// All at zero, the clock starting now.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            turned_ms: AtomicU64::new(0),
            open: Default::default(),
            timed_out: Default::default(),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            bad_requests: AtomicU64::new(0),
            overloaded: AtomicU64::new(0),
            strangers: AtomicU64::new(0),
        }
    }

    /// Counts one.
    pub fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    /// A connection enters a phase.
    pub fn enter(&self, phase: Phase) {
        self.open[phase as usize].fetch_add(1, Relaxed);
    }

    /// A connection leaves a phase.
    pub fn leave(&self, phase: Phase) {
        self.open[phase as usize].fetch_sub(1, Relaxed);
    }

    /// A deadline ended a wait.
    pub fn timed_out(&self, wait: Wait) {
        Self::count(&self.timed_out[wait_index(wait)]);
    }

    /// The door's loop has turned.
    pub fn turned(&self) {
        self.turned_ms.store(self.now_ms(), Relaxed);
    }

    /// A snapshot; the numbers are read one after the other.
    pub fn snapshot(&self) -> Stats {
        let open = PHASES.iter().zip(&self.open).map(|(name, n)| (*name, n.load(Relaxed)));
        let timed_out = WAITS.iter().zip(&self.timed_out).map(|(name, n)| (*name, n.load(Relaxed)));
        Stats {
            open: open.collect(),
            timed_out: timed_out.collect(),
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            evicted: self.evicted.load(Relaxed),
            requests: self.requests.load(Relaxed),
            bad_requests: self.bad_requests.load(Relaxed),
            overloaded: self.overloaded.load(Relaxed),
            strangers: self.strangers.load(Relaxed),
            since_last_turn: Duration::from_millis(
                self.now_ms().saturating_sub(self.turned_ms.load(Relaxed)),
            ),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn wait_index(wait: Wait) -> usize {
    match wait {
        Wait::Head => 0,
        Wait::Body(_) => 1,
        Wait::Worker => 2,
        Wait::Answer => 3,
        Wait::Client => 4,
        Wait::Idle => 5,
        // Silence in a stream ends nothing.
        Wait::Farewell | Wait::News => 6,
    }
}
