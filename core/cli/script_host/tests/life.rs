//! The units' processes: held like a plugin's, ended when they hang, started again, quarantined; and what every
//! kind of failure does in every hook.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jackfield_abi::ops::Code;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::rig::{Rig, chain};
use crate::catalog::hooks::{
    self, CHECK_RUN, DIAL_ADMIT, DIAL_REWRITE, EVENT_TELL, HOOK_CHAIN, POLICY_UNAVAILABLE, SCRIPT_LOAD,
    SCRIPTS, WORKBENCH,
};
use crate::host::{State, builtin};

const GOOD: &str = "hook('dial.rewrite', function(call) return { number = '9' .. call.number } end)";

/// The process of a unit, by its number.
fn process(rig: &Rig, unit: &str) -> (u32, Pid) {
    let pid = rig.up(unit).pid.unwrap();
    (pid, Pid::from_raw(i32::try_from(pid).unwrap()).unwrap())
}

/// Ends the process of a unit by a signal. Rust's own handler lets the first SIGSEGV from outside pass, as no
/// memory was touched, and stands back then: so it is sent until there is nobody left.
fn end(rig: &Rig, unit: &str, signal: Signal) -> u32 {
    let (number, pid) = process(rig, unit);
    let began = Instant::now();
    while rig.host.list().iter().any(|status| status.id == unit && status.pid == Some(number)) {
        // It may be gone between the look and the signal.
        let _ = kill_process(pid, signal);
        assert!(began.elapsed() < super::rig::SOON);
        thread::sleep(Duration::from_millis(1));
    }
    number
}

/// Waits until another process than that one serves; for how long it took.
fn another(rig: &Rig, unit: &str, than: u32) -> Duration {
    let began = Instant::now();
    loop {
        let status = rig.up(unit);
        if status.pid.is_some_and(|pid| pid != than) {
            return began.elapsed();
        }
        assert!(began.elapsed() < super::rig::SOON, "{status:?}");
        thread::yield_now();
    }
}

#[test]
fn both_units_are_held_like_a_plugin_without_network() {
    let rig = Rig::new();
    for unit in [SCRIPTS, WORKBENCH] {
        let status = rig.up(unit);
        assert!(status.builtin && status.version == "1.2.3", "{status:?}");
        let names: Vec<_> = status.confinement.iter().map(|measure| measure.name.as_str()).collect();
        assert_eq!(names, ["limits", "privileges", "files", "calls"]);
        let calls = &status.confinement[3];
        assert!(calls.is_enforced && calls.detail.ends_with("no sockets"), "{}", calls.detail);
    }
    assert_ne!(rig.up(SCRIPTS).pid, rig.up(WORKBENCH).pid);
}

#[test]
fn no_plugin_may_have_the_name_of_a_unit() {
    for builtin in builtin::ALL {
        let manifest = format!(
            "id = \"{}\"\nversion = \"1.0.0\"\nabi = 1\nlibrary = \"x.so\"\nsummary = \"x\"\nservices = []\nops = []\n",
            builtin.id
        );
        let refusal = crate::host::manifest::Manifest::parse(&manifest).unwrap_err();
        assert!(refusal.contains("is a part of the appliance"), "{refusal}");
        assert!(jackfield_db::Owner::new(builtin.id).is_err());
    }
}

#[test]
fn a_process_that_dies_in_a_call_fails_the_call_at_once_and_comes_back_with_its_scripts() {
    let rig = Rig::with_active(&[
        ("good", GOOD),
        (
            "slow",
            "check('slow', {every = '1m'}, function() return ok(tostring(ntp.query('slow', {timeout = '5s'}))) end)",
        ),
    ]);
    for (sent, word) in [(Signal::KILL, "SIGKILL"), (Signal::SEGV, "SIGSEGV"), (Signal::ABORT, "SIGABRT")] {
        rig.host.clear_quarantine(SCRIPTS).unwrap();
        assert_eq!(rig.chain(DIAL_REWRITE.name, &["good"], "1")["number"], "91");
        thread::scope(|scope| {
            let args = json!({"name": "slow", "version": 1, "check": "slow"});
            let rig = &rig;
            let waiting = scope.spawn(move || (rig.ask(CHECK_RUN, &args), Instant::now()));
            while rig.up(SCRIPTS).in_flight.is_empty() {
                thread::yield_now();
            }
            let killed = Instant::now();
            let pid = end(rig, SCRIPTS, sent);
            let (answer, at) = waiting.join().unwrap();
            assert_eq!(answer.unwrap_err().code, Code::Unavailable);
            assert!(at - killed < Duration::from_secs(4), "it waited for the five seconds of its call");
            another(rig, SCRIPTS, pid);
        });
        assert!(rig.up(SCRIPTS).last_end.contains(word), "{}", rig.up(SCRIPTS).last_end);
        assert_eq!(rig.chain(DIAL_REWRITE.name, &["good"], "1")["number"], "91");
    }
}

#[test]
fn a_process_that_hangs_is_killed_about_a_second_after_its_time() {
    let rig = Rig::with_active(&[("good", GOOD)]);
    let (pid, process) = process(&rig, SCRIPTS);
    kill_process(process, Signal::STOP).unwrap();
    let asked = Instant::now();
    let within = Duration::from_millis(50);
    let answer = rig.host.request(SCRIPTS, HOOK_CHAIN, &chain(DIAL_REWRITE.name, &["good"], "1"), within);
    // The call goes on by the policy long before the process is dealt with.
    assert_eq!(answer.unwrap_err().code, Code::Timeout);
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert!(another(&rig, SCRIPTS, pid) < Duration::from_secs(4));
    let end = rig.up(SCRIPTS).last_end;
    assert!(end.contains("hook.chain took ten times the time it was given"), "{end}");
    assert_eq!(rig.chain(DIAL_REWRITE.name, &["good"], "1")["number"], "91");
}

#[test]
fn the_workbench_dies_alone() {
    let rig = Rig::with_active(&[("good", GOOD)]);
    let production = rig.up(SCRIPTS).pid;
    let pid = end(&rig, WORKBENCH, Signal::SEGV);
    another(&rig, WORKBENCH, pid);
    assert_eq!(rig.chain(DIAL_REWRITE.name, &["good"], "1")["number"], "91");
    assert_eq!(rig.up(SCRIPTS).pid, production);
    let args = json!({"name": "new", "version": 2, "source": GOOD});
    assert!(rig.host.request(WORKBENCH, SCRIPT_LOAD, &args, super::rig::SOON).is_ok());
    assert_eq!(rig.chain(DIAL_REWRITE.name, &["new"], "1")["steps"][0]["outcome"], "missing");
}

#[test]
fn five_deaths_quarantine_a_unit_and_a_restart_of_the_appliance_is_no_amnesty() {
    let rig = Rig::new();
    for death in 1..=5 {
        let pid = end(&rig, SCRIPTS, Signal::KILL);
        if death < 5 {
            another(&rig, SCRIPTS, pid);
        }
    }
    let status = rig.reaches(SCRIPTS, State::Quarantined);
    assert!(status.reason.contains("5 ends within 600 s"), "{}", status.reason);
    let answer = rig.chain_of(DIAL_REWRITE.name, &["good"], "1");
    assert_eq!(answer.unwrap_err().code, Code::Unavailable);
    rig.host.stop(super::rig::SOON);
    let again = Rig::start(Arc::clone(&rig.site), Arc::clone(&rig.memory));
    again.reaches(SCRIPTS, State::Quarantined);
    again.up(WORKBENCH);
    again.host.clear_quarantine(SCRIPTS).unwrap();
    again.up(SCRIPTS);
    again.host.disable(SCRIPTS).unwrap();
    again.reaches(SCRIPTS, State::Disabled);
    again.host.enable(SCRIPTS).unwrap();
    assert!(again.load("good", GOOD).is_ok());
}

#[test]
fn a_unit_ends_with_its_host() {
    let rig = Rig::new();
    let pid = rig.up(SCRIPTS).pid.unwrap();
    drop(rig);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

/// Kinds of failure that a script can bring about, as the body of a function.
const FAILURES: &[(&str, &str)] = &[
    ("error", "error('no')"),
    ("budget", "while true do end"),
    ("budget in pcall", "pcall(function() while true do end end)"),
    ("memory", "local s = 'x' while true do s = s .. s end"),
    ("bad result", "return 42"),
    ("forbidden call", "return tcp.probe(nil)"),
];

#[test]
fn every_failure_in_every_hook_gives_what_the_catalogue_says() {
    let rig = Rig::new();
    for (number, (kind, body)) in FAILURES.iter().enumerate() {
        let name = format!("bad{number}");
        for hook in hooks::ALL {
            let source = match hook.name {
                "check" => format!("check('c', {{every = '1m'}}, function() {body} end)"),
                "event." => format!("hook('event.a.b', function() {body} end)"),
                name => format!("hook('{name}', function() {body} end)"),
            };
            rig.load(&name, &source).unwrap();
            assert_policy(&rig, hook.name, &name, &format!("{kind} in {}", hook.name), "failed");
        }
    }
    for hook in hooks::ALL {
        assert_policy(&rig, hook.name, "nobody", &format!("not loaded in {}", hook.name), "missing");
    }
}

fn assert_policy(rig: &Rig, hook: &str, script: &str, what: &str, outcome: &str) {
    let named = json!([{"name": script, "version": 1}]);
    match hook {
        "dial.rewrite" => {
            let answer = rig.chain(hook, &[script], "4123");
            assert_eq!((&answer["number"], &answer["rejected"]), (&json!("4123"), &Value::Null), "{what}");
            assert_eq!(answer["steps"][0]["outcome"], outcome, "{what}: {answer}");
        }
        "dial.admit" => {
            let answer = rig.chain(hook, &[script, "good"], "4123");
            assert_eq!(answer["rejected"]["reason"], POLICY_UNAVAILABLE, "{what}");
            let steps = answer["steps"].as_array().unwrap();
            assert_eq!((steps.len(), &steps[0]["outcome"]), (1, &json!(outcome)), "{what}: {answer}");
        }
        "check" => {
            let answer = rig.check(script, "c");
            assert_eq!(answer["state"], "unknown", "{what}");
            assert!(!answer["detail"].as_str().unwrap().is_empty(), "{what}");
        }
        _ => {
            let told =
                rig.ask(EVENT_TELL, &json!({"event": "a.b", "object": "x", "scripts": named})).unwrap();
            assert_eq!(told["failed"][0]["script"], script, "{what}");
        }
    }
}

#[test]
fn the_same_call_takes_the_same_steps_in_production_and_on_the_workbench() {
    let rig = Rig::new();
    let source = "local t = {} for i = 1, 100 do t['k' .. i] = i end\n\
                  hook('dial.rewrite', function(call) local n = 0 for k, v in pairs(t) do n = n + v end\n\
                  return {number = digits(tostring(n)) .. (call.number:gsub('%d', '5'))} end)";
    let args = json!({"name": "sum", "version": 1, "source": source});
    let mut seen = Vec::new();
    for unit in [SCRIPTS, WORKBENCH] {
        rig.host.request(unit, SCRIPT_LOAD, &args, super::rig::SOON).unwrap();
        for _ in 0..3 {
            let answer = rig.host.request(
                unit,
                HOOK_CHAIN,
                &chain(DIAL_REWRITE.name, &["sum"], "4123"),
                super::rig::SOON,
            );
            let answer = answer.unwrap();
            assert_eq!(answer["number"], "50505555");
            seen.push(answer["steps"][0]["safepoints"].as_u64().unwrap());
        }
    }
    assert!(seen.iter().all(|steps| *steps == seen[0] && *steps > 100), "{seen:?}");
}

#[test]
fn checks_that_wait_keep_no_call_waiting() {
    let rig = Rig::new();
    rig.load("good", GOOD).unwrap();
    rig.load("slow", "check('slow', {every = '1m'}, function() return ok(tostring(ntp.query('slow', {timeout = '5s'}))) end)")
        .unwrap();
    rig.load(
        "known",
        "hook('dial.admit', function(call) return directory.lookup('e1', call.number) and allow() end)",
    )
    .unwrap();
    thread::scope(|scope| {
        let began = Instant::now();
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| rig.check("slow", "slow"))).collect();
        while rig.up(SCRIPTS).in_flight.len() < 4 {
            thread::yield_now();
        }
        assert_eq!(rig.chain(DIAL_REWRITE.name, &["good"], "1")["number"], "91");
        assert_eq!(rig.chain(DIAL_ADMIT.name, &["known"], "4123")["steps"][0]["outcome"], "allowed");
        assert!(waiting.iter().all(|check| !check.is_finished()), "they did not wait at all");
        for check in waiting {
            assert_eq!(check.join().unwrap()["state"], "ok");
        }
        // One after the other they would take four times as long.
        assert!(began.elapsed() < Duration::from_millis(5500), "{:?}", began.elapsed());
    });
}

#[test]
fn an_answer_that_comes_too_late_is_a_failure_and_the_next_call_is_served() {
    let rig = Rig::new();
    rig.load(
        "known",
        "hook('dial.admit', function(call)\n  directory.lookup('e1', call.number) return allow()\nend)",
    )
    .unwrap();
    let answer = rig.chain(DIAL_ADMIT.name, &["known"], "0000");
    assert_eq!(answer["rejected"]["reason"], POLICY_UNAVAILABLE, "{answer}");
    let error = answer["steps"][0]["error"].as_str().unwrap();
    assert_eq!(
        error,
        format!("site/known.lua:2: made calls that took more than {} ms", DIAL_ADMIT.waiting.as_millis())
    );
    assert_eq!(rig.chain(DIAL_ADMIT.name, &["known"], "4123")["steps"][0]["outcome"], "allowed");
}
