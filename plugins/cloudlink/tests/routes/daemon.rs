//! `cloudlink/daemon`: a connection of its own to the same account.

use jackfield_sdk::json;

use crate::{appliance, whole};
use jackfield_bench::complaint;

#[test]
fn the_daemon_is_off_and_its_tunnels_are_stopped() {
    let appliance = appliance();
    let shown = appliance.get("cloudlink/daemon").body;
    assert_eq!((&shown["enabled"], &shown["auto_stop_hours"]), (&json!(false), &json!(8)));
    assert_eq!(shown["state"], "disabled");
    let tunnels = shown["tunnels"].as_array().unwrap();
    let names: Vec<_> = tunnels.iter().map(|tunnel| (&tunnel["name"], &tunnel["state"])).collect();
    let all = ["msl", "micollab", "mbg"].map(|name| (json!(name), json!("stopped")));
    assert_eq!(names, all.iter().map(|(name, state)| (name, state)).collect::<Vec<_>>());
}

#[test]
fn a_daemon_that_is_on_is_configured_not_connected() {
    let appliance = appliance();
    let version = appliance.version("cloudlink/daemon");
    let done =
        appliance.change("PUT", "cloudlink/daemon", &version, json!({"enabled": true, "auto_stop_hours": 2}));
    assert_eq!((done.status, &done.body["state"]), (200, &json!("not_connected")), "{}", done.body);
    assert!(done.body["reason"].as_str().unwrap().contains("has no CloudLink daemon"));
    let found = appliance.told("check.report");
    assert_eq!((&found["name"], &found["state"]), (&json!("daemon"), &json!("warning")));
    let appliance = appliance.restarted();
    assert_eq!(appliance.get("cloudlink/daemon"), done);
    assert_eq!(appliance.get("cloudlink").body["revision"], 0, "the integration is another connection");
    assert_eq!(appliance.revisions()[0].what, "cloudlink/daemon daemon");
    assert_eq!(appliance.change("PUT", "cloudlink/daemon", &version, json!({"enabled": false})).status, 412);
}

#[test]
fn both_connections_need_the_same_account() {
    let appliance = appliance();
    appliance.put("cloudlink", whole());
    assert_eq!(appliance.get("cloudlink/daemon").body["account"], "123456789");
    let answer = appliance.put("cloudlink/daemon", json!({"enabled": true, "account_number": "987654321"}));
    let (at, said) = complaint(&answer);
    assert!(
        at == "/account_number" && said.contains("(123456789)") && said.contains("\"987654321\" is not"),
        "{said}"
    );
    let same = appliance.put("cloudlink/daemon", json!({"enabled": true, "account_number": "123456789"}));
    assert_eq!(same.status, 200, "{}", same.body);
    let mut other = whole();
    other["account_number"] = json!("5");
    assert_eq!(complaint(&appliance.put("cloudlink", other)).0, "/account_number");
}

#[test]
fn every_field_of_the_daemon_says_what_it_must_be() {
    let appliance = appliance();
    for (body, pointer, says) in [
        (json!({}), "/enabled", "it is missing"),
        (json!({"enabled": "on"}), "/enabled", "\"on\" is not"),
        (json!({"enabled": true, "auto_stop_hours": 0}), "/auto_stop_hours", "from 1 to 24; 0 is not"),
        (json!({"enabled": true, "auto_stop_hours": 25}), "/auto_stop_hours", "25 is not"),
        (json!({"enabled": true, "account_number": "A1"}), "/account_number", "digits only; \"A1\" is not"),
        (json!({"enabled": true, "tunnel": 1}), "/tunnel", "known: `enabled`"),
    ] {
        let answer = appliance.put("cloudlink/daemon", body);
        let (at, said) = complaint(&answer);
        assert!(at == pointer && said.contains(says), "{at}: {said}");
    }
}
