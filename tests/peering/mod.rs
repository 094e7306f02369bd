//! Peering with real counterparts: two and three appliances; directories of OpenLDAP and Samba that the tests start
//! themselves; and those that say what no appliance and no directory would. Rules of single fields and of single entries
//! are the plugin's own tests.

mod active_directory;
mod guards;
mod hostile;
mod lan;
mod photos;
mod raw;
mod runs;
pub mod sister;
mod sister_chat;
mod sister_hostile;
mod sister_network;
mod sister_people;
mod sister_trust;
mod sister_versions;
pub mod slapd;
mod stub;
mod way;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::*;

/// For what reads a directory.
const SOON: Duration = Duration::from_secs(60);

/// An appliance with the enterprise `acme` and the external peer OCS; the path of the peer.
fn site_with_peer() -> (Appliance, Client, String) {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    site(&admin);
    let peer = json!({"enterprise": "acme", "description": "OCS", "kind": "external"});
    let path = format!("/peers/{}", admin.post("/peers", &peer).expect(201).id());
    (appliance, admin, path)
}

/// Sets the synchronizer of a peer or an enterprise, over the one that is there.
#[track_caller]
pub fn set_up(admin: &Client, owner: &str, body: &Value) {
    let path = format!("{owner}/synchronizer");
    let answer = match admin.get(&path) {
        old if old.status == 200 => admin.put(&path, "*", body),
        _ => admin.call("PUT", &path).json(body).send(),
    };
    assert!(matches!(answer.status, 200 | 201), "{answer}");
}

/// Where Sync Now of an owner is.
fn sync_path(owner: &str) -> String {
    if owner.starts_with("/peers/") { format!("{owner}:sync") } else { format!("{owner}/synchronizer:sync") }
}

/// Starts a run; its job.
#[track_caller]
fn begin(admin: &Client, owner: &str, query: &str) -> String {
    let answer = admin.call("POST", &format!("{}{query}", sync_path(owner))).send().expect(202);
    format!("/jobs/{}", answer.text("job"))
}

/// A job, once it has ended.
#[track_caller]
fn ended(admin: &Client, job: &str) -> Value {
    let look = || Some(admin.get(job).expect(200).json).filter(|job| !job["ended_at"].is_null());
    awaited(SOON, look).unwrap_or_else(|| panic!("it did not end: {:#}", admin.get(job).json))
}

/// A run that ends well; what it answers.
#[track_caller]
pub fn synchronize(admin: &Client, owner: &str) -> Value {
    synchronize_with(admin, owner, "")
}

#[track_caller]
pub fn synchronize_with(admin: &Client, owner: &str, query: &str) -> Value {
    let job = begin(admin, owner, query);
    let ended = ended(admin, &job);
    assert_eq!(ended["state"], "done", "{ended:#}");
    ended["result"].clone()
}

/// A run that fails; its words.
#[track_caller]
fn fails(admin: &Client, owner: &str) -> String {
    let job = begin(admin, owner, "");
    let ended = ended(admin, &job);
    assert_eq!(ended["state"], "failed", "{ended:#}");
    ended["note"].as_str().unwrap_or_default().to_owned()
}

/// How a synchronizer does.
#[track_caller]
fn standing(admin: &Client, owner: &str) -> Value {
    admin.get(&format!("{owner}/synchronizer")).expect(200).json
}

/// Logins of the contacts of a peer, or of the accounts that an enterprise got from a directory, that are shown.
#[track_caller]
fn logins(admin: &Client, owner: &str) -> Vec<String> {
    let shown = |entry: &&Value| entry["in_directory"] == true;
    let all = all_pages(admin, "/accounts?enterprise=acme");
    let mine = all.iter().filter(|account| match owner.strip_prefix("/peers/") {
        Some(peer) => account["peer"] == peer,
        None => account["origin"] == "synchronizer",
    });
    let mut names: Vec<_> = mine
        .filter(shown)
        .map(|account| account["login_id"].as_str().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

/// Counts of a run as `adds changes removals unchanged errors`.
fn counts(result: &Value) -> [u64; 5] {
    ["adds", "changes", "removals", "unchanged", "errors"]
        .map(|name| result["counts"][name].as_u64().unwrap_or(u64::MAX))
}

/// The steps of a test as `name outcome`.
#[track_caller]
fn steps(admin: &Client, owner: &str) -> (Value, Vec<String>) {
    let answer = admin.call("POST", &format!("{owner}/synchronizer:test")).send().expect(200).json;
    let told = answer["steps"].as_array().expect("steps").iter();
    let told =
        told.map(|step| format!("{} {}", step["step"].as_str().unwrap(), step["outcome"].as_str().unwrap()));
    let told = told.collect();
    (answer, told)
}

/// The step of that name.
fn step<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let steps = answer["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["step"] == name).expect("a step of that name")
}
