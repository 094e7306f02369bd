//! The lane of events: scripts are told what happened, one after the other; what they answer changes nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use jackfield_abi::ops::Failure;
use serde::Deserialize;
use serde_json::{Value, json};

use super::dialing::{Named, Work};
use super::verdicts;
use super::vm::{Vm, key};
use super::wire::{Core, Wire};
use crate::catalog::hooks::EVENT;

#[derive(Deserialize)]
struct Tell {
    event: String,
    object: String,
    scripts: Vec<Named>,
}

/// Runs the lane until nobody can fill its queue any more.
pub fn run(wire: &Arc<Wire>, queue: &Receiver<Work>) {
    let mut vms: HashMap<String, Vm> = HashMap::new();
    let mut early = Some(Vec::new());
    for work in queue {
        match work {
            Work::Install(script, done) => {
                let built = Vm::build(&script, Arc::clone(wire) as Arc<dyn Core>);
                // Who stopped waiting has said so.
                let _ = done.try_send(built.map(|vm| drop(vms.insert(script.key(), vm))));
            }
            Work::Drop(key) => drop(vms.remove(&key)),
            Work::Open => {
                for asked in early.take().unwrap_or_default() {
                    super::lane::Asked::answer(asked, wire, |told: Tell| tell(&mut vms, &told));
                }
            }
            Work::Ask(asked) => match &mut early {
                Some(early) => early.push(asked),
                None => asked.answer(wire, |told: Tell| tell(&mut vms, &told)),
            },
        }
    }
}

fn tell(vms: &mut HashMap<String, Vm>, told: &Tell) -> Result<Value, Failure> {
    let hook = format!("{}{}", EVENT.name, told.event);
    let args = json!({"event": told.event, "object": told.object});
    let mut failed = Vec::new();
    for named in &told.scripts {
        let Some(vm) = vms.get_mut(&key(&named.name, &named.version)) else {
            let error = format!("{} version {} is not loaded", named.name, named.version);
            failed.push(json!({"script": named.name, "error": error}));
            continue;
        };
        let handlers: Vec<_> = vm.handlers(&hook).collect();
        for (index, _) in handlers {
            let pick = |registered: &super::register::Registered| {
                let handlers = registered.hooks.iter().filter(|handler| handler.hook == hook);
                handlers.map(|handler| handler.run.clone()).nth(index)
            };
            if let Err(error) = vm.call(EVENT, &args, pick, verdicts::nothing).outcome {
                failed.push(json!({"script": named.name, "error": error}));
            }
        }
        vm.prepare();
    }
    Ok(json!({"failed": failed}))
}
