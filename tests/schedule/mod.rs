//! Jobs that are due every so many days: what a schedule takes, when its job is queued, and that a stop of the
//! appliance loses no run and repeats none. When exactly something is due is tried by table beside the code.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::*;

fn sweep(fields: &Value) -> Value {
    let usual = json!({
        "name": "Forget", "plugin": "core", "job": "revisions.sweep", "every_days": 1, "hour": 3, "minute": 30, "half": "AM",
    });
    with(&usual, fields)
}

fn database(appliance: &Appliance) -> Connection {
    Connection::open(appliance.state().join("jackfield.db"))
        .expect("the database of an appliance that is stopped")
}

fn jobs(admin: &Client) -> Vec<Value> {
    admin.get("/jobs").expect(200).items().to_vec()
}

#[test]
fn a_schedule_keeps_its_rules() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for (field, value, words) in [
        ("every_days", json!(0), "must be 1 to 365; 0 is not"),
        ("every_days", json!(366), "must be 1 to 365"),
        ("hour", json!(0), "must be 1 to 12; 0 is not"),
        ("hour", json!(13), "must be 1 to 12"),
        ("minute", json!(60), "must be 0 to 59"),
        ("half", json!("am"), "must be one of AM, PM"),
        ("job", json!("accounts.import"), "names no job of the appliance itself that can be asked for"),
        ("input", json!([1]), "must be an object or null"),
        ("name", json!(""), "1 to 64 characters"),
    ] {
        let refused = admin.post("/schedules", &sweep(&json!({field: value})));
        refused.problem(422, "request/invalid").blames(&format!("/{field}"), words);
    }
    admin.post("/schedules", &sweep(&json!({}))).expect(201);
    admin
        .post("/schedules", &sweep(&json!({})))
        .problem(409, "change/conflict")
        .blames("/name", "another schedule");
    let operator = appliance.anonymous().with_token(&appliance.token("night", "operator"));
    operator.post("/schedules", &sweep(&json!({"name": "x"}))).problem(403, "access/denied");
}

#[test]
fn the_site_s_time_zone_decides_when_it_is_due() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let made = admin.post("/schedules", &sweep(&json!({}))).expect(201);
    assert!(made.text("next_at").ends_with("T03:30:00.000Z"), "{made}");
    admin
        .put("/settings/site.time_zone", "*", &json!({"value": "Paris"}))
        .problem(422, "request/invalid")
        .says("must be the IANA name of a time zone, such as Europe/Paris; \"Paris\" is not");
    admin.put("/settings/site.time_zone", "*", &json!({"value": "Asia/Kolkata"})).expect(200);
    let path = format!("/schedules/{}", made.id());
    let moved =
        || Some(admin.get(&path).expect(200).text("next_at")).filter(|at| at.ends_with("T22:00:00.000Z"));
    awaited(Duration::from_secs(10), moved).expect("half past three in Kolkata");
    let off = admin.patch(&path, "*", &json!({"enabled": false})).expect(200);
    assert_eq!(off.json["next_at"], Value::Null);
}

#[test]
fn a_run_that_was_missed_is_made_up_for_once_and_none_is_repeated() {
    let mut appliance = Appliance::start();
    let admin = appliance.admin();
    let schedule = admin.post("/schedules", &sweep(&json!({}))).expect(201).id();
    appliance.stop();
    let missed = "UPDATE schedule SET next_on = '2026-01-01'";
    database(&appliance).execute(missed, []).expect("a day that was missed");
    appliance.resume();
    let admin = appliance.admin();
    let done = || Some(jobs(&admin)).filter(|jobs| jobs.first().is_some_and(|job| job["state"] == "done"));
    let jobs_then = awaited(Duration::from_secs(20), done).expect("the job is queued and done");
    assert_eq!(jobs_then.len(), 1, "once, however many days were missed");
    assert_eq!(jobs_then[0]["who"], "schedule Forget");
    let schedule = admin.get(&format!("/schedules/{schedule}")).expect(200).json;
    assert_eq!(schedule["last_job"], jobs_then[0]["id"]);
    appliance.kill9();
    appliance.resume();
    let admin = appliance.admin();
    // The appliance has looked when it has put the instant right again: later, for in a zone that is ahead of
    // UTC the next day's run may be due already.
    admin.put("/settings/site.time_zone", "*", &json!({"value": "Pacific/Honolulu"})).expect(200);
    let path = format!("/schedules/{}", schedule["id"].as_str().unwrap());
    let looked =
        || Some(admin.get(&path).expect(200).text("next_at")).filter(|at| *at != schedule["next_at"]);
    awaited(Duration::from_secs(10), looked).expect("it looks again");
    assert_eq!(jobs(&admin).len(), 1, "the day that was done is not done again");
}

#[test]
fn old_revisions_are_forgotten_as_the_setting_says() {
    let mut appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    appliance.stop();
    database(&appliance)
        .execute("UPDATE revision SET at = '2020-01-01T00:00:00.000Z'", [])
        .expect("old revisions");
    appliance.resume();
    let admin = appliance.admin();
    admin.patch("/enterprises/acme", "*", &json!({"description": "Other"})).expect(200);
    let ask = json!({"plugin": "core", "job": "x"});
    admin.post("/jobs", &ask).problem(422, "request/invalid");
    let job = admin.post("/jobs", &json!({"plugin": "core", "name": "revisions.sweep"})).expect(202).id();
    let path = format!("/jobs/{job}");
    let ended = || Some(admin.get(&path).expect(200).json).filter(|job| job["state"] == "done");
    assert!(
        awaited(Duration::from_secs(20), ended).expect("done")["result"]["revisions"].as_u64() >= Some(1)
    );
    let left = admin.get("/revisions?object=acme").expect(200);
    assert_eq!(left.column("action"), ["change"], "the young one stays");
}

/// How late the appliance believes it is; it must not run.
fn set_believed(appliance: &Appliance, days_ago: i64) {
    let sql =
        "UPDATE meta SET value = json_object('believed', (unixepoch() - ?1 * 86400) * 1000, 'doubted', NULL)
               WHERE name = 'clock.known'";
    assert_eq!(
        database(appliance).execute(sql, [days_ago]).expect("what the appliance knows of the clock"),
        1
    );
}

fn sweep_now(admin: &Client, name: &str) -> Value {
    let job = admin.post("/jobs", &json!({"plugin": "core", "name": name})).expect(202).id();
    let path = format!("/jobs/{job}");
    let ended = || Some(admin.get(&path).expect(200).json).filter(|job| !job["ended_at"].is_null());
    awaited(Duration::from_secs(20), ended).expect("it ends")
}

fn clock_finding(admin: &Client) -> Value {
    let doctor = admin.get("/doctor").expect(200);
    doctor.items().iter().find(|finding| finding["name"] == "clock").expect("the check").clone()
}

#[test]
fn nothing_old_is_forgotten_while_the_clock_has_leapt() {
    let mut appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    assert_eq!(clock_finding(&admin)["state"], "ok");
    appliance.stop();
    database(&appliance)
        .execute("UPDATE revision SET at = '2020-01-01T00:00:00.000Z'", [])
        .expect("old revisions");
    set_believed(&appliance, 400);
    appliance.resume();
    let admin = appliance.admin();
    let refused = sweep_now(&admin, "revisions.sweep");
    assert_eq!(refused["state"], "failed", "{refused}");
    let note = refused["note"].as_str().unwrap();
    assert!(note.contains("leapt ahead by 400 days") && note.contains("Nothing was forgotten"), "{note}");
    let finding = clock_finding(&admin);
    assert_eq!(finding["state"], "warning", "{finding}");
    assert!(finding["advice"].as_str().unwrap().contains("clock.believe"), "{finding}");
    assert_eq!(admin.get("/revisions?object=acme").expect(200).items().len(), 1, "it is kept");
    // Right again: as if the clock had been set back to where it was expected.
    appliance.stop();
    set_believed(&appliance, 0);
    appliance.resume();
    let admin = appliance.admin();
    assert_eq!(clock_finding(&admin)["state"], "ok");
    assert_eq!(sweep_now(&admin, "revisions.sweep")["state"], "done");
    assert_eq!(admin.get("/revisions?object=acme").expect(200).items().len(), 0);
}

#[test]
fn a_leap_that_is_right_is_believed_when_an_administrator_says_so() {
    let mut appliance = Appliance::start();
    appliance.stop();
    set_believed(&appliance, 400);
    appliance.resume();
    let admin = appliance.admin();
    assert_eq!(clock_finding(&admin)["state"], "warning");
    let operator = appliance.anonymous().with_token(&appliance.token("night", "operator"));
    operator.post("/jobs", &json!({"plugin": "core", "name": "clock.believe"})).problem(403, "access/denied");
    assert_eq!(sweep_now(&admin, "clock.believe")["state"], "done");
    assert_eq!(clock_finding(&admin)["state"], "ok");
    appliance.kill9();
    appliance.resume();
    assert_eq!(clock_finding(&appliance.admin())["state"], "ok", "it stays believed");
}
