//! Where a plugin's own messages end up: its requests at the appliance's services, its lines in the
//! journal. One per plugin; it outlives the plugin's processes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{self, Code, Failure, Limits, Log};
use serde_json::{Map, Value};

use super::Services;
use super::asking::{Asked, Written};
use super::journal::Journal;
use super::manifest::Manifest;
use super::pool::Pool;
use super::wire;

/// Threads that answer one plugin.
const THREADS: usize = 4;
/// Threads that answer what may wait for somebody else, such as a directory; nothing else of the plugin waits for them.
const SLOW_THREADS: usize = 8;

/// One plugin's desk.
pub struct Desk {
    /// Id of the plugin.
    pub plugin: String,
    /// What it says.
    pub journal: Journal,
    services: Arc<dyn Services>,
    pool: Pool,
    /// Made when it is needed: few plugins ask for such things.
    slow: OnceLock<Option<Pool>>,
}

impl Desk {
    /// A desk for that plugin.
    pub fn new(plugin: &str, services: Arc<dyn Services>) -> std::io::Result<Self> {
        let limits = Limits::default();
        Ok(Self {
            plugin: plugin.to_owned(),
            journal: Journal::new(plugin, limits.log_lines_per_second),
            services,
            pool: Pool::new(&format!("for {plugin}"), THREADS, limits.requests_in_flight)?,
            slow: OnceLock::new(),
        })
    }

    /// Has a request of the plugin answered on a thread of its pool. `answer` is called once, there or here.
    pub fn serve(&self, request: Asked, answer: impl FnOnce(Written) + Send + 'static) {
        let (services, plugin) = (Arc::clone(&self.services), self.plugin.clone());
        // The answer is in a slot, so that it can be given here when the pool has no room.
        let slot = Arc::new(Mutex::new(Some(answer)));
        let work_slot = Arc::clone(&slot);
        let pool = if request.op == ops::LOGIN_CHECK { self.slow() } else { Some(&self.pool) };
        let is_taken = pool.is_some_and(|pool| {
            pool.take(move || {
                let outcome = call(&*services, &plugin, &request);
                give(&work_slot, outcome);
            })
        });
        if !is_taken {
            let busy = Failure {
                retry_ms: Some(100),
                ..Failure::new(Code::Busy, "too many requests wait; try again")
            };
            give(&slot, Err(busy));
        }
    }

    fn slow(&self) -> Option<&Pool> {
        let make = || {
            let name = format!("slow for {}", self.plugin);
            let made = Pool::new(&name, SLOW_THREADS, Limits::default().requests_in_flight);
            made.inspect_err(|e| log::error!("no threads for what {} asks: {e}", self.plugin)).ok()
        };
        self.slow.get_or_init(make).as_ref()
    }

    /// A line of the plugin, as a LOG message. Whether it could be read.
    pub fn note(&self, frame: &Frame) -> bool {
        if !self.journal.admits() {
            return true;
        }
        let Ok(line) = wire::content::<Log>(frame) else { return false };
        self.journal.write(&line.level, &line.target, &line.msg);
        true
    }

    /// Makes ready what the plugin needs.
    pub fn prepare(&self, manifest: &Manifest) -> Result<(), String> {
        self.services.prepare(manifest)
    }

    /// Values of the plugin's settings.
    pub fn settings(&self, manifest: &Manifest) -> Map<String, Value> {
        self.services.settings(manifest)
    }
}

type Slot<F> = Mutex<Option<F>>;

fn give<F: FnOnce(Written)>(slot: &Slot<F>, outcome: Written) {
    let answer = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(answer) = answer {
        answer(outcome);
    }
}

/// A service that panics is the appliance's fault, so the plugin gets an answer like any other.
fn call(services: &dyn Services, plugin: &str, request: &Asked) -> Written {
    let (op, args) = (request.op.as_str(), request.args());
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        services.call_written(plugin, op, args).unwrap_or_else(|| {
            let answer = wire::arguments(args).and_then(|args| services.call(plugin, op, args))?;
            wire::written(&answer)
        })
    }));
    outcome.unwrap_or_else(|_| {
        log::error!("answering {op} of the plugin {plugin} panicked");
        Err(Failure::new(Code::Internal, format!("the appliance failed in {op}; its log says where")))
    })
}
