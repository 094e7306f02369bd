//! The Teams plugin through the whole appliance: set up by an administrator, kept over a power cut, honest about
//! what it does not do. Rules of single fields are tested beside the plugin.

use serde_json::{Value, json};

use crate::harness::*;

const SECRET: &str = "hush-41d09e-teams";
const OBJECT: &str = "11111111-2222-4333-8444-555555555555";

/// Far enough away for any clock.
fn setup(direction: &str) -> Value {
    json!({"name": "Contoso", "tenant_id": "contoso.onmicrosoft.com",
        "client_id": "0b1c2d3e-4f50-4617-8a2b-3c4d5e6f7081", "direction": direction,
        "redirect_uri": "https://uc.example.com/api/v1/teams:callback",
        "client_secret": SECRET, "client_secret_expires": "9000-01-31",
        "contract": {"tier": "premium", "active_until": "9000-12-31"},
        "administrators": {"microsoft_365_global": true, "cloudlink_account": true}})
}

fn account(admin: &Client, login: &str) -> String {
    let body = json!({"enterprise": "acme", "login_id": login, "first_name": "An", "last_name": "Ek",
        "email": format!("{login}@ex.org")});
    admin.post("/accounts", &body).expect(201).id()
}

fn finding(admin: &Client, name: &str) -> Value {
    let page = admin.get("/doctor").expect(200);
    let found = page.items().iter().filter(|item| item["name"].as_str().unwrap().ends_with(name));
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), 1, "findings {name}: {page}");
    found[0].clone()
}

#[test]
fn teams_is_set_up_and_stays_so_after_a_power_cut() {
    let mut appliance = Appliance::with_plugins(&["teams"]);
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let id = account(&admin, "ann");
    admin.patch(&format!("/accounts/{id}"), "*", &json!({"teams_status": true})).expect(200);
    let user = format!("/teams/users/{id}");
    let before = admin.get("/teams").expect(200);
    assert_eq!(before.json["state"], "off");
    let done = admin.put("/teams", &before.etag(), &setup("bi_directional")).expect(200);
    assert_eq!(done.json["state"], "not_connected", "{done}");
    admin.put("/teams", &before.etag(), &setup("off")).problem(412, "change/stale");
    let on = admin.put(&user, "*", &json!({"object_id": OBJECT})).expect(200);
    assert_eq!(on.json["state"], "not_read_yet");
    await_plugin(&admin, "teams", "degraded");
    appliance.kill9();
    appliance.resume();
    let admin = appliance.admin();
    let status = await_plugin(&admin, "teams", "degraded");
    assert!(status["reason"].as_str().unwrap().contains("does not talk to Microsoft Graph"), "{status}");
    let now = admin.get("/teams").expect(200);
    assert_eq!((&now.json, now.etag()), (&done.json, done.etag()));
    assert_eq!(admin.get(&user).expect(200).json, on.json);
    assert_eq!(finding(&admin, "teams.connection")["state"], "warning");
    assert_eq!(finding(&admin, "teams.tokens")["state"], "ok");
}

#[test]
fn a_secret_of_teams_is_nowhere_in_clear() {
    let mut appliance = Appliance::with_plugins(&["teams"]);
    let admin = appliance.admin();
    let done = admin.put("/teams", "*", &setup("uni_directional")).expect(200);
    for path in ["/teams", "/teams/tokens", "/teams/consent", "/revisions", "/doctor"] {
        let answer = admin.get(path).expect(200);
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(SECRET), "{answer}");
    }
    assert_eq!(done.json["secrets"]["client_secret"]["set"], true);
    appliance.stop();
    assert!(!appliance.log().contains(SECRET), "it is in the log");
    for (path, bytes) in snapshot(&appliance.state()) {
        let is_there = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!is_there, "{} holds it in clear", path.display());
    }
}

#[test]
fn bi_directional_presence_is_refused_without_an_active_contract() {
    let appliance = Appliance::with_plugins(&["teams"]);
    let admin = appliance.admin();
    for contract in [
        json!({"tier": "none"}),
        json!({"tier": "standard", "active_until": "9000-12-31"}),
        json!({"tier": "advantage", "active_until": "2020-12-31"}),
    ] {
        let body = with(&setup("bi_directional"), &json!({ "contract": contract }));
        let refused = admin.put("/teams", "*", &body).problem(422, "request/invalid");
        refused.blames("/contract", "an active SWA contract of tier advantage or premium");
    }
    let shown = admin.get("/teams/preconditions").expect(200);
    let contract = shown.items().iter().find(|item| item["name"] == "contract").expect("the contract");
    assert_eq!(
        (&contract["state"], &shown.json["bi_directional_allowed"]),
        (&json!("not_ok"), &json!(false))
    );
    assert_eq!(admin.get("/teams").expect(200).json["revision"], 0);
}

#[test]
fn wrong_input_is_answered_field_by_field_and_changes_nothing() {
    let appliance = Appliance::with_plugins(&["teams"]);
    let admin = appliance.admin();
    let body = json!({"tenant_id": "contoso", "client_id": 7, "contract": {"tier": "gold", "until": 1},
        "certificate": "hello", "direction": "both"});
    let refused = admin.put("/teams", "*", &body).problem(422, "request/invalid");
    let refused = refused.blames("/tenant_id", "\"contoso\" is not").blames("/client_id", "7 is not");
    let refused =
        refused.blames("/contract/tier", "\"gold\" is not").blames("/contract/until", "known: `tier`");
    refused.blames("/certificate", "it is neither").blames("/direction", "\"both\" is not");
    let rehearsed = admin.call("PUT", "/teams?dry_run=1").header("If-Match", "*");
    assert_eq!(rehearsed.json(&setup("bi_directional")).send().expect(200).json["state"], "not_connected");
    assert_eq!(admin.get("/teams").expect(200).json["revision"], 0);
    admin.put("/teams/users/nobody", "*", &json!({})).problem(404, "request/not_found");
}

#[test]
fn operators_say_who_accounts_are_and_administrators_set_up() {
    let appliance = Appliance::with_plugins(&["teams"]);
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let (ann, bob) = (account(&admin, "ann"), account(&admin, "bob"));
    let viewer = appliance.anonymous().with_token(&appliance.token("looks", "viewer"));
    let operator = appliance.anonymous().with_token(&appliance.token("works", "operator"));
    for path in ["", "/tokens", "/preconditions", "/users"] {
        viewer.get(&format!("/teams{path}")).expect(200);
    }
    viewer
        .get("/teams/consent")
        .problem(409, "change/conflict")
        .says("lacks tenant_id, client_id, redirect_uri");
    operator.put("/teams", "*", &setup("off")).problem(403, "access/denied").says("teams:write");
    let (ann, bob) = (format!("/teams/users/{ann}"), format!("/teams/users/{bob}"));
    viewer.put(&ann, "*", &json!({})).problem(403, "access/denied").says("teams:users");
    operator
        .put(&ann, "*", &json!({"enabled": true}))
        .problem(422, "request/invalid")
        .blames("/enabled", "at the account");
    operator.put(&ann, "*", &json!({"upn": "same@ex.org"})).expect(200);
    let taken = operator.put(&bob, "*", &json!({"upn": "SAME@ex.org"}));
    taken.problem(422, "request/invalid").blames("/upn", "must be one account's only");
    let first = viewer.get("/teams/users?limit=1").expect(200);
    let second = viewer.get(&format!("/teams/users?limit=1&cursor={}", first.text("next"))).expect(200);
    assert_eq!((first.items().len(), second.items().len(), &second.json["next"]), (1, 1, &Value::Null));
    admin.put("/teams", "*", &setup("off")).expect(200);
    let url = viewer.get("/teams/consent").expect(200).text("url");
    assert!(
        url.starts_with("https://login.microsoftonline.com/contoso.onmicrosoft.com/adminconsent?client_id=")
    );
}

#[test]
fn changes_of_teams_are_put_back_by_its_rules() {
    let appliance = Appliance::with_plugins(&["teams"]);
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let user = format!("/teams/users/{}", account(&admin, "ann"));
    let undo = |kind: &str| {
        let newest = admin.get(&format!("/revisions?kind={kind}&limit=1")).expect(200).items()[0].clone();
        admin.call("POST", &format!("/revisions/{}:undo", newest["n"])).send()
    };
    admin.put("/teams", "*", &setup("uni_directional")).expect(200);
    let mut off = setup("off");
    off["client_secret_expires"] = json!("9001-01-01");
    admin.put("/teams", "*", &off).expect(200);
    await_plugin(&admin, "teams", "up");
    undo("teams").expect(201);
    let back = admin.get("/teams").expect(200).json;
    assert_eq!(
        (&back["direction"], &back["client_secret_expires"]),
        (&json!("uni_directional"), &json!("9001-01-01")),
        "the secret stays, and with it the day on which it ends"
    );
    await_plugin(&admin, "teams", "degraded");
    admin.put(&user, "*", &json!({"upn": "ann@corp.ex.org"})).expect(200);
    undo("teams/users").expect(201);
    let shown = admin.get(&user).expect(200).json;
    assert_eq!(shown["upn"], "");
}
