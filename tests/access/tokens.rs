//! API tokens: what they open, and what ends them.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::*;

fn token_with(admin: &Client, fields: &Value) -> Answer {
    admin.post("/tokens", &with(&json!({"name": "job", "role": "admin"}), fields)).expect(201)
}

#[test]
fn without_credentials_the_answer_says_how_to_sign_in() {
    let appliance = Appliance::start();
    let refused = appliance.anonymous().get("/enterprises").problem(401, "access/sign_in");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    let basic = appliance.anonymous().with_header("Authorization", "Basic YTpi").get("/enterprises");
    basic.problem(401, "access/sign_in").says("Authorization: Bearer TOKEN");
}

#[test]
fn a_token_is_shown_once_and_works() {
    let appliance = Appliance::start();
    let made = token_with(&appliance.admin(), &json!({}));
    let token = made.text("token");
    let client = appliance.anonymous().with_token(&token);
    assert_eq!(client.get("/session").expect(200).text("who"), "token job");
    let read = appliance.admin().get(&format!("/tokens/{}", made.id())).expect(200);
    assert_eq!(read.json.get("token"), None);
}

#[test]
fn a_narrowed_token_has_only_its_scopes() {
    let appliance = Appliance::start();
    let made = token_with(&appliance.admin(), &json!({"scopes": ["peers:read"]}));
    let client = appliance.anonymous().with_token(&made.text("token"));
    client.get("/peers").expect(200);
    client.get("/accounts").problem(403, "access/denied").says("accounts:read");
    client.post("/peers", &json!({})).problem(403, "access/denied").says("narrowed to other rights");
    assert_eq!(client.get("/session").expect(200).json["rights"], json!(["peers:read"]));
}

#[test]
fn scopes_never_widen_a_role() {
    let appliance = Appliance::start();
    let fields = json!({"role": "viewer", "scopes": ["peers:read", "peers:write"]});
    let client = appliance.anonymous().with_token(&token_with(&appliance.admin(), &fields).text("token"));
    client.get("/peers").expect(200);
    client.post("/peers", &json!({})).problem(403, "access/denied").says("the role operator has it");
}

#[test]
fn a_narrowed_token_cannot_be_given_the_means_to_widen_itself() {
    let appliance = Appliance::start();
    for right in ["tokens:write", "admins:write"] {
        let body = json!({"name": "job", "role": "admin", "scopes": ["peers:read", right]});
        let refused = appliance.admin().post("/tokens", &body).problem(422, "request/invalid");
        refused.blames("/scopes", right);
    }
}

#[test]
fn a_token_without_any_scope_may_nothing() {
    let appliance = Appliance::start();
    let made = token_with(&appliance.admin(), &json!({"scopes": []}));
    let client = appliance.anonymous().with_token(&made.text("token"));
    client.get("/peers").problem(403, "access/denied");
    assert_eq!(client.get("/session").expect(200).json["rights"], json!([]));
}

#[test]
fn an_expired_token_is_refused() {
    let mut appliance = Appliance::start();
    let admin = appliance.admin();
    let old = token_with(&admin, &json!({"name": "old", "expires_at": "2199-01-01T00:00:00Z"})).text("token");
    let new = token_with(&admin, &json!({"name": "new", "expires_at": "2199-01-01T00:00:00Z"})).text("token");
    appliance.stop();
    let sql = "UPDATE token SET expires_at = '2020-01-01T00:00:00Z' WHERE name = 'old'";
    let database = Connection::open(appliance.state().join("jackfield.db")).expect("the database");
    assert_eq!(database.execute(sql, []).expect("aged"), 1);
    drop(database);
    appliance.resume();
    let refused = appliance.anonymous().with_token(&old).get("/session");
    refused.problem(401, "access/sign_in").says("expired");
    appliance.anonymous().with_token(&new).get("/session").expect(200);
}

#[test]
fn a_token_that_would_never_work_is_not_made() {
    let appliance = Appliance::start();
    let body = json!({"name": "job", "role": "admin", "expires_at": "2020-01-01T00:00:00Z"});
    appliance
        .admin()
        .post("/tokens", &body)
        .problem(422, "request/invalid")
        .blames("/expires_at", "is over already");
}

#[test]
fn a_revoked_token_is_refused() {
    let appliance = Appliance::start();
    let made = token_with(&appliance.admin(), &json!({}));
    let client = appliance.anonymous().with_token(&made.text("token"));
    client.get("/session").expect(200);
    appliance.admin().delete(&format!("/tokens/{}", made.id()), &made.etag()).expect(204);
    client.get("/session").problem(401, "access/sign_in").says("revoked");
}

#[test]
fn a_token_made_at_the_terminal_works_without_a_running_appliance() {
    let mut appliance = Appliance::laid_out(|config| config);
    let token = appliance.token("early", "viewer");
    appliance.resume();
    assert_eq!(appliance.anonymous().with_token(&token).get("/session").expect(200).text("role"), "viewer");
}

#[test]
fn expiry_is_given_as_rfc_3339_and_nothing_else() {
    let appliance = Appliance::start();
    let expiring = |time: &str| {
        let body = json!({"name": "job", "role": "viewer", "expires_at": time});
        appliance.admin().post("/tokens?dry_run=1", &body)
    };
    for strange in [
        "2199-01-01",
        "21990101T000000Z",
        "2199-01-01T00:00Z",
        "2199-01-01T00:00:00",
        "2199-01-01T00:00:00+25:00",
        "2199-01-01 00:00:00-05[America/New_York]",
        "2199-02-30T00:00:00Z",
        "soon",
    ] {
        let refused = expiring(strange);
        assert_eq!(refused.status, 422, "{strange:?}: {refused}");
        refused.blames("/expires_at", "must be an RFC 3339 time");
    }
}

#[test]
fn every_expiry_that_rfc_3339_allows_is_taken() {
    let appliance = Appliance::start();
    for time in ["2199-01-01T00:00:00Z", "2199-01-01T02:00:00.5+02:00", "9999-12-31T23:59:59Z"] {
        let body = json!({"name": "job", "role": "viewer", "expires_at": time});
        let taken = appliance.admin().post("/tokens?dry_run=1", &body);
        assert_eq!(taken.status, 201, "{time:?}: {taken}");
    }
}
