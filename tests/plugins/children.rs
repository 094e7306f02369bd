//! Processes of plugins end with the appliance, however it ends, and leave nothing behind in it.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{BACK_WITHIN, misbehave, order};
use crate::harness::*;

fn pids(client: &Client) -> Vec<u64> {
    client.get("/plugins").expect(200).items().iter().filter_map(|status| status["pid"].as_u64()).collect()
}

fn misbehave_unheard(client: &Client, how: &str) {
    let client = client.clone();
    let body = json!({"how": how});
    // The appliance may be gone before it answers.
    std::thread::spawn(move || client.call("POST", "/faulty").json(&body).try_send());
}

#[track_caller]
fn await_busy(client: &Client) {
    await_that(client, "faulty", BACK_WITHIN, "busy", |now| now["in_flight"] == json!(["http"]));
}

#[test]
fn a_killed_appliance_takes_its_plugins_along_within_a_second() {
    let mut appliance = Appliance::with_plugins(&["echo", "faulty"]);
    for how in ["spin", "block", "log_flood_for_ever"] {
        appliance.await_up(&["scripts", "workbench"]);
        let admin = appliance.admin();
        misbehave_unheard(&admin, how);
        await_busy(&admin);
        signal(&plugin(&admin, "echo"), Signal::STOP);
        let pids = pids(&admin);
        // Two plugins, and the two units of the appliance's own.
        assert_eq!(pids.len(), 4);
        let killed = Instant::now();
        appliance.kill9();
        let all_gone =
            awaited(Duration::from_secs(1), || pids.iter().all(|pid| !is_alive(*pid)).then_some(()));
        assert!(all_gone.is_some(), "{how}: still there after {:?}: {pids:?}", killed.elapsed());
        appliance.resume();
        appliance.await_up(&["echo", "faulty"]);
    }
}

#[test]
fn an_appliance_stops_in_time_whatever_its_plugins_do() {
    let mut appliance = Appliance::with_plugins(&["echo", "faulty"]);
    for how in ["spin", "block", "no_reply", "log_flood_for_ever", "spin_thread"] {
        let admin = appliance.admin();
        misbehave_unheard(&admin, how);
        await_busy(&admin);
        let pids = pids(&admin);
        let took = appliance.stop();
        assert!(took < Duration::from_secs(5), "{how}: {took:?}");
        assert!(pids.iter().all(|pid| !is_alive(*pid)), "{how}: {pids:?}");
        appliance.resume();
        appliance.await_up(&["echo", "faulty"]);
    }
}

#[test]
fn an_appliance_stops_in_time_beside_a_halted_plugin_and_one_that_does_not_stop() {
    let mut appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    misbehave(&admin, "block_in_stop").expect(200);
    let job = json!({"plugin": "echo", "name": "count", "input": {"to": 1_000_000_000_u64}});
    admin.post("/jobs", &job).expect(202);
    let pids = pids(&admin);
    signal(&plugin(&admin, "echo"), Signal::STOP);
    appliance.stop();
    assert!(pids.iter().all(|pid| !is_alive(*pid)), "{pids:?}");
}

/// What the appliance holds: descriptors, threads, children.
fn holdings(appliance: &Appliance) -> (usize, usize, usize) {
    let process = format!("/proc/{}", appliance.pid());
    let count = |folder: &str| fs::read_dir(format!("{process}/{folder}")).expect("it runs").count();
    let tasks = fs::read_dir(format!("{process}/task")).expect("it runs");
    let children = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let children = tasks.flatten().map(|task| children(task).split_whitespace().count()).sum();
    (count("fd"), count("task"), children)
}

#[test]
fn fifty_restarts_leave_nothing_behind() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    appliance.await_up(&["scripts", "workbench"]);
    let admin = appliance.admin();
    order(&admin, "faulty", "restart").expect(200);
    // Each of the four readers of the database opens one more file at its first read, which may come late. What a
    // restart left behind would be there fifty times.
    let settled = |(files, threads, children): (usize, usize, usize)| {
        let is_settled =
            |now: &(usize, usize, usize)| now.0 <= files + 4 && (now.1, now.2) == (threads, children);
        awaited(Duration::from_secs(20), || Some(holdings(&appliance)).filter(is_settled))
    };
    let mut before = holdings(&appliance);
    // Until the connection that asked for the restart is gone.
    awaited(Duration::from_secs(3), || {
        let now = holdings(&appliance);
        before = (before.0.min(now.0), before.1.min(now.1), before.2.min(now.2));
        None::<()>
    });
    assert_eq!(before.2, 4, "one process each, and two of the appliance's own");
    for n in 0..50 {
        let command = if n % 2 == 0 { "restart" } else { "replace" };
        let status = order(&admin, "faulty", command).expect(200);
        assert_eq!(status.json["state"], "up", "{status}");
    }
    assert!(settled(before).is_some(), "before {before:?}, now {:?}", holdings(&appliance));
    let status: Value = plugin(&admin, "faulty");
    assert_eq!(status["restarts"], 51);
}
