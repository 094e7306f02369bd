//! Bodies that are too large, of the wrong type, broken, or odd.

use serde_json::json;

use crate::harness::*;

fn post(client: &Client, body: impl Into<Vec<u8>>) -> Answer {
    client.call("POST", "/enterprises").header("Content-Type", "application/json").bytes(body).send()
}

#[test]
fn what_is_not_json_is_refused_with_the_place() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for (body, words) in [
        ("{\"id\": }", "line 1 column 8"),
        ("{\"id\": \"acme\"", "EOF"),
        ("{} {}", "trailing characters"),
        ("{'id': 1}", "line 1 column 2"),
        ("nonsense", "line 1"),
        ("\u{FEFF}{}", "line 1"),
    ] {
        post(&admin, body).problem(400, "request/malformed_json").says("The body is not JSON").says(words);
    }
    post(&admin, b"{\"id\": \"\xff\xfe\"}".to_vec()).problem(400, "request/malformed_json");
    post(&admin, "").problem(400, "request/malformed_json").says("The body is empty");
}

#[test]
fn no_body_at_all_is_an_empty_body() {
    let appliance = Appliance::start();
    let bare = appliance.admin().call("POST", "/enterprises").send();
    bare.problem(400, "request/malformed_json").says("The body is empty");
}

#[test]
fn a_body_of_another_type_is_not_taken() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let typed = |media: &str| {
        let body = enterprise_body("acme").to_string();
        admin.call("POST", "/enterprises").header("Content-Type", media).bytes(body).send()
    };
    for media in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
        "json",
    ] {
        typed(media).problem(415, "request/wrong_type").says("Send the body as application/json").says(media);
    }
    typed("Application/JSON; charset=utf-8").expect(201);
}

#[test]
fn nesting_without_end_is_refused_and_nothing_crashes() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let pid = appliance.pid();
    let depth = 10_000;
    let nests = [
        "[".repeat(depth) + &"]".repeat(depth),
        "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth),
        "[".repeat(depth),
    ];
    for nest in nests {
        post(&admin, nest).problem(400, "request/malformed_json").says("recursion limit");
    }
    admin.get("/enterprises").expect(200);
    assert_eq!(appliance.pid(), pid);
}

#[test]
fn text_of_any_script_comes_back_as_it_went() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let peer = format!("/peers/{}", site(&admin).peer);
    for text in [
        "\u{0}",
        "a\u{0}b",
        "\u{202E}abc",
        "👩‍👩‍👧‍👦",
        "\u{FFFF}",
        "\u{10FFFF}",
        "e\u{301}",
        "\"\\/\u{8}",
        "\u{7f}\u{80}",
        "\u{2028}",
    ] {
        admin.patch(&peer, "*", &json!({"dialing_prefix": text})).expect(200);
        assert_eq!(admin.get(&peer).expect(200).text("dialing_prefix"), text, "{text:?}");
        let recorded =
            &admin.get("/revisions?limit=1").expect(200).json["items"][0]["after"]["dialing_prefix"];
        assert_eq!(recorded, text, "{text:?}");
    }
}

#[test]
fn half_a_surrogate_pair_is_not_text() {
    let appliance = Appliance::start();
    post(&appliance.admin(), r#"{"id": "\ud800"}"#).problem(400, "request/malformed_json");
}

#[test]
fn numbers_beyond_all_bounds_are_refused() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let node = format!("/pbx-nodes/{}", site(&admin).fr);
    for number in ["1e999", "99999999999999999999", "-1", "0.5", "1e3"] {
        let body = format!("{{\"csta_ports\": [{number}]}}");
        let call =
            admin.call("PATCH", &node).header("If-Match", "*").header("Content-Type", "application/json");
        let answer = call.bytes(body).send();
        assert!([400, 422].contains(&answer.status), "{number}: {answer}");
    }
}

#[test]
fn a_body_beyond_one_mebibyte_is_not_read() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let refused = post(&admin, vec![b' '; 2 * 1024 * 1024]).problem(413, "http/body_too_large");
    refused.says("1048576");
    let mut largest = enterprise_body("acme").to_string().into_bytes();
    largest.resize(1024 * 1024, b' ');
    post(&admin, largest.clone()).expect(201);
    largest.push(b' ');
    post(&admin, largest).problem(413, "http/body_too_large");
}

/// Most HTTP libraries send the whole body before they look at the answer; this one is Python's `requests`.
const SEND_ALL_THEN_READ: &str = "
import requests, sys, urllib3
urllib3.disable_warnings()
for size in (1100000, 2 * 1024 * 1024, 8 * 1024 * 1024):
    answer = requests.post(sys.argv[1], data=b' ' * size, headers={'Authorization': sys.argv[2]}, verify=False)
    assert answer.status_code == 413, answer.status_code
";

#[test]
fn who_sends_all_before_reading_still_learns_that_it_was_too_much() {
    let appliance = Appliance::start();
    let url = format!("https://{}/api/v1/enterprises", appliance.address());
    let authorization = format!("Bearer {}", appliance.token("sender", "admin"));
    run_tool("python", &["-c", SEND_ALL_THEN_READ, &url, &authorization], appliance.folder());
}

#[test]
fn of_a_field_that_is_given_twice_nothing_is_made_in_secret() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let twice = r#"{"id": "first", "id": "second", "description": "d", "domain": "a.example.com"}"#;
    let answer = post(&admin, twice);
    let kept = admin.get("/enterprises").expect(200).column("id");
    match answer.status {
        201 => assert_eq!(kept, [answer.id()], "the answer shows what was taken"),
        _ => assert_eq!((answer.status, kept.len()), (400, 0), "{answer}"),
    }
}
