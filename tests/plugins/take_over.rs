//! A new version takes over while clients call: none of them notices.

use std::sync::Mutex;

use serde_json::json;

use super::{mirror, order, undisturbed};
use crate::harness::*;

const FOUR: &[&str] = &["/mirror", "/mirror", "/mirror", "/mirror"];

fn version(client: &Client) -> String {
    client.get("/mirror").expect(200).text("version")
}

#[test]
fn a_new_version_takes_over_without_a_lost_request() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let before = plugin(&admin, "mirror");
    undisturbed(&admin, FOUR, || {
        for new in ["2.0.0", "3.0.0", "4.0.0"] {
            mirror::put(&appliance, new, |manifest| manifest);
            assert_ne!(version(&admin), new, "nothing changes before it is asked for");
            let said = appliance.cli(&["plugin", "replace", "mirror"], "");
            assert_eq!((said.code, said.stdout.as_str()), (0, "mirror is up.\n"), "{}", said.stderr);
            assert_eq!(version(&admin), new);
        }
    });
    let after = plugin(&admin, "mirror");
    assert_eq!((&after["version"], &after["restarts"]), (&json!("4.0.0"), &json!(3)), "{after:#}");
    assert_ne!(after["pid"], before["pid"]);
    let gone = awaited(super::BACK_WITHIN, || (!is_alive(before["pid"].as_u64().unwrap())).then_some(()));
    assert!(gone.is_some(), "the first process is still there");
}

#[test]
fn a_restart_lets_requests_wait_instead_of_failing() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    undisturbed(&admin, FOUR, || (0..5).for_each(|_| drop(order(&admin, "mirror", "restart").expect(200))));
}

#[test]
fn a_successor_that_does_not_start_changes_nothing() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let before = plugin(&admin, "mirror");
    undisturbed(&admin, FOUR, || {
        // The manifest says another version than the library.
        mirror::put(&appliance, "2.0.0", |manifest| manifest.replace("\"2.0.0\"", "\"2.0.1\""));
        let refused = order(&admin, "mirror", "replace").problem(409, "plugins/refused");
        refused.says("the running version stays").says("the plugin says its version: 2.0.0");
    });
    let after = plugin(&admin, "mirror");
    assert_eq!(
        (&after["pid"], &after["version"], &after["state"]),
        (&before["pid"], &json!("1.0.0"), &json!("up"))
    );
}

#[test]
fn commands_of_many_at_once_are_done_one_after_the_other() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let answers = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for command in ["replace", "restart", "replace", "restart", "enable", "clear-quarantine"] {
            scope.spawn(|| answers.lock().unwrap().push(order(&admin, "mirror", command)));
        }
    });
    answers.into_inner().unwrap().into_iter().for_each(|answer| drop(answer.expect(200)));
    assert_eq!(await_plugin(&admin, "mirror", "up")["restarts"], 4);
    assert_eq!(version(&admin), "1.0.0");
}
