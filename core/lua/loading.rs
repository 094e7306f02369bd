//! The lane of loading: builds a script as a trial, says what it is for, and hands it to the lanes that need it.
//! When the process begins it asks which scripts are active and loads them before anything is answered.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jackfield_abi::ops::{Code, Failure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dialing::Work;
use super::lane::Asked;
use super::register::Registered;
use super::vm::{Script, Vm, key};
use super::wire::{Core, Wire};
use crate::catalog::hooks::{EVENT, SCRIPTS};

/// Scripts that are loaded at a time, versions counted.
const MOST_SCRIPTS: usize = 128;
/// For one answer of the appliance while the process begins.
const PATIENCE: Duration = Duration::from_secs(5);
/// For a lane to build an engine.
const BUILT_WITHIN: Duration = Duration::from_secs(10);

/// What is asked of the lane.
pub enum Order {
    /// `script.load`.
    Load(Asked),
    /// `script.drop`.
    Drop(Asked),
}

#[derive(Deserialize)]
struct Given {
    name: String,
    version: Value,
    source: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    version: Value,
}

#[derive(Deserialize)]
struct Active {
    scripts: Vec<Named>,
}

#[derive(Deserialize)]
struct Source {
    source: String,
}

/// The scripts that are loaded, for who makes engines of their own.
#[derive(Default)]
pub struct Shelf {
    scripts: Mutex<Scripts>,
    opened: Condvar,
}

#[derive(Default)]
struct Scripts {
    by_key: BTreeMap<String, Script>,
    is_open: bool,
}

impl Shelf {
    /// The script of that key.
    pub fn get(&self, key: &str) -> Option<Script> {
        self.lock().by_key.get(key).cloned()
    }

    /// Waits until what was active when the process began is there.
    pub fn await_open(&self) {
        drop(self.opened.wait_while(self.lock(), |scripts| !scripts.is_open));
    }

    fn open(&self) {
        self.lock().is_open = true;
        self.opened.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lane.
pub struct Loading {
    /// The way to the appliance.
    pub wire: Arc<Wire>,
    /// What is loaded.
    pub shelf: Arc<Shelf>,
    /// The lane of dialing.
    pub dialing: SyncSender<Work>,
    /// The lane of events.
    pub events: SyncSender<Work>,
}

impl Loading {
    /// Loads what is active in that unit, opens the lanes, and serves until nobody can ask any more.
    pub fn run(self, unit: &str, queue: &Receiver<Order>) {
        // On the workbench nothing is active.
        if unit == SCRIPTS {
            self.load_active();
        }
        for lane in [&self.dialing, &self.events] {
            // A lane that has ended has ended the process.
            let _ = lane.send(Work::Open);
        }
        self.shelf.open();
        for order in queue {
            match order {
                Order::Load(asked) => asked.answer(&self.wire, |given: Given| self.load(given)),
                Order::Drop(asked) => asked.answer(&self.wire, |named: Named| Ok(self.forget(&named))),
            }
        }
    }

    fn load_active(&self) {
        let active = self.ask::<Active>("script.active", json!({}));
        let active = active.unwrap_or_else(|cause| {
            self.wire.log("error", "", &format!("it is not known which scripts are active: {cause}"));
            Active { scripts: Vec::new() }
        });
        for named in active.scripts {
            let loaded = self
                .ask::<Source>("script.source", json!({"name": named.name, "version": named.version}))
                .and_then(|source| {
                    let Named { name, version } = named;
                    self.load(Given { name, version, source: source.source }).map_err(|failure| failure.msg)
                });
            if let Err(cause) = loaded {
                self.wire.log("error", "", &format!("a script that is active does not run: {cause}"));
            }
        }
    }

    fn ask<T: serde::de::DeserializeOwned>(&self, op: &str, args: Value) -> Result<T, String> {
        let answer = self.wire.ask(op, args, PATIENCE).map_err(|failure| failure.msg)?;
        serde_json::from_value(answer).map_err(|e| format!("the answer to {op} does not fit: {e}"))
    }

    fn load(&self, given: Given) -> Result<Value, Failure> {
        let bad = |cause: String| Failure::new(Code::BadRequest, cause);
        judge_name(&given.name).map_err(bad)?;
        let script = Script { name: given.name, version: given.version, source: given.source.into() };
        let is_new = self.shelf.get(&script.key()).is_none();
        if is_new && self.shelf.lock().by_key.len() >= MOST_SCRIPTS {
            let text = format!("{MOST_SCRIPTS} versions of scripts are loaded; drop one first");
            return Err(Failure::new(Code::Busy, text));
        }
        let trial = Vm::build(&script, Arc::clone(&self.wire) as Arc<dyn Core>).map_err(bad)?;
        let registered = trial.registered().ok_or_else(|| bad("the script registers nothing".to_owned()))?;
        let summary = summary(registered);
        let is_event = |name: &str| name.starts_with(EVENT.name);
        let (for_events, for_dialing): (Vec<_>, Vec<_>) =
            registered.hooks.iter().partition(|handler| is_event(&handler.hook));
        let lanes = [(&self.dialing, !for_dialing.is_empty()), (&self.events, !for_events.is_empty())];
        for (lane, _) in lanes.into_iter().filter(|(_, is_needed)| *is_needed) {
            if let Err(failure) = install(lane, &script) {
                self.forget(&Named { name: script.name, version: script.version });
                return Err(failure);
            }
        }
        self.shelf.lock().by_key.insert(script.key(), script);
        Ok(summary)
    }

    fn forget(&self, named: &Named) -> Value {
        let key = key(&named.name, &named.version);
        self.shelf.lock().by_key.remove(&key);
        for lane in [&self.dialing, &self.events] {
            // A lane that has ended has ended the process.
            let _ = lane.send(Work::Drop(key.clone()));
        }
        json!({})
    }
}

/// Names are file names, and parts of keys.
fn judge_name(name: &str) -> Result<(), String> {
    let fits = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-');
    if fits {
        return Ok(());
    }
    Err("the name of a script has 1 to 64 small letters, digits, hyphens and underscores".to_owned())
}

fn install(lane: &SyncSender<Work>, script: &Script) -> Result<(), Failure> {
    let late = || Failure::new(Code::Timeout, "the lane of the script is busy; try again");
    let (sender, done) = sync_channel(1);
    lane.try_send(Work::Install(script.clone(), sender)).map_err(|_| late())?;
    let outcome = done.recv_timeout(BUILT_WITHIN).map_err(|_| late())?;
    outcome.map_err(|cause| Failure::new(Code::BadRequest, cause))
}

fn summary(registered: &Registered) -> Value {
    let hooks: Vec<_> = registered
        .hooks
        .iter()
        .map(|handler| json!({"hook": handler.hook, "priority": handler.priority, "line": handler.line}))
        .collect();
    let checks: Vec<_> = registered
        .checks
        .iter()
        .map(|check| json!({"name": check.name, "every_s": check.every.as_secs(), "line": check.line}))
        .collect();
    let tests: Vec<_> =
        registered.tests.iter().map(|test| json!({"name": test.name, "line": test.line})).collect();
    let events = registered.hooks.iter().filter_map(|handler| handler.hook.strip_prefix(EVENT.name));
    let events: std::collections::BTreeSet<_> = events.collect();
    json!({"hooks": hooks, "checks": checks, "tests": tests, "events": events})
}
