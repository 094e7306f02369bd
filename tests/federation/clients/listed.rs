//! Sessions over the API: what is told of them, how they are searched, and that they can be ended.

use serde_json::{Value, json};

use super::Home;
use crate::harness::*;

#[test]
fn a_session_is_told_with_all_that_is_known_of_it() {
    let home = Home::new();
    let (mut ann, _) = home.user("ann", &["--resume"]);
    let (mut ben, _) = home.user("ben", &[]);
    let session = home.awaits_session("ann", |session| session["waiting_bytes"] == 0);
    let told = ["login", "address", "state", "stream_management"].map(|name| session[name].clone());
    assert_eq!(told, [json!("ann"), json!("ann@home.example"), json!("connected"), json!("resumable")]);
    assert_eq!((&session["asleep_until"], &session["tls"]), (&Value::Null, &json!("TLS 1.3")));
    assert!(session["client"].as_str().expect("an address").starts_with("127.0.0.1:"), "{session}");
    ann.does(&json!({"do": "break"}));
    ann.hears("disconnected");
    let asleep = home.awaits_session("ann", |session| session["state"] == "asleep");
    assert_eq!(asleep["id"], session["id"], "it is the same session");
    assert!(asleep["asleep_until"].as_str() > asleep["since"].as_str(), "{asleep}");
    ben.does(&json!({"do": "message", "to": "ann@home.example", "body": "good night"}));
    home.awaits_session("ann", |session| session["waiting_bytes"].as_u64() > Some(100));
    ann.does(&json!({"do": "again"}));
    ann.hears("message");
    let awake = home.awaits_session("ann", |one| one["state"] == "connected" && one["waiting_bytes"] == 0);
    assert_eq!((&awake["id"], &awake["asleep_until"]), (&session["id"], &Value::Null));
}

#[test]
fn sessions_are_listed_by_page_and_found_by_words() {
    let home = Home::new();
    let _all: Vec<_> = ["ann/desk", "ann/phone", "ben/desk"]
        .map(|of| of.replace('/', "@home.example/"))
        .map(|jid| super::User::present(&jid, super::PASSWORD, home.port, &[]))
        .into();
    let names = |sessions: &[Value]| -> Vec<String> {
        let name = |one: &Value| format!("{}/{}", one["login"], one["resource"]).replace('"', "");
        sessions.iter().map(name).collect()
    };
    assert_eq!(
        names(&all_pages(&home.admin, "/federation/sessions?limit=1")),
        ["ann/desk", "ann/phone", "ben/desk"]
    );
    let found = |words: &str| {
        let answer = home.admin.get(&format!("/federation/sessions?q={words}")).expect(200);
        names(answer.items())
    };
    assert_eq!(found("DESK"), ["ann/desk", "ben/desk"]);
    assert_eq!(found("desk%20ann"), ["ann/desk"]);
    assert_eq!(found("127.0.0.1").len(), 3);
    assert_eq!(found("somebody"), [""; 0]);
    home.admin.get(&format!("/federation/sessions?q={}", "x".repeat(101))).problem(422, "request/invalid");
}

#[test]
fn a_session_is_ended_by_who_may_and_its_user_comes_back() {
    let home = Home::new();
    let (mut ann, _) = home.user("ann", &["--resume"]);
    let (mut ben, _) = home.user("ben", &[]);
    let session = home.awaits_session("ann", |_| true);
    let path = format!("/federation/sessions/{}:end", session["id"].as_str().expect("an id"));
    let viewer = home.appliance.anonymous().with_token(&home.appliance.token("looks", "viewer"));
    viewer.call("POST", &path).send().problem(403, "access/denied");
    home.admin.call("POST", &path).send().expect(204);
    let error = ann.hears("error");
    assert_eq!(error["condition"], "policy-violation", "{error}");
    assert!(
        error["text"].as_str().expect("words").contains("an administrator has ended this session"),
        "{error}"
    );
    ann.hears("disconnected");
    home.awaits(|clients| clients["connected"] == 1);
    home.admin.call("POST", &path).send().expect(404);
    ben.pings();
    let (mut again, _) = home.user("ann", &[]);
    again.pings();
}
