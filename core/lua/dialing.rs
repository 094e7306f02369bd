//! The lane of dialing: one thread, so that calls are decided one after the other, each within milliseconds.
//! Applies the catalogue: who is asked after whom, and what a failure does. Who is skipped is decided by who asks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use jackfield_abi::ops::{Code, Failure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::lane::Asked;
use super::verdicts::{self, Admission};
use super::vm::{Script, Vm, key};
use super::wire::{Core, Wire};
use crate::catalog::hooks::{self, DIAL_ADMIT, DIAL_REWRITE, EVENT, Hook, POLICY_UNAVAILABLE, Policy};

/// What a lane with engines does.
pub enum Work {
    /// Makes an engine for the script; says how that went.
    Install(Script, SyncSender<Result<(), String>>),
    /// Forgets the script of that key.
    Drop(String),
    /// What was active when the process began is there: requests are answered from now on.
    Open,
    /// A request.
    Ask(Asked),
}

#[derive(Deserialize)]
struct Chain {
    hook: String,
    scripts: Vec<Named>,
    call: Map<String, Value>,
    /// Characters that the site has written into its prefixes although no PBX dials them: a number may keep them.
    #[serde(default)]
    verbatim: String,
}

/// A script in a chain.
#[derive(Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Value,
    /// Only the handler that was registered there, when a script has several.
    #[serde(default)]
    pub line: Option<usize>,
}

/// The engines of dialing.
pub struct Dialing {
    wire: Arc<Wire>,
    vms: HashMap<String, Vm>,
    used: HashSet<String>,
}

/// How far a chain is.
struct Progress {
    call: Map<String, Value>,
    verbatim: String,
    number: String,
    steps: Vec<Value>,
    rejected: Value,
    is_over: bool,
}

/// What one handler did.
struct Step<'a> {
    named: &'a Named,
    line: usize,
    outcome: &'static str,
    after: String,
    error: String,
    safepoints: u64,
    micros: u64,
}

/// Runs the lane until nobody can fill its queue any more.
pub fn run(wire: Arc<Wire>, queue: &Receiver<Work>) {
    let mut dialing = Dialing { wire, vms: HashMap::new(), used: HashSet::new() };
    let mut early = Some(Vec::new());
    for work in queue {
        match work {
            Work::Install(script, done) => {
                let built = Vm::build(&script, Arc::clone(&dialing.wire) as Arc<dyn Core>);
                let outcome = built.map(|vm| drop(dialing.vms.insert(script.key(), vm)));
                // Who stopped waiting has said so.
                let _ = done.try_send(outcome);
            }
            Work::Drop(key) => drop(dialing.vms.remove(&key)),
            Work::Open => {
                early.take().unwrap_or_default().into_iter().for_each(|asked| dialing.answer(asked))
            }
            Work::Ask(asked) => match &mut early {
                Some(early) => early.push(asked),
                None => dialing.answer(asked),
            },
        }
    }
}

impl Dialing {
    fn answer(&mut self, asked: Asked) {
        let wire = Arc::clone(&self.wire);
        asked.answer(&wire, |chain: Chain| self.chain(chain));
        // While nobody waits.
        for key in std::mem::take(&mut self.used) {
            if let Some(vm) = self.vms.get_mut(&key) {
                vm.prepare();
            }
        }
    }

    fn chain(&mut self, chain: Chain) -> Result<Value, Failure> {
        let hook = hooks::find(&chain.hook).filter(|hook| **hook != *EVENT);
        let hook = hook.ok_or_else(|| {
            Failure::new(Code::BadRequest, format!("{:?} is no hook of dialing", chain.hook))
        })?;
        let number = chain.call.get("number").and_then(Value::as_str).map(str::to_owned);
        let number = number.ok_or_else(|| Failure::new(Code::BadRequest, "call.number must be a text"))?;
        let (call, verbatim) = (chain.call, chain.verbatim);
        let (steps, rejected) = (Vec::new(), Value::Null);
        let mut progress = Progress { call, verbatim, number, steps, rejected, is_over: false };
        for named in &chain.scripts {
            self.script(hook, named, &mut progress);
            if progress.is_over {
                break;
            }
        }
        Ok(json!({"number": progress.number, "steps": progress.steps, "rejected": progress.rejected}))
    }

    /// Every handler that one script has for the hook.
    fn script(&mut self, hook: &'static Hook, named: &Named, progress: &mut Progress) {
        let key = key(&named.name, &named.version);
        let Some(vm) = self.vms.get(&key) else {
            let error = format!("{} version {} is not loaded", named.name, named.version);
            return progress.failed(hook, Step::of(named, 0, "missing", error));
        };
        let handlers: Vec<_> = vm.handlers(hook.name).collect();
        for (index, line) in handlers {
            if progress.is_over || named.line.is_some_and(|wanted| wanted != line) {
                continue;
            }
            self.handler(hook, named, &key, (index, line), progress);
        }
    }

    fn handler(
        &mut self,
        hook: &'static Hook,
        named: &Named,
        key: &str,
        (index, line): (usize, usize),
        progress: &mut Progress,
    ) {
        let Some(vm) = self.vms.get_mut(key) else { return };
        self.used.insert(key.to_owned());
        progress.call.insert("number".to_owned(), json!(progress.number));
        let args = Value::Object(progress.call.clone());
        let mut step = Step::of(named, line, "no_opinion", String::new());
        match hook.policy {
            Policy::Closed => admit(vm, &args, index, step, progress),
            _ => {
                step.after.clone_from(&progress.number);
                rewrite(vm, &args, index, step, progress);
            }
        }
    }
}

/// Runs a handler that may change the number.
fn rewrite(vm: &mut Vm, args: &Value, index: usize, mut step: Step<'_>, progress: &mut Progress) {
    let read = |answer: &_| verdicts::rewrite(answer, &progress.verbatim);
    let run = vm.call(DIAL_REWRITE, args, |r| picked(r, DIAL_REWRITE.name, index), read);
    (step.safepoints, step.micros) = (run.safepoints, run.micros);
    match run.outcome {
        Ok(number) => {
            let after = number.unwrap_or_else(|| progress.number.clone());
            step.outcome = if after == progress.number { "no_opinion" } else { "changed" };
            step.after.clone_from(&after);
            progress.push(&step);
            progress.number = after;
        }
        Err(error) => {
            (step.outcome, step.error) = ("failed", error);
            progress.failed(DIAL_REWRITE, step);
        }
    }
}

/// Runs a handler that may reject the call.
fn admit(vm: &mut Vm, args: &Value, index: usize, mut step: Step<'_>, progress: &mut Progress) {
    let run = vm.call(DIAL_ADMIT, args, |r| picked(r, DIAL_ADMIT.name, index), verdicts::admit);
    (step.safepoints, step.micros) = (run.safepoints, run.micros);
    step.after.clone_from(&progress.number);
    match run.outcome {
        Ok(None) => progress.push(&step),
        Ok(Some(Admission::Allowed)) => {
            step.outcome = "allowed";
            progress.push(&step);
            progress.is_over = true;
        }
        Ok(Some(Admission::Rejected(reason))) => {
            step.outcome = "rejected";
            progress.push(&step);
            progress.reject(&step, &reason);
        }
        Err(error) => {
            (step.outcome, step.error) = ("failed", error);
            progress.failed(DIAL_ADMIT, step);
        }
    }
}

fn picked(registered: &super::register::Registered, hook: &str, index: usize) -> Option<mlua::Function> {
    registered
        .hooks
        .iter()
        .filter(|handler| handler.hook == hook)
        .nth(index)
        .map(|handler| handler.run.clone())
}

impl<'a> Step<'a> {
    fn of(named: &'a Named, line: usize, outcome: &'static str, error: String) -> Self {
        Self { named, line, outcome, after: String::new(), error, safepoints: 0, micros: 0 }
    }
}

impl Progress {
    fn push(&mut self, step: &Step<'_>) {
        self.steps.push(json!({
            "script": step.named.name,
            "version": step.named.version,
            "line": step.line,
            "outcome": step.outcome,
            "before": self.number,
            "after": step.after,
            "error": step.error,
            "safepoints": step.safepoints,
            "micros": step.micros,
        }));
    }

    /// What the hook's policy makes of a script that gave no answer.
    fn failed(&mut self, hook: &Hook, mut step: Step<'_>) {
        step.after.clone_from(&self.number);
        self.push(&step);
        if hook.policy == Policy::Closed {
            self.reject(&step, POLICY_UNAVAILABLE);
        }
    }

    fn reject(&mut self, step: &Step<'_>, reason: &str) {
        self.rejected = json!({"reason": reason, "script": step.named.name, "line": step.line});
        self.is_over = true;
    }
}
