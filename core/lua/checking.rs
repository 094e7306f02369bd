//! The lane of checks: several at a time, because they wait for the network. Each run has an engine of its own,
//! made for it, so that a check that waits holds nothing that another one needs.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use super::lane::{self, Asked};
use super::loading::Shelf;
use super::verdicts::{self, State};
use super::vm::{Script, Vm, key};
use super::wire::{Core, Wire};
use crate::catalog::hooks::CHECK;

/// Checks at a time; one less than the threads on which the appliance answers a unit, so that a call that is
/// decided meanwhile is answered at once.
const THREADS: usize = 3;
/// Checks that wait.
const QUEUE: usize = 64;

#[derive(Deserialize)]
struct Wanted {
    name: String,
    version: Value,
    check: String,
}

/// Starts the threads; gives their queue.
pub fn start(wire: &Arc<Wire>, shelf: &Arc<Shelf>) -> Result<SyncSender<Asked>, String> {
    let (sender, queue) = sync_channel(QUEUE);
    let queue = Arc::new(Mutex::new(queue));
    for number in 1..=THREADS {
        let (own_wire, shelf, queue) = (Arc::clone(wire), Arc::clone(shelf), Arc::clone(&queue));
        lane::spawn(&format!("check {number}"), wire, move || work(&own_wire, &shelf, &queue))?;
    }
    Ok(sender)
}

fn work(wire: &Arc<Wire>, shelf: &Shelf, queue: &Mutex<Receiver<Asked>>) {
    shelf.await_open();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(asked) = next else { return };
        asked.answer(wire, |wanted: Wanted| Ok(run(wire, shelf, &wanted)));
    }
}

/// Whatever goes wrong, the state is unknown and says why: never ok.
fn run(wire: &Arc<Wire>, shelf: &Shelf, wanted: &Wanted) -> Value {
    let began = Instant::now();
    let (state, line) = match shelf.get(&key(&wanted.name, &wanted.version)) {
        None => (Err(format!("{} version {} is not loaded", wanted.name, wanted.version)), None),
        Some(script) => look(wire, &script, &wanted.check),
    };
    let unknown = |detail| State { state: "unknown", detail, advice: String::new(), data: Value::Null };
    let state = state.unwrap_or_else(unknown);
    json!({
        "state": state.state,
        "detail": state.detail,
        "advice": state.advice,
        "data": state.data,
        "took_ms": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "line": line,
    })
}

fn look(wire: &Arc<Wire>, script: &Script, check: &str) -> (Result<State, String>, Option<usize>) {
    let mut vm = match Vm::build(script, Arc::clone(wire) as Arc<dyn Core>) {
        Ok(vm) => vm,
        Err(cause) => return (Err(cause), None),
    };
    let found = vm.registered().and_then(|r| r.checks.iter().find(|c| c.name == check).map(|c| c.line));
    if found.is_none() {
        return (Err(format!("site/{}.lua has no check {check:?}", script.name)), None);
    }
    let pick = |registered: &super::register::Registered| {
        registered.checks.iter().find(|c| c.name == check).map(|c| c.run.clone())
    };
    (vm.call(CHECK, &Value::Null, pick, verdicts::state).outcome, found)
}
