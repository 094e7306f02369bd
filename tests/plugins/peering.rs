//! The peering plugin in the whole appliance: routes below core's own peers and enterprises, what outlives restarts,
//! and what goes with a peer. The rules of single fields are the plugin's own tests.

use serde_json::{Value, json};

use super::order;
use crate::harness::*;

fn directory() -> Value {
    json!({
        "description": "Sales", "domain": "ocs.example", "path": "ldap://dc1.ocs.example/DC=ocs,DC=example",
        "tls": "starttls", "bind_dn": "CN=reader,DC=ocs,DC=example", "password": "hush-hush",
    })
}

/// A site with an external peer; the path of its synchronizer.
fn external(admin: &Client) -> String {
    site(admin);
    let peer = json!({"enterprise": "acme", "description": "OCS", "kind": "external"});
    format!("/peers/{}/synchronizer", admin.post("/peers", &peer).expect(201).id())
}

/// Opens no port for those whom no test connects.
fn closed(admin: &Client) {
    admin.put("/settings/peering.listen", "*", &json!({"value": []})).expect(200);
}

fn peer_of(synchronizer: &str) -> &str {
    synchronizer.trim_end_matches("/synchronizer")
}

fn put(client: &Client, path: &str, body: &Value) -> Answer {
    client.call("PUT", path).json(body).send()
}

fn newest(client: &Client, kind: &str) -> Value {
    client.get(&format!("/revisions?kind={kind}&limit=1")).expect(200).items()[0].clone()
}

fn undo(client: &Client, revision: &Value) -> Answer {
    client.call("POST", &format!("/revisions/{}:undo", revision["n"])).send()
}

#[test]
fn routes_of_core_and_plugin_lie_side_by_side() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    admin.get(peer_of(&path)).expect(200);
    let status = admin.get(&format!("{}/status", peer_of(&path))).expect(200);
    assert_eq!(status.text("description"), "OCS");
    let refused = admin.call("POST", &path).json(&json!({})).send().problem(405, "request/method");
    assert_eq!(refused.header("allow"), Some("GET, HEAD, PUT, DELETE"));
    let both = admin.call("POST", peer_of(&path)).json(&json!({})).send().problem(405, "request/method");
    assert_eq!(both.header("allow"), Some("GET, HEAD, PUT, PATCH, DELETE"));
    admin.get(&format!("{}/nothing", peer_of(&path))).problem(404, "request/not_found");
    let refused =
        admin.call("POST", &format!("{}:sync", peer_of(&path))).send().problem(404, "request/not_found");
    refused.says("has no synchronizer");
    let described = admin.get("/openapi.json").expect(200).json;
    let put = &described["paths"]["/api/v1/peers/{id}/synchronizer"]["put"];
    assert_eq!(put["x-right"], "peering:write", "{put}");
    assert_eq!(described["paths"]["/api/v1/peers/{id}"]["put"]["x-right"], "peers:write");
    assert!(described["paths"]["/api/v1/enterprises/{id}/synchronizer:assist"]["post"].is_object());
}

#[test]
fn without_the_plugin_its_routes_say_why_and_core_s_go_on() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let peer = site(&admin).peer;
    for path in [
        format!("/peers/{peer}/synchronizer"),
        format!("/peers/{peer}/status"),
        "/enterprises/acme/synchronizer".to_owned(),
        "/peering".to_owned(),
    ] {
        admin.get(&path).problem(503, "plugins/unavailable").says("The plugin peering is not installed here");
        appliance.anonymous().get(&path).problem(401, "access/sign_in");
    }
    admin.call("POST", &format!("/peers/{peer}:sync")).send().problem(503, "plugins/unavailable");
    admin.get(&format!("/peers/{peer}/nothing")).problem(404, "request/not_found");
    admin.get(&format!("/peers/{peer}")).expect(200);
}

#[test]
fn a_disabled_plugin_is_named_on_the_routes_below_peers() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    order(&admin, "peering", "disable").expect(200);
    await_plugin(&admin, "peering", "disabled");
    admin.get(&path).problem(503, "plugins/unavailable").says("an operator switched it off");
    admin.get(peer_of(&path)).expect(200);
}

#[test]
fn a_refused_plugin_is_named_on_the_routes_below_peers() {
    let mut appliance = Appliance::laid_out_with(&["peering"], |config| config);
    std::fs::remove_file(appliance.plugin_folder("peering").join("plugin.toml.sig")).unwrap();
    appliance.resume();
    let admin = appliance.admin();
    await_plugin(&admin, "peering", "refused");
    let peer = site(&admin).peer;
    let refused = admin.get(&format!("/peers/{peer}/synchronizer")).problem(503, "plugins/unavailable");
    refused.says("there is no signature");
}

#[test]
fn what_was_set_outlives_a_kill_and_the_password_is_nowhere_in_clear() {
    let mut appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    let made = put(&admin, &path, &directory()).expect(201);
    let own = put(&admin, "/enterprises/acme/synchronizer", &directory()).expect(201);
    closed(&admin);
    let invitation = admin.post("/peering/invitations", &json!({"enterprise": "acme"})).expect(201);
    appliance.kill9();
    appliance.resume();
    // A process of the plugin that was left behind would hold nothing back: the rows are core's.
    await_that(&appliance.admin(), "peering", super::BACK_WITHIN, "serving", |status| {
        status["state"] == "up" || status["state"] == "degraded"
    });
    let admin = appliance.admin();
    let read = admin.get(&path).expect(200);
    assert_eq!((&read.json, read.etag()), (&made.json, made.etag()));
    assert_eq!(read.json["has_password"], true);
    assert_eq!(admin.get("/enterprises/acme/synchronizer").expect(200).json, own.json);
    assert_eq!(admin.get("/peering/invitations").expect(200).items()[0]["id"], invitation.json["id"]);
    let code = invitation.text("code");
    for (file, bytes) in snapshot(&appliance.state()) {
        let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!holds("hush-hush") && !holds(&code) && !holds(&code.replace('-', "")), "{}", file.display());
    }
    let log = appliance.log();
    assert!(!log.contains("hush-hush") && !log.contains(&code), "{log}");
}

#[test]
fn wrong_input_is_told_field_by_field_and_nothing_is_kept() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    let wrong =
        with(&directory(), &json!({"filter": "(mail=*", "domain": "acme.example.com", "page_size": 0}));
    let refused = put(&admin, &path, &with(&wrong, &json!({"page_size": 0}))).problem(422, "request/invalid");
    refused
        .blames("/filter", "filter must be a search filter (RFC 4515)")
        .blames("/page_size", "page_size must be a whole number from 1 to 1000; 0 is not");
    let own = with(&directory(), &json!({"domain": "acme.example.com"}));
    put(&admin, &path, &own)
        .problem(422, "request/invalid")
        .blames("/domain", "is that of the enterprise \"acme\"");
    put(&admin, &path, &json!([1])).problem(422, "request/invalid").blames("", "the body must be an object");
    let text = admin.call("PUT", &path).header("Content-Type", "application/json").bytes("{\"a\":").send();
    text.problem(400, "request/malformed_json");
    admin.get(&path).problem(404, "request/not_found");
    let lyon = admin.get("/peers?enterprise=acme").expect(200).items()[0]["id"].clone();
    let kindless = format!("/peers/{}/synchronizer", lyon.as_str().unwrap());
    put(&admin, &kindless, &directory()).problem(409, "change/conflict").says("set kind to external first");
    assert_eq!(admin.get("/revisions?kind=peering/synchronizers").expect(200).items().len(), 0);
}

#[test]
fn rights_are_named_after_the_plugin() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    let viewer = appliance.anonymous().with_token(&appliance.token("looks", "viewer"));
    let operator = appliance.anonymous().with_token(&appliance.token("works", "operator"));
    put(&viewer, &path, &directory()).problem(403, "access/denied").says("peering:write");
    put(&operator, &path, &directory()).expect(201);
    viewer.get(&path).expect(200);
    viewer.get("/peering").expect(200);
    closed(&admin);
    let invitation = json!({"enterprise": "acme"});
    operator.post("/peering/invitations", &invitation).problem(403, "access/denied").says("peering:trust");
    admin.post("/peering/invitations", &invitation).expect(201);
}

#[test]
fn a_change_needs_the_version_that_was_seen() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    let made = put(&admin, &path, &directory()).expect(201);
    put(&admin, &path, &directory()).problem(428, "change/if_match_missing");
    let other = with(&directory(), &json!({"grace_days": 3}));
    let changed = admin.put(&path, &made.etag(), &other).expect(200);
    admin.put(&path, &made.etag(), &directory()).problem(412, "change/stale");
    admin.delete(&path, &changed.etag()).expect(204);
    admin.get(&path).problem(404, "request/not_found");
}

#[test]
fn a_peer_takes_its_synchronizer_along() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    put(&admin, &path, &directory()).expect(201);
    admin.delete(peer_of(&path), "*").expect(204);
    assert_gone(&admin, &path);
}

#[test]
fn so_does_a_peer_that_is_deleted_while_the_plugin_is_disabled() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    put(&admin, &path, &directory()).expect(201);
    order(&admin, "peering", "disable").expect(200);
    admin.delete(peer_of(&path), "*").expect(204);
    let deletion = newest(&admin, "peers");
    order(&admin, "peering", "enable").expect(200);
    assert_gone(&admin, &path);
    undo(&admin, &deletion).expect(201);
    admin.get(&path).problem(404, "request/not_found").says("does not come back when that is undone");
}

/// Waits until the plugin has recorded that the synchronizer is gone.
#[track_caller]
fn assert_gone(admin: &Client, path: &str) {
    let id = peer_of(path).trim_start_matches("/peers/");
    let noted = || {
        let list = admin.get("/revisions?kind=peering/synchronizers&limit=1").expect(200);
        Some(list.items()[0].clone()).filter(|revision| revision["action"] == "delete")
    };
    let deletion = awaited(super::BACK_WITHIN, noted).expect("the synchronizer is deleted");
    assert_eq!(
        (&deletion["object"], &deletion["who"]),
        (&json!(format!("peer/{id}")), &json!("plugin peering"))
    );
    undo(admin, &deletion).problem(409, "change/conflict");
}

#[test]
fn a_change_is_put_back_unless_it_needs_a_password_that_is_gone() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    let made = put(&admin, &path, &directory()).expect(201);
    let kept = with(&directory(), &json!({"grace_days": 3, "password": null}));
    admin.put(&path, &made.etag(), &kept).expect(200);
    undo(&admin, &newest(&admin, "peering/synchronizers")).expect(201);
    let back = admin.get(&path).expect(200).json;
    assert_eq!((&back["grace_days"], &back["password_set_at"]), (&json!(7), &made.json["password_set_at"]));
    let changed = with(&directory(), &json!({"password": "another"}));
    admin.put(&path, "*", &changed).expect(200);
    let refused = undo(&admin, &newest(&admin, "peering/synchronizers")).problem(409, "change/conflict");
    refused.says("the password that it had is not kept");
    admin.delete(&path, "*").expect(204);
    let refused = undo(&admin, &newest(&admin, "peering/synchronizers")).problem(409, "change/conflict");
    refused.says("set it again by hand");
    let open = with(&directory(), &json!({"password": null, "bind_dn": null}));
    put(&admin, &path, &open).expect(201);
    admin.delete(&path, "*").expect(204);
    undo(&admin, &newest(&admin, "peering/synchronizers")).expect(201);
    assert_eq!(admin.get(&path).expect(200).text("description"), "Sales");
    closed(&admin);
    admin.post("/peering/invitations", &json!({"enterprise": "acme"})).expect(201);
    let withdrawn = undo(&admin, &newest(&admin, "peering/invitations")).expect(201).json;
    assert_eq!(admin.get("/peering/invitations").expect(200).items().len(), 0);
    undo(&admin, &withdrawn).problem(409, "change/conflict").says("the code of an invitation is not kept");
}

#[test]
fn the_overview_and_the_doctor_say_that_nothing_is_connected() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    closed(&admin);
    external(&admin);
    admin.post("/peers", &sister("Nice", "uc.nice.example", "Nice-01")).expect(201);
    let status = await_plugin(&admin, "peering", "degraded");
    assert!(status["reason"].as_str().unwrap().contains("Nice: never connected"), "{status:#}");
    let overview = admin.get("/peering?enterprise=acme").expect(200).json;
    let rows = overview["peers"].as_array().unwrap();
    let nice = rows.iter().find(|row| row["description"] == "Nice").unwrap();
    assert_eq!((&nice["server"], &nice["status"]), (&json!("uc.nice.example"), &json!("never_connected")));
    assert_eq!((overview["state"].clone(), rows.len()), (json!("not_connected"), 3));
}

/// Seed 002: not supported in MiCloud Flex on GCP.
#[test]
fn in_micloud_flex_peers_get_no_synchronizer_and_enterprises_do() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    let path = external(&admin);
    put(&admin, &path, &directory()).expect(201);
    admin.put("/settings/site.deployment", "*", &json!({"value": "micloud_flex_gcp"})).expect(200);
    let words = "Peering is not supported in the MiCloud Flex on GCP (Google Cloud Platform) environment";
    let changed = admin.put(&path, "*", &directory()).problem(409, "deployment/not_supported");
    changed.says(words);
    let invited = admin.post("/peering/invitations", &json!({"enterprise": "acme"}));
    invited.problem(409, "deployment/not_supported").says(words);
    admin.get(&path).expect(200);
    let status = await_that(&admin, "peering", super::BACK_WITHIN, "refused here", |now| {
        now["reason"].as_str().is_some_and(|reason| reason.starts_with(words))
    });
    assert_eq!(status["state"], "degraded", "{status:#}");
    let overview = admin.get("/peering").expect(200).json;
    assert_eq!(overview["state"], "not_supported", "{overview:#}");
    let ocs = overview["peers"].as_array().unwrap().iter().find(|peer| peer["description"] == "OCS").unwrap();
    assert!(ocs["reason"].as_str().unwrap().starts_with(words), "{overview:#}");
    admin.delete(&path, "*").expect(204);
    put(&admin, "/enterprises/acme/synchronizer", &directory()).expect(201);
    admin.delete(peer_of(&path), "*").expect(204);
    await_that(&admin, "peering", super::BACK_WITHIN, "well again", |now| now["state"] == "up");
    let overview = admin.get("/peering").expect(200).json;
    assert_eq!(overview["state"], "not_read", "what is left is the enterprise's own directory: {overview:#}");
    admin.put("/settings/site.deployment", "*", &json!({"value": "on_premise"})).expect(200);
    put(&admin, &format!("/peers/{}/synchronizer", again(&admin)), &directory()).expect(201);
}

/// An external peer that is made anew.
fn again(admin: &Client) -> String {
    let peer = json!({"enterprise": "acme", "description": "OCS", "kind": "external"});
    admin.post("/peers", &peer).expect(201).id()
}

#[test]
fn a_repeated_invitation_gives_the_first_code_again() {
    let appliance = Appliance::with_plugins(&["peering"]);
    let admin = appliance.admin();
    site(&admin);
    let ask = || {
        let call = admin.call("POST", "/peering/invitations").header("Idempotency-Key", "once");
        call.json(&json!({"enterprise": "acme"})).send().expect(201).json
    };
    assert_eq!(ask()["code"], ask()["code"]);
    assert_eq!(admin.get("/peering/invitations").expect(200).items().len(), 1);
}
