//! Put, publish, roll back, delete, undo: what serves is what was published last and loads, and everything is on
//! record and survives.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_script_serves_once_it_is_published_and_not_before() {
    let ground = ground();
    let put = ground.put("nine", NINE).expect(200);
    assert_eq!((&put.json["state"], &put.json["latest"]), (&json!("not_published"), &json!(1)), "{put}");
    let registered = json!([
        {"kind": "hook", "name": "dial.rewrite", "line": 2, "priority": 0, "every_s": null}
    ]);
    assert_eq!(put.json["registers"], registered, "{put}");
    assert_eq!(ground.dial("4001")["dialed"], "04001");
    let published = ground.swap("nine", "publish", None).expect(200);
    assert_eq!(
        (&published.json["state"], &published.json["serving"]),
        (&json!("active"), &json!(1)),
        "{published}"
    );
    assert_eq!(published.json["published_by"], "token suite");
    let answer = ground.dial("4001");
    assert_eq!(answer["dialed"], "904001", "{answer}");
    let step = steps(&answer, "dial.rewrite")[0];
    assert_eq!((&step["before"], &step["after"]), (&json!("04001"), &json!("904001")), "{step}");
    assert_eq!(step["source"], "site/nine.lua:2", "{step}");
    let hook = ground.admin.get("/hooks/nine").expect(200).json;
    assert_eq!((&hook["calls"], &hook["failures"]), (&json!(1), &json!(0)), "{hook}");
}

#[test]
fn the_same_text_again_is_the_version_that_it_was() {
    let ground = ground();
    let first = ground.put("nine", NINE).expect(200);
    let again = ground.put("nine", NINE).expect(200);
    assert_eq!(first.json, again.json, "nothing was changed");
    assert_eq!(ground.put("nine", EIGHT).expect(200).json["latest"], 2);
    assert_eq!(ground.put("nine", NINE).expect(200).json["latest"], 1, "the text has its version");
    assert_eq!(ground.swap("nine", "publish", None).expect(200).json["active"], 1, "what was put last");
    let versions = ground.admin.get("/hooks/nine/versions").expect(200);
    assert_eq!(versions.items().len(), 2, "{versions}");
    let second = ground.admin.get("/hooks/nine/versions/2").expect(200);
    assert_eq!(
        (&second.json["source"], &second.json["bytes"]),
        (&json!(EIGHT), &json!(EIGHT.len())),
        "{second}"
    );
    let digest = ring::digest::digest(&ring::digest::SHA256, EIGHT.as_bytes());
    assert_eq!(second.json["sha256"], data_encoding::HEXLOWER.encode(digest.as_ref()), "{second}");
    ground.admin.get("/hooks/nine/versions/9").problem(404, "request/not_found").says("no version 9");
}

#[test]
fn the_last_twenty_versions_stay_and_what_serves_and_served_besides() {
    let ground = ground();
    ground.publish("many", &format!("-- 1\n{NINE}"));
    ground.publish("many", &format!("-- 2\n{NINE}"));
    for n in 3..=25 {
        ground.put("many", &format!("-- {n}\n{NINE}")).expect(200);
    }
    let versions = ground.admin.get("/hooks/many/versions").expect(200);
    let kept: Vec<i64> = versions.items().iter().filter_map(|version| version["version"].as_i64()).collect();
    let expected: Vec<i64> = (6..=25).rev().chain([2, 1]).collect();
    assert_eq!(kept, expected);
    assert_eq!(ground.swap("many", "rollback", None).expect(200).json["active"], 1);
}

#[test]
fn a_rollback_leads_to_what_served_before_and_to_nothing_else() {
    let ground = ground();
    ground.publish("digit", NINE);
    ground
        .swap("digit", "rollback", None)
        .problem(409, "hooks/refused")
        .says("No other version was active before");
    ground.publish("digit", EIGHT);
    assert_eq!(ground.dial("4001")["dialed"], "804001");
    let back = ground.swap("digit", "rollback", None).expect(200).json;
    assert_eq!((&back["active"], &back["previous"]), (&json!(1), &json!(2)));
    assert_eq!(ground.dial("4001")["dialed"], "904001");
    ground.put("digit", &format!("-- never served\n{EIGHT}")).expect(200);
    let refused = ground.swap("digit", "rollback", Some(3)).problem(409, "hooks/refused");
    refused.says("Version 3 of digit never served");
    ground.swap("digit", "publish", Some(9)).problem(404, "request/not_found").says("no version 9");
    assert_eq!(ground.dial("4001")["dialed"], "904001", "what was refused changed nothing");
}

#[test]
fn a_change_says_which_version_it_changes() {
    let ground = ground();
    let admin = &ground.admin;
    let body = json!({"source": NINE});
    admin.put("/hooks/nine", "*", &body).problem(412, "change/stale").says("leave If-Match out to make it");
    let first = admin.call("PUT", "/hooks/nine").json(&body).send().expect(200);
    let missing = admin.call("PUT", "/hooks/nine").json(&json!({"source": EIGHT})).send();
    missing.problem(428, "change/if_match_missing").says("nine");
    admin.call("POST", "/hooks/nine:publish").send().problem(428, "change/if_match_missing");
    admin.call("DELETE", "/hooks/nine").send().problem(428, "change/if_match_missing");
    let second = admin.put("/hooks/nine", &first.etag(), &json!({"source": EIGHT})).expect(200);
    admin.put("/hooks/nine", &first.etag(), &body).problem(412, "change/stale");
    let stale = admin.call("POST", "/hooks/nine:publish").header("If-Match", &first.etag()).send();
    stale.problem(412, "change/stale");
    admin.delete("/hooks/nine", &first.etag()).problem(412, "change/stale");
    assert_eq!(ground.dial("4001")["dialed"], "04001", "a stale publication was carried out");
    admin.call("POST", "/hooks/nine:publish").header("If-Match", &second.etag()).send().expect(200);
    assert_eq!(ground.dial("4001")["dialed"], "804001");
}

#[test]
fn a_rehearsal_tries_everything_and_changes_nothing() {
    let ground = ground();
    let admin = &ground.admin;
    let newest = || admin.get("/revisions?limit=1").expect(200).bytes;
    let before = newest();
    let put = admin.call("PUT", "/hooks/nine?dry_run=1").json(&json!({"source": NINE})).send().expect(200);
    assert_eq!(
        (&put.json["latest"], &put.json["registers"][0]["name"]),
        (&json!(1), &json!("dial.rewrite")),
        "{put}"
    );
    let broken = admin.call("PUT", "/hooks/nine?dry_run=1").json(&json!({"source": "hook("})).send();
    broken.problem(422, "request/invalid").blames("/source", "site/nine.lua:1");
    admin.get("/hooks/nine").problem(404, "request/not_found");
    assert_eq!(newest(), before);
    ground.put("nine", NINE).expect(200);
    let before = newest();
    let rehearsed =
        admin.call("POST", "/hooks/nine:publish?dry_run=1").header("If-Match", "*").send().expect(200);
    assert_eq!(rehearsed.json["active"], 1, "{rehearsed}");
    admin.call("DELETE", "/hooks/nine?dry_run=1").header("If-Match", "*").send().expect(204);
    assert_eq!(admin.get("/hooks/nine").expect(200).json["active"], Value::Null);
    assert_eq!(ground.dial("4001")["dialed"], "04001");
    assert_eq!(newest(), before);
}

#[test]
fn a_repeated_publication_with_the_same_key_is_one() {
    let ground = ground();
    ground.put("nine", NINE).expect(200);
    let publish = || {
        let call = ground.admin.call("POST", "/hooks/nine:publish").header("If-Match", "*");
        call.header("Idempotency-Key", "once").send().expect(200)
    };
    let first = publish();
    ground.publish("nine", EIGHT);
    let again = publish();
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again}");
    assert_eq!(again.json, first.json);
    assert_eq!(ground.dial("4001")["dialed"], "804001", "the repetition was carried out again");
}

fn newest(ground: &Ground) -> i64 {
    let newest = ground.admin.get("/revisions?limit=1&kind=hooks").expect(200);
    newest.items()[0]["n"].as_i64().expect("a number")
}

#[track_caller]
fn undo(ground: &Ground, n: i64) -> Answer {
    ground.admin.call("POST", &format!("/revisions/{n}:undo")).send()
}

#[test]
fn every_change_is_a_revision_and_can_be_undone() {
    let ground = ground();
    ground.publish("digit", NINE);
    ground.publish("digit", EIGHT);
    let second = newest(&ground);
    undo(&ground, second).expect(201);
    assert_eq!(ground.dial("4001")["dialed"], "904001", "the publication of the second version is undone");
    ground.admin.delete("/hooks/digit", "*").expect(204);
    assert_eq!(ground.dial("4001")["dialed"], "04001");
    ground.admin.get("/hooks/digit").problem(404, "request/not_found");
    undo(&ground, newest(&ground)).expect(201);
    assert_eq!(ground.dial("4001")["dialed"], "904001", "the deletion is undone");
    let revisions = ground.admin.get("/revisions?kind=hooks&object=digit&limit=500").expect(200);
    let actions: Vec<_> =
        revisions.items().iter().map(|one| one["action"].as_str().unwrap_or_default()).collect();
    // Put, publish, put, publish, undone, deleted, undone; newest first.
    assert_eq!(actions, ["create", "delete", "change", "change", "change", "change", "create"]);
}

#[test]
fn undoing_the_first_put_deletes_and_a_name_that_comes_back_has_its_versions() {
    let ground = ground();
    ground.put("digit", NINE).expect(200);
    undo(&ground, newest(&ground)).expect(201);
    ground.admin.get("/hooks/digit").problem(404, "request/not_found");
    let back = ground.put("digit", EIGHT).expect(200).json;
    assert_eq!(
        (&back["latest"], &back["active"]),
        (&json!(2), &Value::Null),
        "a number never means two texts"
    );
}

#[test]
fn what_was_published_serves_after_a_kill() {
    let mut ground = ground();
    ground.publish("digit", NINE);
    let before = ground.admin.get("/hooks/digit").expect(200).json;
    ground.appliance.kill9();
    ground.appliance.resume();
    ground.admin = ground.appliance.admin();
    ground.await_scripts();
    let after = ground.admin.get("/hooks/digit").expect(200).json;
    assert_eq!((&after["active"], &after["revision"]), (&before["active"], &before["revision"]));
    assert_eq!(ground.dial("4001")["dialed"], "904001");
    assert_eq!(ground.admin.get("/hooks/digit/versions/1").expect(200).json["source"], NINE);
}

#[test]
fn a_viewer_reads_scripts_and_only_an_admin_changes_them() {
    let ground = ground();
    ground.publish("digit", NINE);
    for role in ["viewer", "operator"] {
        let client = ground.appliance.anonymous().with_token(&ground.appliance.token(role, role));
        for path in
            ["/hooks", "/hooks:catalog", "/hooks/digit", "/hooks/digit/versions", "/hooks/digit/versions/1"]
        {
            client.get(path).expect(200);
        }
        client
            .call("PUT", "/hooks/other")
            .json(&json!({"source": NINE}))
            .send()
            .problem(403, "access/denied");
        client
            .call("POST", "/hooks/digit:rollback")
            .header("If-Match", "*")
            .send()
            .problem(403, "access/denied");
        client.delete("/hooks/digit", "*").problem(403, "access/denied");
    }
}

#[test]
fn the_places_at_which_scripts_are_asked_are_told_with_what_a_failure_does() {
    let ground = ground();
    let places = ground.admin.get("/hooks:catalog").expect(200);
    let find =
        |name: &str| places.items().iter().find(|place| place["name"] == name).expect("a place").clone();
    assert_eq!(find("dial.rewrite")["mode"], "chain");
    assert_eq!(
        (&find("dial.admit")["mode"], &find("dial.admit")["calls"]),
        (&json!("first"), &json!(["directory.lookup"]))
    );
    assert!(find("check")["on_failure"].as_str().is_some_and(|words| words.contains("never ok")));
}
