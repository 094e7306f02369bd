//! The whole judgement on results as scripts hand them back.

use serde_json::{Value, json};

use crate::engine::probes::Probes;

/// A result of `ntp.query` of a follower.
fn ntp(offset_ms: f64, stratum: u8, refid: &str, address: &str) -> Value {
    json!({
        "method": "ntp", "verdict": "ok", "reason": "", "words": "synchronised", "host": address, "port": 123,
        "offset_ms": offset_ms, "error_ms": 2.0, "stratum": stratum, "refid_hex": refid, "address": address,
        "addresses": [{"address": address}],
    })
}

fn with(result: &Value, fields: &Value) -> Value {
    let mut whole = result.as_object().unwrap().clone();
    whole.extend(fields.as_object().unwrap().clone());
    whole.into()
}

fn judged(args: &Value) -> Value {
    Probes::default().call("ntp.judge", args).unwrap()
}

fn host(name: &str, result: &Value) -> Value {
    json!({"name": name, "result": result})
}

/// The source is 10.0.0.1 (0a000001).
fn source() -> Value {
    ntp(0.0, 2, "c0000201", "10.0.0.1")
}

fn follower(offset_ms: f64) -> Value {
    ntp(offset_ms, 3, "0a000001", "10.0.0.5")
}

fn silent() -> Value {
    json!({
        "method": "ntp", "verdict": "no_answer", "reason": "timeout", "words": "did not answer", "offset_ms": null,
        "error_ms": null, "stratum": null, "refid_hex": null, "address": "10.0.0.7", "port": 123, "addresses": [],
    })
}

#[test]
fn every_mixture_of_agreement_and_source_has_its_state() {
    let web = |offset_ms: f64| json!({"method": "http_date", "verdict": "ok", "offset_ms": offset_ms, "error_ms": 70.0, "words": "w"});
    let other = |offset_ms| ntp(offset_ms, 3, "0a000063", "10.0.0.6");
    let far = with(&follower(1.0), &json!({"verdict": "untrusted", "reason": "root_distance"}));
    let free = with(&follower(1.0), &json!({"verdict": "untrusted", "reason": "local_clock"}));
    let late = with(&follower(420_000.0), &json!({"verdict": "unsynchronised", "reason": "leap_3"}));
    let table = [
        (vec![follower(1.0)], "ok", "ok", "same", "proved"),
        (vec![follower(1.0), web(3.0)], "ok", "ok", "unknown", "none"),
        (vec![follower(2_000.0)], "notice", "notice", "same", "proved"),
        (vec![follower(20_000.0)], "warning", "warning", "same", "proved"),
        (vec![follower(90_000.0)], "error", "error", "same", "proved"),
        (vec![follower(100_000.0), follower(-100_000.0)], "critical", "critical", "same", "proved"),
        (vec![other(1.0)], "warning", "ok", "different", "likely"),
        (vec![other(90_000.0)], "error", "error", "different", "likely"),
        (vec![free], "warning", "ok", "free_running", "proved"),
        (vec![far], "warning", "ok", "same", "proved"),
        (vec![late], "critical", "critical", "unsynchronised", "proved"),
        (vec![follower(1.0), silent()], "not_measurable", "not_measurable", "unknown", "none"),
        (vec![follower(90_000.0), silent()], "error", "error", "unknown", "none"),
        (vec![silent()], "not_measurable", "not_measurable", "unknown", "none"),
    ];
    for (results, state, clocks, verdict, confidence) in table {
        let hosts: Vec<Value> = results.iter().enumerate().map(|(n, r)| host(&format!("h{n}"), r)).collect();
        let found = judged(&json!({"hosts": hosts, "source": source()}));
        let seen = (&found["state"], &found["clocks"]["state"], &found["source"]["verdict"]);
        assert_eq!(seen, (&json!(state), &json!(clocks), &json!(verdict)), "{found:#}");
        assert_eq!(found["source"]["confidence"], confidence, "{found:#}");
        assert_eq!(found["state"] == "ok", found["advice"] == "", "{found:#}");
    }
}

#[test]
fn the_words_name_the_effect_and_the_side_to_mend() {
    let hosts = [host("PBX Paris", &follower(100_000.0)), host("gateway", &follower(-100_000.0))];
    let found = judged(&json!({"hosts": hosts, "source": source()}));
    let detail = found["detail"].as_str().unwrap();
    assert!(
        detail
            .starts_with("PBX Paris is 200.0 s ahead of gateway (± 0.004 s): sign-in and tokens are refused")
    );
    let ours = [host("PBX", &follower(90_000.0)), host("gateway", &follower(90_000.0))];
    let found = judged(&json!({"hosts": ours}));
    assert!(found["advice"].as_str().unwrap().starts_with("This appliance's own clock"), "{found:#}");
    let found = judged(&json!({"hosts": ours, "without_us": true}));
    assert_eq!((&found["clocks"]["state"], found["pairs"].as_array().unwrap().len()), (&json!("ok"), 1));
}

#[test]
fn wrong_arguments_are_named() {
    let said = |args: Value| Probes::default().call("ntp.judge", &args).unwrap_err().msg;
    assert!(said(json!({"hosts": [{"name": "a"}]})).contains("list of {name, result}"));
    assert!(said(json!({"hosts": [host("", &silent())]})).contains("list of {name, result}"));
    assert!(said(json!({"source": 1})).contains("source must be a result of ntp.query"));
    assert!(said(json!({"walk": ["10.0.0.0"]})).contains("walk must be a list of IPv4 networks"));
    assert!(said(json!({"walk": ["10.0.0.0/33"]})).contains("walk must be"));
    assert!(said(json!({"host": []})).contains("Did you mean hosts?"));
}

#[test]
fn nothing_to_judge_is_not_measurable() {
    let found = judged(&json!({"hosts": []}));
    assert_eq!((&found["state"], &found["source"]["verdict"]), (&json!("not_measurable"), &json!("unknown")));
}
