//! Checks over API and command line, and probes that are asked wrongly.

use serde_json::{Value, json};

use super::probe;
use crate::harness::*;

#[test]
fn an_appliance_without_scripts_has_no_checks() {
    let mut appliance = Appliance::start();
    let client = appliance.admin();
    for name in client.get("/hooks").expect(200).column("name") {
        client.delete(&format!("/hooks/{name}"), "*").expect(204);
    }
    assert!(client.get("/checks").expect(200).items().is_empty());
    client.get("/checks/clocks.skew").problem(404, "request/not_found").says("no check \"clocks.skew\"");
    client.call("POST", "/checks/clocks.skew:run").send().problem(404, "request/not_found");
    for args in [&["checks", "list"][..], &["checks", "list", "--json"]] {
        assert_eq!(appliance.cli(args, "").code, 0, "{args:?}");
    }
    let shown = appliance.cli(&["checks", "run", "clocks.skew"], "");
    assert_eq!(shown.code, 1);
    assert!(shown.stderr.contains("no check \"clocks.skew\""), "{}", shown.stderr);
    appliance.stop();
    assert_eq!(appliance.cli(&["checks", "list"], "").stdout.trim(), "No script brings a check.");
    let stopped = appliance.cli(&["checks", "run", "clocks.skew"], "");
    assert!(stopped.code == 1 && stopped.stderr.contains("Start it, then try again"), "{}", stopped.stderr);
}

#[test]
fn a_probe_that_is_asked_wrongly_is_refused_with_what_it_takes() {
    let appliance = Appliance::start();
    let client = appliance.admin();
    let table: &[(&str, Value, &str)] = &[
        ("ntp.query", json!({}), "ntp.query: address is missing; it must be a host name or an IP address"),
        ("ntp.query", json!([]), "ntp.query takes a table of arguments, not a list"),
        ("ntp.query", json!({"adress": "x"}), "has no argument \"adress\"; it takes address, port"),
        ("ntp.query", json!({"address": "a b"}), "\"a b\" is not"),
        (
            "ntp.query",
            json!({"address": "x", "port": 0}),
            "port must be a whole number from 1 to 65535; 0 is not",
        ),
        ("ntp.query", json!({"address": "x", "samples": 9}), "samples must be a whole number from 1 to 8"),
        (
            "ntp.query",
            json!({"address": "x", "timeout_ms": 60_000}),
            "timeout_ms must be a whole number from 50 to",
        ),
        ("ntp.query", json!({"address": "224.0.0.1"}), "224.0.0.1 is not the address of one host"),
        ("ntp.query", json!({"address": "0.0.0.0"}), "0.0.0.0 is not the address of one host"),
        ("tcp.probe", json!({"address": "x"}), "tcp.probe: port is missing"),
        ("tcp.probe", json!({"address": "255.255.255.255", "port": 3211}), "not the address of one host"),
        ("tcp.probe", json!({"address": "x", "port": 3211, "tls": 1}), "tls must be true or false; 1 is not"),
        ("dns.lookup", json!({"name": "x", "kind": "mx"}), "kind must be \"a\", \"aaaa\" or \"any\""),
        ("http.date", json!({"url": "ftp://x"}), "\"ftp\" is neither"),
        ("csta.judge", json!({"declared": [70_000]}), "declared must be a list of ports"),
        ("ntp.judge", json!({"walk": ["everywhere"]}), "walk must be a list of IPv4 networks"),
    ];
    for (op, args, words) in table {
        let answer = client.post("/checks:probe", &json!({"op": op, "args": args}));
        answer.problem(422, "request/invalid").blames("/args", words);
    }
    let unknown = client.post("/checks:probe", &json!({"op": "ntp.set", "args": {}}));
    unknown.problem(422, "request/invalid").blames("/op", "must be one of ntp.query");
}

#[test]
fn a_name_without_an_address_is_a_result_with_the_reason() {
    let appliance = Appliance::start();
    let client = appliance.admin();
    let own = probe(&client, "dns.lookup", &json!({"name": "localhost", "kind": "a"}));
    assert_eq!((&own["verdict"], &own["addresses"]), (&json!("ok"), &json!(["127.0.0.1"])), "{own:#}");
    for (op, args) in [
        ("dns.lookup", json!({"name": "nobody.invalid", "timeout_ms": 5000})),
        ("ntp.query", json!({"address": "nobody.invalid", "timeout_ms": 5000})),
        ("tcp.probe", json!({"address": "nobody.invalid", "port": 3211, "timeout_ms": 3000})),
        ("http.date", json!({"url": "http://nobody.invalid/", "timeout_ms": 5000})),
    ] {
        let result = probe(&client, op, &args);
        assert_eq!(result["verdict"], "no_address", "{op}: {result:#}");
        let reason = result["reason"].as_str().unwrap();
        assert!(["no_such_name", "name_server_failed", "name_timeout"].contains(&reason), "{op}: {result:#}");
    }
}
