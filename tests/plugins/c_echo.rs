//! A plugin in C, built by its Makefile and signed by hand, serves like any other.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::await_successor;
use crate::harness::*;

fn built() -> Appliance {
    let appliance = Appliance::laid_out_with(&["echo"], |config| config);
    let out = format!("OUT={}", appliance.plugin_folder("echo_c").display());
    let made = Command::new("make").arg("-C").arg(workspace().join("plugins/echo/c")).arg(out).output();
    let made = made.expect("make is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    appliance
}

#[test]
fn the_echo_in_c_serves() {
    let mut appliance = built();
    appliance.sign_plugin("echo_c");
    appliance.resume();
    appliance.await_up(&["echo", "echo_c"]);
    let admin = appliance.admin();
    assert_eq!(admin.get("/echo_c").expect(200).json, json!({"who": "token suite", "method": "GET"}));
    let body = json!({"op": "x", "body": ["}", "\"", {"a": null}], "é": 1.5});
    assert_eq!(admin.post("/echo_c", &body).expect(200).json, body);
    let viewer = appliance.anonymous().with_token(&appliance.token("looks", "viewer"));
    viewer.post("/echo_c", &body).problem(403, "access/denied").says("echo_c:write");
    let job = json!({"plugin": "echo_c", "name": "count", "input": {"to": 5}});
    let id = admin.post("/jobs", &job).expect(202).id();
    let done = awaited(Duration::from_secs(10), || {
        Some(admin.get(&format!("/jobs/{id}")).expect(200).json).filter(|job| job["state"] == "done")
    });
    assert_eq!(done.expect("it counts")["result"], json!({"counted": 5}));
    let before = plugin(&admin, "echo_c");
    assert!(before["confinement"].as_array().unwrap().iter().all(|m| m["is_enforced"] == true), "{before:#}");
    signal(&before, rustix::process::Signal::KILL);
    await_successor(&admin, &before);
    assert_eq!(admin.get("/echo_c").expect(200).json["method"], "GET");
}

#[test]
fn the_echo_in_c_is_refused_until_it_is_signed() {
    let mut appliance = built();
    appliance.resume();
    let admin = appliance.admin();
    await_plugin(&admin, "echo_c", "refused");
    appliance.sign_plugin("echo_c");
    assert_eq!(super::order(&admin, "echo_c", "restart").expect(200).json["state"], "up");
    admin.get("/echo_c").expect(200);
}
