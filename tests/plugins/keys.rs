//! Idempotency keys on plugins' routes: a repeated POST has one effect, also when the plugin's process ends
//! between the effect and the answer.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{BACK_WITHIN, mirror};
use crate::harness::*;

fn post(client: &Client, key: &str, path: &str, body: &Value) -> Answer {
    client.call("POST", path).header("Idempotency-Key", key).json(body).send()
}

/// A body of `mirror:relay` and `mirror:die` that adds a row and notes it.
fn adding(text: &str) -> Value {
    let statement = json!({"sql": "INSERT INTO mirror_note (text) VALUES (?1)", "params": [text]});
    let revision = json!({"kind": "mirror", "object": text, "who": "somebody", "after": {"text": text}});
    let args = json!({"statements": [statement], "revisions": [revision], "request": "@request"});
    json!({"op": "db.tx", "args": args})
}

fn notes(client: &Client) -> Vec<Value> {
    let args = json!({"sql": "SELECT text FROM mirror_note ORDER BY id"});
    let answer = client.post("/mirror:relay", &json!({"op": "db.query", "args": args})).expect(200);
    answer.json["reply"]["rows"].as_array().expect("rows").iter().map(|row| row[0].clone()).collect()
}

#[track_caller]
fn assert_replayed(again: &Answer, first: &Answer) {
    assert_eq!((again.status, &again.json), (first.status, &first.json));
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again}");
    assert_eq!(first.header("idempotency-replayed"), None, "{first}");
}

#[test]
fn a_repetition_gets_the_plugin_s_first_answer_again_also_after_a_power_cut() {
    let mut appliance = mirror::start();
    let admin = appliance.admin();
    let first = post(&admin, "k1", "/mirror:relay", &adding("a")).expect(200);
    assert_replayed(&post(&admin, "k1", "/mirror:relay", &adding("a")), &first);
    appliance.kill9();
    appliance.resume();
    let admin = appliance.admin();
    // The answer is core's by now: the plugin need not even be there.
    assert_replayed(&post(&admin, "k1", "/mirror:relay", &adding("a")), &first);
    appliance.await_up(&["mirror"]);
    assert_eq!(notes(&admin), ["a"]);
    post(&admin, "k2", "/mirror:relay", &adding("b")).expect(200);
    assert_eq!(notes(&admin), ["a", "b"]);
}

#[test]
fn a_key_is_for_one_request_of_one_caller() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    post(&admin, "k1", "/mirror", &json!({"a": 1})).expect(200);
    for (path, body) in [
        ("/mirror", json!({"a": 2})),
        ("/mirror?dry_run=1", json!({"a": 1})),
        ("/mirror?x=1", json!({"a": 1})),
        ("/mirror:relay", json!({"a": 1})),
        ("/echo", json!({"a": 1})),
        ("/enterprises", enterprise_body("acme")),
    ] {
        post(&admin, "k1", path, &body).problem(422, "request/idempotency_key_reused");
    }
    let operator = appliance.anonymous().with_token(&appliance.token("works", "operator"));
    let other = post(&operator, "k1", "/mirror", &json!({"a": 2})).expect(200);
    assert_eq!(other.json["asked"]["who"], "token works");
    post(&admin, &"k".repeat(129), "/mirror", &json!({})).problem(400, "request/header");
}

#[test]
fn what_fails_without_an_effect_does_not_use_up_its_key() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    for status in [422, 409, 500, 502] {
        let failing = json!({"status": status, "body": {"detail": "no", "errors": []}});
        for _ in 0..2 {
            let refused = post(&admin, &format!("k{status}"), "/mirror:answer", &failing);
            assert!(refused.status >= 400 && refused.header("idempotency-replayed").is_none(), "{refused}");
        }
        post(&admin, &format!("k{status}"), "/mirror:answer", &json!({"status": 201})).expect(201);
    }
    post(&admin, "dry", "/mirror?dry_run=1", &json!({"a": 1})).expect(200);
    let real = post(&admin, "dry", "/mirror", &json!({"a": 1})).expect(200);
    assert_eq!(real.json["asked"]["dry_run"], false, "{real}");
}

#[test]
fn what_was_done_before_the_plugin_died_is_not_done_again() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let before = plugin(&admin, "mirror");
    post(&admin, "k1", "/mirror:die", &adding("a")).problem(503, "plugins/unavailable");
    // Also while the plugin is away.
    let told = |answer: Answer| {
        answer.problem(409, "request/unanswered").says("changed something").says("a new key");
    };
    told(post(&admin, "k1", "/mirror:die", &adding("a")));
    super::await_successor(&admin, &before);
    told(post(&admin, "k1", "/mirror:die", &adding("a")));
    assert_eq!(notes(&admin), ["a"]);
    let noted = admin.get("/revisions?kind=mirror").expect(200);
    assert_eq!(noted.items().len(), 1);
    assert_eq!(noted.items()[0]["request"].as_str().map(str::len), Some(12), "{noted}");
}

#[test]
fn what_was_not_done_before_the_plugin_died_is_done_by_the_repetition() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let before = plugin(&admin, "mirror");
    let refused = json!({"op": "db.tx", "args": {"statements": [{"sql": "DELETE FROM account"}], "request": "@request"}});
    post(&admin, "k1", "/mirror:die", &refused).problem(503, "plugins/unavailable");
    super::await_successor(&admin, &before);
    post(&admin, "k1", "/mirror:die", &refused).problem(503, "plugins/unavailable");
}

#[test]
fn an_appliance_that_dies_between_the_effect_and_the_answer_does_it_once() {
    let mut appliance = mirror::start();
    let admin = appliance.admin();
    let halted = plugin(&admin, "mirror");
    std::thread::scope(|scope| {
        let asking = admin.clone();
        signal(&halted, Signal::STOP);
        // Waits in the halted process; whether it was begun is not known when the appliance dies.
        scope.spawn(move || {
            let call = asking.call("POST", "/mirror:relay").header("Idempotency-Key", "k1");
            drop(call.json(&adding("a")).try_send());
        });
        await_that(&admin, "mirror", BACK_WITHIN, "asked", |now| now["in_flight"] == json!(["http"]));
        let again = post(&admin, "k1", "/mirror:relay", &adding("a"));
        again.problem(409, "request/idempotency_key_in_use").says("Repeat it in a moment");
        signal(&halted, Signal::CONT);
        awaited(BACK_WITHIN, || (!notes(&admin).is_empty()).then_some(())).expect("it was done");
        appliance.kill9();
    });
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let admin = appliance.admin();
    let again = post(&admin, "k1", "/mirror:relay", &adding("a"));
    assert!(again.status == 200 || again.status == 409, "{again}");
    assert_eq!(notes(&admin), ["a"]);
}
