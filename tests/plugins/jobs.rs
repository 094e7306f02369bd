//! Jobs of plugins: queued, run, cancelled, failed, interrupted; each at most once, none lost.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{mirror, order};
use crate::harness::*;

const SOON: Duration = Duration::from_secs(20);

fn start(client: &Client, plugin: &str, name: &str, input: &Value) -> String {
    client.post("/jobs", &json!({"plugin": plugin, "name": name, "input": input})).expect(202).id()
}

fn job(client: &Client, id: &str) -> Value {
    client.get(&format!("/jobs/{id}")).expect(200).json
}

#[track_caller]
fn await_job(client: &Client, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let found = awaited(SOON, || Some(job(client, id)).filter(&fits));
    found.unwrap_or_else(|| panic!("the job is not {what}: {:#}", job(client, id)))
}

#[track_caller]
fn await_state(client: &Client, id: &str, state: &str) -> Value {
    await_job(client, id, state, |job| job["state"] == state)
}

#[test]
fn a_job_counts_to_five_and_is_done() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let id = start(&admin, "echo", "count", &json!({"to": 5}));
    let done = await_state(&admin, &id, "done");
    assert_eq!((&done["result"], &done["input"]), (&json!({"counted": 5}), &json!({"to": 5})), "{done:#}");
    assert_eq!((&done["who"], &done["plugin"]), (&json!("token suite"), &json!("echo")));
    let [created, started, ended] =
        ["created_at", "started_at", "ended_at"].map(|at| done[at].as_str().unwrap());
    assert!(created <= started && started <= ended, "{done:#}");
    assert_eq!(admin.get("/jobs").expect(200).column("id"), [id]);
}

#[test]
fn a_long_job_tells_its_progress_and_ends_when_cancelled() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let id = start(&admin, "echo", "count", &json!({"to": 1_000_000_000_000_u64}));
    let running = await_job(&admin, &id, "counting", |job| job["done"].as_u64().is_some_and(|done| done > 0));
    assert_eq!((&running["state"], &running["total"]), (&json!("running"), &json!(1_000_000_000_000_u64)));
    assert_eq!(running["note"], "counting");
    admin.call("POST", &format!("/jobs/{id}:cancel")).send().expect(202);
    let ended = await_state(&admin, &id, "cancelled");
    assert_eq!((&ended["result"], &ended["done"]), (&Value::Null, &Value::Null), "{ended:#}");
    admin.get("/echo").expect(200);
}

#[test]
fn a_job_that_is_cancelled_at_the_moment_it_begins_ends() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    for _ in 0..50 {
        let id = start(&admin, "echo", "count", &json!({"to": 1_000_000_000_000_u64}));
        admin.call("POST", &format!("/jobs/{id}:cancel")).send().expect(202);
        await_state(&admin, &id, "cancelled");
    }
}

#[test]
fn a_job_that_waits_is_cancelled_before_it_begins() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let held = [(); 2].map(|()| start(&admin, "mirror", "hold", &Value::Null));
    held.iter().for_each(|id| drop(await_state(&admin, id, "running")));
    let waiting = start(&admin, "mirror", "tick", &json!(1));
    assert_eq!(job(&admin, &waiting)["state"], "queued");
    let cancelled = admin.call("POST", &format!("/jobs/{waiting}:cancel")).send().expect(202);
    assert_eq!(
        (&cancelled.json["state"], &cancelled.json["started_at"]),
        (&json!("cancelled"), &Value::Null)
    );
    order(&admin, "mirror", "restart").expect(200);
    held.iter().for_each(|id| drop(await_state(&admin, id, "failed")));
    assert!(!appliance.log().contains(&format!("began {waiting}")));
}

#[test]
fn jobs_of_a_plugin_that_hang_keep_nobody_else_s_waiting() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let held = [(); 2].map(|()| start(&admin, "mirror", "hold", &Value::Null));
    held.iter().for_each(|id| drop(await_state(&admin, id, "running")));
    let behind = start(&admin, "mirror", "tick", &json!(1));
    for (plugin, name) in [("echo", "count"), ("core", "revisions.sweep"), ("echo", "count")] {
        let id = start(&admin, plugin, name, &json!({"to": 5}));
        await_state(&admin, &id, "done");
    }
    assert_eq!(job(&admin, &behind)["state"], "queued", "its own plugin has no place");
}

#[test]
fn a_cancelled_job_that_its_plugin_does_not_end_is_given_up_and_the_next_begins() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let held = [(); 2].map(|()| start(&admin, "mirror", "hold", &Value::Null));
    held.iter().for_each(|id| drop(await_state(&admin, id, "running")));
    let behind = start(&admin, "mirror", "tick", &json!(1));
    admin.call("POST", &format!("/jobs/{}:cancel", held[0])).send().expect(202);
    let ended = || Some(job(&admin, &held[0])).filter(|job| job["state"] != "running");
    let ended = awaited(Duration::from_secs(120), ended).expect("it is given up");
    assert_eq!((&ended["state"], &ended["result"]), (&json!("cancelled"), &Value::Null), "{ended:#}");
    assert!(ended["note"].as_str().is_some_and(|note| note.contains("mirror has not ended it")), "{ended:#}");
    assert_eq!(await_state(&admin, &behind, "done")["result"], 1);
}

#[test]
fn a_job_whose_plugin_dies_fails_with_the_reason() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let id = start(&admin, "echo", "count", &json!({"to": 1_000_000_000_000_u64}));
    await_job(&admin, &id, "counting", |job| job["done"].as_u64().is_some_and(|done| done > 0));
    let before = plugin(&admin, "echo");
    signal(&before, Signal::KILL);
    let failed = await_state(&admin, &id, "failed");
    assert!(failed["note"].as_str().is_some_and(|note| note.contains("process")), "{failed:#}");
    let back = super::await_successor(&admin, &before);
    assert!(
        back["last_end"].as_str().is_some_and(|end| end.contains("SIGKILL") && end.contains("job.run")),
        "{back:#}"
    );
    let again = start(&admin, "echo", "count", &json!({"to": 3}));
    await_state(&admin, &again, "done");
}

#[test]
fn a_job_that_its_plugin_refuses_fails_with_its_words() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let id = start(&admin, "echo", "count", &json!({"to": "five"}));
    let failed = await_state(&admin, &id, "failed");
    assert!(
        failed["note"].as_str().is_some_and(|note| note.contains("`to` of the job's input")),
        "{failed:#}"
    );
}

#[test]
fn a_job_needs_the_plugin_s_own_right() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    let viewer = appliance.anonymous().with_token(&appliance.token("looks", "viewer"));
    let wanted = json!({"plugin": "echo", "name": "count", "input": {"to": 1}});
    viewer.post("/jobs", &wanted).problem(403, "access/denied").says("echo:write");
    appliance.anonymous().post("/jobs", &wanted).problem(401, "access/sign_in");
    let id = admin.post("/jobs", &wanted).expect(202).id();
    await_state(&viewer, &id, "done");
    viewer
        .call("POST", &format!("/jobs/{id}:cancel"))
        .send()
        .problem(403, "access/denied")
        .says("jobs:write");
    for (plugin, name, pointer) in
        [("nobody", "count", "/plugin"), ("echo", "dance", "/name"), ("faulty", "count", "/name")]
    {
        let refused = admin.post("/jobs", &json!({"plugin": plugin, "name": name}));
        assert_eq!(refused.status, 422, "{refused}");
        assert!(refused.json["detail"].to_string().contains(pointer.trim_start_matches('/')), "{refused}");
    }
    admin.get("/jobs/job-none").problem(404, "request/not_found");
}

#[test]
fn a_repeated_order_with_the_same_key_is_one_job() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin().with_header("Idempotency-Key", "order-1");
    let wanted = json!({"plugin": "echo", "name": "count", "input": {"to": 1}});
    let ids = [(); 2].map(|()| admin.post("/jobs", &wanted).expect(202).id());
    assert_eq!(ids[0], ids[1], "{}", appliance.admin().get("/jobs"));
}

/// Two jobs that run, and several that wait behind them.
fn two_and_more(client: &Client) -> ([String; 2], [String; 8]) {
    let held = [(); 2].map(|()| start(client, "mirror", "hold", &Value::Null));
    held.iter().for_each(|id| drop(await_state(client, id, "running")));
    let waiting = [1, 2, 3, 4, 5, 6, 7, 8].map(|n| start(client, "mirror", "tick", &json!(n)));
    (held, waiting)
}

#[track_caller]
fn began_once(appliance: &Appliance, ids: &[String]) {
    for id in ids {
        let begun = appliance.log().matches(&format!("began {id}")).count();
        assert_eq!(begun, 1, "{id}");
    }
}

#[test]
fn after_a_power_cut_what_ran_is_interrupted_and_what_waited_is_done_once() {
    let mut appliance = mirror::start();
    let (held, waiting) = two_and_more(&appliance.admin());
    appliance.kill9();
    appliance.resume();
    let admin = appliance.admin();
    for id in &held {
        let interrupted = await_state(&admin, id, "interrupted");
        assert!(interrupted["note"].as_str().is_some_and(|note| note.contains("stopped while it ran")));
        assert!(interrupted["ended_at"].is_string(), "{interrupted:#}");
    }
    for (id, result) in waiting.iter().zip(1..) {
        assert_eq!(await_state(&admin, id, "done")["result"], result);
    }
    began_once(&appliance, &held);
    began_once(&appliance, &waiting);
    assert_eq!(admin.get("/jobs").expect(200).items().len(), 10);
}

#[test]
fn after_a_polite_stop_what_ran_is_over_and_what_waited_is_done_once() {
    let mut appliance = mirror::start();
    let (held, waiting) = two_and_more(&appliance.admin());
    appliance.restart();
    let admin = appliance.admin();
    for (id, result) in waiting.iter().zip(1..) {
        assert_eq!(await_state(&admin, id, "done")["result"], result);
    }
    for id in &held {
        let over = job(&admin, id);
        assert!(["interrupted", "failed"].contains(&over["state"].as_str().unwrap()), "{over:#}");
        assert!(over["ended_at"].is_string() && over["note"] != "", "{over:#}");
    }
    began_once(&appliance, &held);
    began_once(&appliance, &waiting);
}
