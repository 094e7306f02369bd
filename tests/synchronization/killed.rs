//! What the end of a process leaves: nothing of a run that was open, all of one that was answered.

use serde_json::json;

use super::{entries, entry, ground};
use crate::harness::*;

#[test]
fn a_kill_in_the_middle_leaves_nothing_and_the_next_run_begins_anew() {
    let mut ground = ground();
    ground.run(&json!({}), &entries(10));
    let run = ground.open(&json!({}));
    ground.put(&run, &entries(1000));
    ground.appliance.kill9();
    ground.appliance.resume();
    ground.appliance.await_up(&["mirror"]);
    ground.admin = ground.appliance.admin();
    assert_eq!(ground.contacts().len(), 10);
    let put = ground.ask("directory.put", &json!({"run": run, "entries": []}));
    assert_eq!(put["error"]["code"], "not_found");
    let done = ground.run(&json!({}), &entries(1000));
    assert_eq!([&done["adds"], &done["unchanged"]], [&json!(990), &json!(10)], "{done}");
}

#[test]
fn what_was_answered_survives_a_kill() {
    let mut ground = ground();
    let done = ground.run(&json!({}), &entries(600));
    ground.appliance.kill9();
    ground.appliance.resume();
    ground.appliance.await_up(&["mirror"]);
    ground.admin = ground.appliance.admin();
    assert_eq!(ground.contacts().len(), 600);
    let revision = ground.admin.get(&format!("/revisions/{}", done["revision"])).expect(200).json;
    assert_eq!(revision["parts"], 600);
    assert_eq!(ground.run(&json!({}), &entries(600))["unchanged"], 600);
}

#[test]
fn a_run_ends_with_the_process_of_its_plugin() {
    let ground = ground();
    let run = ground.open(&json!({}));
    ground.put(&run, &[entry("a", "1", "anna")]);
    let open = json!({
        "owner": {"synchronizer": "peer/lyon"}, "enterprise": "acme", "peer": ground.lyon, "who": "admin alice",
    });
    assert_eq!(ground.ask("directory.open", &open)["error"]["code"], "conflict");
    let before = plugin(&ground.admin, "mirror");
    signal(&before, rustix::process::Signal::KILL);
    await_that(&ground.admin, "mirror", std::time::Duration::from_secs(30), "started anew", |now| {
        now["state"] == "up" && now["pid"] != before["pid"]
    });
    assert!(ground.ask("directory.open", &open)["reply"]["run"].is_string());
    assert_eq!(
        ground.ask("directory.close", &json!({"run": run, "outcome": "complete"}))["error"]["code"],
        "not_found"
    );
    assert_eq!(ground.contacts(), Vec::<String>::new());
}
