//! Passwords of accounts: their rules over HTTP, what an account says of its own, the way back. What is kept of them
//! and what plugins learn when users sign in have files of their own.

mod asking;
mod directory;
mod keeping;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::*;
use crate::plugins::mirror;

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "another horse battery";

/// An appliance with an enterprise and the account `Ann`, and the account's path.
fn office() -> (Appliance, String) {
    let appliance = Appliance::start();
    site(&appliance.admin());
    let ann = made(&appliance, "Ann");
    (appliance, ann)
}

/// The same with a plugin that users sign in through and that stands for a directory as well.
fn front_office() -> (Appliance, String) {
    let mut appliance = mirror::laid_out();
    mirror::put(&appliance, "1.0.0", |manifest| {
        let manifest = manifest.replace("\"secret/1\"]", "\"secret/1\", \"login/1\"]");
        manifest.replace("\"revision.undo\"]", "\"revision.undo\", \"login.bind\"]")
    });
    appliance.resume();
    appliance.await_up(&["mirror"]);
    site(&appliance.admin());
    let ann = made(&appliance, "Ann");
    (appliance, ann)
}

fn made(appliance: &Appliance, login: &str) -> String {
    let made = appliance.admin().post("/accounts", &account("acme", login, &json!({}))).expect(201);
    format!("/accounts/{}", made.id())
}

fn set(client: &Client, account: &str, password: &str) -> Answer {
    client.put(&format!("{account}/password"), "*", &json!({"password": password}))
}

/// Edits the database of an appliance that is stopped: what only synchronizations write is not there yet.
fn edited(appliance: &mut Appliance, sql: &str) {
    appliance.stop();
    let database = Connection::open(appliance.state().join("jackfield.db")).expect("the database");
    database.execute_batch(sql).expect("the edit");
    drop(database);
    appliance.resume();
}

fn says(client: &Client, account: &str) -> (Value, Value) {
    let read = client.get(account).expect(200).json;
    (read["can_sign_in"].clone(), read["password_changed_at"].clone())
}

#[test]
fn a_password_keeps_its_rules() {
    let (appliance, ann) = office();
    let (admin, path) = (appliance.admin(), format!("{ann}/password"));
    let long = "x".repeat(257);
    for (wrong, words) in [
        (json!("seven77"), "must be 8 to 256 characters long; this has 7"),
        (json!(long), "must be 8 to 256 characters long; this has 257"),
        (json!("a\u{7}bell in it"), "no control characters"),
        (json!("horse \u{1f40e} battery"), "such as emoji"),
        (json!("\u{627}\u{628}\u{62a}\u{62b} latin"), "written to the left and to the right"),
        (json!("\u{ad}\u{ad}\u{ad}\u{ad}\u{ad}abc"), "without those that leave no trace"),
        (json!(12345678), "must be text, not a number"),
        (json!(null), "must be text, not null"),
    ] {
        let refused = admin.put(&path, "*", &json!({"password": wrong}));
        let refused = refused.problem(422, "request/invalid").blames("/password", words);
        let echoed = wrong.as_str().is_some_and(|text| refused.json.to_string().contains(text));
        assert!(!echoed, "the refusal repeats the password: {refused}");
    }
    admin.put(&path, "*", &json!({})).problem(422, "request/invalid").blames("/password", "is missing");
    let extra = json!({"password": PASSWORD, "pasword": "x"});
    admin.put(&path, "*", &extra).problem(422, "request/invalid").blames("/pasword", "is not a field");
    assert_eq!(says(&admin, &ann), (json!("no"), Value::Null), "nothing was set");
    for right in [
        "8 signs.",
        &"x".repeat(256),
        "p\u{e4}ssw\u{f6}rd mit Umlaut",
        "\u{627}\u{628}\u{62a}\u{62b}\u{62c}\u{62d}\u{62e}\u{62f}",
    ] {
        set(&admin, &ann, right).expect(204);
    }
    admin.call("GET", &path).send().problem(405, "request/method");
}

#[test]
fn setting_one_is_a_change_of_the_account_like_any_other() {
    let (appliance, ann) = office();
    let (admin, path) = (appliance.admin(), format!("{ann}/password"));
    let body = json!({"password": PASSWORD});
    let read = admin.get(&ann).expect(200);
    admin.call("PUT", &path).json(&body).send().problem(428, "change/if_match_missing");
    admin.call("DELETE", &path).send().problem(428, "change/if_match_missing");
    admin.put(&path, "\"1\"", &body).problem(412, "change/stale");
    admin.put("/accounts/none/password", "*", &body).problem(404, "request/not_found").says("no account");
    admin.put(&format!("{path}?dry_run=1"), &read.etag(), &body).expect(204);
    assert_eq!(admin.get(&ann).expect(200).json, read.json, "a rehearsal changes nothing");
    admin.delete(&path, &read.etag()).expect(204);
    assert_eq!(admin.get(&ann).expect(200).json, read.json, "there was none to remove");
    let mut events = admin.call("GET", "/events?events=account.changed").follow();
    events.next_named("ready");
    admin.put(&path, &read.etag(), &body).expect(204);
    assert_eq!(events.next().data["object"], read.json["id"]);
    admin.put(&path, &read.etag(), &body).problem(412, "change/stale");
    let now = admin.get(&ann).expect(200);
    admin.patch(&ann, &now.etag(), &json!({"can_sign_in": "no"})).problem(422, "request/invalid");
    admin.put(&ann, &now.etag(), &now.json).expect(200);
    let (how, since) = says(&admin, &ann);
    assert_eq!(
        (how, &since),
        (json!("password"), &now.json["password_changed_at"]),
        "the account's own change keeps it"
    );
    admin.delete(&path, "*").expect(204);
    assert_eq!(events.next().data["object"], read.json["id"]);
    assert_eq!(says(&admin, &ann), (json!("no"), Value::Null));
}

#[test]
fn a_token_for_accounts_alone_sets_no_passwords() {
    let (appliance, ann) = office();
    let scopes = |scopes: &[&str]| {
        let token = json!({"name": scopes.concat().replace(':', "-"), "role": "operator", "scopes": scopes});
        let made = appliance.admin().post("/tokens", &token).expect(201);
        appliance.anonymous().with_token(&made.text("token"))
    };
    set(&scopes(&["accounts:write"]), &ann, PASSWORD).problem(403, "access/denied").says("accounts:password");
    set(&scopes(&["accounts:password"]), &ann, PASSWORD).expect(204);
}

#[test]
fn an_account_says_how_its_user_signs_in() {
    let (mut appliance, ann) = office();
    let admin = appliance.admin();
    set(&admin, &ann, PASSWORD).expect(204);
    let (_, since) = says(&admin, &ann);
    admin.patch(&ann, "*", &json!({"deployed": false})).expect(200);
    assert_eq!(says(&admin, &ann), (json!("no"), since.clone()), "an un-deployed account keeps it");
    set(&admin, &ann, OTHER).expect(204);
    admin.patch(&ann, "*", &json!({"deployed": true})).expect(200);
    let (how, later) = says(&admin, &ann);
    assert_eq!(how, "password");
    assert_ne!(later, since);
    made(&appliance, "bob");
    let listed = admin.get("/accounts?can_sign_in=password").expect(200);
    assert_eq!(listed.column("login_id"), ["Ann"]);
    admin.get("/accounts?can_sign_in=maybe").problem(400, "request/query");
    let deleted = admin.delete(&ann, "*").expect(204);
    drop(deleted);
    let revision = admin.get("/revisions?limit=1").expect(200).items()[0]["n"].clone();
    admin.post(&format!("/revisions/{revision}:undo"), &json!({})).expect(201);
    assert_eq!(says(&admin, &ann), (json!("no"), Value::Null), "a password does not come back from the dead");
    edited(&mut appliance, "UPDATE account SET origin = 'synchronizer'");
    let admin = appliance.admin();
    assert_eq!(says(&admin, &ann).0, "directory");
    set(&admin, &ann, PASSWORD).expect(204);
    assert_eq!(says(&admin, &ann).0, "password", "its own goes first");
}

#[test]
fn a_peers_user_can_have_none() {
    let (mut appliance, ann) = office();
    edited(&mut appliance, "UPDATE account SET origin = 'peer', peer = (SELECT id FROM peer)");
    let admin = appliance.admin();
    set(&admin, &ann, PASSWORD).problem(409, "change/conflict").says("signs in there");
    assert_eq!(says(&admin, &ann), (json!("no"), Value::Null));
}

#[test]
fn the_audit_tells_that_one_was_set_and_nothing_more_and_only_a_first_one_is_undone() {
    let (appliance, ann) = office();
    let admin = appliance.admin();
    let id = ann.rsplit('/').next().unwrap_or_default();
    let renamed = admin.patch(&ann, "*", &json!({"last_name": "Roe"})).expect(200).json["revision"].clone();
    let newest = || {
        admin.get(&format!("/revisions?kind=accounts/password&object={id}&limit=1")).expect(200).items()[0]
            .clone()
    };
    let undo = |n: &Value| admin.post(&format!("/revisions/{n}:undo"), &json!({}));
    set(&admin, &ann, PASSWORD).expect(204);
    let first = newest();
    assert_eq!((&first["action"], &first["before"]), (&json!("create"), &Value::Null), "{first}");
    let names: Vec<_> = first["after"].as_object().expect("an object").keys().collect();
    assert_eq!(names, ["login_id", "password", "password_changed_at"]);
    assert_eq!(first["after"]["password"], "set");
    assert_eq!(admin.get(&ann).expect(200).json["revision"], first["n"]);
    set(&admin, &ann, OTHER).expect(204);
    let second = newest();
    undo(&first["n"]).problem(409, "revisions/superseded");
    undo(&second["n"]).problem(409, "revisions/not_undoable").says("is not kept");
    undo(&renamed).expect(201);
    assert_eq!(says(&admin, &ann).0, "password", "putting a name back leaves the password alone");
    admin.delete(&format!("{ann}/password"), "*").expect(204);
    let removed = newest();
    assert_eq!((&removed["action"], &removed["after"]), (&json!("delete"), &Value::Null), "{removed}");
    undo(&removed["n"]).problem(409, "revisions/not_undoable").says("Set a new one");
    set(&admin, &ann, PASSWORD).expect(204);
    undo(&newest()["n"]).expect(201);
    assert_eq!(says(&admin, &ann), (json!("no"), Value::Null), "a first one is undone by removing it");
    let operator = appliance.admin().post("/tokens", &json!({"name": "undoer", "role": "operator", "scopes": ["accounts:read", "accounts:write", "revisions:read", "revisions:undo"]}));
    set(&admin, &ann, PASSWORD).expect(204);
    let operator = appliance.anonymous().with_token(&operator.expect(201).text("token"));
    operator.post(&format!("/revisions/{}:undo", newest()["n"]), &json!({})).problem(403, "access/denied");
}
