//! How peering does: the table of peers, and what the host is told.

use jackfield_sdk::{Value, json};

use crate::appliance::Appliance;
use crate::fields::usual;

const NO_TRUST: &str = "the two appliances do not trust each other yet: no invitation was used for this peer";

#[test]
fn the_table_says_of_each_peer_what_it_is_and_how_it_does() {
    let appliance = Appliance::new();
    let answer = appliance.get("peering");
    assert_eq!(
        (&answer.body["state"], &answer.body["reason"]),
        (&json!("not_connected"), &json!(format!("Lyon: never connected ({NO_TRUST})")))
    );
    assert_eq!(answer.body["us"]["hostname"], "uc.home.example");
    let rows = answer.body["peers"].as_array().unwrap();
    let brief: Vec<_> = rows
        .iter()
        .map(|row| (&row["description"], &row["server"], &row["kind"], &row["status"], &row["version"]))
        .collect();
    let (null, external, jackfield) = (Value::Null, json!("external"), json!("jackfield"));
    assert_eq!(
        brief,
        [
            (&json!("Lyon"), &json!("uc.lyon.example"), &jackfield, &json!("never_connected"), &null),
            (&json!("OCS"), &null, &external, &null, &null),
            (&json!("Old"), &null, &null, &json!("disabled"), &null),
        ]
    );
    assert_eq!((&rows[0]["reason"], &rows[0]["peer_enterprise"]), (&json!(NO_TRUST), &json!("Lyon-01")));
    assert_eq!((&rows[0]["link"]["status"], &rows[1]["link"]), (&json!("never_connected"), &null));
    assert!(rows[0]["link"]["advice"].as_str().unwrap().starts_with("Invite"), "{}", rows[0]);
    assert_eq!(appliance.get("peers/peer-lyon/status").body, rows[0]);
    assert_eq!(appliance.get("peers/none/status").status, 404);
}

#[test]
fn a_synchronizer_is_seen_in_the_table() {
    let appliance = Appliance::new();
    let before = appliance.get("peers/peer-ocs/status").body;
    assert_eq!((&before["has_synchronizer"], &before["since"]), (&json!(false), &json!("2026-01-03")));
    let made = appliance.put("peers/peer-ocs/synchronizer", usual());
    let after = appliance.get("peers/peer-ocs/status").body;
    assert_eq!((&after["has_synchronizer"], &after["since"]), (&json!(true), &made.body["changed_at"]));
    assert_eq!(after["reason"], "its directory is configured, and not read yet", "{after}");
}

#[test]
fn the_table_can_be_narrowed_and_read_in_pages() {
    let appliance = Appliance::new();
    let ids = |query: Value| {
        let body = appliance.get_with("peering", query).body;
        let ids: Vec<_> = body["peers"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
        (ids, body["next"].clone())
    };
    assert_eq!(ids(json!({"enterprise": "BRANCH"})), (vec![json!("peer-old")], Value::Null));
    assert_eq!(ids(json!({"enterprise": "nobody"})), (vec![], Value::Null));
    assert_eq!(ids(json!({"limit": "1"})), (vec![json!("peer-lyon")], json!("peer-lyon")));
    assert_eq!(
        ids(json!({"limit": "2", "cursor": "peer-lyon"})),
        (vec![json!("peer-ocs"), json!("peer-old")], Value::Null)
    );
    for limit in ["0", "501", "x"] {
        let refused = appliance.get_with("peering", json!({"limit": limit}));
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (422, &json!("?limit")),
            "{limit}"
        );
    }
}

#[test]
fn the_host_hears_that_nothing_is_connected_and_when_nothing_is_configured() {
    let appliance = Appliance::new();
    let told = format!("Lyon: never connected ({NO_TRUST})");
    assert_eq!(appliance.told("state.report"), json!({"state": "degraded", "reason": told}));
    let findings = appliance.bench.asked("check.report");
    let of = |name: &str| findings.iter().rfind(|finding| finding["name"] == name).unwrap().clone();
    assert_eq!((&of("sisters")["state"], &of("sisters")["detail"]), (&json!("warning"), &json!(told)));
    assert_eq!(of("connection")["state"], "ok");
    let appliance = appliance.restarted_after("DELETE FROM peer WHERE kind = 'jackfield'");
    assert_eq!(appliance.told("state.report")["state"], "up");
    assert_eq!(appliance.told("check.report")["state"], "ok");
    assert_eq!(appliance.get("peering").body["state"], "idle");
    let made = appliance.put("peers/peer-ocs/synchronizer", usual());
    assert_eq!(appliance.get("peering").body["state"], "not_read");
    appliance.change("DELETE", "peers/peer-ocs/synchronizer", &made.etag.unwrap(), Value::Null);
    assert_eq!(appliance.get("peering").body["state"], "idle");
}

/// Seed 002: each peer says why nothing comes of it.
#[test]
fn where_the_deployment_has_no_peering_every_peer_says_so() {
    let appliance = Appliance::new();
    appliance.core("INSERT INTO setting VALUES ('site.deployment', '\"micloud_flex_gcp\"', 1, '')");
    let body = appliance.get("peering").body;
    let reason = "Peering is not supported in the MiCloud Flex on GCP (Google Cloud Platform) environment";
    assert_eq!(body["state"], "not_supported");
    assert!(body["reason"].as_str().unwrap().starts_with(reason), "{body}");
    let rows = body["peers"].as_array().unwrap();
    let status: Vec<_> = rows.iter().map(|row| row["status"].clone()).collect();
    assert_eq!(status, [json!("not_supported"), Value::Null, json!("disabled")]);
    let says = |row: &Value| row["reason"].as_str().unwrap().starts_with(reason);
    assert_eq!(rows.iter().map(says).collect::<Vec<_>>(), [true, true, false], "{body}");
}
