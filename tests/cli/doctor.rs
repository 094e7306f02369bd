//! `jackfield doctor`.

use super::*;

const CHECKS: [&str; 10] = [
    "database_answers",
    "door",
    "disk_space",
    "certificate",
    "claimed",
    "clock",
    "deployment",
    "plugins",
    "scripts",
    "database_whole",
];

fn names(findings: &Value) -> Vec<&str> {
    findings["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn the_doctor_of_a_running_appliance_has_looked_everywhere() {
    let appliance = Appliance::start();
    let findings = json(&appliance, &["doctor"], "");
    assert_eq!(names(&findings), CHECKS);
    for item in findings["items"].as_array().unwrap() {
        assert!(item["state"] != "unknown" && item["state"] != "problem", "{item}");
        let is_silent = item["advice"] == "";
        assert_eq!(item["state"] == "ok", is_silent, "advice is there when something is to be done: {item}");
    }
    let shown = done(&appliance, &["doctor"], "");
    assert!(shown.starts_with("CHECK ") && shown.lines().count() == CHECKS.len() + 1, "{shown}");
}

#[test]
fn the_doctor_of_a_stopped_appliance_says_so() {
    let appliance = Appliance::laid_out(|config| config);
    let shown = done(&appliance, &["doctor"], "");
    assert!(shown.starts_with("The appliance does not run; its parts report nothing.\nCHECK "), "{shown}");
    let findings = json(&appliance, &["doctor"], "");
    assert_eq!(names(&findings), CHECKS);
    let door = &findings["items"][1];
    assert_eq!(door["state"], "unknown", "{door}");
}
