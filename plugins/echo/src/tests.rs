//! The plugin on the bench, without a process.

use jackfield_sdk::Code;
use jackfield_sdk::bench::{Bench, FakeHost, differences};

use super::*;

fn echo() -> Bench {
    FakeHost::new().setting("echo.greeting", "Hello").start::<Echo>().unwrap()
}

#[test]
fn it_is_what_its_manifest_says() {
    assert_eq!(differences::<Echo>(include_str!("../plugin.toml")), Vec::<String>::new());
}

#[test]
fn it_says_who_asks_and_how() {
    let answer = echo().get("echo");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, json!({"greeting": "Hello", "who": "tester", "method": "GET"}));
}

#[test]
fn it_gives_the_body_back() {
    assert_eq!(echo().post("echo", json!({"a": [1, null]})).body, json!({"a": [1, null]}));
}

#[test]
fn it_counts_with_progress() {
    let bench = echo();
    let job = json!({"job": "7", "name": "count", "input": {"to": 3}});
    assert_eq!(bench.request("job.run", job), Ok(json!({"result": {"counted": 3}})));
    let done: Vec<_> = bench.asked("job.progress").into_iter().map(|told| told["done"].clone()).collect();
    assert_eq!(done, [1, 2, 3]);
}

#[test]
fn a_count_to_nothing_names_the_field() {
    let job = json!({"job": "7", "name": "count", "input": {"to": "x"}});
    let failure = echo().request("job.run", job).unwrap_err();
    assert_eq!(failure.code, Code::BadRequest);
    assert!(failure.msg.contains("`to`"), "{}", failure.msg);
}

#[test]
fn a_new_greeting_is_used_and_a_wrong_one_is_not() {
    let bench = echo();
    assert!(bench.change_settings(json!({"echo.greeting": "Hi"})).is_ok());
    assert!(bench.change_settings(json!({"echo.greeting": 7})).is_err());
    assert_eq!(bench.get("echo").body["greeting"], "Hi");
}

#[test]
fn it_counts_its_answers_for_those_who_watch() {
    let bench = echo();
    (0..3).for_each(|_| drop(bench.get("echo")));
    let told = bench.request("metrics", json!({})).unwrap();
    assert_eq!(
        told["metrics"][0],
        json!({
            "name": "answers_total", "kind": "counter", "help": "Answers given.", "value": 3.0,
        })
    );
}
