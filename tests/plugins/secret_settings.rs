//! Settings that are secrets: taken, kept sealed, handed to their plugin, and never given back.

use std::time::Duration;

use serde_json::{Value, json};

use super::{await_successor, mirror, order};
use crate::harness::*;

const SOON: Duration = Duration::from_secs(10);
const VALUE: &str = "pässword-{x}-7f3a9c";
const NAME: &str = "/settings/mirror.key";

/// A mirror with a secret setting that is told, and one that restarts it.
fn start() -> Appliance {
    let mut appliance = Appliance::laid_out_with(&["echo"], |config| config);
    mirror::put(&appliance, "1.0.0", |manifest| {
        let secret = |name: &str, more: &str| {
            format!("\n[[settings]]\nname = \"mirror.{name}\"\nkind = \"secret\"\nhelp = \"A key\"\n{more}\n")
        };
        manifest + &secret("key", "min = 8\nmax = 40") + &secret("deep_key", "restart = true")
    });
    appliance.resume();
    appliance.await_up(&["echo", "mirror"]);
    appliance
}

fn set(client: &Client, path: &str, value: &str) -> Answer {
    client.put(path, "*", &json!({"value": value}))
}

/// What the plugin was handed.
fn handed(client: &Client, name: &str) -> Value {
    client.get("/mirror").expect(200).json["config"]["settings"][name].clone()
}

#[track_caller]
fn await_handed(client: &Client, name: &str, value: &Value) {
    let is_there = awaited(SOON, || (handed(client, name) == *value).then_some(()));
    assert!(is_there.is_some(), "{name} was not handed over");
}

#[test]
fn a_secret_setting_is_handed_to_its_plugin_live_and_at_every_start() {
    let mut appliance = start();
    let admin = appliance.admin();
    let before = plugin(&admin, "mirror");
    assert_eq!(handed(&admin, "mirror.key"), Value::Null);
    set(&admin, NAME, VALUE).expect(200);
    await_handed(&admin, "mirror.key", &json!(VALUE));
    assert_eq!(plugin(&admin, "mirror")["pid"], before["pid"], "it was told, not restarted");
    set(&admin, "/settings/mirror.deep_key", "deep").expect(200);
    await_successor(&admin, &before);
    assert_eq!(
        (handed(&admin, "mirror.deep_key"), handed(&admin, "mirror.key")),
        (json!("deep"), json!(VALUE))
    );
    appliance.kill9();
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let admin = appliance.admin();
    assert_eq!(handed(&admin, "mirror.key"), VALUE);
    admin.delete(NAME, "*").expect(200);
    await_handed(&admin, "mirror.key", &Value::Null);
}

#[test]
fn only_whether_and_since_when_it_is_set_is_given_back() {
    let appliance = start();
    let admin = appliance.admin();
    let unset = admin.get(NAME).expect(200).json;
    assert_eq!(
        (&unset["value"], &unset["is_secret"], &unset["is_set"], &unset["changed_at"]),
        (&Value::Null, &json!(true), &json!(false), &Value::Null)
    );
    let shown = set(&admin, NAME, VALUE).expect(200).json;
    assert_eq!((&shown["value"], &shown["is_set"]), (&Value::Null, &json!(true)), "{shown}");
    assert!(shown["changed_at"].is_string(), "{shown}");
    assert_eq!(admin.get(NAME).expect(200).json, shown);
    let plain = admin.get("/settings/mirror.word").expect(200).json;
    assert_eq!(
        (&plain["is_secret"], &plain["is_set"], &plain["value"]),
        (&json!(false), &json!(false), &json!("word"))
    );
    let gone = admin.delete(NAME, "*").expect(200).json;
    assert_eq!((&gone["is_set"], &gone["value"]), (&json!(false), &Value::Null));
}

#[test]
fn a_secret_setting_is_nowhere_in_clear() {
    let mut appliance = start();
    let admin = appliance.admin();
    set(&admin, NAME, VALUE).expect(200);
    set(&admin, &format!("{NAME}?dry_run=1"), "rehearsed-9d2").expect(200);
    set(&admin, NAME, &format!("{VALUE}2")).expect(200);
    set(&admin, NAME, &VALUE.repeat(3))
        .problem(422, "request/invalid")
        .blames("/value", "8 to 40 characters");
    await_handed(&admin, "mirror.key", &json!(format!("{VALUE}2")));
    order(&admin, "mirror", "restart").expect(200);
    for path in ["/plugins/mirror", "/settings", "/revisions", "/doctor", "/openapi.json", "/jobs"] {
        let shown = String::from_utf8_lossy(&admin.get(path).expect(200).bytes).into_owned();
        assert!(!shown.contains(VALUE) && !shown.contains("rehearsed-9d2"), "{path} holds it");
    }
    let metrics = admin.root("GET", "/metrics").send().expect(200);
    assert!(!String::from_utf8_lossy(&metrics.bytes).contains(VALUE));
    let listed = appliance.cli(&["settings", "list"], "");
    assert!(listed.stdout.contains("mirror.key") && !listed.stdout.contains(VALUE), "{}", listed.stdout);
    appliance.stop();
    assert!(!appliance.log().contains(VALUE), "it is in the log");
    for (path, bytes) in snapshot(&appliance.state()) {
        for value in [VALUE, "rehearsed-9d2"] {
            let is_there = bytes.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!is_there, "{} holds it in clear", path.display());
        }
    }
}

#[test]
fn a_change_of_a_secret_is_recorded_without_it_and_only_its_first_setting_can_be_put_back() {
    let appliance = start();
    let admin = appliance.admin();
    set(&admin, NAME, VALUE).expect(200);
    set(&admin, NAME, "another one").expect(200);
    let noted = admin.get("/revisions?kind=settings&object=mirror.key").expect(200);
    let [second, first] = noted.items() else { panic!("{noted}") };
    assert_eq!((&second["before"]["value"], &second["after"]["value"]), (&Value::Null, &Value::Null));
    let undo = |n: &Value| admin.call("POST", &format!("/revisions/{n}:undo")).send();
    undo(&second["n"]).problem(409, "revisions/not_undoable").says("no old one is kept");
    admin.delete(NAME, "*").expect(200);
    set(&admin, NAME, VALUE).expect(200);
    let newest = admin.get("/revisions?kind=settings&limit=1").expect(200).items()[0]["n"].clone();
    undo(&newest).expect(201);
    assert_eq!(admin.get(NAME).expect(200).json["is_set"], false);
    await_handed(&admin, "mirror.key", &Value::Null);
    assert!(!first["n"].is_null());
}

#[test]
fn the_terminal_sets_a_secret_from_standard_input_and_never_prints_it() {
    let appliance = start();
    let admin = appliance.admin();
    let run = |args: &[&str], input: &str| {
        let outcome = appliance.cli(args, input);
        assert_eq!(outcome.code, 0, "{args:?}: {}{}", outcome.stdout, outcome.stderr);
        outcome.stdout
    };
    assert_eq!(run(&["settings", "get", "mirror.key"], ""), "(secret, not set)\n");
    let said = run(&["settings", "set", "mirror.key", "--value-stdin"], "1234567890\n");
    assert_eq!(said, "mirror.key is set.\n");
    // Digits stay text.
    await_handed(&admin, "mirror.key", &json!("1234567890"));
    assert!(run(&["settings", "get", "mirror.key"], "").starts_with("(secret, set 20"));
    assert_eq!(run(&["settings", "unset", "mirror.key"], ""), "mirror.key is not set any more.\n");
    await_handed(&admin, "mirror.key", &Value::Null);
    let both = appliance.cli(&["settings", "set", "mirror.key", "x", "--value-stdin"], "y\n");
    assert_eq!(both.code, 2, "{}", both.stderr);
    assert_eq!(appliance.cli(&["settings", "set", "mirror.key", "--value-stdin"], "").code, 1);
}

#[test]
fn what_stood_in_clear_for_a_setting_that_became_a_secret_is_taken_out_of_the_database() {
    let mut appliance = mirror::start();
    let admin = appliance.admin();
    set(&admin, "/settings/mirror.word", "first-4be1").expect(200);
    set(&admin, "/settings/mirror.word", VALUE).expect(200);
    assert_eq!(admin.get("/settings/mirror.word").expect(200).json["value"], VALUE);
    let before = plugin(&admin, "mirror");
    mirror::put(&appliance, "1.1.0", |manifest| {
        let plain = "kind = \"text\"\ndefault = \"word\"\n";
        assert!(manifest.contains(plain), "{manifest}");
        manifest.replace(plain, "kind = \"secret\"\n")
    });
    order(&admin, "mirror", "restart").expect(200);
    await_successor(&admin, &before);
    assert_eq!(handed(&admin, "mirror.word"), VALUE, "it is the secret now");
    let shown = admin.get("/settings/mirror.word").expect(200).json;
    assert_eq!((&shown["value"], &shown["is_set"]), (&Value::Null, &json!(true)), "{shown}");
    let noted = admin.get("/revisions?kind=settings&object=mirror.word").expect(200);
    assert_eq!(noted.items().len(), 2, "{noted}");
    appliance.stop();
    for (path, bytes) in snapshot(&appliance.state()) {
        for value in [VALUE, "first-4be1"] {
            let is_there = bytes.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!is_there, "{} holds {value} in clear", path.display());
        }
    }
}
