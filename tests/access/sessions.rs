//! Signing in and out at the console: cookie, CSRF value, and what ends a session.

use serde_json::json;

use super::{PASSWORD, admin_named};
use crate::harness::*;

fn with_alice() -> (Appliance, String) {
    let appliance = Appliance::start();
    let id = admin_named(&appliance.admin(), "alice", "admin");
    (appliance, id)
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_refused_alike() {
    let (appliance, _) = with_alice();
    let tried = |name: &str, password: &str| {
        let answer = appliance.anonymous().post("/session", &json!({"name": name, "password": password}));
        answer.problem(401, "access/bad_credentials")
    };
    let wrong = tried("alice", "wrong horse battery");
    assert_eq!(wrong.bytes, tried("nobody", PASSWORD).bytes);
    assert_eq!(wrong.header("set-cookie"), None);
}

#[test]
fn a_refused_sign_in_says_how_to_authenticate() {
    let (appliance, _) = with_alice();
    let refused = appliance.anonymous().post("/session", &json!({"name": "alice", "password": "no"}));
    let challenge = refused.clone().expect(401).header("www-authenticate").map(str::to_owned);
    assert!(challenge.is_some(), "{refused}: RFC 9110 section 15.5.2 wants WWW-Authenticate with every 401");
}

#[test]
fn names_are_signed_in_without_regard_to_case() {
    let (appliance, _) = with_alice();
    let (session, _) = appliance.anonymous().sign_in("ALICE", PASSWORD);
    assert_eq!(session.get("/session").expect(200).text("who"), "admin alice");
}

#[test]
fn the_cookie_is_for_this_host_over_https_and_not_for_scripts() {
    let (appliance, _) = with_alice();
    let answer =
        appliance.anonymous().post("/session", &json!({"name": "alice", "password": PASSWORD})).expect(201);
    let cookie = answer.header("set-cookie").unwrap();
    let attributes: Vec<_> = cookie.split(';').skip(1).map(str::trim).collect();
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for wanted in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(attributes.contains(&wanted), "{cookie} lacks {wanted}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[test]
fn a_session_shows_who_is_signed_in() {
    let (appliance, _) = with_alice();
    let (session, csrf) = appliance.anonymous().sign_in("alice", PASSWORD);
    let shown = session.get("/session").expect(200).json;
    assert_eq!(
        (&shown["who"], &shown["role"], &shown["csrf"]),
        (&json!("admin alice"), &json!("admin"), &json!(csrf))
    );
    assert!(shown["rights"].as_array().unwrap().contains(&json!("admins:write")), "{shown}");
    assert_eq!(appliance.admin().get("/session").expect(200).json["csrf"], json!(null), "tokens need none");
}

#[test]
fn a_write_by_cookie_needs_the_sessions_csrf_value() {
    let (appliance, _) = with_alice();
    let (session, csrf) = appliance.anonymous().sign_in("alice", PASSWORD);
    let post = |client: &Client| client.post("/enterprises", &enterprise_body("acme"));
    session.get("/enterprises").expect(200);
    post(&session).problem(403, "access/csrf").says("X-CSRF-Token");
    post(&session.with_header("X-CSRF-Token", "guess")).problem(403, "access/csrf");
    let (_, other) = appliance.anonymous().sign_in("alice", PASSWORD);
    post(&session.with_header("X-CSRF-Token", &other)).problem(403, "access/csrf");
    session.delete("/session", "*").problem(403, "access/csrf");
    post(&session.with_header("X-CSRF-Token", &csrf)).expect(201);
}

#[test]
fn a_form_of_another_site_cannot_sign_in_or_write() {
    let (appliance, _) = with_alice();
    let form = json!({"name": "alice", "password": PASSWORD}).to_string();
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let call = appliance
            .anonymous()
            .call("POST", "/session")
            .header("Content-Type", media)
            .bytes(form.clone())
            .send();
        call.problem(415, "request/wrong_type").says("application/json");
    }
}

#[test]
fn signing_out_ends_the_session_and_clears_the_cookie() {
    let (appliance, _) = with_alice();
    let (session, csrf) = appliance.anonymous().sign_in("alice", PASSWORD);
    let (other, _) = appliance.anonymous().sign_in("alice", PASSWORD);
    let out = session.with_header("X-CSRF-Token", &csrf).delete("/session", "*").expect(204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"), "{:?}", out.headers);
    session.get("/session").problem(401, "access/sign_in");
    other.get("/session").expect(200);
}

#[test]
fn a_new_password_ends_every_session() {
    let (appliance, id) = with_alice();
    let (session, _) = appliance.anonymous().sign_in("alice", PASSWORD);
    let changed = json!({"password": "another horse battery"});
    appliance.admin().patch(&format!("/admins/{id}"), "*", &changed).expect(200);
    session.get("/session").problem(401, "access/sign_in");
    let old = json!({"name": "alice", "password": PASSWORD});
    appliance.anonymous().post("/session", &old).problem(401, "access/bad_credentials");
    appliance.anonymous().sign_in("alice", "another horse battery");
}

#[test]
fn a_replacement_without_a_password_keeps_the_old_one() {
    let (appliance, id) = with_alice();
    let path = format!("/admins/{id}");
    let read = appliance.admin().get(&path).expect(200);
    appliance.admin().put(&path, &read.etag(), &read.json).expect(200);
    appliance.admin().put(&path, "*", &json!({"role": "admin", "password": null})).expect(200);
    appliance.anonymous().sign_in("alice", PASSWORD);
}

#[test]
fn a_new_role_ends_every_session() {
    let (appliance, _) = with_alice();
    let id = admin_named(&appliance.admin(), "bob", "admin");
    let (session, _) = appliance.anonymous().sign_in("bob", PASSWORD);
    appliance.admin().patch(&format!("/admins/{id}"), "*", &json!({"role": "viewer"})).expect(200);
    session.get("/session").problem(401, "access/sign_in");
}

#[test]
fn a_deleted_administrator_is_signed_out() {
    let (appliance, _) = with_alice();
    let id = admin_named(&appliance.admin(), "bob", "admin");
    let (session, _) = appliance.anonymous().sign_in("bob", PASSWORD);
    appliance.admin().delete(&format!("/admins/{id}"), "*").expect(204);
    session.get("/session").problem(401, "access/sign_in");
}

#[test]
fn a_session_survives_a_restart() {
    let (mut appliance, _) = with_alice();
    let answer =
        appliance.anonymous().post("/session", &json!({"name": "alice", "password": PASSWORD})).expect(201);
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    appliance.restart();
    appliance.anonymous().with_header("Cookie", &cookie).get("/session").expect(200);
}

#[test]
fn a_cookie_that_nobody_gave_is_nobody() {
    let (appliance, _) = with_alice();
    let guess = appliance.anonymous().with_header("Cookie", "__Host-jackfield=guess");
    guess.get("/session").problem(401, "access/sign_in");
}
