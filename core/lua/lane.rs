//! Lanes: a thread with a bounded queue each, so that a check that waits for the network keeps no call waiting.
//! An engine never leaves the thread that made it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::exit;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use jackfield_abi::ops::{Code, Failure, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wire::Wire;

/// Work that waits for one lane.
const QUEUE: usize = 64;
/// Compilers and patterns may nest some thousand calls.
const STACK_BYTES: usize = 8 * 1024 * 1024;
/// As a process whose code panicked ends.
const PANICKED: i32 = 101;
/// For a request that names no time.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// A request in a lane.
pub struct Asked {
    id: u64,
    args: Value,
    until: Instant,
}

impl Asked {
    /// A request that came just now.
    pub fn new(id: u64, request: Request) -> Self {
        let patience = request.deadline_ms.map_or(DEFAULT_PATIENCE, Duration::from_millis);
        Self { id, args: request.args, until: Instant::now() + patience }
    }

    /// Answers it by what `act` makes of its arguments; not at all done when its time is over already.
    pub fn answer<T: DeserializeOwned>(self, wire: &Wire, act: impl FnOnce(T) -> Result<Value, Failure>) {
        if Instant::now() >= self.until {
            let failure = Failure::new(Code::Timeout, "the request waited longer than it may take");
            return wire.answer(self.id, &Err(failure));
        }
        let read = serde_json::from_value(self.args)
            .map_err(|e| Failure::new(Code::BadRequest, format!("the arguments do not fit: {e}")));
        wire.answer(self.id, &read.and_then(act));
    }
}

/// Starts a lane; `run` gets its queue and ends when nobody can fill it any more. A panic there is a fault of
/// ours that no script may go on with: it ends the process.
pub fn start<W: Send + 'static>(
    name: &str,
    wire: &Arc<Wire>,
    run: impl FnOnce(Receiver<W>) + Send + 'static,
) -> Result<SyncSender<W>, String> {
    let (sender, queue) = sync_channel(QUEUE);
    spawn(name, wire, move || run(queue))?;
    Ok(sender)
}

/// Starts a thread whose panic ends the process.
pub fn spawn(name: &str, wire: &Arc<Wire>, run: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let (wire, named) = (Arc::clone(wire), name.to_owned());
    let guarded = move || {
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            super::wire::Core::log(&*wire, "error", &named, "panicked; the process ends");
            exit(PANICKED);
        }
    };
    let spawned = Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(guarded);
    spawned.map(drop).map_err(|e| format!("the thread {name} cannot be started: {e}"))
}
