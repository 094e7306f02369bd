//! Putting back what a plugin changed: by the same button as core's own changes, and by the plugin's rules.

use serde_json::{Value, json};

use super::{mirror, order};
use crate::harness::*;

fn undo(client: &Client, revision: &Value) -> Answer {
    client.call("POST", &format!("/revisions/{}:undo", revision["n"])).send()
}

fn newest(client: &Client, kind: &str) -> Value {
    client.get(&format!("/revisions?kind={kind}&limit=1")).expect(200).items()[0].clone()
}

fn servers(client: &Client) -> Vec<Value> {
    let list = client.get("/federation/servers").expect(200);
    let bare = |row: &Value| json!([row["domain"], row["nextplane"], row["server"], row["port"]]);
    list.items().iter().map(bare).collect()
}

#[test]
fn a_federated_server_that_was_added_changed_or_removed_is_put_back() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    let (first, second) =
        (json!(["ocs.com", false, null, 5269]), json!(["ocs.com", true, "np.example", 5270]));
    admin.post("/federation/servers", &json!({"domain": "ocs.com"})).expect(201);
    let added = newest(&admin, "federation/servers");
    let changed = json!({"nextplane": true, "server": "np.example", "port": 5270});
    admin.put("/federation/servers/ocs.com", "*", &changed).expect(200);
    let undone = undo(&admin, &newest(&admin, "federation/servers")).expect(201).json;
    assert_eq!(servers(&admin), std::slice::from_ref(&first));
    assert_eq!(
        (&undone["who"], &undone["via"], &undone["from"], &undone["action"]),
        (&json!("token suite"), &json!("plugin"), &json!("plugin federation"), &json!("change"))
    );
    undo(&admin, &added).problem(409, "revisions/superseded").says("Undo that one first");
    undo(&admin, &undone).expect(201);
    assert_eq!(servers(&admin), std::slice::from_ref(&second));
    admin.delete("/federation/servers/ocs.com", "*").expect(204);
    let removed = newest(&admin, "federation/servers");
    let back = undo(&admin, &removed).expect(201).json;
    assert_eq!((&back["undoes"], &back["action"]), (&removed["n"], &json!("create")));
    assert_eq!(servers(&admin), [second]);
    let marked = admin.get(&format!("/revisions/{}", removed["n"])).expect(200).json;
    assert_eq!(marked["undone_by"], back["n"]);
    assert_eq!(undo(&admin, &back).expect(201).json["action"], "delete");
    assert_eq!(servers(&admin), Vec::<Value>::new());
}

#[test]
fn a_table_that_was_applied_is_one_revision_and_is_put_back_as_one() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    let apply = |rows: Value| {
        admin
            .call("POST", "/federation/servers:apply")
            .header("If-Match", "*")
            .json(&json!({"servers": rows}))
            .send()
    };
    apply(json!([{"domain": "kept.com"}, {"domain": "old.com"}, {"domain": "other.com"}])).expect(200);
    let before = servers(&admin);
    apply(json!([
        {"domain": "kept.com"},
        {"domain": "other.com", "nextplane": true, "server": "np.example", "port": 5270},
        {"domain": "new.com"},
    ]))
    .expect(200);
    let after = servers(&admin);
    let applied = newest(&admin, "federation/servers");
    assert_eq!((&applied["parts"], &applied["who"]), (&json!(3), &json!("token suite")));
    let parts = admin.get(&format!("/revisions/{}/parts", applied["n"])).expect(200);
    let said: Vec<_> =
        parts.items().iter().map(|part| (part["action"].clone(), part["object"].clone())).collect();
    for (action, object) in [("create", "new.com"), ("change", "other.com"), ("delete", "old.com")] {
        assert!(said.contains(&(json!(action), json!(object))), "{said:?}");
    }
    // By one of its objects it is found as well.
    let of_new = admin.get("/revisions?object=new.com").expect(200);
    assert_eq!(of_new.items()[0]["n"], applied["n"]);
    let undone = undo(&admin, &applied).expect(201).json;
    assert_eq!((&undone["undoes"], &undone["parts"]), (&applied["n"], &json!(3)));
    assert_eq!(servers(&admin), before);
    undo(&admin, &applied).problem(409, "revisions/superseded");
    undo(&admin, &undone).expect(201);
    assert_eq!(servers(&admin), after);
    // A later change of one row stands in the way, whoever made it.
    let again = newest(&admin, "federation/servers");
    admin.delete("/federation/servers/new.com", "*").expect(204);
    undo(&admin, &again).problem(409, "revisions/superseded").says("new.com");
}

#[test]
fn the_switches_of_federation_are_put_back_and_it_says_so() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    let place = json!({"value": ["127.0.0.1:0"]});
    admin.put("/settings/federation.s2s_listen", "*", &place).expect(200);
    admin.put("/federation", "*", &json!({"enabled": true, "open": true})).expect(200);
    assert_eq!(admin.get("/federation").expect(200).json["state"], "listening");
    undo(&admin, &newest(&admin, "federation")).expect(201);
    let now = admin.get("/federation").expect(200).json;
    assert_eq!(
        (&now["enabled"], &now["open"], &now["state"]),
        (&json!(false), &json!(false), &json!("disabled"))
    );
    await_plugin(&admin, "federation", "up");
}

#[test]
fn a_rehearsed_undo_shows_what_it_would_do_and_does_nothing() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    admin.post("/federation/servers", &json!({"domain": "ocs.com"})).expect(201);
    let added = newest(&admin, "federation/servers");
    let rehearsed =
        admin.call("POST", &format!("/revisions/{}:undo?dry_run=1", added["n"])).send().expect(201);
    assert_eq!((&rehearsed.json["undoes"], &rehearsed.json["action"]), (&added["n"], &json!("delete")));
    assert_eq!(servers(&admin).len(), 1);
    assert_eq!(newest(&admin, "federation/servers"), added);
}

#[test]
fn an_undo_with_a_key_is_done_once() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    admin.post("/federation/servers", &json!({"domain": "ocs.com"})).expect(201);
    let added = newest(&admin, "federation/servers");
    let path = format!("/revisions/{}:undo", added["n"]);
    let put_back = || admin.call("POST", &path).header("Idempotency-Key", "k1").send();
    let first = put_back().expect(201);
    let again = put_back().expect(201);
    assert_eq!((&again.json, again.header("idempotency-replayed")), (&first.json, Some("true")));
    undo(&admin, &added).problem(409, "revisions/superseded");
}

#[test]
fn an_undo_keeps_the_plugin_s_rules() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    admin.post("/federation/servers", &json!({"domain": "acme.example"})).expect(201);
    admin.delete("/federation/servers/acme.example", "*").expect(204);
    let removed = newest(&admin, "federation/servers");
    admin
        .post("/enterprises", &with(&enterprise_body("acme"), &json!({"domain": "acme.example"})))
        .expect(201);
    let refused = undo(&admin, &removed).problem(422, "request/invalid");
    refused.says("domain must be another company's").says("federation");
    assert_eq!(newest(&admin, "federation/servers"), removed, "a refused undo leaves nothing");
}

#[test]
fn who_may_not_change_may_not_put_back() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    admin.post("/federation/servers", &json!({"domain": "ocs.com"})).expect(201);
    let added = newest(&admin, "federation/servers");
    let scoped = json!({"name": "narrow", "role": "admin", "scopes": ["revisions:read", "revisions:undo"]});
    let token = admin.post("/tokens", &scoped).expect(201);
    let narrow = appliance.anonymous().with_token(&token.text("token"));
    undo(&narrow, &added).problem(403, "access/denied").says("federation:");
    assert_eq!(servers(&admin).len(), 1);
}

#[test]
fn a_change_of_a_plugin_that_is_away_waits_for_it() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    admin.post("/federation/servers", &json!({"domain": "ocs.com"})).expect(201);
    let added = newest(&admin, "federation/servers");
    order(&admin, "federation", "disable").expect(200);
    undo(&admin, &added).problem(503, "plugins/unavailable").says("federation");
    order(&admin, "federation", "enable").expect(200);
    undo(&admin, &added).expect(201);
}

/// Has the mirror note a change; what it notes as `before` is what it will answer when that is put back.
fn noted(admin: &Client, kind: &str, before: &Value) -> Answer {
    let revision = json!({"kind": kind, "object": "m", "who": "mirror", "before": before, "after": {"a": 1}});
    admin.post("/mirror:relay", &json!({"op": "revision.note", "args": revision}))
}

#[test]
fn a_plugin_that_does_not_put_back_is_named() {
    let mut appliance = Appliance::laid_out_with(&["echo"], |config| config);
    mirror::put(&appliance, "1.0.0", |manifest| manifest.replace(", \"revision.undo\"", ""));
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let admin = appliance.admin();
    noted(&admin, "mirror", &json!({})).expect(200);
    let refused = undo(&admin, &newest(&admin, "mirror")).problem(409, "revisions/not_undoable");
    refused.says("The plugin mirror does not put its changes back");
}

#[test]
fn what_a_plugin_would_do_beyond_its_own_is_not_done() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let own = json!({"kind": "mirror", "object": "m", "who": "admin of my choice"});
    let work = |sql: &str, revisions: &[Value]| json!({"statements": [{"sql": sql}], "revisions": revisions});
    let insert = "INSERT INTO mirror_note (text) VALUES ('x')";
    for (answer, words) in [
        (json!({"statements": "?"}), "does not fit"),
        (work(insert, &[]), "must note one revision, of mirror m"),
        (work(insert, &[with(&own, &json!({"object": "other"}))]), "must note one revision, of mirror m"),
        (work("DELETE FROM enterprise", std::slice::from_ref(&own)), "tried"),
        (work("INSERT INTO nowhere VALUES (1)", std::slice::from_ref(&own)), "no such table"),
    ] {
        noted(&admin, "mirror", &answer).expect(200);
        let last = newest(&admin, "mirror");
        undo(&admin, &last).problem(502, "plugins/fault").says(words).says("mirror");
        assert_eq!(newest(&admin, "mirror"), last, "{words}: a refused undo leaves nothing");
    }
    noted(&admin, "mirror", &work(insert, std::slice::from_ref(&own))).expect(200);
    let undone = undo(&admin, &newest(&admin, "mirror")).expect(201).json;
    assert_eq!(undone["who"], "token suite", "the plugin does not choose who did it");
    assert_eq!(admin.get("/enterprises").expect(200).column("id"), ["acme"]);
}

#[test]
fn a_plugin_cannot_note_a_change_of_core_s_own_objects() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    for kind in ["enterprises", "admins", "settings"] {
        let answer = noted(&admin, kind, &Value::Null).expect(200);
        assert_eq!(answer.json["error"]["code"], "denied", "{answer}");
    }
}

/// Seed 000: not supported in MiCloud Flex on GCP; putting back is no way around it.
#[test]
fn in_micloud_flex_nothing_of_federation_is_put_back_but_what_takes_it_away() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    let words = "Federation is not supported in the MiCloud Flex on GCP (Google Cloud Platform) environment";
    for domain in ["ocs.com", "lotus.example"] {
        admin.post("/federation/servers", &json!({"domain": domain})).expect(201);
    }
    let added = newest(&admin, "federation/servers");
    admin.delete("/federation/servers/ocs.com", "*").expect(204);
    let removed = newest(&admin, "federation/servers");
    admin.put("/settings/site.deployment", "*", &json!({"value": "micloud_flex_gcp"})).expect(200);
    undo(&admin, &removed).problem(409, "deployment/not_supported").says(words);
    undo(&admin, &added).expect(201);
    assert_eq!(servers(&admin), Vec::<Value>::new());
    admin.put("/settings/site.deployment", "*", &json!({"value": "on_premise"})).expect(200);
    undo(&admin, &removed).expect(201);
    assert_eq!(servers(&admin).len(), 1);
}
