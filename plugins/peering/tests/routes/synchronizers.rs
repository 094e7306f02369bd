//! Synchronizers as they are made, changed, deleted: versions, revisions, passwords.

use jackfield_sdk::{HttpResponse, Value, json};

use crate::appliance::Appliance;
use crate::fields::{usual, with, without};

const PEER: &str = "peers/peer-ocs/synchronizer";

fn made(appliance: &Appliance) -> HttpResponse {
    let made = appliance.put(PEER, usual());
    assert_eq!(made.status, 201, "{}", made.body);
    made
}

#[test]
fn one_is_made_read_changed_and_deleted() {
    let appliance = Appliance::new();
    assert_eq!(appliance.get(PEER).status, 404);
    let made = made(&appliance);
    let read = appliance.get(PEER);
    assert_eq!((read.status, &read.body, &read.etag), (200, &made.body, &made.etag));
    assert_eq!(read.body["has_password"], true);
    let sent_back = read.body.clone();
    let same = appliance.change("PUT", PEER, &made.etag.clone().unwrap(), sent_back);
    assert_eq!((same.status, &same.body, &same.etag), (200, &made.body, &made.etag));
    let fields = without(&["password"], json!({"description": "Ventes"}));
    let changed = appliance.change("PUT", PEER, &made.etag.unwrap(), fields);
    assert_eq!((changed.status, &changed.body["description"]), (200, &json!("Ventes")), "{}", changed.body);
    assert_eq!(appliance.get(PEER).body, changed.body);
    let gone = appliance.change("DELETE", PEER, &changed.etag.unwrap(), Value::Null);
    assert_eq!((gone.status, appliance.get(PEER).status), (204, 404));
}

#[test]
fn each_change_is_one_revision_that_shows_no_password() {
    let appliance = Appliance::new();
    made(&appliance);
    let other = with(json!({"password": "hush-again"}));
    appliance.change("PUT", PEER, &appliance.version(PEER), other);
    appliance.change("DELETE", PEER, &appliance.version(PEER), Value::Null);
    let revisions = appliance.revisions();
    let seen: Vec<_> = revisions
        .iter()
        .map(|r| (r.what.as_str(), r.who.as_str(), r.before.is_null(), r.after.is_null()))
        .collect();
    let what = "peering/synchronizers peer/peer-ocs";
    let who = "admin alice";
    assert_eq!(seen, [(what, who, true, false), (what, who, false, false), (what, who, false, true)]);
    assert_ne!(revisions[1].before["password_set_at"], Value::Null);
    assert!(!format!("{revisions:?}").contains("hush"), "{revisions:?}");
}

#[test]
fn a_password_is_kept_changed_and_forgotten_in_one_place() {
    let appliance = Appliance::new();
    made(&appliance);
    let secrets = appliance.secrets();
    let (name, value) = secrets.iter().next().unwrap();
    assert!(name.starts_with("peer.peer-ocs.") && value == "hush-hush" && secrets.len() == 1, "{secrets:?}");
    let kept = without(&["password"], json!({"grace_days": 1}));
    appliance.change("PUT", PEER, "*", kept);
    assert_eq!(appliance.secrets(), secrets);
    appliance.change("PUT", PEER, "*", with(json!({"password": "other"})));
    assert_eq!(appliance.secrets().into_values().collect::<Vec<_>>(), [json!("other")]);
    appliance.change("PUT", PEER, "*", with(json!({"bind_dn": null, "password": null})));
    assert_eq!(appliance.secrets().len(), 0);
    assert_eq!(appliance.get(PEER).body["has_password"], false);
    appliance.change("PUT", PEER, "*", usual());
    appliance.change("DELETE", PEER, "*", Value::Null);
    assert_eq!((appliance.secrets().len(), appliance.table("peering_secret").len()), (0, 0));
}

#[test]
fn a_kept_password_does_not_follow_to_another_server_or_line() {
    let appliance = Appliance::new();
    made(&appliance);
    for fields in [
        json!({"path": "ldap://evil.example/DC=ocs,DC=example"}),
        json!({"port": 1636}),
        json!({"tls": "none"}),
        json!({"bind_dn": "CN=other,DC=ocs,DC=example"}),
    ] {
        let answer = appliance.change("PUT", PEER, "*", without(&["password"], fields.clone()));
        let error = &answer.body["errors"][0];
        assert_eq!(
            (answer.status, &error["pointer"]),
            (422, &json!("/password")),
            "{fields}: {}",
            answer.body
        );
        assert!(
            error["detail"].as_str().unwrap().contains("given again where host, port, tls or bind_dn change")
        );
    }
    assert_eq!(appliance.secrets().len(), 1);
}

#[test]
fn a_change_needs_the_version_and_making_needs_none() {
    let appliance = Appliance::new();
    let early = appliance.change("PUT", PEER, "*", usual());
    assert_eq!(early.status, 412, "{}", early.body);
    let made = made(&appliance);
    let blind = appliance.put(PEER, with(json!({"grace_days": 1})));
    assert_eq!(blind.status, 428, "{}", blind.body);
    let stale = appliance.change("PUT", PEER, "0", with(json!({"grace_days": 1})));
    assert_eq!(stale.status, 412, "{}", stale.body);
    assert_eq!(appliance.change("DELETE", PEER, "0", Value::Null).status, 412);
    assert_eq!(appliance.get(PEER).body, made.body);
}

#[test]
fn one_overtaken_between_reading_and_writing_is_refused_with_its_password() {
    let appliance = Appliance::new();
    made(&appliance);
    let before = (appliance.secrets(), appliance.get(PEER).body);
    for (version, status) in [(appliance.version(PEER).as_str(), 412), ("*", 409)] {
        appliance.interrupt("UPDATE peering_state SET revision = revision + 1");
        let answer = appliance.change("PUT", PEER, version, with(json!({"password": "late"})));
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    assert_eq!((appliance.secrets(), appliance.get(PEER).body), before);
    assert_eq!(appliance.revisions().len(), 1);
}

#[test]
fn a_domain_that_an_enterprise_takes_meanwhile_is_refused() {
    let appliance = Appliance::new();
    appliance.interrupt("UPDATE enterprise SET domain = 'OCS.example' WHERE id = 'home'");
    let answer = appliance.put(PEER, without(&["password", "bind_dn"], json!({})));
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(appliance.table("peering_synchronizer").len(), 0);
}

#[test]
fn a_domain_that_an_enterprise_takes_later_is_warned_of() {
    let appliance = Appliance::new();
    made(&appliance);
    appliance.core("UPDATE enterprise SET domain = 'OCS.example' WHERE id = 'Branch'");
    let warnings = appliance.get(PEER).body["warnings"].clone();
    assert!(warnings[0].as_str().unwrap().contains("that of our enterprise \"Branch\" by now"), "{warnings}");
}

#[test]
fn a_dry_run_shows_the_same_and_does_nothing() {
    let appliance = Appliance::new();
    let shown = appliance.rehearse("PUT", PEER, None, usual());
    assert_eq!((shown.status, appliance.secrets().len(), appliance.get(PEER).status), (201, 0, 404));
    let made = made(&appliance);
    for field in ["path", "has_password", "revision", "mapping"] {
        assert_eq!(shown.body[field], made.body[field], "{field}");
    }
    let gone = appliance.rehearse("DELETE", PEER, made.etag.as_deref(), Value::Null);
    assert_eq!((gone.status, appliance.get(PEER).body), (204, made.body));
}

#[test]
fn only_external_peers_have_one() {
    let appliance = Appliance::new();
    for (peer, words) in
        [("peer-lyon", "is of the kind jackfield"), ("peer-old", "has no kind yet; set kind to external")]
    {
        let path = format!("peers/{peer}/synchronizer");
        let answer = appliance.put(&path, usual());
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(answer.status == 409 && detail.contains(words), "{}", answer.body);
        assert_eq!(appliance.get(&path).status, 404);
    }
    let nobody = appliance.put("peers/peer-none/synchronizer", usual());
    assert_eq!((nobody.status, &nobody.body["detail"]), (404, &json!("there is no peer \"peer-none\"")));
}

#[test]
fn an_enterprise_has_one_of_its_own() {
    let appliance = Appliance::new();
    let path = "enterprises/BRANCH/synchronizer";
    let made = appliance.put(path, with(json!({"sync_every_days": 7, "sync_hour": 11, "sync_half": "PM"})));
    assert_eq!((made.status, &made.body["enterprise"]), (201, &json!("Branch")), "{}", made.body);
    assert_eq!(appliance.get("enterprises/branch/synchronizer").body, made.body);
    assert_eq!((&made.body["sync_every_days"], &made.body["sync_half"]), (&json!(7), &json!("PM")));
    assert!(appliance.secrets().keys().next().unwrap().starts_with("enterprise.branch."));
    assert_eq!(appliance.get("enterprises/home/synchronizer").status, 404);
    assert_eq!(appliance.put("enterprises/none/synchronizer", usual()).status, 404);
    let gone = appliance.change("DELETE", path, &made.etag.unwrap(), Value::Null);
    assert_eq!((gone.status, appliance.secrets().len()), (204, 0));
}

#[test]
fn the_assistant_works_out_a_path() {
    let appliance = Appliance::new();
    let asked = |path: &str, controller: Value| appliance.post(path, json!({"controller": controller}));
    let path = format!("{PEER}:assist");
    let answer = asked(&path, json!("Test-Controller.mitel.com"));
    let worked_out = json!({
        "host": "test-controller", "domain": "mitel.com", "base_dn": "DC=mitel,DC=com",
        "path": "ldap://test-controller/DC=mitel,DC=com",
    });
    assert_eq!((answer.status, &answer.body), (200, &worked_out));
    assert_eq!(
        asked("enterprises/home/synchronizer:assist", json!("dc.a.b.c")).body["base_dn"],
        "DC=a,DC=b,DC=c"
    );
    for (controller, words) in [
        (json!("dc1"), "\"dc1\" is not"),
        (json!("10.0.0.1"), "no IP address"),
        (Value::Null, "it is missing"),
    ] {
        let refused = asked(&path, controller);
        let error = &refused.body["errors"][0];
        assert_eq!((refused.status, &error["pointer"]), (422, &json!("/controller")), "{}", refused.body);
        assert!(error["detail"].as_str().unwrap().contains(words), "{error}");
    }
    assert_eq!(asked("peers/peer-lyon/synchronizer:assist", json!("dc.a.b")).status, 409);
    assert_eq!(appliance.get(PEER).status, 404, "nothing is stored");
}
