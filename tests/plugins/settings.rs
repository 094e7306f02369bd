//! Settings that plugins bring: read, changed and refused like the appliance's own, and taken up at once.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::{mirror, order};
use crate::harness::*;

const SOON: Duration = Duration::from_secs(10);

fn set(client: &Client, name: &str, value: &Value) -> Answer {
    client.put(&format!("/settings/{name}"), "*", &json!({"value": value}))
}

#[track_caller]
fn await_greeting(client: &Client, greeting: &str) {
    let greets = || (client.get("/echo").expect(200).json["greeting"] == greeting).then_some(());
    awaited(SOON, greets).unwrap_or_else(|| panic!("{greeting:?} is not taken up: {}", client.get("/echo")));
}

#[test]
fn a_plugin_s_setting_is_listed_set_and_unset_and_taken_up_live() {
    let mut appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let before = plugin(&admin, "echo");
    let list = admin.get("/settings").expect(200);
    let listed = list.items().iter().find(|item| item["name"] == "echo.greeting").expect("it is listed");
    assert_eq!((&listed["value"], &listed["help"]), (&json!("Hello"), &json!("First word of every answer")));
    assert_eq!(set(&admin, "echo.greeting", &json!("Ahoj")).expect(200).json["value"], "Ahoj");
    await_greeting(&admin, "Ahoj");
    assert_eq!(plugin(&admin, "echo")["pid"], before["pid"], "it was told, not restarted");
    appliance.restart();
    appliance.await_up(&["echo"]);
    let admin = appliance.admin();
    await_greeting(&admin, "Ahoj");
    admin.delete("/settings/echo.greeting", "*").expect(200);
    await_greeting(&admin, "Hello");
    let undo = admin.get("/revisions?kind=settings").expect(200).items()[0]["n"].clone();
    admin.call("POST", &format!("/revisions/{undo}:undo")).send().expect(201);
    await_greeting(&admin, "Ahoj");
}

#[test]
fn the_terminal_sets_a_plugin_s_setting() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let done = |appliance: &Appliance, args: &[&str]| {
        let outcome = appliance.cli(args, "");
        assert_eq!(outcome.code, 0, "{args:?}: {}{}", outcome.stdout, outcome.stderr);
        outcome.stdout
    };
    assert_eq!(done(&appliance, &["settings", "get", "echo.greeting"]), "Hello\n");
    done(&appliance, &["settings", "set", "echo.greeting", "Servus"]);
    await_greeting(&appliance.admin(), "Servus");
    done(&appliance, &["settings", "unset", "echo.greeting"]);
    await_greeting(&appliance.admin(), "Hello");
    let refused = appliance.cli(&["settings", "set", "echo.greeting", ""], "");
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(refused.stderr.contains("1 to 64 characters"), "{}", refused.stderr);
}

#[test]
fn the_terminal_sets_a_plugin_s_setting_before_the_first_start() {
    let mut appliance = Appliance::laid_out_with(&["echo"], |config| config);
    let set = appliance.cli(&["settings", "set", "echo.greeting", "Servus"], "");
    assert_eq!(set.code, 0, "{}{}", set.stdout, set.stderr);
    appliance.resume();
    appliance.await_up(&["echo"]);
    await_greeting(&appliance.admin(), "Servus");
}

#[test]
fn a_value_that_breaks_the_manifest_s_rule_is_refused_with_it() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    for (name, value, words) in [
        ("echo.greeting", json!(7), "must be text, not a number"),
        ("echo.greeting", json!(""), "1 to 64 characters"),
        ("echo.greeting", json!("x".repeat(65)), "1 to 64 characters"),
        ("echo.greeting", Value::Null, "must be text, not null"),
        ("faulty.start", json!("sideways"), "must be one of"),
    ] {
        set(&admin, name, &value).problem(422, "request/invalid").says(name).blames("/value", words);
    }
    await_greeting(&admin, "Hello");
    set(&admin, "echo.greting", &json!("x")).problem(404, "request/not_found").says("echo.greeting");
}

#[test]
fn a_setting_that_needs_a_restart_restarts_the_plugin() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    let before = plugin(&admin, "faulty");
    set(&admin, "faulty.start", &json!("refuse")).expect(200);
    let down = await_that(&admin, "faulty", SOON, "down for its refusal", |now| {
        let end = now["last_end"].as_str().unwrap_or_default();
        now["state"] == "backoff" && end.contains("refused to start")
    });
    assert!(down["last_lines"].to_string().contains("refused, as asked"), "{down:#}");
    admin.delete("/settings/faulty.start", "*").expect(200);
    super::await_successor(&admin, &before);
}

#[test]
fn a_version_s_own_rule_holds_also_after_going_back_to_it() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let (eight, long) = (json!("12345678"), json!("123456789012345"));
    set(&admin, "mirror.word", &long).expect(200);
    mirror::put(&appliance, "2.0.0", |manifest| manifest.replace("max = 20", "max = 10"));
    order(&admin, "mirror", "replace").expect(200);
    set(&admin, "mirror.word", &long).problem(422, "request/invalid").blames("/value", "1 to 10 characters");
    set(&admin, "mirror.word", &eight).expect(200);
    mirror::put(&appliance, "1.0.0", |manifest| manifest);
    order(&admin, "mirror", "replace").expect(200);
    set(&admin, "mirror.word", &long).expect(200);
}

#[test]
fn the_doctor_forgets_a_value_that_was_not_taken_once_the_plugin_has_it() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let finding = || {
        let page = admin.get("/doctor").expect(200);
        let found =
            page.items().iter().find(|item| item["name"].as_str().unwrap().ends_with("echo.settings"));
        found.map(|item| item["state"].as_str().unwrap().to_owned())
    };
    order(&admin, "echo", "disable").expect(200);
    set(&admin, "echo.greeting", &json!("Moin")).expect(200);
    awaited(SOON, finding).expect("the doctor says something about it");
    order(&admin, "echo", "enable").expect(200);
    await_greeting(&admin, "Moin");
    let settled = awaited(SOON, || finding().is_none_or(|state| state == "ok").then_some(()));
    assert!(settled.is_some(), "the plugin works with the value, the doctor says {:?}", finding());
}

#[test]
fn a_stored_value_stays_when_its_plugin_is_away() {
    let mut appliance = Appliance::with_plugins(&["echo"]);
    set(&appliance.admin(), "echo.greeting", &json!("Salut")).expect(200);
    appliance.stop();
    let (home, away) = (appliance.plugin_folder("echo"), appliance.folder().join("away"));
    fs::rename(&home, &away).unwrap();
    appliance.resume();
    appliance.admin().get("/settings/echo.greeting").problem(404, "request/not_found");
    appliance.stop();
    fs::rename(&away, &home).unwrap();
    appliance.resume();
    appliance.await_up(&["echo"]);
    await_greeting(&appliance.admin(), "Salut");
}
