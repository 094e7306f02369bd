//! Who gets in and what they may do. This file has the first claim; the rest is one file for each way in.

mod roles;
mod secrets;
mod sessions;
mod throttle;
mod tokens;

use serde_json::{Value, json};

use crate::harness::*;

/// A password that the rules allow.
pub const PASSWORD: &str = "correct horse battery";

/// Makes an administrator and returns their id.
pub fn admin_named(client: &Client, name: &str, role: &str) -> String {
    client.post("/admins", &json!({"name": name, "role": role, "password": PASSWORD})).expect(201).id()
}

fn claim_with(code: &str) -> Value {
    json!({"code": code, "name": "alice", "password": PASSWORD})
}

#[test]
fn a_wrong_claim_code_is_refused() {
    let appliance = Appliance::start();
    let refused = appliance.anonymous().post("/claim", &claim_with("0000-0000-0000"));
    refused.problem(403, "claim/wrong_code").says("jackfield claim-code");
    assert_eq!(appliance.anonymous().get("/claim").expect(200).json["open"], true);
}

#[test]
fn the_claim_code_is_understood_however_it_is_typed() {
    let appliance = Appliance::start();
    let typed = appliance.claim_code().to_lowercase().replace('-', " ");
    let made = appliance.anonymous().post("/claim", &claim_with(&format!(" {typed} "))).expect(201);
    assert_eq!((made.text("name"), made.text("role")), ("alice".to_owned(), "admin".to_owned()));
    appliance.anonymous().sign_in("alice", PASSWORD);
}

#[test]
fn an_appliance_is_claimed_only_once() {
    let appliance = Appliance::start();
    let claim = claim_with(&appliance.claim_code());
    appliance.anonymous().post("/claim", &claim).expect(201);
    appliance.anonymous().post("/claim", &claim).problem(409, "claim/done").says("Somebody has claimed");
    assert_eq!(appliance.anonymous().get("/claim").expect(200).json["open"], false);
}

#[test]
fn of_two_claims_at_once_one_wins() {
    let appliance = Appliance::start();
    let (client, claim) = (appliance.anonymous(), claim_with(&appliance.claim_code()));
    let statuses = std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| client.post("/claim", &claim).status));
        let mut statuses = both.map(|one| one.join().expect("an answer"));
        statuses.sort_unstable();
        statuses
    });
    assert_eq!(statuses, [201, 409]);
    assert_eq!(appliance.admin().get("/admins").expect(200).column("name"), ["alice"]);
}

#[test]
fn the_claim_code_stays_the_same_over_a_restart() {
    let mut appliance = Appliance::start();
    let before = appliance.claim_code();
    appliance.restart();
    assert_eq!(appliance.claim_code(), before);
    assert_eq!(appliance.cli(&["claim-code"], "").stdout.trim(), before);
    appliance.anonymous().post("/claim", &claim_with(&before)).expect(201);
}

#[test]
fn after_the_claim_there_is_no_code_any_more() {
    let mut appliance = Appliance::start();
    appliance.anonymous().post("/claim", &claim_with(&appliance.claim_code())).expect(201);
    let shown = appliance.cli(&["claim-code"], "");
    assert_eq!(shown.code, 1, "{}", shown.stdout);
    assert!(shown.stderr.contains("has an administrator already"), "{}", shown.stderr);
    appliance.restart();
    assert_eq!(appliance.greeting()["claim_code"], Value::Null);
}

#[test]
fn the_claim_code_is_told_to_nobody_from_outside() {
    let appliance = Appliance::start();
    appliance.anonymous().get("/claim/code").problem(401, "access/sign_in");
    appliance.admin().get("/claim/code").problem(403, "access/denied").says("on the machine itself");
}

#[test]
fn an_administrator_made_at_the_terminal_ends_the_claim_too() {
    let appliance = Appliance::start();
    let code = appliance.claim_code();
    let made = appliance.cli(&["admin", "create", "bob", "--role", "admin", "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{}", made.stderr);
    appliance.anonymous().post("/claim", &claim_with(&code)).problem(409, "claim/done");
}

#[test]
fn a_short_password_is_refused_before_the_code_is_used_up() {
    let appliance = Appliance::start();
    let short = json!({"code": appliance.claim_code(), "name": "alice", "password": "short"});
    let refused = appliance.anonymous().post("/claim", &short).problem(422, "request/invalid");
    refused.blames("/password", "must be 12 to 128 characters long; this has 5");
    appliance.anonymous().post("/claim", &claim_with(&appliance.claim_code())).expect(201);
}

#[test]
fn the_last_administrator_can_be_neither_deleted_nor_demoted() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let path = format!("/admins/{}", admin_named(&admin, "alice", "admin"));
    admin_named(&admin, "vera", "viewer");
    admin.delete(&path, "*").problem(409, "change/conflict").says("Make another administrator first");
    let demoted = admin.patch(&path, "*", &json!({"role": "operator"}));
    demoted.problem(409, "change/conflict").says("Nobody would be left with the role admin");
    assert_eq!(admin.get(&path).expect(200).text("role"), "admin");
    admin_named(&admin, "bob", "admin");
    admin.delete(&path, "*").expect(204);
}
