//! Idempotency keys: a repeated POST has one effect and one answer, whatever happens in between.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::*;

fn post(client: &Client, key: &str, path: &str, body: &Value) -> Answer {
    client.call("POST", path).header("Idempotency-Key", key).json(body).send()
}

fn enterprises(client: &Client) -> Vec<String> {
    client.get("/enterprises").expect(200).column("id")
}

fn assert_replayed(again: &Answer, first: &Answer) {
    assert_eq!((again.status, &again.bytes), (first.status, &first.bytes));
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again}");
    for name in ["etag", "location", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
}

#[test]
fn a_repetition_gets_the_first_answer_again() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let first = post(&admin, "k1", "/enterprises", &enterprise_body("acme")).expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    admin.patch("/enterprises/acme", "*", &json!({"description": "Other"})).expect(200);
    assert_replayed(&post(&admin, "k1", "/enterprises", &enterprise_body("acme")), &first);
    assert_eq!(enterprises(&admin), ["acme"]);
    assert_eq!(admin.get("/revisions?kind=enterprises").expect(200).items().len(), 2);
}

#[test]
fn a_new_token_can_be_fetched_again_with_its_key() {
    let appliance = Appliance::start();
    let body = json!({"name": "job", "role": "viewer"});
    let first = post(&appliance.admin(), "k1", "/tokens", &body).expect(201);
    let again = post(&appliance.admin(), "k1", "/tokens", &body);
    assert_replayed(&again, &first);
    appliance.anonymous().with_token(&again.text("token")).get("/session").expect(200);
}

#[test]
fn a_key_is_for_one_request() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    post(&admin, "k1", "/enterprises", &enterprise_body("acme")).expect(201);
    let node = node("acme", "n", &json!({}));
    for (path, body) in [
        ("/enterprises", enterprise_body("beta")),
        ("/enterprises?dry_run=1", enterprise_body("acme")),
        ("/pbx-nodes", node),
    ] {
        let reused = post(&admin, "k1", path, &body).problem(422, "request/idempotency_key_reused");
        reused.says("Use a new key for a new request");
    }
    assert_eq!(enterprises(&admin), ["acme"]);
}

/// As if the appliance had answered that many hours of its own running time ago; it must not run.
fn answered_before(appliance: &Appliance, hours: i64) {
    let database = Connection::open(appliance.state().join("jackfield.db")).expect("the database");
    let aged = database.execute("UPDATE idempotency SET kept_at = kept_at - ?1 * 3600", [hours]);
    assert_eq!(aged.expect("the answers that are kept"), 1);
}

/// As if the clock had leapt ahead by that much while the appliance was off.
fn clock_leaps(appliance: &Appliance, hours: i64) {
    answered_before(appliance, hours);
    let database = Connection::open(appliance.state().join("jackfield.db")).expect("the database");
    let sql = "UPDATE meta SET value = json_set(value, '$.ran', value ->> '$.ran' - ?1 * 3600000) WHERE name = 'clock.known'";
    assert_eq!(database.execute(sql, [hours]).expect("what the appliance knows of the clock"), 1);
}

#[test]
fn a_key_is_kept_for_a_day_of_the_appliance_s_running_whatever_the_clock_says() {
    let mut appliance = Appliance::start();
    let repeat =
        |appliance: &Appliance| post(&appliance.admin(), "k1", "/enterprises", &enterprise_body("acme"));
    let first = repeat(&appliance).expect(201);
    appliance.stop();
    clock_leaps(&appliance, 240);
    appliance.resume();
    assert_replayed(&repeat(&appliance), &first);
    appliance.stop();
    answered_before(&appliance, 25);
    appliance.resume();
    repeat(&appliance).problem(409, "change/conflict");
}

#[test]
fn a_refused_request_does_not_use_up_its_key() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    post(&admin, "k1", "/enterprises", &enterprise_body("no")).problem(422, "request/invalid");
    post(&admin, "k1", "/enterprises", &enterprise_body("acme")).expect(201);
}

#[test]
fn a_dry_run_does_not_use_up_its_key() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    post(&admin, "k1", "/enterprises?dry_run=1", &enterprise_body("acme")).expect(201);
    let real = post(&admin, "k1", "/enterprises", &enterprise_body("acme")).expect(201);
    assert_eq!(real.header("idempotency-replayed"), None);
    assert_eq!(enterprises(&admin), ["acme"]);
}

#[test]
fn keys_of_different_callers_never_meet() {
    let appliance = Appliance::start();
    let other = appliance.anonymous().with_token(&appliance.token("other", "admin"));
    let first = post(&appliance.admin(), "k1", "/enterprises", &enterprise_body("acme")).expect(201);
    let second = post(&other, "k1", "/enterprises", &enterprise_body("beta")).expect(201);
    assert_ne!(first.bytes, second.bytes);
    post(&other, "k1", "/enterprises", &enterprise_body("acme"))
        .problem(422, "request/idempotency_key_reused");
}

#[test]
fn a_key_survives_a_restart_and_a_power_cut() {
    let mut appliance = Appliance::start();
    let first = post(&appliance.admin(), "k1", "/enterprises", &enterprise_body("acme")).expect(201);
    appliance.restart();
    assert_replayed(&post(&appliance.admin(), "k1", "/enterprises", &enterprise_body("acme")), &first);
    let second = post(&appliance.admin(), "k2", "/enterprises", &enterprise_body("beta")).expect(201);
    appliance.kill9();
    appliance.resume();
    assert_replayed(&post(&appliance.admin(), "k1", "/enterprises", &enterprise_body("acme")), &first);
    assert_replayed(&post(&appliance.admin(), "k2", "/enterprises", &enterprise_body("beta")), &second);
    assert_eq!(enterprises(&appliance.admin()), ["acme", "beta"]);
}

#[test]
fn of_many_posts_with_one_key_at_once_one_object_comes() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    let body = json!({"enterprise": "acme", "description": "Nice"});
    let answers = std::thread::scope(|scope| {
        let all = [0; 8].map(|_| scope.spawn(|| post(&admin, "k1", "/peers", &body).expect(201)));
        all.map(|one| one.join().expect("an answer"))
    });
    let first = answers.iter().find(|answer| answer.header("idempotency-replayed").is_none());
    let first = first.expect("one of them made it");
    let replayed: Vec<_> =
        answers.iter().filter(|answer| answer.header("idempotency-replayed").is_some()).collect();
    assert_eq!(replayed.len(), 7);
    replayed.into_iter().for_each(|again| assert_replayed(again, first));
    assert_eq!(admin.get("/peers").expect(200).column("description"), ["Lyon", "Nice"]);
}

#[test]
fn an_undo_with_a_key_happens_once() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let n = admin.get("/revisions?limit=1").expect(200).json["items"][0]["n"].clone();
    let undo = || admin.call("POST", &format!("/revisions/{n}:undo")).header("Idempotency-Key", "k1").send();
    let first = undo().expect(201);
    assert_replayed(&undo(), &first);
}

#[test]
fn a_key_that_is_empty_or_endless_is_refused() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for key in [String::new(), "k".repeat(129)] {
        let refused =
            post(&admin, &key, "/enterprises", &enterprise_body("acme")).problem(400, "request/header");
        refused.says("1 to 128 characters");
    }
    post(&admin, &"k".repeat(128), "/enterprises", &enterprise_body("acme")).expect(201);
}
