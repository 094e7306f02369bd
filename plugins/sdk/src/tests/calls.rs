//! What goes back and forth while all is well, or nearly.

use super::*;
use crate::Kind;

#[test]
fn a_request_is_answered() {
    let bench = probe();
    assert_eq!(bench.request("try", doing("colour")), Ok(json!("red")));
    assert_eq!(bench.request("doctor", json!({})).unwrap()["findings"][0]["name"], "paint");
}

#[test]
fn what_the_plugin_does_not_answer_is_refused() {
    let bench = probe();
    assert_eq!(code(bench.request("colour.mix", json!({}))), Code::BadRequest);
    assert_eq!(code(bench.request("try", doing("dance"))), Code::BadRequest);
}

#[test]
fn a_call_may_block_inside_a_request() {
    let bench = host().answer("secret.get", |_| Ok(json!({"value": 7}))).start::<Probe>().unwrap();
    assert_eq!(bench.request("try", doing("sum")), Ok(json!({"value": 7})));
}

#[test]
fn an_error_of_the_hosts_reaches_the_caller() {
    let denied = |_| Err(Failure::new(Code::Denied, "not yours"));
    let bench = host().answer("secret.get", denied).start::<Probe>().unwrap();
    assert_eq!(bench.request("try", doing("sum")), Err(Failure::new(Code::Denied, "not yours")));
}

#[test]
fn a_call_without_an_answer_ends_and_is_taken_back() {
    let (release, released) = channel::<()>();
    let silent = move |_| {
        // Ends when the test drops its half.
        let _ = released.recv_timeout(Duration::from_secs(10));
        Ok(json!({}))
    };
    let bench = host().answer("secret.get", silent).start::<Probe>().unwrap();
    let failure = bench.request("try", doing("hurry")).unwrap_err();
    assert_eq!(failure.code, Code::Timeout);
    assert!(failure.msg.contains("secret.get"), "{}", failure.msg);
    assert_eq!(bench.sent(Kind::Cancel).len(), 1);
    drop(release);
    assert_eq!(bench.request("try", doing("colour")), Ok(json!("red")), "the late answer harms nobody");
}

#[test]
fn more_questions_than_the_host_allows_are_refused() {
    let (release, released) = channel::<()>();
    let silent = move |_| {
        // Ends when the test drops its half.
        let _ = released.recv_timeout(Duration::from_secs(10));
        Ok(json!({}))
    };
    let limits = crate::abi::ops::Limits { requests_in_flight: 1, ..Default::default() };
    let bench = host().limits(limits).answer("secret.get", silent).start::<Probe>().unwrap();
    let first = bench.ask("try", doing("sum"));
    assert!(bench.wait_asked("secret.get").is_some());
    assert_eq!(code(bench.request("job.run", json!({"job": "7", "name": "paint"}))), Code::Busy);
    drop(release);
    assert_eq!(first.wait(), Ok(json!({})));
}

#[test]
fn lines_lost_to_a_full_queue_are_counted() {
    let bench = probe();
    assert_eq!(bench.request("try", doing("colour")), Ok(json!("red")));
    bench.be_busy(2);
    (0..3).for_each(|_| bench.event("account.changed", "7"));
    assert!(bench.has_logged("queue was full: 2)"));
}

#[test]
fn a_busy_host_is_tried_again() {
    let bench = probe();
    assert!(bench.wait_asked("state.report").is_some());
    bench.be_busy(3);
    assert_eq!(bench.request("try", doing("colour")), Ok(json!("red")));
}

#[test]
fn a_cancelled_request_sees_it() {
    let bench = probe();
    let asked = bench.ask("try", doing("wait for cancel"));
    assert!(bench.has_logged("waiting"));
    asked.cancel();
    assert_eq!(asked.wait(), Ok(json!("ended early")));
}

#[test]
fn a_request_past_its_deadline_sees_it() {
    let bench = probe();
    let asked = bench.ask_within("try", doing("wait for cancel"), Some(Duration::from_millis(30)));
    assert_eq!(asked.wait(), Ok(json!("ended early")));
}

#[test]
fn a_request_cancelled_before_it_began_is_not_run() {
    let bench = probe();
    let first = bench.ask("try", doing("wait for cancel"));
    assert!(bench.has_logged("waiting"));
    let second = bench.ask("try", doing("panic"));
    second.cancel();
    first.cancel();
    assert_eq!(first.wait(), Ok(json!("ended early")));
    assert_eq!(code(second.wait()), Code::Timeout);
}

#[test]
fn a_full_queue_refuses_with_a_time_to_try_again() {
    let bench = probe();
    let first = bench.ask("try", doing("wait for cancel"));
    assert!(bench.has_logged("waiting"));
    let waiting: Vec<_> = (0..Probe::QUEUE).map(|_| bench.ask("try", doing("colour"))).collect();
    let refused = bench.request("try", doing("colour")).unwrap_err();
    assert_eq!((refused.code, refused.retry_ms.is_some()), (Code::Busy, true));
    first.cancel();
    assert!(waiting.iter().all(|asked| asked.wait() == Ok(json!("red"))));
}

#[test]
fn a_job_and_a_request_do_not_wait_for_each_other() {
    let bench = probe();
    let blocked = bench.ask("try", doing("wait for cancel"));
    let job = bench.request("job.run", json!({"job": "7", "name": "paint", "input": {}}));
    assert_eq!(job, Ok(json!({"result": "paint"})));
    assert_eq!(bench.asked("job.progress").len(), 3);
    blocked.cancel();
}

#[test]
fn a_cancelled_job_ends_at_its_next_progress() {
    let bench = host().answer("job.progress", |_| Ok(json!({"cancelled": true}))).start::<Probe>().unwrap();
    let job = bench.request("job.run", json!({"job": "7", "name": "paint"}));
    assert_eq!(code(job), Code::Timeout);
    assert_eq!(bench.asked("job.progress").len(), 1);
}

#[test]
fn an_event_is_heard_and_the_log_has_its_line() {
    let bench = probe();
    bench.event("account.changed", "7");
    assert!(bench.has_logged("heard account.changed of 7"));
    let line = bench.logs().into_iter().find(|line| line.msg.starts_with("heard")).unwrap();
    assert_eq!((line.level.as_str(), line.target.as_str()), ("info", "jackfield_sdk::tests"));
}

#[test]
fn refused_settings_keep_the_old_ones() {
    let bench = probe();
    let refused = bench.change_settings(json!({"probe.colour": "invisible"}));
    assert_eq!(refused, Err(Failure::new(Code::BadRequest, "invisible is no colour")));
    let unusable = bench.change_settings(json!({"probe.colour": 7})).unwrap_err();
    assert!(unusable.msg.contains("`colour`"), "{}", unusable.msg);
    assert_eq!(bench.request("try", doing("colour")), Ok(json!("red")));
    assert_eq!(bench.change_settings(json!({"probe.colour": "blue"})), Ok(json!({})));
    assert_eq!(bench.request("try", doing("colour")), Ok(json!("blue")));
}

#[test]
fn a_raw_message_can_be_taken_and_is_answered_once() {
    let bench = probe();
    assert_eq!(bench.recv(Kind::Request as u32, 1000, b"mine"), 0);
    let answers = bench.sent(Kind::Reply);
    assert_eq!(answers.iter().filter(|frame| frame.id == 1000).count(), 1);
}

#[test]
fn what_the_treaty_does_not_allow_is_refused() {
    let bench = probe();
    let bad = crate::abi::Sent::Malformed as i32;
    assert_eq!(bench.recv(99, 0, b""), bad);
    assert_eq!(bench.recv(Kind::Request as u32, 7, b"{\"op\": \"try\"}"), bad);
    assert_eq!(bench.recv(Kind::Request as u32, 0, b"{\"op\": \"try\"}"), bad);
    assert_eq!(bench.recv(Kind::Event as u32, 0, b"\xff"), bad);
    assert_eq!(bench.recv(Kind::Request as u32, 5000, b"not JSON"), 0);
    let failure = bench.sent(Kind::Error).pop().unwrap();
    assert_eq!(failure.id, 5000);
    assert_eq!(bench.request("try", doing("colour")), Ok(json!("red")));
}

#[test]
fn an_answer_over_the_limit_becomes_an_error() {
    let bench = probe();
    let failure = bench.request("try", doing("big")).unwrap_err();
    assert!(failure.msg.contains("1048576"), "{}", failure.msg);
}

#[test]
fn a_row_is_read_into_a_structure() {
    let rows = |_| Ok(json!({"columns": ["id", "name"], "rows": [[7, "saw"]], "more": false}));
    let bench = host().answer("db.query", rows).start::<Probe>().unwrap();
    let shown = bench.get("probe/things/7");
    assert_eq!(
        (shown.status, shown.body, shown.etag.as_deref()),
        (200, json!({"id": 7, "name": "saw"}), Some("v1"))
    );
    assert_eq!(bench.asked("db.query")[0]["params"], json!([7]));
    assert_eq!(bench.get("probe/things/seven").status, 404);
    assert_eq!(bench.get("probe/nothing").status, 404);
    assert_eq!(bench.post("probe/things/7", json!({})).status, 405);
    assert_eq!(bench.post("probe/things/7:paint", json!({})).status, 204);
}

#[test]
fn a_stale_version_is_refused() {
    let rows = |_| Ok(json!({"columns": ["id", "name"], "rows": [[7, "saw"]], "more": false}));
    let bench = host().answer("db.query", rows).start::<Probe>().unwrap();
    let status = |if_match: &str| {
        let request = json!({"method": "GET", "path": "probe/things/7", "who": "a", "if_match": if_match});
        bench.request("http", request).unwrap()["status"].clone()
    };
    assert_eq!([status("v0"), status("v1"), status("*")], [412, 200, 200]);
}

#[test]
fn a_write_carries_its_revision() {
    let done = |_| Ok(json!({"changed": [1], "rowids": [7], "revisions": [1]}));
    let bench = host().answer("db.tx", done).start::<Probe>().unwrap();
    assert_eq!(bench.post("probe/things", json!({"id": 7, "name": "saw"})).status, 201);
    let revision = &bench.asked("db.tx")[0]["revisions"][0];
    assert_eq!((&revision["who"], &revision["before"]), (&json!("tester"), &Value::Null));
    assert_eq!(revision["after"], json!({"id": 7, "name": "saw"}));
}

#[test]
fn wrong_fields_of_a_body_are_named() {
    let bench = probe();
    let wrong_type = bench.post("probe/things", json!({"id": "seven", "name": "saw"}));
    assert_eq!((wrong_type.status, &wrong_type.body["errors"][0]["pointer"]), (422, &json!("/id")));
    let wrong_values = bench.post("probe/things", json!({"id": 0, "name": ""}));
    assert_eq!(wrong_values.body["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn a_secret_is_kept_read_and_forgotten() {
    let kept = probe().request("try", doing("secrets")).unwrap();
    assert_eq!(kept, json!(["", "hush", ""]));
    assert_eq!(format!("{:?}", crate::Secret::new("hush")), "Secret");
}

#[test]
fn settings_print_their_names_only_and_secrets_among_them_are_a_type() {
    #[derive(Deserialize)]
    struct Wanted {
        key: Option<crate::Secret>,
        other: Option<crate::Secret>,
    }
    let all = json!({"probe.key": "hush", "probe.other": null}).as_object().cloned().unwrap();
    let settings = Settings::new(all, "probe");
    assert_eq!(format!("{settings:?}"), "{\"key\", \"other\"}");
    let wanted: Wanted = settings.read().unwrap();
    assert_eq!(format!("{:?} {:?}", wanted.key, wanted.other), "Some(Secret) None");
    assert_eq!(settings.secret("key").map(|secret| secret.reveal().to_owned()), Some("hush".to_owned()));
    assert!(settings.secret("other").is_none());
}
