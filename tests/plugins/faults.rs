//! Whatever happens in a plugin's process: core and the other plugins answer every call meanwhile, the cause
//! is named, and the plugin comes back.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{BACK_WITHIN, OTHERS, await_successor, misbehave, order, undisturbed};
use crate::harness::*;

/// The child tells what it turned away with its pulse, every five seconds.
const COUNTED_WITHIN: Duration = Duration::from_secs(20);

#[track_caller]
fn names(status: &Value, words: &str) {
    let end = status["last_end"].as_str().unwrap_or_default();
    assert!(end.contains(words), "the end is not told as {words:?}: {status:#}");
}

/// Does something to the plugin; it must end for that reason and serve again.
#[track_caller]
fn comes_back_after(words: &str, deed: impl FnOnce(&Client, &Value)) {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    let (before, echo) = (plugin(&admin, "faulty"), plugin(&admin, "echo"));
    let back = undisturbed(&admin, OTHERS, || {
        deed(&admin, &before);
        await_successor(&admin, &before)
    });
    names(&back, words);
    assert_eq!((&back["restarts"], &back["reason"]), (&json!(1), &json!("")), "{back:#}");
    assert_eq!(plugin(&admin, "echo")["pid"], echo["pid"], "echo was restarted too");
    misbehave(&admin, "none").expect(200);
}

/// The fault ends the process; who asked for it is told.
#[track_caller]
fn comes_back_after_fault(how: &str, words: &str) {
    comes_back_after(words, |admin, _| {
        let told = misbehave(admin, how).problem(503, "plugins/unavailable");
        assert!(told.text("detail").contains("faulty"), "{told}");
    });
}

#[test]
fn a_plugin_that_is_killed_comes_back() {
    comes_back_after("SIGKILL", |_, status| signal(status, Signal::KILL));
}

#[test]
fn a_plugin_that_touches_memory_not_its_own_comes_back() {
    comes_back_after_fault("segv", "SIGSEGV");
}

#[test]
fn a_plugin_that_panics_comes_back() {
    comes_back_after_fault("panic", "SIGABRT");
}

#[test]
fn a_plugin_that_aborts_comes_back() {
    comes_back_after_fault("abort", "SIGABRT");
}

#[test]
fn a_plugin_that_exits_comes_back() {
    comes_back_after_fault("exit", "exit code 3 while answering http");
}

#[test]
fn a_plugin_that_spins_comes_back() {
    comes_back_after_fault("spin", "it does not return from recv while answering http");
}

#[test]
fn a_plugin_that_sleeps_comes_back() {
    comes_back_after_fault("block", "it does not return from recv while answering http");
}

#[test]
fn a_plugin_that_hoards_memory_comes_back() {
    comes_back_after_fault("memory_hog", "for lack of memory");
}

#[test]
fn a_halted_plugin_comes_back() {
    comes_back_after("a signal has halted it", |_, status| signal(status, Signal::STOP));
}

#[test]
fn a_plugin_that_floods_the_log_comes_back() {
    comes_back_after_fault("log_flood_for_ever", "it wrote more lines than allowed");
}

#[test]
fn a_plugin_that_never_answers_comes_back() {
    comes_back_after("is unanswered", |admin, _| {
        misbehave(admin, "no_reply").problem(502, "plugins/fault").says("did not answer http within");
    });
}

#[test]
fn a_call_that_is_never_answered_harms_no_other() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    let before = plugin(&admin, "faulty");
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| misbehave(&admin, "no_reply"));
        await_that(&admin, "faulty", BACK_WITHIN, "asked", |now| now["in_flight"] == json!(["http"]));
        let answered = awaited(BACK_WITHIN, || {
            misbehave(&admin, "none").expect(200);
            asked.is_finished().then_some(())
        });
        assert!(answered.is_some(), "the call has no deadline");
        asked.join().expect("it was answered").problem(502, "plugins/fault");
    });
    assert_eq!(plugin(&admin, "faulty")["pid"], before["pid"]);
}

/// Faults that a process survives, with the status of the answer.
const SURVIVED: &[(&str, u16)] = &[
    ("none", 200),
    ("reply_twice", 200),
    ("reply_unknown", 200),
    ("ask_with_even_id", 200),
    ("too_big", 200),
    ("not_json", 502),
    ("unknown_kind", 200),
    ("pong", 200),
    ("hello_again", 200),
    ("log_control_bytes", 200),
    ("print", 200),
    ("try_exec", 200),
    ("try_read", 200),
    ("try_write", 200),
    ("try_socket", 200),
];

#[test]
fn smaller_faults_are_counted_and_survived() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    let before = plugin(&admin, "faulty");
    undisturbed(&admin, OTHERS, || {
        for (how, status) in SURVIVED {
            let answer = misbehave(&admin, how);
            assert_eq!(answer.status, *status, "{how}: {answer}");
            let is_tried = how.starts_with("try_");
            assert!(!is_tried || answer.json["allowed"] == false, "{how}: {answer}");
        }
    });
    let after = plugin(&admin, "faulty");
    assert_eq!((&after["pid"], &after["restarts"]), (&before["pid"], &json!(0)), "{after:#}");
    assert!(!appliance.log().contains('\u{1b}'), "control bytes reached the log");
    assert!(!std::path::Path::new("/tmp/jackfield-faulty").exists());
}

/// Floods that end by themselves.
const FLOODS: &[&str] = &["ten_threads", "ask_flood", "log_flood"];

#[test]
fn floods_that_end_are_survived_and_what_was_too_much_is_counted() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    let before = plugin(&admin, "faulty");
    undisturbed(&admin, OTHERS, || {
        for how in FLOODS {
            let answer = misbehave(&admin, how);
            // The plugin's own answer may find its queue full of what it flooded it with.
            let is_lost = answer.status == 502 && answer.text("detail").contains("did not answer http");
            assert!(answer.status == 200 || is_lost, "{how}: {answer}");
            misbehave(&admin, "none").expect(200);
        }
    });
    let after = plugin(&admin, "faulty");
    assert_eq!((&after["pid"], &after["restarts"]), (&before["pid"], &json!(0)), "{after:#}");
    assert!(after["dropped_lines"].as_u64().is_some_and(|lines| lines > 100), "{after:#}");
}

/// Faults that break the treaty, and how often each does.
const BREACHES: &[(&str, u64)] = &[
    ("reply_twice", 1),
    ("reply_unknown", 1),
    ("not_json", 1),
    ("hello_again", 1),
    ("ask_with_even_id", 1),
    ("unknown_kind", 1),
    ("pong", 1),
];

#[test]
fn every_breach_of_the_treaty_shows_in_the_state() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    for (how, _) in BREACHES {
        misbehave(&admin, how);
    }
    let breaches: u64 = BREACHES.iter().map(|(_, times)| times).sum();
    await_that(&admin, "faulty", COUNTED_WITHIN, "blamed for each", |now| now["misbehaviour"] == breaches);
}

/// Ways to start badly, and how the state names them.
const BAD_STARTS: &[(&str, &str, &str)] = &[
    ("refuse", "backoff", "it refused to start"),
    ("wrong_id", "refused", "the plugin says its id: somebody_else"),
    ("silent", "backoff", "it did not say hello within 10000 ms"),
    ("slow", "backoff", "it did not say hello within 10000 ms"),
    ("panic", "backoff", "SIGABRT"),
];

#[test]
fn a_plugin_that_starts_badly_keeps_nobody_else_from_serving() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    undisturbed(&admin, OTHERS, || {
        for (how, state, words) in BAD_STARTS {
            let before = plugin(&admin, "faulty");
            admin.put("/settings/faulty.start", "*", &json!({"value": how})).expect(200);
            let down = await_that(&admin, "faulty", BACK_WITHIN, how, |now| {
                now["state"] == *state && now["reason"].as_str().is_some_and(|reason| reason.contains(words))
            });
            misbehave(&admin, "none").problem(503, "plugins/unavailable").says(words);
            admin.put("/settings/faulty.start", "*", &json!({"value": "well"})).expect(200);
            await_successor(&admin, &before);
            // Otherwise these deaths would add up to a quarantine.
            order(&admin, "faulty", "clear-quarantine").expect(200);
            assert!(down["pid"].is_null(), "{down:#}");
        }
    });
}
