//! Attacks and leaks, one row each, in the real process, while a good script beside them goes on answering.
//! A row says what must be seen: that the script failed and why, or what harmless answer it came to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jackfield_abi::ops::Code;
use serde_json::{Value, json};

use super::rig::{Rig, chain};
use crate::catalog::hooks::{CHECK_RUN, DIAL_REWRITE, HOOK_CHAIN, SCRIPT_DROP, SCRIPT_LOAD, SCRIPTS};

mod calls;
mod errors;
mod globals;
mod loops;
mod memory;
mod registering;
mod results;
mod state;
mod text;

/// What must happen.
pub enum Must {
    /// It is not loaded, and the text says why.
    NotLoad(&'static str),
    /// It is loaded; each call fails with that text, and the number stays.
    Fail(&'static str),
    /// It is loaded, and each call answers that number.
    Answer(&'static str),
    /// Its check is unknown, with that text.
    Unknown(&'static str),
    /// Its check answers with that state.
    State(&'static str),
}

/// One row.
pub struct Probe {
    pub name: &'static str,
    pub source: String,
    pub must: Must,
}

/// A handler of `dial.rewrite` with that body.
pub fn call(name: &'static str, body: &str, must: Must) -> Probe {
    Probe { name, source: format!("hook('dial.rewrite', function(call) {body}\nend)"), must }
}

/// A check with that body.
pub fn check(name: &'static str, body: &str, must: Must) -> Probe {
    Probe { name, source: format!("check('probe', {{every = '1m'}}, function() {body}\nend)"), must }
}

/// A whole script.
pub fn script(name: &'static str, source: impl Into<String>, must: Must) -> Probe {
    Probe { name, source: source.into(), must }
}

const GOOD: &str = "hook('dial.rewrite', function(call) return { number = '9' .. call.number } end)";
/// A call of the good script; a busy machine may need most of it.
const PATIENCE: Duration = Duration::from_secs(10);
const NUMBER: &str = "4123";

/// Ends what goes on beside the rows, also when one of them panics.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs every row of a table.
pub fn contained(probes: &[Probe]) {
    let rig = Rig::new();
    rig.load("good", GOOD).unwrap();
    let first = rig.up(SCRIPTS).pid;
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let answer = rig.host.request(
                    SCRIPTS,
                    HOOK_CHAIN,
                    &chain(DIAL_REWRITE.name, &["good"], NUMBER),
                    PATIENCE,
                );
                assert_eq!(answer.unwrap()["number"], "94123");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
        let ending = Ending(&is_over);
        let outcomes: Vec<_> = probes.iter().filter_map(|probe| wrong(&rig, probe)).collect();
        drop(ending);
        assert!(outcomes.is_empty(), "{} of {} rows:\n{}", outcomes.len(), probes.len(), outcomes.join("\n"));
    });
    assert!(answered.load(Ordering::Relaxed) > 0);
    assert_eq!(rig.up(SCRIPTS).pid, first, "the process had to be started again");
}

/// What is wrong with the outcome of a row, if anything is.
fn wrong(rig: &Rig, probe: &Probe) -> Option<String> {
    let began = Instant::now();
    let loaded = rig.load("probe", &probe.source);
    let seen = match (&loaded, &probe.must) {
        (Err(failure), Must::NotLoad(text))
            if failure.code == Code::BadRequest && failure.msg.contains(text) =>
        {
            None
        }
        (Err(failure), _) => Some(format!("not loaded: {failure}")),
        (Ok(_), Must::NotLoad(_)) => Some("it was loaded".to_owned()),
        (Ok(_), Must::Unknown(_) | Must::State(_)) => wrong_state(rig, &probe.must),
        // Twice: what is left of the first call must not change the second.
        (Ok(_), must) => (0..2).find_map(|_| wrong_answer(rig, must)),
    };
    rig.ask(SCRIPT_DROP, &json!({"name": "probe", "version": 1})).unwrap();
    seen.map(|seen| format!("{}: {seen} ({} ms)", probe.name, began.elapsed().as_millis()))
}

fn wrong_answer(rig: &Rig, must: &Must) -> Option<String> {
    let answer = rig.chain_of(DIAL_REWRITE.name, &["probe", "good"], NUMBER);
    let Ok(answer) = answer else { return Some(format!("{answer:?}")) };
    let step = &answer["steps"][0];
    let error = step["error"].as_str().unwrap_or_default();
    let (is_right, number) = match must {
        // Where two bounds are near, either may be the one that is named.
        Must::Fail(text) => {
            (step["outcome"] == "failed" && !error.is_empty() && error.contains(text), format!("9{NUMBER}"))
        }
        Must::Answer(number) => (step["after"] == *number && error.is_empty(), format!("9{number}")),
        _ => (false, String::new()),
    };
    let is_bounded = error.len() <= 2100 && error.chars().all(|c| !c.is_control() || c == '\n');
    (!is_right || !is_bounded || answer["number"] != number.as_str()).then(|| format!("{answer:.600}"))
}

fn wrong_state(rig: &Rig, must: &Must) -> Option<String> {
    let seen = rig.check("probe", "probe");
    let is_right = match must {
        Must::Unknown(text) => {
            seen["state"] == "unknown" && seen["detail"].as_str().is_some_and(|detail| detail.contains(text))
        }
        Must::State(state) => seen["state"] == *state,
        _ => false,
    };
    (!is_right).then(|| seen.to_string())
}

#[test]
fn what_is_asked_may_be_hostile_as_well() {
    let rig = Rig::new();
    rig.load("good", GOOD).unwrap();
    let with = |call: Value| {
        let args = json!({"hook": "dial.rewrite", "scripts": [{"name": "good", "version": 1}], "call": call});
        rig.ask(HOOK_CHAIN, &args)
    };
    let deep = (0..60).fold(json!("x"), |inner, _| json!({ "a": inner }));
    let wide: Vec<_> = (0..20_000).collect();
    for (strange, text) in [(deep, "nested too deep"), (json!(wide), "too many values")] {
        let answer = with(json!({"number": "1", "strange": strange})).unwrap();
        assert!(answer["steps"][0]["error"].as_str().unwrap().contains(text), "{answer}");
        assert_eq!(answer["number"], "1");
    }
    let bad = [
        (HOOK_CHAIN, json!({"hook": "dial.rewrite", "scripts": [], "call": {"number": 5}})),
        (HOOK_CHAIN, json!({"hook": "event.a.b", "scripts": [], "call": {"number": "5"}})),
        (HOOK_CHAIN, json!({"hook": "nothing", "scripts": [], "call": {"number": "5"}})),
        (HOOK_CHAIN, json!([1])),
        (CHECK_RUN, json!({"name": 1})),
        (SCRIPT_LOAD, json!({"name": "../x", "version": 1, "source": GOOD})),
        (SCRIPT_LOAD, json!({"name": "x", "version": 1})),
    ];
    for (op, args) in bad {
        assert_eq!(rig.ask(op, &args).unwrap_err().code, Code::BadRequest, "{op} {args}");
    }
    assert_eq!(rig.ask("nonsense", &json!({})).unwrap_err().code, Code::NotFound);
    assert_eq!(with(json!({"number": "1"})).unwrap()["number"], "91");
}
