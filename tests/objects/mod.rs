//! Enterprises, PBX nodes, accounts and peers: made, read, changed and deleted. The rules of single fields
//! and the lists have files of their own.

mod deployment;
mod directory;
mod lists;
mod peers;
mod photos;
mod profiles;
mod rule_tables;
mod rules;
mod settings;
mod trusted;

use serde_json::{Value, json};

use crate::harness::*;

const KINDS: [&str; 4] = ["enterprises", "pbx-nodes", "accounts", "peers"];

/// A site with one object of each kind, as paths.
fn one_of_each(admin: &Client) -> [String; 4] {
    let site = site(admin);
    let jo = account("acme", "jo", &json!({"pbx_node": site.fr, "extension": "2001"}));
    let jo = admin.post("/accounts", &jo).expect(201).id();
    let ids = [site.enterprise, site.fr, jo, site.peer];
    std::array::from_fn(|n| format!("/{}/{}", KINDS[n], ids[n]))
}

#[test]
fn a_made_object_says_where_it_is_and_which_version_it_has() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let made = admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    assert_eq!(made.header("location"), Some("/api/v1/enterprises/acme"));
    assert_eq!(made.etag(), format!("\"{}\"", made.json["revision"]));
    let read = admin.get("/enterprises/acme").expect(200);
    assert_eq!((&read.json, read.etag()), (&made.json, made.etag()));
    for time in ["created_at", "changed_at"] {
        assert!(made.text(time).ends_with('Z') && made.text(time).len() >= 20, "{made}");
    }
}

#[test]
fn what_was_read_can_be_put_back_unchanged() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for path in one_of_each(&admin) {
        let read = admin.get(&path).expect(200);
        let put = admin.put(&path, &read.etag(), &read.json).expect(200);
        let moved = json!({"revision": put.json["revision"], "changed_at": put.json["changed_at"]});
        assert_eq!(put.json, with(&read.json, &moved), "{path}");
        assert_ne!(put.etag(), read.etag(), "{path}");
    }
}

#[test]
fn what_the_appliance_sets_cannot_be_altered() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for path in one_of_each(&admin) {
        let read = admin.get(&path).expect(200);
        for (field, value) in [
            ("created_at", json!("2001-01-01T00:00:00Z")),
            ("changed_at", json!("x")),
            ("revision", json!(999)),
        ] {
            let altered = with(&read.json, &json!({field: value}));
            let refused = admin.put(&path, &read.etag(), &altered).problem(422, "request/invalid");
            refused.blames(&format!("/{field}"), "is set by the appliance");
        }
        let renamed = with(&read.json, &json!({"id": "other"}));
        let refused = admin.put(&path, &read.etag(), &renamed).problem(422, "request/invalid");
        refused.blames(
            "/id",
            if path.starts_with("/enterprises") { "cannot be changed" } else { "is set by the appliance" },
        );
        assert_eq!(admin.get(&path).expect(200).json, read.json);
    }
}

#[test]
fn an_object_stays_in_its_enterprise() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("beta")).expect(201);
    for path in &one_of_each(&admin)[1..] {
        let moved = admin.patch(path, "*", &json!({"enterprise": "beta"})).problem(422, "request/invalid");
        moved.blames("/enterprise", "cannot be changed");
    }
}

#[test]
fn a_replacement_resets_what_it_leaves_out() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let path = &one_of_each(&admin)[2];
    let node = admin.get(path).expect(200).text("pbx_node");
    let body = json!({"login_id": "jo", "last_name": "Roe", "pbx_node": node});
    let put = admin.put(path, "*", &body).expect(200).json;
    assert_eq!((&put["last_name"], &put["extension"]), (&json!("Roe"), &json!("")));
    assert_eq!(put["enterprise"], "acme", "what is fixed may be left out and stays");
}

#[test]
fn a_patch_changes_only_what_it_names() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let path = &one_of_each(&admin)[2];
    let before = admin.get(path).expect(200);
    let patch = json!({"first_name": "Jo", "in_directory": false});
    let merge = admin.call("PATCH", path).header("If-Match", &before.etag());
    let after = merge
        .header("Content-Type", "application/merge-patch+json")
        .bytes(patch.to_string())
        .send()
        .expect(200)
        .json;
    assert_eq!((&after["first_name"], &after["in_directory"]), (&json!("Jo"), &json!(false)));
    for field in [
        "pbx_node",
        "id",
        "enterprise",
        "login_id",
        "last_name",
        "extension",
        "origin",
        "deployed",
        "created_at",
    ] {
        assert_eq!(after[field], before.json[field], "{field}");
    }
    assert!(after["revision"].as_i64() > before.json["revision"].as_i64());
}

#[test]
fn null_in_a_patch_means_as_if_it_had_never_been_set() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let path = &one_of_each(&admin)[2];
    let after = admin.patch(path, "*", &json!({"extension": null})).expect(200);
    assert_eq!(after.json["extension"], "", "RFC 7396: null removes the member");
    let refused = admin.patch(path, "*", &json!({"last_name": null})).problem(422, "request/invalid");
    refused.blames("/last_name", "");
}

#[test]
fn what_is_not_there_is_not_found() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for kind in KINDS {
        let path = format!("/{kind}/nothing");
        admin.get(&path).problem(404, "request/not_found").says("\"nothing\"");
        admin.patch(&path, "*", &json!({})).problem(404, "request/not_found");
        admin.delete(&path, "*").problem(404, "request/not_found");
    }
}

#[test]
fn a_reference_must_lead_somewhere() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    let refused = |path: &str, body: &Value| admin.post(path, body).problem(422, "request/invalid");
    refused("/pbx-nodes", &node("nobody", "n", &json!({})))
        .blames("/enterprise", "names no enterprise: there is none with the id \"nobody\"");
    refused("/accounts", &account("nobody", "jo", &json!({}))).blames("/enterprise", "names no enterprise");
    refused("/peers", &json!({"enterprise": "nobody", "description": "d"}))
        .blames("/enterprise", "names no enterprise");
    let nowhere = account("acme", "jo", &json!({"pbx_node": "node-x"}));
    refused("/accounts", &nowhere)
        .blames("/pbx_node", "names no PBX node: there is none with the id \"node-x\"");
}

#[test]
fn an_account_cannot_be_on_another_enterprises_node() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    let other = site_named(&admin, "beta");
    let body = account("acme", "jo", &json!({"pbx_node": other.fr}));
    admin
        .post("/accounts", &body)
        .problem(422, "request/invalid")
        .blames("/pbx_node", "belongs to enterprise \"beta\"");
}

#[test]
fn a_reference_takes_the_spelling_of_what_it_leads_to() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    let made = admin.post("/accounts", &account("ACME", "jo", &json!({}))).expect(201);
    assert_eq!(made.text("enterprise"), "acme");
}

#[test]
fn names_are_unique_without_regard_to_case() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let site = site(&admin);
    admin.post("/accounts", &account("acme", "jo", &json!({}))).expect(201);
    admin.post("/tokens", &json!({"name": "job", "role": "viewer"})).expect(201);
    crate::access::admin_named(&admin, "alice", "admin");
    let password = crate::access::PASSWORD;
    for (path, body, field) in [
        ("/enterprises", with(&enterprise_body("ACME"), &json!({"domain": "other.example.com"})), "id"),
        ("/enterprises", with(&enterprise_body("beta"), &json!({"domain": "Acme.Example.COM"})), "domain"),
        ("/pbx-nodes", node("acme", "PARIS", &json!({})), "name"),
        ("/accounts", account("acme", "JO", &json!({})), "login_id"),
        ("/peers", json!({"enterprise": "acme", "description": "LYON"}), "description"),
        ("/tokens", json!({"name": "JOB", "role": "viewer"}), "name"),
        ("/admins", json!({"name": "Alice", "role": "viewer", "password": password}), "name"),
    ] {
        admin.post(path, &body).problem(409, "change/conflict").blames(&format!("/{field}"), "another");
    }
    admin
        .patch(&format!("/pbx-nodes/{}", site.us), "*", &json!({"name": "paris"}))
        .problem(409, "change/conflict");
}

#[test]
fn two_enterprises_may_use_the_same_names() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for enterprise in ["acme", "beta"] {
        site_named(&admin, enterprise);
        admin.post("/accounts", &account(enterprise, "jo", &json!({}))).expect(201);
    }
}

#[test]
fn what_is_in_use_cannot_be_deleted() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let [enterprise, fr, account, peer] = one_of_each(&admin);
    let refused = |path: &str| admin.delete(path, "*").problem(409, "change/in_use");
    refused(&enterprise).says("still used by 2 PBX nodes and 1 account and 1 peer.");
    refused(&fr).says("still used by 1 account.");
    admin.delete(&account, "*").expect(204);
    admin.delete(&fr, "*").expect(204);
    admin.delete(&peer, "*").expect(204);
    admin.get(&peer).problem(404, "request/not_found");
    refused(&enterprise).says("still used by 1 PBX node.");
}

#[test]
fn a_login_of_digits_is_nobody_elses_extension() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    admin.post("/accounts", &account("acme", "jo", &json!({"extension": "2001"}))).expect(201);
    let clash = admin.post("/accounts", &account("acme", "2001", &json!({}))).problem(422, "request/invalid");
    clash.blames("/login_id", "is the extension of account \"jo\"");
    admin.post("/accounts", &account("acme", "2002", &json!({"extension": "2002"}))).expect(201);
}

#[test]
fn an_extension_is_nobody_elses_login() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    admin.post("/accounts", &account("acme", "2001", &json!({}))).expect(201);
    let clash = admin.post("/accounts", &account("acme", "jo", &json!({"extension": "2001"})));
    clash.problem(422, "request/invalid").blames("/extension", "2001");
}

/// Mitel's help on accounts: an account without a node can gain one later and never lose it again.
#[test]
fn an_account_gains_a_node_and_never_loses_it_again() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let site = site(&admin);
    let path =
        format!("/accounts/{}", admin.post("/accounts", &account("acme", "jo", &json!({}))).expect(201).id());
    admin.patch(&path, "*", &json!({"pbx_node": site.fr})).expect(200);
    let gain = admin.get("/revisions?limit=1").expect(200).items()[0]["n"].clone();
    admin.call("POST", &format!("/revisions/{gain}:undo")).send().expect(201);
    assert_eq!(admin.get(&path).expect(200).json["pbx_node"], Value::Null, "undoing is no loss");
    admin.patch(&path, "*", &json!({"pbx_node": site.fr})).expect(200);
    let rule = "must name a PBX node: an account that has one may move to another";
    let lost = admin.patch(&path, "*", &json!({"pbx_node": null})).problem(422, "request/invalid");
    lost.blames("/pbx_node", rule).blames("/pbx_node", "null is not");
    admin
        .put(&path, "*", &json!({"login_id": "jo", "last_name": "Doe"}))
        .problem(422, "request/invalid")
        .blames("/pbx_node", rule);
    for query in ["enterprise=acme", "enterprise=acme&dry_run=1", "enterprise=acme&mode=keep_good"] {
        let list = "login_id,last_name,pbx_node\njo,Doe,\n";
        let job = crate::import::send(&admin, query, list).expect(202).id();
        let error = crate::import::ended(&admin, &job)["result"]["errors"][0].clone();
        assert_eq!((&error["line"], &error["column"]), (&json!(2), &json!("pbx_node")), "{query}: {error}");
        assert!(error["rule"].as_str().unwrap().starts_with(rule), "{query}: {error}");
    }
    assert_eq!(admin.get(&path).expect(200).text("pbx_node"), site.fr);
    admin.patch(&path, "*", &json!({"pbx_node": site.us})).expect(200);
}
