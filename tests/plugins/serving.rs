//! What a plugin serves is part of the API: the same rights, limits, problems and conditions as core's own.

use std::time::Duration;

use serde_json::{Value, json};

use super::{OTHERS, mirror, order, undisturbed};
use crate::harness::*;

#[test]
fn a_plugin_answers_whoever_has_the_right() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let viewer = appliance.anonymous().with_token(&appliance.token("looks", "viewer"));
    let operator = appliance.anonymous().with_token(&appliance.token("works", "operator"));
    let said = viewer.get("/echo").expect(200);
    assert_eq!(said.json, json!({"greeting": "Hello", "method": "GET", "who": "token looks"}));
    viewer.post("/echo", &json!({"a": 1})).problem(403, "access/denied").says("echo:write");
    assert_eq!(operator.post("/echo", &json!({"a": [1, null]})).expect(200).json, json!({"a": [1, null]}));
    for call in [appliance.anonymous().get("/echo"), appliance.anonymous().post("/echo", &json!(1))] {
        call.problem(401, "access/sign_in");
    }
}

#[test]
fn a_write_by_cookie_needs_the_csrf_value_for_plugins_too() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let password = "correct horse battery";
    let args = ["admin", "create", "alice", "--role", "admin", "--password-stdin"];
    assert_eq!(appliance.cli(&args, password).code, 0);
    let (session, csrf) = appliance.anonymous().sign_in("alice", password);
    assert_eq!(session.get("/echo").expect(200).json["who"], "admin alice");
    session.post("/echo", &json!({})).problem(403, "access/csrf");
    session.with_header("X-CSRF-Token", &csrf).post("/echo", &json!({})).expect(200);
}

#[test]
fn bodies_are_judged_before_a_plugin_sees_them() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let typed = |body: Vec<u8>| {
        admin.call("POST", "/echo").header("Content-Type", "application/json").bytes(body).send()
    };
    typed(b"{\"a\":".to_vec()).problem(400, "request/malformed_json").says("not JSON");
    typed(Vec::new()).problem(400, "request/malformed_json").says("empty");
    typed(b"\"\xff\"".to_vec()).problem(400, "request/malformed_json");
    let plain = admin.call("POST", "/echo").header("Content-Type", "text/plain").bytes("{}").send();
    plain.problem(415, "request/wrong_type").says("text/plain");
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2)).into_bytes();
    typed(text(1024 * 1024 + 1)).expect(413);
    let large = typed(text(900 * 1024)).expect(200);
    assert_eq!(large.bytes.len(), 900 * 1024);
    let status = plugin(&admin, "echo");
    assert_eq!((&status["state"], &status["misbehaviour"]), (&json!("up"), &json!(0)), "{status:#}");
}

#[test]
fn the_largest_body_that_is_let_in_is_answered_or_refused_in_words() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let before = plugin(&admin, "echo");
    // Quotes grow when they are written as JSON again; a whole mebibyte leaves no room for the envelope.
    for body in [format!("\"{}\"", "x".repeat(1024 * 1024 - 2)), format!("\"{}\"", "\\\"".repeat(500 * 1024))]
    {
        let answer =
            admin.call("POST", "/echo").header("Content-Type", "application/json").bytes(body).send();
        assert!([200, 413, 422, 502, 503].contains(&answer.status), "{}", answer.status);
        assert!(answer.status == 200 || answer.json["detail"].as_str().is_some_and(|d| d.len() > 20));
    }
    assert_eq!(plugin(&admin, "echo")["pid"], before["pid"]);
    admin.get("/echo").expect(200);
}

#[test]
fn what_a_plugin_does_not_serve_is_core_s_refusal() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    for path in ["/echo/deeper", "/echo:test", "/echo/../admins"] {
        admin.get(path).problem(404, "request/not_found");
    }
    let refused = admin.call("DELETE", "/echo").send().problem(405, "request/method");
    assert!(refused.header("allow").is_some_and(|allow| allow.contains("GET") && allow.contains("POST")));
    admin.get("/echoes").problem(404, "request/not_found");
    admin.get("/plugins/nobody").problem(404, "request/not_found").says("nobody");
    order(&admin, "nobody", "restart").problem(404, "request/not_found");
}

#[test]
fn a_plugin_that_is_not_installed_is_named() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    for path in ["/federation", "/federation/servers", "/cloudlink", "/teams/users", "/peering/invitations"] {
        let area = path.split('/').nth(1).unwrap();
        admin.get(path).problem(503, "plugins/unavailable").says(area).says("not installed");
    }
}

#[test]
fn what_core_checked_is_handed_over_whole() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let asked = |answer: Answer| answer.expect(200).json["asked"].clone();
    let seen = asked(admin.post("/mirror?dry_run=1", &json!({"deep": {"a": "\"}{"}})));
    assert_eq!((&seen["dry_run"], &seen["body"]), (&json!(true), &json!({"deep": {"a": "\"}{"}})), "{seen}");
    let seen = asked(admin.get("/mirror?q=a%20b&x="));
    assert_eq!(
        (&seen["query"]["q"], &seen["query"]["x"], &seen["dry_run"]),
        (&json!("a b"), &json!(""), &json!(false))
    );
    assert_eq!(
        (&seen["who"], &seen["if_match"], &seen["body"]),
        (&json!("token suite"), &Value::Null, &Value::Null)
    );
    let seen = asked(admin.put("/mirror/a%2Fb%20%C3%A9", "\"41\"", &json!({})));
    assert_eq!((&seen["params"]["name"], &seen["if_match"]), (&json!("a/b é"), &json!("41")), "{seen}");
    assert_eq!(asked(admin.put("/mirror/x", "*", &json!({})))["if_match"], "*");
    assert_eq!(admin.get("/mirror").etag(), "\"7\"");
}

#[test]
fn a_route_with_a_condition_needs_one() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    admin.call("PUT", "/mirror/x").json(&json!({})).send().expect(428);
    admin.put("/mirror/x", "\"7\"", &json!({})).expect(200);
}

#[test]
fn a_rehearsal_that_a_route_does_not_know_is_refused_and_never_done_for_real() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    let refused = admin.call("POST", "/echo?dry_run=1").json(&json!({})).send();
    refused.problem(400, "request/query").says("dry_run");
    admin.put("/mirror/x?dry_run=1", "*", &json!({})).problem(400, "request/query").says("dry_run");
}

#[test]
fn a_plugin_s_page_says_how_it_does_and_what_holds_it() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    appliance.await_up(&["scripts", "workbench"]);
    let viewer = appliance.anonymous().with_token(&appliance.token("looks", "viewer"));
    let list = viewer.get("/plugins").expect(200);
    assert_eq!(list.column("id"), ["echo", "faulty", "scripts", "workbench"]);
    for status in list.items() {
        let is_builtin = status["id"] == "scripts" || status["id"] == "workbench";
        // The appliance's own units have its version, and nobody had to sign them.
        let (version, signed_by) = match is_builtin {
            true => (json!(env!("CARGO_PKG_VERSION")), Value::Null),
            false => (json!("1.0.0"), json!("site.pub")),
        };
        assert_eq!(status["builtin"], is_builtin);
        assert_eq!(
            (&status["state"], &status["version"], &status["reason"]),
            (&json!("up"), &version, &json!(""))
        );
        assert_eq!(
            (&status["signed_by"], &status["restarts"], &status["last_end"]),
            (&signed_by, &json!(0), &json!(""))
        );
        assert!(status["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{status:#}");
        let pid = status["pid"].as_u64().expect("a process");
        let measures = status["confinement"].as_array().expect("measures");
        let names: Vec<_> = measures.iter().map(|m| m["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["limits", "privileges", "files", "calls"]);
        assert!(measures.iter().all(|m| m["is_enforced"] == true), "{status:#}");
        let process = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(process.contains("NoNewPrivs:\t1") && process.contains("Seccomp:\t2"), "{process}");
    }
    let one = viewer.get("/plugins/echo").expect(200);
    assert_eq!(one.json["id"], "echo");
    appliance.anonymous().get("/plugins").problem(401, "access/sign_in");
    for command in ["restart", "replace", "disable", "enable", "clear-quarantine"] {
        order(&viewer, "echo", command).problem(403, "access/denied").says("plugins:write");
    }
    let shown = appliance.cli(&["plugin", "list"], "").stdout;
    assert!(shown.starts_with("PLUGIN ") && shown.contains("echo ") && shown.contains(" up "), "{shown}");
}

#[test]
fn the_doctor_looks_at_plugins() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    appliance.await_up(&["scripts", "workbench"]);
    let admin = appliance.admin();
    let found = || {
        let page = admin.get("/doctor").expect(200);
        page.items().iter().find(|item| item["name"] == "plugins").cloned().expect("the check")
    };
    let fine = found();
    assert_eq!((&fine["state"], &fine["detail"]), (&json!("ok"), &json!("2 of 2 serve")), "{fine}");
    order(&admin, "faulty", "disable").expect(200);
    assert_eq!(found()["detail"], "1 of 2 serve");
    let so = appliance.plugin_folder("faulty").join("plugin.toml.sig");
    std::fs::remove_file(so).unwrap();
    order(&admin, "faulty", "enable").expect(409);
    let amiss = found();
    assert_eq!(amiss["state"], "warning", "{amiss}");
    assert!(amiss["detail"].as_str().is_some_and(|d| d.contains("faulty: there is no signature")), "{amiss}");
    assert!(amiss["advice"].as_str().is_some_and(|advice| advice.contains("plugin list")), "{amiss}");
}

#[test]
fn figures_are_told_while_a_plugin_hangs() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    let names = || -> Vec<String> {
        let page = admin.root("GET", "/metrics").send().expect(200);
        let text = String::from_utf8_lossy(&page.bytes).into_owned();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split([' ', '{']).next().unwrap_or_default().to_owned()).collect()
    };
    // Checks are among the figures once their scripts are loaded.
    appliance.await_up(&["scripts", "workbench"]);
    let is_whole = || names().iter().any(|name| name == "jackfield_check_state").then_some(());
    assert!(awaited(Duration::from_secs(20), is_whole).is_some(), "no check came up");
    let mut before = names();
    let halted = plugin(&admin, "faulty");
    signal(&halted, rustix::process::Signal::STOP);
    let mut meanwhile = undisturbed(&admin, OTHERS, names);
    [&mut before, &mut meanwhile].iter_mut().for_each(|all| all.dedup());
    assert_eq!(before, meanwhile);
    admin.root("GET", "/readyz").send().expect(200);
    signal(&halted, rustix::process::Signal::CONT);
}

#[test]
fn a_refused_plugin_s_reason_is_only_for_those_who_are_signed_in() {
    let mut appliance = Appliance::laid_out_with(&["echo"], |config| config);
    std::fs::remove_file(appliance.plugin_folder("echo").join("plugin.toml.sig")).unwrap();
    appliance.resume();
    let admin = appliance.admin();
    await_plugin(&admin, "echo", "refused");
    admin.get("/echo").problem(503, "plugins/unavailable").says("there is no signature");
    appliance.anonymous().get("/echo").problem(401, "access/sign_in");
}

#[test]
fn a_token_can_be_narrowed_to_rights_that_plugins_bring() {
    let appliance = Appliance::with_plugins(&["echo", "federation"]);
    let admin = appliance.admin();
    let token = |name: &str, scopes: Value| {
        admin.post("/tokens", &json!({"name": name, "role": "operator", "scopes": scopes}))
    };
    let narrow = token("narrow", json!(["federation:read"])).expect(201).text("token");
    let narrow = appliance.anonymous().with_token(&narrow);
    narrow.get("/federation").expect(200);
    narrow.get("/echo").problem(403, "access/denied").says("narrowed to other rights");
    narrow.put("/federation", "*", &json!({"enabled": true, "open": false})).problem(403, "access/denied");
    assert_eq!(narrow.get("/session").expect(200).json["rights"], json!(["federation:read"]));
    token("typo", json!(["federation:raed"]))
        .problem(422, "request/invalid")
        .blames("/scopes/0", "did you mean \"federation:read\"?");
    let made =
        appliance.cli(&["token", "create", "--name", "cli", "--role", "viewer", "--scope", "echo:read"], "");
    assert_eq!(made.code, 0, "{}", made.stderr);
}
