//! A plugin that dies too often is left alone until somebody says otherwise; what an operator switched off
//! stays off. Neither is forgotten by a restart.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{BACK_WITHIN, OTHERS, await_successor, misbehave, order, undisturbed};
use crate::harness::*;

const DEATHS: usize = 5;

/// Kills the plugin as often as it comes back.
fn kill_until_quarantined(admin: &Client) -> Value {
    for death in 1..=DEATHS {
        let up = await_that(admin, "faulty", BACK_WITHIN, "up again", |now| now["state"] == "up");
        signal(&up, Signal::KILL);
        if death < DEATHS {
            await_successor(admin, &up);
        }
    }
    await_plugin(admin, "faulty", "quarantined")
}

#[test]
fn five_deaths_are_a_quarantine_that_survives_restarts_until_it_is_cleared() {
    let mut appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    let quarantined = undisturbed(&admin, OTHERS, || kill_until_quarantined(&admin));
    let reason = quarantined["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("5 ends within 600 s") && reason.contains("SIGKILL"), "{reason}");
    assert!(quarantined["pid"].is_null() && quarantined["next_try"].is_string(), "{quarantined:#}");
    misbehave(&admin, "none").problem(503, "plugins/unavailable").says(&reason);
    order(&admin, "faulty", "restart").problem(409, "plugins/refused").says("5 ends within");
    appliance.restart();
    stays_quarantined(&appliance, &reason);
    appliance.kill9();
    appliance.resume();
    stays_quarantined(&appliance, &reason);
    let admin = appliance.admin();
    let operator = appliance.anonymous().with_token(&appliance.token("works", "operator"));
    order(&operator, "faulty", "clear-quarantine").problem(403, "access/denied").says("plugins:write");
    let up = order(&admin, "faulty", "clear-quarantine").expect(200);
    assert_eq!((&up.json["state"], &up.json["next_try"]), (&json!("up"), &Value::Null), "{up}");
    misbehave(&admin, "none").expect(200);
    appliance.restart();
    appliance.await_up(&["faulty"]);
}

#[track_caller]
fn stays_quarantined(appliance: &Appliance, reason: &str) {
    let admin = appliance.admin();
    let status = await_plugin(&admin, "faulty", "quarantined");
    assert_eq!((&status["reason"], &status["restarts"]), (&json!(reason), &json!(DEATHS)), "{status:#}");
    await_plugin(&admin, "echo", "up");
    admin.get("/echo").expect(200);
}

#[test]
fn a_new_version_leaves_the_quarantine_behind() {
    let appliance = super::mirror::start();
    let admin = appliance.admin();
    for _ in 0..DEATHS {
        let up = await_that(&admin, "mirror", BACK_WITHIN, "up again", |now| now["state"] == "up");
        signal(&up, Signal::KILL);
        await_that(&admin, "mirror", BACK_WITHIN, "dead", |now| now["pid"] != up["pid"]);
    }
    await_plugin(&admin, "mirror", "quarantined");
    super::mirror::put(&appliance, "1.0.1", |manifest| manifest);
    let up = order(&admin, "mirror", "replace").expect(200);
    assert_eq!((&up.json["state"], &up.json["version"]), (&json!("up"), &json!("1.0.1")), "{up}");
}

#[test]
fn back_offs_grow_and_an_operator_may_cut_them_short() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    for _ in 0..3 {
        let up = await_that(&admin, "faulty", BACK_WITHIN, "up again", |now| now["state"] == "up");
        signal(&up, Signal::KILL);
        let waiting = await_that(&admin, "faulty", BACK_WITHIN, "waiting", |now| now["next_try"].is_string());
        assert_eq!(waiting["state"], "backoff", "{waiting:#}");
        await_successor(&admin, &up);
    }
    let up = plugin(&admin, "faulty");
    signal(&up, Signal::KILL);
    await_that(&admin, "faulty", BACK_WITHIN, "waiting", |now| now["next_try"].is_string());
    assert_eq!(order(&admin, "faulty", "restart").expect(200).json["state"], "up");
}

#[test]
fn a_plugin_that_was_switched_off_stays_off_until_it_is_switched_on() {
    let mut appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    let pid = plugin(&admin, "echo")["pid"].as_u64().unwrap();
    let off = order(&admin, "echo", "disable").expect(200);
    assert_eq!((&off.json["state"], &off.json["pid"]), (&json!("disabled"), &Value::Null), "{off}");
    assert!(!is_alive(pid));
    admin.get("/echo").problem(503, "plugins/unavailable").says("an operator switched it off");
    order(&admin, "echo", "restart").problem(409, "plugins/refused").says("switched it off");
    appliance.restart();
    appliance.await_up(&["faulty"]);
    let admin = appliance.admin();
    assert_eq!(await_plugin(&admin, "echo", "disabled")["pid"], Value::Null);
    assert_eq!(order(&admin, "echo", "enable").expect(200).json["state"], "up");
    appliance.restart();
    appliance.await_up(&["echo", "faulty"]);
    let said = appliance.cli(&["plugin", "disable", "echo"], "");
    assert_eq!(said.code, 0, "{}", said.stderr);
    await_plugin(&appliance.admin(), "echo", "disabled");
    assert_eq!(appliance.cli(&["plugin", "enable", "echo"], "").code, 0);
    appliance.admin().get("/echo").expect(200);
}
