//! The API's description: valid, the same as the golden file, and true, which is tried on every route and
//! then by schemathesis with what nobody would think of.

use serde_json::{Value, json};

use crate::harness::*;

/// What success looks like is tried with these requests, in this order: method, path, body.
fn tour(site: &Site) -> Vec<(&'static str, String, Option<Value>)> {
    let node = format!("/pbx-nodes/{}", site.us);
    let peer = format!("/peers/{}", site.peer);
    let preview =
        |to: Value| ("POST", "/dialing/preview".to_owned(), Some(json!({"node": site.fr, "to": to})));
    let get = |path: &str| ("GET", path.to_owned(), None);
    let put = |path: &str, body: Value| ("PUT", path.to_owned(), Some(body));
    let patch = |path: &str, body: Value| ("PATCH", path.to_owned(), Some(body));
    let delete = |path: &str| ("DELETE", path.to_owned(), None);
    vec![
        get("/claim"),
        get("/session"),
        get("/enterprises"),
        get("/enterprises/acme"),
        patch("/enterprises/acme", json!({"description": "Other"})),
        put("/enterprises/acme", json!({"id": "acme", "description": "d", "domain": "acme.example.com"})),
        get("/pbx-nodes?limit=1"),
        get(&node),
        patch(&node, json!({"csta_ports": [8882]})),
        put(&node, json!({"name": "Boston", "kind": "mx_one", "address": "127.0.0.1", "trunk_prefix": "1"})),
        get("/messages"),
        post_presence(),
        get("/peers"),
        get(&peer),
        preview(json!("+33 1 42 76 49 78")),
        preview(json!({"peer": site.peer, "number": "4001"})),
        patch(&peer, json!({"dialing_prefix": "--0"})),
        preview(json!({"peer": site.peer, "number": "ext. 4001"})),
        put(&peer, json!({"description": "Lyon"})),
        delete(&peer),
        get("/revisions"),
        get("/revisions/1"),
        get("/settings"),
        put("/settings/site.name", json!({"value": "Paris"})),
        get("/settings/site.name"),
        delete("/settings/site.name"),
        get("/doctor"),
        get("/checks"),
        ("POST", "/checks:probe".to_owned(), Some(json!({"op": "csta.judge", "args": {"declared": [3212]}}))),
        get("/openapi.json"),
        delete("/session"),
    ]
}

/// Routes that the tour cannot take in this order, taken by hand.
fn detours(appliance: &Appliance, admin: &Client, site: &Site) -> Vec<Answer> {
    let claim = json!({"code": appliance.claim_code(), "name": "alice", "password": crate::access::PASSWORD});
    let mut answers = vec![appliance.anonymous().post("/claim", &claim)];
    let session = json!({"name": "alice", "password": crate::access::PASSWORD});
    answers.push(appliance.anonymous().post("/session", &session));
    answers.push(admin.post("/enterprises", &enterprise_body("beta")));
    answers.push(admin.delete("/enterprises/beta", "*"));
    for (kind, body, patch) in [
        ("pbx-nodes", node("acme", "Third", &json!({})), json!({"country": "FR"})),
        ("accounts", account("acme", "jo", &json!({"email": "jo@example.com"})), json!({"deployed": false})),
        ("accounts", account("acme", "ann", &json!({})), json!({"first_name": "Ann"})),
        ("profiles", json!({"name": "Sales"}), json!({"auto_start": true})),
        (
            "trusted-servers",
            json!({"enterprise": "acme", "description": "IM", "address": "im.example.com", "type": "im"}),
            json!({"type": "presence"}),
        ),
        (
            "schedules",
            json!({"name": "Forget", "plugin": "core", "job": "revisions.sweep", "every_days": 7, "hour": 3, "minute": 0,
                   "half": "AM"}),
            json!({"enabled": false}),
        ),
        ("peers", json!({"enterprise": "acme", "description": "Nice"}), json!({"dialing_prefix": "7"})),
        (
            "admins",
            json!({"name": "bob", "role": "viewer", "password": crate::access::PASSWORD}),
            json!({"role": "operator"}),
        ),
        (
            "tokens",
            json!({"name": "job", "role": "viewer", "expires_at": "2199-01-01T00:00:00Z"}),
            Value::Null,
        ),
    ] {
        let made = admin.post(&format!("/{kind}"), &body);
        let path = format!("/{kind}/{}", made.id());
        answers.extend([made, admin.get(&format!("/{kind}")), admin.get(&path)]);
        if patch != Value::Null {
            answers.push(admin.patch(&path, "*", &patch));
            answers.push(admin.put(&path, "*", &admin.get(&path).json));
        }
        if kind == "accounts" {
            answers.extend(of_presence(admin, &path));
            let password = json!({"password": crate::access::PASSWORD});
            answers.push(admin.put(&format!("{path}/password"), "*", &password));
            answers.push(admin.delete(&format!("{path}/password"), "*"));
            let photo = || admin.call("PUT", &format!("{path}/photo")).header("If-Match", "*");
            answers.push(photo().header("Content-Type", "image/png").bytes(png()).send());
            answers.push(admin.get(&format!("{path}/photo")));
            answers.push(admin.delete(&format!("{path}/photo"), "*"));
        }
        answers.push(admin.delete(&path, "*"));
    }
    let newest = admin.get("/revisions?limit=1&kind=peers").json["items"][0]["n"].clone();
    answers.push(admin.call("POST", &format!("/revisions/{newest}:undo")).send());
    answers.extend(in_bulk(admin));
    answers.extend(of_plugins(admin));
    answers.extend(of_hooks(admin, site));
    answers.extend(of_checks(admin));
    answers.extend(["/livez", "/readyz", "/metrics"].map(|path| admin.root("GET", path).send()));
    answers
}

fn of_hooks(admin: &Client, site: &Site) -> Vec<Answer> {
    let source = |digit: &str| {
        let text = format!("hook(\"dial.rewrite\", function(call) return {{ number = \"{digit}\" }} end)");
        json!({"source": text, "note": "tour"})
    };
    let verb = |verb: &str| admin.call("POST", &format!("/hooks/tour:{verb}")).header("If-Match", "*");
    let mut answers = vec![admin.call("PUT", "/hooks/tour").json(&source("1")).send()];
    answers.push(verb("publish").send());
    answers.push(admin.put("/hooks/tour", "*", &source("2")));
    answers.push(verb("publish").json(&json!({"version": 2})).send());
    answers.push(verb("rollback").send());
    let paths = ["/hooks", "/hooks:catalog", "/hooks/tour", "/hooks/tour/versions", "/hooks/tour/versions/1"];
    answers.extend(paths.map(|path| admin.get(path)));
    let trial = json!({"node": site.fr, "to": "4001"});
    answers.push(admin.post("/hooks/tour:dry-run", &trial));
    answers.push(admin.delete("/hooks/tour", "*"));
    // A check that came with the appliance.
    answers.push(admin.call("POST", "/checks/csta_ports.ports:run").send());
    answers.push(admin.get("/checks/csta_ports.ports"));
    answers
}

fn of_checks(admin: &Client) -> Vec<Answer> {
    let source = r#"check("still", { every = "1h" }, function() return ok("all is still") end)"#;
    admin.call("PUT", "/hooks/watch").json(&json!({"source": source})).send().expect(200);
    admin.call("POST", "/hooks/watch:publish").header("If-Match", "*").send().expect(200);
    let run = || Some(admin.call("POST", "/checks/watch.still:run").send()).filter(|run| run.status == 200);
    let run = awaited(std::time::Duration::from_secs(20), run).expect("the check can be run");
    vec![run, admin.get("/checks/watch.still?limit=1")]
}

fn in_bulk(admin: &Client) -> Vec<Answer> {
    let list = "login_id,last_name,email,folder\nolga,Roe,olga@example.com,Sales\nwrong,,,\n";
    let job = crate::import::send(admin, "enterprise=acme&mode=keep_good", list);
    let ended = crate::import::ended(admin, &job.id());
    let parts = format!("/revisions/{}/parts", ended["result"]["revision"]);
    let mut answers = vec![job, admin.get("/jobs"), admin.get(&parts), admin.get("/accounts?q=olga")];
    answers.extend(
        ["/directory?q=olg", "/directory/folders?enterprise=acme", "/accounts/export"]
            .map(|path| admin.get(path)),
    );
    answers.push(admin.post("/accounts:import-users", &json!({"enterprise": "acme"})));
    answers
}

fn post_presence() -> (&'static str, String, Option<Value>) {
    let changes = json!([{"account": "nobody", "state": "busy"}]);
    ("POST", "/presence:publish".to_owned(), Some(json!({"source": "xmpp", "changes": changes})))
}

fn of_presence(admin: &Client, account: &str) -> Vec<Answer> {
    let by_hand = format!("{account}/presence/manual");
    vec![
        admin.get(&format!("{account}/presence")),
        admin.call("PUT", &by_hand).json(&json!({"state": "away", "note": "Lunch", "expires_in": 60})).send(),
        admin.get(&format!("{account}/presence?without=xmpp")),
        admin.get(&format!("{account}/messages")),
        admin.call("DELETE", &by_hand).send(),
    ]
}

fn of_plugins(admin: &Client) -> Vec<Answer> {
    let mut answers = vec![admin.get("/plugins"), admin.get("/plugins/echo"), admin.get("/echo")];
    answers.push(admin.post("/echo", &json!({"a": 1})));
    let job = admin.post("/jobs", &json!({"plugin": "echo", "name": "count", "input": {"to": 3}}));
    let path = format!("/jobs/{}", job.id());
    answers.extend([job, admin.get("/jobs"), admin.get(&path)]);
    answers.push(admin.call("POST", &format!("{path}:cancel")).send());
    for command in ["restart", "replace", "disable", "enable", "clear-quarantine"] {
        answers.push(admin.call("POST", &format!("/plugins/echo:{command}")).send());
    }
    answers
}

fn record(answer: &Answer) -> Value {
    let (method, path) = answer.what.split_once(' ').expect("method and path");
    json!({"method": method, "path": path, "status": answer.status, "type": answer.header("content-type"), "body": answer.json})
}

#[test]
fn every_route_answers_as_it_is_described() {
    let appliance = Appliance::with_plugins(&["echo"]);
    appliance.await_up(&["scripts", "workbench"]);
    let admin = appliance.admin();
    let site = site(&admin);
    let mut answers = detours(&appliance, &admin, &site);
    for (method, path, body) in tour(&site) {
        let call = admin.call(method, &path).header("If-Match", "*");
        answers.push(if let Some(body) = body { call.json(&body).send() } else { call.send() });
    }
    for answer in &answers {
        assert!((200..300).contains(&answer.status), "{answer}");
    }
    let described = admin.get("/openapi.json").expect(200);
    std::fs::write(appliance.folder().join("openapi.json"), &described.bytes).unwrap();
    let records: Vec<_> = answers.iter().map(record).collect();
    std::fs::write(appliance.folder().join("answers.json"), json!(records).to_string()).unwrap();
    let script = workspace().join("tests/api/check_answers.py");
    run_tool("python", &[script.to_str().unwrap(), "openapi.json", "answers.json"], appliance.folder());
}

#[test]
fn the_description_is_valid_openapi_3_1() {
    let appliance = Appliance::start();
    let described = appliance.anonymous().get("/openapi.json").expect(200);
    assert_eq!(described.json["openapi"], "3.1.0");
    std::fs::write(appliance.folder().join("openapi.json"), &described.bytes).unwrap();
    run_tool("openapi-spec-validator", &["--schema", "3.1", "openapi.json"], appliance.folder());
}

#[test]
fn the_description_is_the_one_that_was_agreed_on() {
    let appliance = Appliance::start();
    let served = appliance.anonymous().get("/openapi.json").expect(200).json;
    let shown = serde_json::to_string_pretty(&served).unwrap() + "\n";
    let golden = workspace().join("tests/golden/openapi.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &shown).unwrap();
    }
    let agreed = std::fs::read_to_string(&golden).unwrap_or_default();
    let differing = agreed.lines().zip(shown.lines()).enumerate().find(|(_, (a, b))| a != b);
    assert!(
        agreed == shown,
        "the API changed, first at {differing:?}: look at it, then UPDATE_GOLDEN=1 writes the golden file anew"
    );
}

#[test]
fn operation_ids_are_unique() {
    let appliance = Appliance::start();
    let described = appliance.anonymous().get("/openapi.json").expect(200).json;
    let operations =
        described["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let mut ids: Vec<_> =
        operations.map(|operation| operation["operationId"].as_str().expect("an id")).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn schemathesis_finds_nothing() {
    let appliance = Appliance::start();
    let url = format!("https://{}/api/v1/openapi.json", appliance.address());
    let authorization = format!("Authorization: Bearer {}", appliance.token("schemathesis", "admin"));
    let config = workspace().join("tests/api/schemathesis.toml");
    let args =
        ["--config-file", config.to_str().unwrap(), "run", &url, "--header", &authorization, "--no-color"];
    run_tool("schemathesis", &args, appliance.folder());
    appliance.admin().get("/session").expect(200);
}
