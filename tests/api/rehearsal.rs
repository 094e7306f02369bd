//! Dry runs: the answer is what would happen, and nothing has happened.

use serde_json::json;

use crate::harness::*;

/// Everything that could have changed, as bytes.
fn everything(admin: &Client) -> Vec<Vec<u8>> {
    let lists =
        ["enterprises", "pbx-nodes", "accounts", "peers", "admins", "tokens", "settings", "revisions"];
    lists.iter().map(|list| admin.get(&format!("/{list}")).expect(200).bytes).collect()
}

#[test]
fn a_dry_run_leaves_no_trace() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let site = site(&admin);
    let peer = format!("/peers/{}?dry_run=1", site.peer);
    let before = everything(&admin);
    let made = admin.post("/enterprises?dry_run=1", &enterprise_body("beta")).expect(201);
    assert_eq!(made.text("domain"), "beta.example.com");
    let changed = admin.patch(&peer, "*", &json!({"description": "Nantes"})).expect(200);
    assert_eq!(changed.text("description"), "Nantes");
    admin.put(&peer, "*", &json!({"description": "Nantes"})).expect(200);
    admin.delete(&peer, "*").expect(204);
    admin.put("/settings/site.name?dry_run=1", "*", &json!({"value": "Paris"})).expect(200);
    admin.delete("/settings/site.name?dry_run=1", "*").expect(200);
    admin.post("/tokens?dry_run=1", &json!({"name": "job", "role": "viewer"})).expect(201);
    assert_eq!(everything(&admin), before);
    assert_eq!(
        appliance.anonymous().get("/claim").expect(200).json["site"],
        "",
        "settings in use are untouched"
    );
}

#[test]
fn a_dry_run_reports_what_the_real_one_would() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let site = site(&admin);
    let posts = [
        ("/enterprises", enterprise_body("ACME")),
        ("/enterprises", enterprise_body("no")),
        ("/accounts", account("acme", "jo", &json!({"pbx_node": "none"}))),
        ("/pbx-nodes", node("acme", "paris", &json!({}))),
    ];
    for (path, body) in posts {
        let rehearsed = admin.post(&format!("{path}?dry_run=1"), &body);
        let real = admin.post(path, &body);
        assert!(real.status >= 400, "{real}");
        assert_eq!((rehearsed.status, rehearsed.bytes), (real.status, real.bytes));
    }
    for (tag, path) in [("*", "/enterprises/acme".to_owned()), ("\"0\"", format!("/peers/{}", site.peer))] {
        let rehearsed = admin.delete(&format!("{path}?dry_run=1"), tag);
        let real = admin.delete(&path, tag);
        assert!(real.status >= 400, "{real}");
        assert_eq!((rehearsed.status, rehearsed.bytes), (real.status, real.bytes));
    }
}

#[test]
fn a_rehearsed_name_is_still_free() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for _ in 0..2 {
        admin.post("/enterprises?dry_run=1", &enterprise_body("acme")).expect(201);
    }
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
}

#[test]
fn dry_run_0_is_meant() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises?dry_run=0", &enterprise_body("acme")).expect(201);
    admin.get("/enterprises/acme").expect(200);
}

#[test]
fn a_token_that_was_only_rehearsed_opens_nothing() {
    let appliance = Appliance::start();
    let rehearsed =
        appliance.admin().post("/tokens?dry_run=1", &json!({"name": "job", "role": "admin"})).expect(201);
    if let Some(token) = rehearsed.json["token"].as_str() {
        appliance.anonymous().with_token(token).get("/session").problem(401, "access/sign_in");
    }
    assert_eq!(appliance.admin().get("/tokens").expect(200).column("name"), ["suite"]);
}
