//! The scripts' process is killed while calls are made, and published versions turn out not to load: every call is
//! answered by the catalogue's policy, and what can serve comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::*;

const BACK_WITHIN: Duration = Duration::from_secs(20);

/// What any answer to a call may be while the process comes and goes: by the script, or by its policy.
fn judged(answer: &Value) -> bool {
    let by_policy = answer["lints"].to_string().contains("script.failed");
    answer["dialed"] == "904001" || (answer["dialed"] == "04001" && by_policy)
}

#[test]
fn calls_are_answered_by_policy_while_the_process_is_killed_and_by_the_script_afterwards() {
    let ground = ground();
    ground.publish("nine", NINE);
    let has_ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut answered = 0;
                    while !has_ended.load(Ordering::Relaxed) {
                        let answer = ground.dial("4001");
                        assert!(judged(&answer), "neither script nor policy: {answer}");
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        for _ in 0..3 {
            let before = await_plugin(&ground.admin, "scripts", "up");
            signal(&before, Signal::KILL);
            await_that(&ground.admin, "scripts", BACK_WITHIN, "replaced", |now| {
                now["state"] == "up" && now["pid"] != before["pid"]
            });
        }
        let served =
            awaited(BACK_WITHIN, || Some(ground.dial("4001")).filter(|one| one["dialed"] == "904001"));
        has_ended.store(true, Ordering::Relaxed);
        let answered: Vec<i32> = callers.into_iter().map(|caller| caller.join().expect("a caller")).collect();
        assert!(served.is_some(), "the script does not serve again");
        assert!(answered.iter().all(|count| *count > 0), "{answered:?}");
    });
}

#[test]
fn without_the_process_rewriting_is_open_and_admission_closed() {
    let ground = ground();
    ground.publish("nine", NINE);
    ground.admin.call("POST", "/plugins/scripts:disable").send().expect(200);
    let open = ground.dial("4001");
    assert_eq!(open["dialed"], "04001", "{open}");
    let step = steps(&open, "dial.rewrite")[0];
    assert!(step["text"].as_str().is_some_and(|text| text.contains("could not be asked")), "{step}");
    assert_eq!(step["source"], Value::Null, "{step}");
    let hook = ground.admin.get("/hooks/nine").expect(200).json;
    assert_eq!(hook["state"], "failed", "{hook}");
    assert!(hook["reason"].as_str().is_some_and(|why| why.contains("does not serve")), "{hook}");
    let doctor = ground.admin.get("/doctor").expect(200);
    let finding = doctor.items().iter().find(|one| one["name"] == "scripts").expect("a finding").clone();
    assert!(finding["detail"].to_string().contains("an operator switched it off. None of the"), "{finding}");
    assert!(finding["advice"].to_string().contains("plugin enable scripts"), "{finding}");
    ground.admin.call("POST", "/plugins/scripts:enable").send().expect(200);
    ground.await_scripts();
    ground.publish("admit", "hook(\"dial.admit\", function(call) return allow() end)");
    assert_eq!(ground.dial("4001")["dialed"], "904001");
    ground.admin.call("POST", "/plugins/scripts:disable").send().expect(200);
    let closed = ground.dial("4001");
    assert_eq!(closed["dialed"], "", "{closed}");
    assert!(closed["lints"].to_string().contains("policy unavailable"), "{closed}");
    assert_eq!(ground.dial("112")["dialed"], "112", "emergency calls depend on nobody");
}

#[test]
fn without_the_workbench_nothing_is_kept_or_published_and_what_serves_goes_on() {
    let ground = ground();
    ground.publish("nine", NINE);
    ground.put("nine", EIGHT).expect(200);
    ground.admin.call("POST", "/plugins/workbench:disable").send().expect(200);
    ground.put("other", EIGHT).problem(503, "hooks/unavailable").says("could not be tried");
    ground.swap("nine", "publish", None).problem(503, "hooks/unavailable");
    assert_eq!(ground.dial("4001")["dialed"], "904001");
}

#[test]
fn who_waits_for_a_slow_workbench_is_told_and_calls_go_on() {
    let ground = ground();
    ground.publish("nine", NINE);
    signal(&await_plugin(&ground.admin, "workbench", "up"), Signal::STOP);
    let refused: Vec<String> = std::thread::scope(|scope| {
        let ground = &ground;
        let puts: Vec<_> =
            (0..6).map(|n| scope.spawn(move || ground.put(&format!("slow{n}"), EIGHT))).collect();
        assert_eq!(ground.dial("4001")["dialed"], "904001");
        let answers = puts.into_iter().map(|put| put.join().expect("a put"));
        answers.map(|answer| answer.problem(503, "hooks/unavailable").to_string()).collect()
    });
    let crowd = refused.iter().filter(|answer| answer.contains("others wait already")).count();
    assert_eq!(crowd, 2, "one tries, three wait: {refused:#?}");
    assert_eq!(ground.dial("4001")["dialed"], "904001");
}

/// Writes another text over a version, as a release that understood it may have left it.
fn overwrite(ground: &Ground, version: i64, source: &str) {
    let database = Connection::open(ground.appliance.state().join("jackfield.db")).expect("the database");
    let sha256 = data_encoding::HEXLOWER
        .encode(ring::digest::digest(&ring::digest::SHA256, source.as_bytes()).as_ref());
    let sql = "UPDATE script_version SET source = ?1, sha256 = ?2 WHERE script = 'digit' AND n = ?3";
    assert_eq!(database.execute(sql, (source, sha256, version)).expect("written"), 1);
}

#[test]
fn a_published_version_that_does_not_load_at_the_start_is_replaced_by_the_newest_that_served_before() {
    let mut ground = ground();
    ground.publish("digit", NINE);
    ground.publish("digit", EIGHT);
    ground.publish("digit", &format!("-- third\n{EIGHT}"));
    ground.put("digit", &format!("-- never published\n{NINE}")).expect(200);
    ground.appliance.stop();
    overwrite(&ground, 3, "gone_in_this_release()");
    overwrite(&ground, 2, "gone_as_well()");
    ground.appliance.resume();
    ground.admin = ground.appliance.admin();
    ground.await_scripts();
    let hook = ground.await_hook("digit", |hook| hook["serving"] == json!(1));
    assert_eq!((&hook["state"], &hook["active"]), (&json!("failed"), &json!(3)), "{hook}");
    assert!(hook["reason"].as_str().is_some_and(|why| why.contains("site/digit.lua:1")), "{hook}");
    assert_eq!(ground.dial("4001")["dialed"], "904001");
    let doctor = ground.admin.get("/doctor").expect(200);
    let finding = doctor.items().iter().find(|one| one["name"] == "scripts").expect("a finding").clone();
    assert!(
        finding["state"] == "warning" && finding["detail"].to_string().contains("version 1 serves"),
        "{finding}"
    );
    ground.put("digit", EIGHT.trim()).expect(200);
    let mended = ground.swap("digit", "publish", None).expect(200).json;
    assert_eq!(mended["state"], "active", "{mended}");
    assert_eq!(ground.dial("4001")["dialed"], "804001");
}

#[test]
fn one_that_never_served_before_fails_alone_and_its_policy_holds() {
    let mut ground = ground();
    ground.publish("digit", NINE);
    ground.publish("other", EIGHT);
    ground.appliance.stop();
    overwrite(&ground, 1, "gone_in_this_release()");
    ground.appliance.resume();
    ground.admin = ground.appliance.admin();
    ground.await_scripts();
    let hook = ground.await_hook("digit", |hook| hook["state"] == json!("failed"));
    assert_eq!(hook["serving"], Value::Null, "{hook}");
    let answer = ground.dial("4001");
    assert_eq!(answer["dialed"], "804001", "{answer}");
    assert!(answer["lints"].to_string().contains("digit"), "{answer}");
}

#[test]
fn a_version_that_is_damaged_is_never_run() {
    let mut ground = ground();
    ground.publish("digit", NINE);
    ground.appliance.stop();
    let database = Connection::open(ground.appliance.state().join("jackfield.db")).expect("the database");
    database
        .execute("UPDATE script_version SET source = ?1 WHERE script = 'digit'", [EIGHT])
        .expect("written");
    drop(database);
    ground.appliance.resume();
    ground.admin = ground.appliance.admin();
    ground.await_scripts();
    ground.await_hook("digit", |hook| hook["state"] == json!("failed"));
    assert_eq!(ground.dial("4001")["dialed"], "04001");
}
