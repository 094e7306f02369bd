//! Every write leaves a revision that says who, from where, what before and after; and the way back.

mod ways;

use serde_json::{Value, json};

use crate::harness::*;

fn revisions(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/revisions?{query}")).expect(200).items().to_vec()
}

/// The newest revision.
fn newest(client: &Client) -> Value {
    revisions(client, "limit=1").pop().expect("there is one")
}

fn undo(client: &Client, revision: &Value) -> Answer {
    client.call("POST", &format!("/revisions/{}:undo", revision["n"])).send()
}

#[test]
fn every_write_leaves_exactly_one_revision() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let made = admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let change = json!({"description": "Other"});
    let patched = admin.patch("/enterprises/acme", &made.etag(), &change).expect(200);
    let change = with(&patched.json, &json!({"description": "Third"}));
    let put = admin.put("/enterprises/acme", &patched.etag(), &change).expect(200);
    admin.delete("/enterprises/acme", &put.etag()).expect(204);
    let nothing = Value::Null;
    let expected = [
        ("delete", &put.json, &nothing),
        ("change", &patched.json, &put.json),
        ("change", &made.json, &patched.json),
        ("create", &nothing, &made.json),
    ];
    let found = revisions(&admin, "kind=enterprises&object=acme");
    assert_eq!(found.len(), expected.len());
    for (revision, (action, before, after)) in found.iter().zip(expected) {
        let told = (&revision["action"], &revision["before"], &revision["after"]);
        assert_eq!(told, (&json!(action), before, after));
    }
}

#[test]
fn a_revision_says_who_from_where_and_by_which_way() {
    let appliance = Appliance::start();
    crate::access::admin_named(&appliance.admin(), "alice", "admin");
    let (session, csrf) = appliance.anonymous().sign_in("alice", crate::access::PASSWORD);
    let by_api = appliance.admin().post("/enterprises", &enterprise_body("by-api")).expect(201);
    session
        .with_header("X-CSRF-Token", &csrf)
        .post("/enterprises", &enterprise_body("by-console"))
        .expect(201);
    assert_eq!(appliance.cli(&["settings", "set", "site.name", "Paris"], "").code, 0);
    let found =
        |object: &str| revisions(&appliance.admin(), &format!("object={object}")).pop().expect("a revision");
    for (object, who, from, via) in [
        ("by-api", "token suite".to_owned(), "127.0.0.1", "api"),
        ("by-console", "admin alice".to_owned(), "127.0.0.1", "console"),
        ("site.name", format!("local user {}", rustix::process::geteuid().as_raw()), "this machine", "cli"),
    ] {
        let revision = found(object);
        assert_eq!(
            (&revision["who"], &revision["from"], &revision["via"]),
            (&json!(who), &json!(from), &json!(via))
        );
    }
    assert_eq!(found("by-api")["request"], by_api.header("request-id").unwrap());
}

#[test]
fn the_claim_is_on_record() {
    let appliance = Appliance::start();
    let claim = json!({"code": appliance.claim_code(), "name": "alice", "password": crate::access::PASSWORD});
    appliance.anonymous().post("/claim", &claim).expect(201);
    let revision = &revisions(&appliance.admin(), "kind=admins")[0];
    assert_eq!((&revision["action"], &revision["after"]["name"]), (&json!("create"), &json!("alice")));
    assert_eq!(revision["who"], "nobody signed in");
}

#[test]
fn revisions_can_be_narrowed_and_paged() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let site = site(&admin);
    admin.patch("/enterprises/acme", "*", &json!({"description": "Other"})).expect(200);
    let operator = appliance.anonymous().with_token(&appliance.token("night", "operator"));
    operator.patch("/enterprises/acme", "*", &json!({"description": "Third"})).expect(200);
    assert_eq!(revisions(&admin, "kind=pbx-nodes").len(), 2);
    assert_eq!(revisions(&admin, "kind=enterprises&object=acme").len(), 3);
    assert_eq!(revisions(&admin, &format!("object={}", site.peer)).len(), 1);
    assert_eq!(revisions(&admin, "who=token%20night").len(), 1);
    let numbers: Vec<_> =
        all_pages(&admin, "/revisions?limit=3").iter().map(|r| r["n"].as_i64().unwrap()).collect();
    let newest = numbers[0];
    assert_eq!(numbers, (1..=newest).rev().collect::<Vec<_>>(), "newest first, none lost");
    admin.get("/revisions?limit=0").problem(400, "request/query");
    admin.get("/revisions/999").problem(404, "request/not_found").says("no revision 999");
    admin.get("/revisions/x").problem(404, "request/not_found").says("not the number of a revision");
}

#[test]
fn undoing_a_creation_deletes() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let creation = newest(&admin);
    let undone = undo(&admin, &creation).expect(201).json;
    assert_eq!(
        (&undone["action"], &undone["undoes"], &undone["after"]),
        (&json!("delete"), &creation["n"], &Value::Null)
    );
    admin.get("/enterprises/acme").problem(404, "request/not_found");
    let marked = admin.get(&format!("/revisions/{}", creation["n"])).expect(200).json;
    assert_eq!(marked["undone_by"], undone["n"]);
}

#[test]
fn undoing_a_change_puts_the_old_values_back() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let peer = format!("/peers/{}", site(&admin).peer);
    let before = admin.get(&peer).expect(200).json;
    admin.patch(&peer, "*", &json!({"dialing_prefix": "-88", "description": "Nantes"})).expect(200);
    let undone = undo(&admin, &newest(&admin)).expect(201).json;
    let after = admin.get(&peer).expect(200).json;
    let moved = json!({"revision": undone["n"], "changed_at": after["changed_at"]});
    assert_eq!(after, with(&before, &moved));
}

#[test]
fn undoing_a_deletion_brings_the_object_back_under_its_id() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let site = site(&admin);
    let jo = admin.post("/accounts", &account("acme", "jo", &json!({"pbx_node": site.fr}))).expect(201);
    for path in
        [format!("/accounts/{}", jo.id()), format!("/pbx-nodes/{}", site.us), format!("/peers/{}", site.peer)]
    {
        let before = admin.get(&path).expect(200).json;
        admin.delete(&path, "*").expect(204);
        undo(&admin, &newest(&admin)).expect(201);
        let after = admin.get(&path).expect(200).json;
        let moved = json!({"revision": after["revision"], "changed_at": after["changed_at"]});
        assert_eq!(after, with(&before, &moved), "{path}");
    }
}

#[test]
fn an_undo_can_be_undone() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    admin.patch("/enterprises/acme", "*", &json!({"description": "Other"})).expect(200);
    let undone = undo(&admin, &newest(&admin)).expect(201).json;
    assert_ne!(admin.get("/enterprises/acme").expect(200).text("description"), "Other");
    let redone = undo(&admin, &undone).expect(201).json;
    assert_eq!(redone["undoes"], undone["n"]);
    assert_eq!(admin.get("/enterprises/acme").expect(200).text("description"), "Other");
}

#[test]
fn an_undo_is_refused_when_a_later_change_would_be_lost() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let creation = newest(&admin);
    admin.patch("/enterprises/acme", "*", &json!({"description": "Other"})).expect(200);
    let later = newest(&admin);
    let words = format!("token suite changed it again in revision {}. Undo that one first.", later["n"]);
    undo(&admin, &creation).problem(409, "revisions/superseded").says(&words);
    assert_eq!(newest(&admin)["n"], later["n"], "a refused undo leaves nothing");
    undo(&admin, &later).expect(201);
    undo(&admin, &later).problem(409, "revisions/superseded");
}

#[test]
fn an_undo_keeps_the_rules() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let site = site(&admin);
    let peer = format!("/peers/{}", site.peer);
    admin.delete(&peer, "*").expect(204);
    let deletion = newest(&admin);
    admin.post("/peers", &json!({"enterprise": "acme", "description": "lyon"})).expect(201);
    undo(&admin, &deletion).problem(409, "change/conflict").blames("/description", "another peer");
    let creation = revisions(&admin, "object=acme").pop().unwrap();
    undo(&admin, &creation).problem(409, "change/in_use").says("still used by");
}

#[test]
fn administrators_and_tokens_cannot_be_undone_and_the_reason_is_said() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let id = crate::access::admin_named(&admin, "alice", "admin");
    undo(&admin, &newest(&admin)).problem(409, "revisions/not_undoable").says("passwords are not kept");
    admin.get(&format!("/admins/{id}")).expect(200);
    admin.post("/tokens", &json!({"name": "job", "role": "viewer"})).expect(201);
    undo(&admin, &newest(&admin)).problem(409, "revisions/not_undoable").says("value is not kept");
}

#[test]
fn settings_can_be_undone_back_to_their_default() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let value = || admin.get("/settings/site.name").expect(200).json;
    let set = |name: &str| admin.put("/settings/site.name", "*", &json!({"value": name})).expect(200);
    set("Paris");
    let first = newest(&admin);
    set("Lyon");
    undo(&admin, &first).problem(409, "revisions/superseded");
    undo(&admin, &newest(&admin)).expect(201);
    assert_eq!(value()["value"], "Paris");
    admin.call("DELETE", "/settings/site.name").header("If-Match", "*").send().expect(200);
    undo(&admin, &newest(&admin)).expect(201);
    assert_eq!(value()["value"], "Paris");
    assert_eq!(
        appliance.anonymous().get("/claim").expect(200).json["site"],
        "Paris",
        "an undo takes effect at once"
    );
}

#[test]
fn undoing_the_first_value_of_a_setting_restores_the_default() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.put("/settings/session.idle_minutes", "\"0\"", &json!({"value": 30})).expect(200);
    undo(&admin, &newest(&admin)).expect(201);
    let setting = admin.get("/settings/session.idle_minutes").expect(200).json;
    assert_eq!(
        (&setting["value"], &setting["revision"], &setting["changed_at"]),
        (&json!(60), &json!(0), &Value::Null)
    );
}

#[test]
fn an_undo_can_be_rehearsed() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let creation = newest(&admin);
    let path = format!("/revisions/{}:undo?dry_run=1", creation["n"]);
    assert_eq!(admin.call("POST", &path).send().expect(201).json["action"], "delete");
    admin.get("/enterprises/acme").expect(200);
    assert_eq!(newest(&admin)["n"], creation["n"]);
}

#[test]
fn who_may_not_see_administrators_does_not_see_their_revisions() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let viewer = appliance.anonymous().with_token(&appliance.token("eye", "viewer"));
    crate::access::admin_named(&admin, "alice", "admin");
    let hidden = newest(&admin);
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    // What came with the appliance is no deed of anybody's.
    let seen = revisions(&viewer, "").into_iter().filter(|revision| revision["via"] != "appliance");
    let kinds: Vec<_> = seen.map(|revision| revision["kind"].clone()).collect();
    assert_eq!(kinds, ["enterprises"]);
    assert_eq!(revisions(&viewer, "kind=admins"), Vec::<Value>::new());
    viewer.get(&format!("/revisions/{}", hidden["n"])).problem(403, "access/denied").says("admins:read");
    undo(&viewer, &newest(&viewer)).problem(403, "access/denied").says("revisions:undo");
}

#[test]
fn an_undo_needs_the_right_to_the_change_itself() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.put("/settings/site.name", "*", &json!({"value": "Paris"})).expect(200);
    let setting = newest(&admin);
    let operator = appliance.anonymous().with_token(&appliance.token("night", "operator"));
    undo(&operator, &setting).problem(403, "access/denied").says("settings:write");
    let scopes = json!(["revisions:read", "revisions:undo", "peers:read", "peers:write"]);
    let narrow =
        admin.post("/tokens", &json!({"name": "narrow", "role": "operator", "scopes": scopes})).expect(201);
    let narrow = appliance.anonymous().with_token(&narrow.text("token"));
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    undo(&narrow, &newest(&admin)).problem(403, "access/denied").says("enterprises:read");
}

#[test]
fn secrets_are_not_in_before_and_after() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let id = crate::access::admin_named(&admin, "alice", "admin");
    admin.patch(&format!("/admins/{id}"), "*", &json!({"password": "another horse battery"})).expect(200);
    admin.post("/tokens", &json!({"name": "job", "role": "viewer"})).expect(201);
    for revision in revisions(&admin, "") {
        for side in ["before", "after"] {
            let fields: Vec<_> =
                revision[side].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            assert!(!fields.iter().any(|name| ["password", "token", "hash"].contains(name)), "{revision}");
        }
    }
}

#[test]
fn revisions_can_be_narrowed_by_time_and_show_what_changed() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let change = json!({"description": "Other", "calendar_integration": false});
    admin.patch("/enterprises/acme", "*", &change).expect(200);
    let last = newest(&admin);
    let fields = [
        json!({"field": "description", "before": "Company acme", "after": "Other"}),
        json!({"field": "calendar_integration", "before": true, "after": false}),
    ];
    assert_eq!(last["changes"], json!(fields));
    let at = last["at"].as_str().unwrap();
    assert_eq!(revisions(&admin, &format!("since={at}&kind=enterprises")).len(), 1);
    assert_eq!(revisions(&admin, &format!("until={at}&kind=enterprises")).len(), 1);
    assert_eq!(revisions(&admin, "until=2020-01-01T00:00:00%2B02:00").len(), 0);
    admin.get("/revisions?since=yesterday").problem(400, "request/query").says("an RFC 3339 time");
}
