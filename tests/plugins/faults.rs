//! Whatever happens in a plugin's process: core and the other plugins answer every call meanwhile, the cause
//! is named, and the plugin comes back.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{BACK_WITHIN, OTHERS, await_successor, mirror, misbehave, order, undisturbed};
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
fn a_plugin_that_sends_too_big_a_frame_past_its_host_comes_back() {
    comes_back_after_fault("frame_too_big", "a frame of 1073741824 bytes; 1048576 are allowed");
}

#[test]
fn a_plugin_that_sends_a_frame_of_no_kind_past_its_host_comes_back() {
    comes_back_after_fault("frame_of_no_kind", "a frame of the unknown kind 99");
}

/// What may happen to any process, and how the state names it.
const BLOWS: &[(Signal, &str)] = &[
    (Signal::KILL, "SIGKILL"),
    (Signal::SEGV, "SIGSEGV"),
    (Signal::ABORT, "SIGABRT"),
    (Signal::STOP, "a signal has halted it"),
];

/// Sends the signal until it works: the first SIGSEGV from outside is taken by the Rust runtime, which looks for an
/// overflow of the stack.
fn strike(status: &Value, blow: Signal) {
    signal(status, blow);
    let pid = status["pid"].as_u64().expect("a process");
    let has_ended = || {
        let is_over = !is_alive(pid);
        if !is_over && blow == Signal::SEGV {
            signal(status, blow);
        }
        (is_over || blow != Signal::SEGV).then_some(())
    };
    awaited(BACK_WITHIN, has_ended).expect("the process ends");
}

#[test]
fn whichever_plugin_is_struck_the_others_and_the_api_go_on_and_it_comes_back() {
    let mut appliance = Appliance::laid_out_with(&["echo", "faulty", "federation"], |config| config);
    mirror::put(&appliance, "1.0.0", |manifest| manifest);
    appliance.resume();
    let plugins = [("echo", "/echo"), ("federation", "/federation"), ("mirror", "/mirror")];
    appliance.await_up(&["echo", "faulty", "federation", "mirror"]);
    let admin = appliance.admin();
    admin.post("/federation/servers", &json!({"domain": "ocs.com"})).expect(201);
    for (id, own) in plugins {
        let mut others: Vec<_> = plugins.iter().map(|(_, path)| *path).filter(|path| *path != own).collect();
        others.extend(["/enterprises", "/settings", "/plugins"]);
        undisturbed(&admin, &others, || {
            for (blow, words) in BLOWS {
                let before = plugin(&admin, id);
                strike(&before, *blow);
                names(&await_successor(&admin, &before), words);
                admin.get(own).expect(200);
                // Otherwise these deaths would add up to a quarantine.
                order(&admin, id, "clear-quarantine").expect(200);
            }
        });
    }
    assert_eq!(admin.get("/federation/servers").expect(200).column("domain"), ["ocs.com"]);
}

#[test]
fn a_state_never_mixes_a_new_reason_with_an_old_end() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    for (how, words) in [("segv", "SIGSEGV"), ("exit", "exit code 3"), ("abort", "SIGABRT")] {
        let before = plugin(&admin, "faulty");
        misbehave(&admin, how).expect(503);
        let down = await_that(&admin, "faulty", BACK_WITHIN, "down", |now| {
            let mixes = now["state"] == "backoff" && now["reason"] != now["last_end"];
            assert!(!mixes, "{how}: {now:#}");
            now["state"] == "backoff"
        });
        names(&down, words);
        assert_eq!(down["restarts"], before["restarts"].as_u64().unwrap() + 1);
        order(&admin, "faulty", "restart").expect(200);
    }
}

#[test]
fn an_operation_of_a_service_that_the_manifest_does_not_list_is_denied() {
    let mut appliance = Appliance::laid_out_with(&["echo"], |config| config);
    mirror::put(&appliance, "1.0.0", |manifest| {
        manifest.replace("\"revision/1\", \"secret/1\"", "\"check/1\"")
    });
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let admin = appliance.admin();
    let asked = |op: &str, args: Value| {
        admin.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json
    };
    let revision = json!({"kind": "mirror", "object": "m", "who": "x"});
    for (op, args, service) in [
        ("secret.put", json!({"name": "a", "value": "b"}), "secret/1"),
        ("secret.get", json!({"name": "a"}), "secret/1"),
        ("event.publish", json!({"event": "a.b", "object": "c"}), "event/1"),
        ("revision.note", revision.clone(), "revision/1"),
        ("db.tx", json!({"statements": [], "revisions": [revision]}), "revision/1"),
    ] {
        let refused = asked(op, args);
        let told = refused["error"]["msg"].as_str().unwrap_or_default();
        assert_eq!(refused["error"]["code"], "denied", "{op}: {refused}");
        assert!(told.contains(&format!("{op} needs the service {service}")), "{told}");
    }
    assert_eq!(admin.get("/revisions?kind=mirror").expect(200).items().len(), 0);
    assert_eq!(asked("db.tx", json!({"statements": []}))["reply"]["changed"], json!([]));
    let finding = json!({"name": "a", "state": "ok", "detail": "b"});
    assert_eq!(asked("check.report", finding)["reply"], json!({}));
    assert_eq!(asked("state.report", json!({"state": "up", "reason": ""}))["reply"], json!({}));
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
