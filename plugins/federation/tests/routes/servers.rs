//! Single rows of the table of servers.

use jackfield_sdk::{Value, json};

use crate::{Appliance, appliance};
use jackfield_bench::Noted;

fn said(appliance: &Appliance, body: Value) -> (u16, String, String) {
    let answer = appliance.post("federation/servers", body);
    let error = &answer.body["errors"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (answer.status, text(&error["pointer"]), text(&error["detail"]))
}

#[test]
fn a_server_is_added_read_changed_and_removed() {
    let appliance = appliance();
    let made = appliance.post("federation/servers", json!({"domain": "OCS.com"}));
    assert_eq!(made.status, 201, "{}", made.body);
    let shown = json!({"domain": "ocs.com", "nextplane": false, "server": null, "port": 5269,
        "revision": 2, "changed_at": made.body["changed_at"]});
    assert_eq!(made.body, shown);
    let read = appliance.get("federation/servers/Ocs.COM");
    assert_eq!((read.status, &read.body, &read.etag), (200, &made.body, &made.etag));

    let wanted = json!({"nextplane": true, "server": "gw.nextplane.example", "port": 5270});
    let path = "federation/servers/ocs.com";
    let changed = appliance.change("PUT", path, &made.etag.unwrap(), wanted);
    assert_eq!((changed.status, &changed.body["server"]), (200, &json!("gw.nextplane.example")));
    assert_eq!(appliance.get(path).body, changed.body);

    let gone = appliance.change("DELETE", path, &changed.etag.unwrap(), Value::Null);
    assert_eq!((gone.status, gone.body), (204, Value::Null));
    assert_eq!(appliance.get(path).status, 404);
    assert_eq!(appliance.get("federation/servers").body, json!({"items": [], "next": null}));
}

#[test]
fn every_change_of_a_server_is_one_revision() {
    let appliance = appliance();
    let path = "federation/servers/ocs.com";
    let made = appliance.post("federation/servers", json!({"domain": "ocs.com"}));
    let same = appliance.change("PUT", path, &made.etag.clone().unwrap(), made.body.clone());
    assert_eq!(same, jackfield_sdk::HttpResponse { status: 200, ..made.clone() });
    appliance.change("PUT", path, &made.etag.unwrap(), json!({"server": "mbg"}));
    appliance.change("DELETE", path, &appliance.version(path), Value::Null);
    let plain = json!({"domain": "ocs.com", "nextplane": false, "server": null, "port": 5269});
    let routed = json!({"domain": "ocs.com", "nextplane": false, "server": "mbg", "port": 5269});
    let noted = |before: &Value, after: &Value, who: &str| Noted {
        what: "federation/servers ocs.com".to_owned(),
        who: who.to_owned(),
        before: before.clone(),
        after: after.clone(),
    };
    let all = [
        noted(&Value::Null, &plain, "tester"),
        noted(&plain, &routed, "admin alice"),
        noted(&routed, &Value::Null, "admin alice"),
    ];
    assert_eq!(appliance.revisions(), all);
}

#[test]
fn a_stale_edit_is_refused() {
    let appliance = appliance();
    let made = appliance.post("federation/servers", json!({"domain": "ocs.com"}));
    let (path, old) = ("federation/servers/ocs.com", made.etag.unwrap());
    let now = appliance.change("PUT", path, &old, json!({"server": "mbg"}));
    for (method, body) in [("PUT", json!({"server": "other"})), ("DELETE", Value::Null)] {
        let late = appliance.change(method, path, &old, body);
        assert_eq!(late.status, 412, "{method}: {}", late.body);
    }
    assert_eq!(appliance.get(path).body, now.body);
}

#[test]
fn a_version_is_not_used_again_after_removing() {
    let appliance = appliance();
    let path = "federation/servers/ocs.com";
    let first = appliance.post("federation/servers", json!({"domain": "ocs.com"})).etag.unwrap();
    appliance.change("DELETE", path, &first, Value::Null);
    let second = appliance.post("federation/servers", json!({"domain": "ocs.com"})).etag.unwrap();
    assert_ne!(first, second);
    assert_eq!(appliance.change("DELETE", path, &first, Value::Null).status, 412);
}

#[test]
fn an_edit_overtaken_between_reading_and_writing_is_refused() {
    let appliance = appliance();
    let path = "federation/servers/ocs.com";
    let made = appliance.post("federation/servers", json!({"domain": "ocs.com"}));
    for (version, status) in [(made.etag.unwrap().as_str(), 412), ("*", 409)] {
        appliance.interrupt("UPDATE federation_state SET table_revision = table_revision + 1");
        let answer = appliance.change("PUT", path, version, json!({"server": "mbg"}));
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    assert_eq!(appliance.get(path).body, made.body);
    assert_eq!(appliance.revisions().len(), 1);
}

#[test]
fn a_domain_that_an_enterprise_takes_meanwhile_is_refused() {
    let appliance = appliance();
    appliance.interrupt("UPDATE enterprise SET domain = 'OCS.com'");
    let answer = appliance.post("federation/servers", json!({"domain": "ocs.com"}));
    assert_eq!(answer.status, 409, "{}", answer.body);
    let (status, pointer, detail) = said(&appliance, json!({"domain": "ocs.com"}));
    assert_eq!((status, pointer.as_str()), (422, "/domain"), "{detail}");
    assert_eq!(appliance.get("federation").body["servers"], 0);
}

#[test]
fn a_domain_is_there_once() {
    let appliance = appliance();
    appliance.post("federation/servers", json!({"domain": "ocs.com"}));
    let (status, pointer, detail) = said(&appliance, json!({"domain": "OCS.com"}));
    assert_eq!((status, pointer.as_str()), (409, "/domain"));
    assert!(detail.contains("\"ocs.com\" is in the table already"), "{detail}");
}

#[test]
fn a_domain_of_ours_is_refused() {
    let appliance = appliance();
    let (status, pointer, detail) = said(&appliance, json!({"domain": "HOME.example"}));
    assert_eq!((status, pointer.as_str()), (422, "/domain"));
    assert!(detail.contains("\"home.example\" is the domain of our enterprise \"home\""), "{detail}");
    assert_eq!(appliance.post("federation/servers", json!({"domain": "sub.home.example"})).status, 201);
}

#[test]
fn a_nextplane_server_needs_host_and_port() {
    let appliance = appliance();
    let answer = appliance.post("federation/servers", json!({"domain": "ocs.com", "nextplane": true}));
    assert_eq!((answer.status, answer.body["errors"].as_array().map(Vec::len)), (422, Some(2)));
    let whole = json!({"domain": "ocs.com", "nextplane": true, "server": "10.0.0.1", "port": 5269});
    let made = appliance.post("federation/servers", whole);
    assert_eq!((made.status, &made.body["nextplane"]), (201, &json!(true)), "{}", made.body);
}

#[test]
fn an_unknown_field_is_named() {
    let (status, pointer, detail) = said(&appliance(), json!({"domain": "ocs.com", "prot": 1}));
    assert_eq!((status, pointer.as_str()), (422, "/prot"));
    assert!(detail.contains("`port`"), "{detail}");
}

#[test]
fn a_row_keeps_the_domain_of_its_address() {
    let appliance = appliance();
    let made = appliance.post("federation/servers", json!({"domain": "ocs.com"}));
    let path = "federation/servers/ocs.com";
    let answer = appliance.change("PUT", path, &made.etag.unwrap(), json!({"domain": "other.com"}));
    assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!("/domain")));
}

#[test]
fn what_is_not_there_is_told_by_name() {
    let appliance = appliance();
    for (method, body) in [("PUT", json!({})), ("DELETE", Value::Null)] {
        let answer = appliance.change(method, "federation/servers/ocs.com", "*", body);
        assert_eq!(answer.status, 404, "{method}");
        assert!(answer.body["detail"].as_str().unwrap().contains("\"ocs.com\""), "{}", answer.body);
    }
}

#[test]
fn dry_runs_answer_the_same_and_change_nothing() {
    let appliance = appliance();
    let made = appliance.post("federation/servers", json!({"domain": "ocs.com"}));
    let (path, version, before) = ("federation/servers/ocs.com", made.etag.unwrap(), appliance.stored());
    for (method, path, body, status) in [
        ("POST", "federation/servers", json!({"domain": "other.com"}), 201),
        ("POST", "federation/servers", json!({"domain": "ocs.com"}), 409),
        ("PUT", path, json!({"server": "mbg"}), 200),
        ("DELETE", path, Value::Null, 204),
    ] {
        let answer = appliance.rehearse(method, path, Some(&version), body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }
    assert_eq!(appliance.stored(), before);
    assert_eq!((appliance.count("db.tx"), appliance.revisions().len()), (1, 1));
}

#[test]
fn a_list_is_read_in_pages() {
    let appliance = appliance();
    for domain in ["c.com", "a.com", "b.com"] {
        assert_eq!(appliance.post("federation/servers", json!({"domain": domain})).status, 201);
    }
    let domains = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|row| row["domain"].clone()).collect()
    };
    let first = appliance.get_with("federation/servers", json!({"limit": "2"}));
    assert_eq!(domains(&first.body), ["a.com", "b.com"]);
    let query = json!({"limit": "2", "cursor": first.body["next"]});
    let second = appliance.get_with("federation/servers", query);
    assert_eq!((domains(&second.body), &second.body["next"]), (vec![json!("c.com")], &Value::Null));
    assert_eq!(first.etag, second.etag);
    for limit in ["0", "501", "many"] {
        let answer = appliance.get_with("federation/servers", json!({"limit": limit}));
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!("?limit")), "{limit}");
    }
}

#[test]
fn domains_of_external_peers_are_listed_without_a_row_until_somebody_adds_one() {
    let appliance = appliance();
    appliance.core(
        "INSERT INTO peer (id, enterprise, description, dialing_prefix, revision, created_at, changed_at, kind, domain)
        VALUES ('p-far', 'home', 'Far', '', 1, '2026-01-01T00:00:00Z', '', 'external', 'Far.example')",
    );
    appliance.post("federation/servers", json!({"domain": "ocs.com"}));
    let listed = appliance.get("federation/servers").body;
    let domains: Vec<_> = listed["items"].as_array().unwrap().iter().map(|row| &row["domain"]).collect();
    assert_eq!(domains, ["far.example", "ocs.com"]);
    assert_eq!((&listed["items"][0]["peer"], &listed["items"][0]["revision"]), (&json!("p-far"), &json!(0)));
    assert_eq!(listed["items"][1]["peer"], Value::Null);
    assert_eq!(
        appliance.get_with("federation/servers", json!({"cursor": "far.example"})).body["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let made =
        appliance.post("federation/servers", json!({"domain": "far.example", "policy": "tls_dialback"}));
    assert_eq!(made.status, 201, "{}", made.body);
    let shown = &appliance.get("federation/servers").body["items"][0];
    assert_eq!((&shown["peer"], &shown["policy"]), (&json!("p-far"), &json!("tls_dialback")));
    assert_eq!(appliance.get("federation/contacts").body, json!({"items": [], "next": null}));
}
