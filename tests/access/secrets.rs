//! No secret is ever seen again: not in an answer, not in the log at its most talkative, not in the database's files.

use serde_json::{Value, json};

use super::PASSWORD;
use crate::harness::*;

const SECOND: &str = "another-horse-battery";
const THIRD: &str = "a-third-horse-battery";
const WRONG: &str = "mistyped-horse-battery";

/// A site where every kind of secret has been used, and those secrets.
fn busy_site(appliance: &Appliance) -> Vec<String> {
    let (anonymous, admin) = (appliance.anonymous(), appliance.admin());
    let code = appliance.claim_code();
    anonymous.post("/claim", &json!({"code": code, "name": "alice", "password": PASSWORD})).expect(201);
    let bob = json!({"name": "bob", "role": "admin", "password": SECOND});
    let bob =
        admin.call("POST", "/admins").header("Idempotency-Key", "once").json(&bob).send().expect(201).id();
    admin.patch(&format!("/admins/{bob}"), "*", &json!({"password": THIRD})).expect(200);
    anonymous.post("/session", &json!({"name": "alice", "password": WRONG})).expect(401);
    anonymous.post("/session", &json!({"name": ["alice"], "password": WRONG})).expect(422);
    let begun = anonymous.post("/session", &json!({"name": "alice", "password": PASSWORD})).expect(201);
    let cookie = begun.header("set-cookie").unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
    let token = json!({"name": "job", "role": "viewer"});
    let token =
        admin.call("POST", "/tokens").header("Idempotency-Key", "twice").json(&token).send().expect(201);
    site(&admin);
    let key = std::fs::read_to_string(appliance.state().join("master.key")).expect("a master key as text");
    let undashed = code.replace('-', "");
    let spelled = [PASSWORD, SECOND, THIRD, WRONG].map(str::to_owned);
    let minted = [appliance.token("terminal", "viewer"), token.text("token"), cookie, code, undashed];
    spelled.into_iter().chain(minted).chain([key.trim().to_owned()]).collect()
}

fn assert_silent(place: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_there, "{place} holds the secret {secret:?}");
    }
}

fn every_answer(admin: &Client) -> Vec<Answer> {
    let described = admin.get("/openapi.json").expect(200);
    let paths = described.json["paths"].as_object().unwrap().iter();
    // The answer of events never ends; it is followed meanwhile.
    let readable = paths.filter(|(path, operations)| {
        operations.get("get").is_some() && !path.contains('{') && !path.ends_with("/events")
    });
    let mut answers: Vec<_> = readable.map(|(path, _)| admin.root("GET", path).send()).collect();
    let items: Vec<Value> =
        ["admins", "tokens"].iter().flat_map(|kind| all_pages(admin, &format!("/{kind}"))).collect();
    for id in items.iter().filter_map(|item| item["id"].as_str()) {
        let kind = if id.starts_with("adm") { "admins" } else { "tokens" };
        answers.push(admin.get(&format!("/{kind}/{id}")).expect(200));
    }
    answers.push(admin.get("/revisions?limit=500").expect(200));
    answers
}

/// All that was told since a follower began, up to a last change made for the purpose.
fn every_event(admin: &Client, events: &mut Follower) -> String {
    admin.post("/enterprises", &enterprise_body("the-last")).expect(201);
    let mut told = String::new();
    while !told.contains("the-last") {
        told.push_str(&format!("{:?}\n", events.next()));
    }
    told
}

#[test]
fn no_secret_is_ever_seen_again() {
    let mut appliance =
        Appliance::start_with(|config| config.replace("level = \"info\"", "level = \"trace\""));
    let mut events = appliance.admin().call("GET", "/events").follow();
    let secrets = busy_site(&appliance);
    for secret in &secrets {
        assert!(secret.len() >= 12, "{secret:?} is too short to search for");
    }
    for answer in every_answer(&appliance.admin()) {
        assert_silent(&answer.what, &answer.bytes, &secrets);
    }
    let told = every_event(&appliance.admin(), &mut events);
    assert_silent("the stream of events", told.as_bytes(), &secrets);
    let database =
        |appliance: &Appliance, name: &str| std::fs::read(appliance.state().join(name)).unwrap_or_default();
    assert!(database(&appliance, "jackfield.db-wal").len() > 4096, "the write-ahead log is worth searching");
    for name in ["jackfield.db", "jackfield.db-wal"] {
        assert_silent(name, &database(&appliance, name), &secrets);
    }
    appliance.stop();
    assert_silent("jackfield.db after the stop", &database(&appliance, "jackfield.db"), &secrets);
    let log = appliance.log();
    assert!(log.contains("[TRACE]") || log.contains("TRACE"), "the log is at its most talkative:\n{log}");
    assert_silent("the log", log.as_bytes(), &secrets);
}

#[test]
fn what_holds_secrets_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let appliance = Appliance::start();
    appliance.admin();
    let mode = |path: std::path::PathBuf| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(appliance.state()), 0o700);
    for name in ["master.key", "jackfield.db", "control.sock"] {
        let mode = mode(appliance.state().join(name));
        assert_eq!(mode & 0o077, 0, "{name} has the mode {mode:o}");
    }
}
