//! A kill in the middle of 50,000 lines leaves what was chosen: a job that goes on where it was, or nothing; and the
//! job says which.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ended, send};
use crate::harness::*;

const LINES: usize = 50_000;

fn list() -> String {
    let lines: String =
        (0..LINES).map(|n| format!("user{n},Ann,Person {n},user{n}@example.com,{}\n", 100_000 + n)).collect();
    format!("login_id,first_name,last_name,email,extension\n{lines}")
}

/// Starts the import and kills the appliance as soon as the job is as wanted.
fn killed_when(mode: &str, is_there: impl Fn(&Value) -> bool) -> (Appliance, String) {
    let mut appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let job = send(&admin, &format!("enterprise=acme&mode={mode}"), &list()).expect(202).id();
    let path = format!("/jobs/{job}");
    let look = || Some(admin.get(&path).expect(200).json).filter(|job| is_there(job));
    awaited(Duration::from_secs(120), look).expect("the job gets there");
    appliance.kill9();
    appliance.resume();
    (appliance, job)
}

fn accounts(admin: &Client) -> u64 {
    let folders = admin.get("/directory/folders?enterprise=acme").expect(200);
    folders.items()[0]["entries"].as_u64().expect("a count")
}

#[test]
fn keep_good_goes_on_after_a_kill_and_takes_no_line_twice() {
    let (appliance, job) = killed_when("keep_good", |job| job["done"].as_u64() > Some(2000));
    let admin = appliance.admin();
    let job = ended(&admin, &job);
    assert_eq!(job["state"], "done", "{job}");
    let told = [&job["result"]["lines"], &job["result"]["created"], &job["result"]["failed"]];
    assert_eq!(told, [&json!(LINES), &json!(LINES), &json!(0)], "{job}");
    assert_eq!(accounts(&admin), LINES as u64);
    let revision = admin.get(&format!("/revisions/{}", job["result"]["revision"])).expect(200).json;
    assert_eq!(revision["parts"], LINES, "still one revision: {revision}");
    assert_eq!(admin.get("/revisions?kind=accounts").expect(200).items().len(), 1);
}

#[test]
fn all_or_nothing_leaves_nothing_after_a_kill_and_says_so() {
    let (appliance, job) = killed_when("all_or_nothing", |job| job["note"] == "taking all lines at once");
    let admin = appliance.admin();
    let job = admin.get(&format!("/jobs/{job}")).expect(200).json;
    // The kill may have come a moment after the end of it: then all of it is there, and the job says that.
    match job["state"].as_str() {
        Some("done") => assert_eq!(accounts(&admin), LINES as u64),
        _ => {
            assert_eq!((&job["state"], accounts(&admin)), (&json!("interrupted"), 0), "{job}");
            assert!(
                job["note"].as_str().unwrap().contains("in the mode all_or_nothing that is nothing"),
                "{job}"
            );
        }
    }
    let left = std::fs::read_dir(appliance.state().join("imports")).unwrap().count();
    assert_eq!(left, 0, "the list of a job that does not go on is dropped");
}
