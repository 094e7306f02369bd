//! What all threads of a plugin share: the way out to the host, calls that wait for an answer, requests
//! that wait for ours, and how far the plugin's life has come. Knows nothing of the plugin's own type.

mod calls;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::logger;
use crate::message::{Answer, Heard, cut, encode, judged, message, unavailable};
use crate::work::{Lanes, Work};
use jackfield_abi::ops::{self, Code, Failure, Limits};
use jackfield_abi::{Kind, Sent};

/// How long an answer tries to get into the host's full queue.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// The same where the host's thread waits, which has 100 ms for a message.
const BRIEF_PATIENCE: Duration = Duration::from_millis(50);
/// Pause before a full queue is tried again; the treaty has nothing to wait for.
const BUSY_PAUSE: Duration = Duration::from_millis(2);
/// Longest log line in bytes; the host truncates there anyway.
const LINE_BYTES: usize = 8 * 1024;

/// The way out: the host's table of functions, or a test's.
pub trait Outlet: Send + Sync + 'static {
    /// Queues one message and returns at once.
    fn send(&self, kind: Kind, id: u64, bytes: &[u8]) -> Sent;
    /// Ends the process.
    fn end(&self, code: i32);
    /// Sends nothing from now on.
    fn close(&self);
}

/// How far the plugin's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `start` has not returned.
    Starting,
    /// Everything is allowed.
    Running,
    /// `stop` was called: the host answers nothing any more.
    Stopping,
    /// The plugin's code panicked or could not begin: the process is about to end.
    Broken,
}

/// The whole.
pub struct Shared {
    /// Work for the plugin's threads.
    pub lanes: Lanes,
    outlet: Box<dyn Outlet>,
    limits: Limits,
    state: Mutex<State>,
    changed: Condvar,
    lost_lines: AtomicU64,
}

struct State {
    phase: Phase,
    next_id: u64,
    /// Our calls, by id.
    pending: HashMap<u64, SyncSender<Heard>>,
    /// The host's requests, by id, with their mark of being cancelled.
    open: HashMap<u64, Arc<AtomicBool>>,
    threads: usize,
}

impl Shared {
    /// Before `start`.
    pub fn new(outlet: Box<dyn Outlet>, limits: Limits, capacity: usize) -> Self {
        let (pending, open) = (HashMap::new(), HashMap::new());
        let state = State { phase: Phase::Starting, next_id: 1, pending, open, threads: 0 };
        Self {
            lanes: Lanes::new(capacity),
            outlet,
            limits,
            state: Mutex::new(state),
            changed: Condvar::new(),
            lost_lines: AtomicU64::new(0),
        }
    }

    /// How far the plugin's life has come.
    pub fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// From starting to running.
    pub fn begin(&self) {
        let mut state = self.lock();
        // A thread that `start` began may have panicked already.
        if state.phase == Phase::Starting {
            state.phase = Phase::Running;
        }
    }

    /// Notes a request of the host's; none when the number is in use.
    pub fn open(&self, id: u64) -> Option<Arc<AtomicBool>> {
        let mut state = self.lock();
        if state.open.contains_key(&id) {
            return None;
        }
        let mark = Arc::new(AtomicBool::new(false));
        state.open.insert(id, Arc::clone(&mark));
        Some(mark)
    }

    /// The host's advice that an answer is no longer wanted.
    pub fn cancel(&self, id: u64) {
        if let Some(mark) = self.lock().open.get(&id) {
            mark.store(true, Ordering::Release);
        }
    }

    /// Answers a request of the host's, once: says whether it was open.
    pub fn answer(&self, id: u64, answer: Answer) -> bool {
        self.answer_until(id, answer, Instant::now() + ANSWER_PATIENCE)
    }

    /// The same from the host's own thread, which must not be held up.
    pub fn answer_at_once(&self, id: u64, answer: Answer) -> bool {
        self.answer_until(id, answer, Instant::now() + BRIEF_PATIENCE)
    }

    fn answer_until(&self, id: u64, answer: Answer, until: Instant) -> bool {
        if self.lock().open.remove(&id).is_none() {
            return false;
        }
        let (kind, bytes) = message(answer);
        if let Err(failure) = self.send_until(kind, id, &bytes, until) {
            self.log(log::Level::Error, "sdk", &format!("an answer was lost: {}", failure.msg));
        }
        true
    }

    fn send_until(&self, kind: Kind, id: u64, bytes: &[u8], until: Instant) -> Result<(), Failure> {
        loop {
            match self.outlet.send(kind, id, bytes) {
                Sent::Busy if Instant::now() < until => self.pause(),
                sent => return judged(sent, bytes.len()),
            }
        }
    }

    /// Ends early when the plugin's life goes on to its next phase.
    fn pause(&self) {
        let state = self.lock();
        drop(self.changed.wait_timeout(state, BUSY_PAUSE));
    }

    /// Sends a message that needs no answer.
    pub fn tell(&self, kind: Kind, bytes: &[u8]) -> Result<(), Failure> {
        judged(self.outlet.send(kind, 0, bytes), bytes.len())
    }

    /// Writes a line to the host's log, or counts it as lost while the host's queue is full.
    pub fn log(&self, level: log::Level, target: &str, text: &str) {
        let lost = self.lost_lines.swap(0, Ordering::Relaxed);
        let mut msg = cut(text, LINE_BYTES).to_owned();
        if lost > 0 {
            msg.push_str(&format!(
                " (lines lost before this one, because the host's queue was full: {lost})"
            ));
        }
        let level = level.as_str().to_ascii_lowercase();
        let Ok(bytes) = encode(&ops::Log { level, target: target.to_owned(), msg }) else { return };
        if self.outlet.send(Kind::Log, 0, &bytes) == Sent::Busy {
            self.lost_lines.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }

    /// Runs that on a thread of its own, which `stop` waits for; a panic there ends the process.
    pub fn spawn(self: &Arc<Self>, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
        self.count_thread(name)?;
        let (shared, owned) = (Arc::clone(self), name.to_owned());
        let body = move || {
            let _lines = logger::enter(&shared);
            if guarded(run).is_err() {
                shared.give_up(&format!("the thread `{owned}` panicked"), PANICKED);
            }
            shared.thread_ended();
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop).map_err(|e| {
            self.thread_ended();
            Failure::new(Code::Unavailable, format!("the thread `{name}` could not be started: {e}"))
        })
    }

    fn count_thread(&self, name: &str) -> Result<(), Failure> {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Stopping | Phase::Broken) {
            let text = format!("the thread `{name}` was not started: the plugin is stopping");
            return Err(Failure::new(Code::Unavailable, text));
        }
        state.threads += 1;
        Ok(())
    }

    fn thread_ended(&self) {
        self.lock().threads -= 1;
        self.changed.notify_all();
    }

    /// Takes no more work and ends the process, once the host has what was sent so far.
    pub fn give_up(self: &Arc<Self>, why: &str, code: i32) {
        if !self.leave_running(Phase::Broken) {
            return;
        }
        self.refuse_waiting("its code panicked or could not begin; it starts again by itself");
        let (shared, why) = (Arc::clone(self), why.to_owned());
        // Its own thread, because the host's answer arrives on the thread that may have called this.
        let farewell = move || {
            // Whether the host answers or not, the process ends.
            let _ = shared.last_words(&why);
            shared.outlet.end(code);
        };
        if std::thread::Builder::new().name("farewell".to_owned()).spawn(farewell).is_err() {
            self.outlet.end(code);
        }
    }

    /// First half of stopping: calls fail, what waits is refused, what runs is marked.
    pub fn stop_taking(&self) {
        if self.leave_running(Phase::Stopping) {
            self.refuse_waiting("it is stopping");
        }
    }

    /// Second half: waits for the threads until then, refuses what is still open, closes the way out.
    /// Says how many threads did not end.
    pub fn finish(&self, until: Instant) -> usize {
        let patience = until.saturating_duration_since(Instant::now());
        let ended = self.changed.wait_timeout_while(self.lock(), patience, |state| state.threads > 0);
        let state = ended.unwrap_or_else(PoisonError::into_inner).0;
        let (left, open) = (state.threads, state.open.keys().copied().collect::<Vec<_>>());
        drop(state);
        let until = Instant::now() + BRIEF_PATIENCE;
        for id in open {
            self.answer_until(id, Err(unavailable("it was stopped before it had answered")), until);
        }
        if left > 0 {
            self.log(log::Level::Warn, "sdk", &format!("{left} threads did not end before the deadline"));
        }
        self.outlet.close();
        left
    }

    fn leave_running(&self, next: Phase) -> bool {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Stopping | Phase::Broken) {
            return false;
        }
        state.phase = next;
        state.open.values().for_each(|mark| mark.store(true, Ordering::Release));
        // Dropping their senders ends the calls that wait.
        state.pending.clear();
        self.changed.notify_all();
        true
    }

    fn refuse_waiting(&self, why: &str) {
        let until = Instant::now() + BRIEF_PATIENCE;
        for work in self.lanes.close() {
            if let Work::Request(request) = work {
                self.answer_until(request.id, Err(unavailable(why)), until);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Exit code of a process whose plugin panicked.
pub const PANICKED: i32 = 101;

/// Runs the plugin's code so that its panic stays with us; the panic hook has logged the place.
pub fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, ()> {
    // What the panic left half done is never looked at again: the process ends.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).map_err(drop)
}
