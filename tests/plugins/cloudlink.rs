//! The CloudLink plugin through the whole appliance: set up by an administrator, kept over a power cut, honest
//! about what it does not do. Rules of single fields are tested beside the plugin.

use serde_json::{Value, json};

use crate::harness::*;

const SECRET: &str = "hush-7f3a9c-client";

fn setup() -> Value {
    json!({"region": "eu", "account_number": "123456789", "client_id": "jackfield-site-1",
        "redirect_uri": "https://uc.example.com/api/v1/cloudlink:callback", "client_secret": SECRET,
        "proxy": {"host": "proxy.example.com", "port": 3128}, "proxy_exceptions": ["*.example.com"],
        "terms_agreed": true, "integrated_mode": true})
}

#[test]
fn cloudlink_is_set_up_and_stays_so_after_a_power_cut() {
    let mut appliance = Appliance::with_plugins(&["cloudlink"]);
    let admin = appliance.admin();
    let before = admin.get("/cloudlink").expect(200);
    assert_eq!(before.json["state"], "not_configured");
    admin.call("PUT", "/cloudlink").json(&setup()).send().expect(428);
    let done = admin.put("/cloudlink", &before.etag(), &setup()).expect(200);
    assert_eq!((&done.json["state"], &done.json["revision"]), (&json!("not_connected"), &json!(1)));
    admin.put("/cloudlink", &before.etag(), &setup()).problem(412, "change/stale");
    admin.put("/cloudlink/daemon", "*", &json!({"enabled": true, "auto_stop_hours": 3})).expect(200);
    await_plugin(&admin, "cloudlink", "degraded");
    appliance.kill9();
    appliance.resume();
    let admin = appliance.admin();
    let status = await_plugin(&admin, "cloudlink", "degraded");
    assert!(status["reason"].as_str().unwrap().starts_with("configured, not connected"), "{status}");
    let now = admin.get("/cloudlink").expect(200);
    assert_eq!((&now.json, now.etag()), (&done.json, done.etag()));
    assert_eq!(admin.get("/cloudlink/daemon").expect(200).json["auto_stop_hours"], 3);
}

#[test]
fn a_secret_of_cloudlink_is_nowhere_in_clear() {
    let mut appliance = Appliance::with_plugins(&["cloudlink"]);
    let admin = appliance.admin();
    let done = admin.put("/cloudlink", "*", &setup()).expect(200);
    assert_eq!(done.json["secrets"]["client_secret"]["set"], true);
    let mut wrong = setup();
    wrong["client_secret"] = json!([SECRET]);
    let refused = admin.put("/cloudlink", "*", &wrong).problem(422, "request/invalid");
    let refused = refused.blames("/client_secret", "not repeated");
    for answer in [done, refused, admin.get("/cloudlink"), admin.get("/revisions"), admin.get("/doctor")] {
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(SECRET), "{answer}");
    }
    appliance.stop();
    assert!(!appliance.log().contains(SECRET), "it is in the log");
    for (path, bytes) in snapshot(&appliance.state()) {
        let is_there = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!is_there, "{} holds it in clear", path.display());
    }
}

#[test]
fn everybody_reads_operators_switch_chat_and_administrators_set_up() {
    let appliance = Appliance::with_plugins(&["cloudlink"]);
    let viewer = appliance.anonymous().with_token(&appliance.token("looks", "viewer"));
    let operator = appliance.anonymous().with_token(&appliance.token("works", "operator"));
    for path in ["", "/activation", "/chat", "/network-check", "/daemon"] {
        viewer.get(&format!("/cloudlink{path}")).expect(200);
        appliance.anonymous().get(&format!("/cloudlink{path}")).problem(401, "access/sign_in");
    }
    operator.put("/cloudlink", "*", &setup()).problem(403, "access/denied").says("cloudlink:write");
    operator.put("/cloudlink/daemon", "*", &json!({"enabled": true})).problem(403, "access/denied");
    viewer.put("/cloudlink/chat", "*", &json!({"enabled": true})).problem(403, "access/denied");
    let refused = operator.put("/cloudlink/chat", "*", &json!({"enabled": true}));
    refused.problem(409, "change/conflict").says("no account is activated").says("not set up");
    operator.put("/cloudlink/chat", "*", &json!({"enabled": false})).expect(200);
}

#[test]
fn wrong_input_is_answered_field_by_field_and_changes_nothing() {
    let appliance = Appliance::with_plugins(&["cloudlink"]);
    let admin = appliance.admin();
    let body = json!({"region": "mars", "proxy": {"host": "a b", "port": 0}, "proxy_exceptions": ["x", 7],
        "clientid": "x"});
    let refused = admin.put("/cloudlink", "*", &body).problem(422, "request/invalid");
    let refused = refused.blames("/region", "\"mars\" is not").blames("/proxy/host", "\"a b\" is not");
    let refused = refused.blames("/proxy/port", "0 is not").blames("/proxy_exceptions/1", "7 is not");
    refused.blames("/clientid", "known: `region`");
    for body in [json!([]), json!("x"), json!(null)] {
        admin.put("/cloudlink", "*", &body).problem(422, "request/invalid");
    }
    let rehearsed = admin.call("PUT", "/cloudlink?dry_run=1").header("If-Match", "*").json(&setup()).send();
    assert_eq!(rehearsed.expect(200).json["state"], "not_connected");
    assert_eq!(admin.get("/cloudlink").expect(200).json["revision"], 0);
    assert!(admin.get("/revisions?kind=cloudlink").expect(200).items().is_empty());
}

#[test]
fn accounts_of_the_appliance_that_would_fail_activation_are_told_before_any_call() {
    let appliance = Appliance::with_plugins(&["cloudlink"]);
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let account = |login: &str, more: Value| {
        let body = json!({"enterprise": "acme", "login_id": login, "first_name": "An", "last_name": "Ek"});
        admin.post("/accounts", &with(&body, &more)).expect(201).id()
    };
    account("fine", json!({"email": "fine@ex.org"}));
    let bare = account("bare", json!({}));
    let away = account("away", json!({"email": "away@ex.org", "deployed": false}));
    let nameless = account("nameless", json!({"email": "nameless@ex.org", "first_name": ""}));
    let shown = admin.get("/cloudlink/activation").expect(200);
    assert_eq!(
        (&shown.json["accounts"], &shown.json["ready"], &shown.json["would_fail"], &shown.json["successful"]),
        (&json!(4), &json!(1), &json!(2), &json!(0))
    );
    let mut listed = shown.column("account");
    listed.sort();
    let mut wanted = [bare.clone(), away, nameless];
    wanted.sort();
    assert_eq!(listed, wanted);
    let one = admin.get("/cloudlink/activation?reason=missing_email&limit=1").expect(200);
    assert_eq!(one.column("account"), std::slice::from_ref(&bare));
    let finding = &one.items()[0]["findings"][0];
    assert_eq!(finding["failure"], "UCA Error - 400, <Validation Error: Primary Email missing>");
    let etag = admin.get(&format!("/accounts/{bare}")).etag();
    admin.patch(&format!("/accounts/{bare}"), &etag, &json!({"email": "bare@ex.org"})).expect(200);
    assert_eq!(admin.get("/cloudlink/activation").expect(200).json["ready"], 2);
}

#[test]
fn a_change_of_the_set_up_is_put_back_but_for_its_secrets() {
    let appliance = Appliance::with_plugins(&["cloudlink"]);
    let admin = appliance.admin();
    let newest = || admin.get("/revisions?kind=cloudlink&limit=1").expect(200).items()[0].clone();
    let undo = |client: &Client| client.call("POST", &format!("/revisions/{}:undo", newest()["n"])).send();
    admin.put("/cloudlink", "*", &setup()).expect(200);
    let mut other = setup();
    other["region"] = json!("us");
    other["client_secret"] = json!("another");
    let changed = admin.put("/cloudlink", "*", &other).expect(200).json;
    let operator = appliance.anonymous().with_token(&appliance.token("works", "operator"));
    undo(&operator).problem(403, "access/denied");
    undo(&admin).expect(201);
    let back = admin.get("/cloudlink").expect(200).json;
    assert_eq!((&back["region"], &back["secrets"]), (&json!("eu"), &changed["secrets"]));
    let mut renewed = setup();
    renewed["client_secret"] = json!("a third");
    admin.put("/cloudlink", "*", &renewed).expect(200);
    undo(&admin).problem(409, "change/conflict").says("a secret that was replaced is not kept");
}
