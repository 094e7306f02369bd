//! `federation`: switched on and off, and honest about it.

use jackfield_sdk::json;

use crate::appliance;
use jackfield_bench::Noted;

/// The bench gives no settings, so there is no place to listen on.
const NOWHERE: &str = "federation is on, but listens nowhere, so no other server can reach it";

#[test]
fn a_new_appliance_does_not_federate() {
    let appliance = appliance();
    let answer = appliance.get("federation");
    let shown = &answer.body;
    assert_eq!(answer.status, 200, "{shown}");
    assert_eq!((&shown["enabled"], &shown["open"]), (&json!(false), &json!(false)));
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("disabled"), &json!("federation is switched off"))
    );
    assert_eq!((&shown["servers"], &shown["revision"]), (&json!(0), &json!(1)));
    assert!(shown["changed_at"].as_str().unwrap().ends_with('Z'), "{shown}");
    assert_eq!(
        appliance.told("state.report"),
        json!({"state": "up", "reason": "federation is switched off"})
    );
    assert_eq!(appliance.told("check.report")["state"], "ok");
}

#[test]
fn enabling_says_that_nobody_can_connect_where_there_is_no_place() {
    let appliance = appliance();
    let version = appliance.version("federation");
    let answer = appliance.change("PUT", "federation", &version, json!({"enabled": true, "open": false}));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!((&answer.body["state"], &answer.body["reason"]), (&json!("not_listening"), &json!(NOWHERE)));
    assert_eq!(appliance.get("federation"), answer);
    assert_eq!(appliance.told("state.report"), json!({"state": "degraded", "reason": NOWHERE}));
    let finding = appliance.told("check.report");
    assert_eq!((&finding["state"], &finding["detail"]), (&json!("warning"), &json!(NOWHERE)));
    assert!(finding["advice"].as_str().unwrap().contains("federation.s2s_listen"), "{finding}");
}

#[test]
fn the_state_is_told_again_when_the_plugin_starts_again() {
    let appliance = appliance();
    appliance.change("PUT", "federation", "*", json!({"enabled": true, "open": true}));
    let appliance = appliance.restarted();
    assert_eq!(appliance.get("federation").body["open"], true);
    assert_eq!(appliance.told("state.report"), json!({"state": "degraded", "reason": NOWHERE}));
    appliance.change("PUT", "federation", "*", json!({"enabled": false, "open": true}));
    assert_eq!(appliance.told("state.report")["state"], "up");
    assert_eq!(appliance.told("check.report")["state"], "ok");
}

#[test]
fn switching_is_one_revision_and_switching_to_the_same_is_none() {
    let appliance = appliance();
    let wanted = json!({"enabled": true, "open": false});
    let answer = appliance.change("PUT", "federation", &appliance.version("federation"), wanted.clone());
    let again = appliance.change("PUT", "federation", &answer.etag.clone().unwrap(), answer.body.clone());
    assert_eq!(again, answer);
    let noted = Noted {
        what: "federation federation".to_owned(),
        who: "admin alice".to_owned(),
        before: json!({"enabled": false, "open": false}),
        after: wanted,
    };
    assert_eq!(appliance.revisions(), [noted]);
}

#[test]
fn a_dry_run_of_switching_changes_and_tells_nothing() {
    let appliance = appliance();
    let (before, version) = (appliance.stored(), appliance.version("federation"));
    let told = appliance.count("state.report");
    let answer =
        appliance.rehearse("PUT", "federation", Some(&version), json!({"enabled": true, "open": false}));
    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("starting")));
    assert_eq!(appliance.stored(), before);
    assert_eq!((appliance.count("db.tx"), appliance.count("state.report")), (0, told));
}

#[test]
fn a_stale_switch_is_refused() {
    let appliance = appliance();
    let version = appliance.version("federation");
    let wanted = json!({"enabled": true, "open": false});
    assert_eq!(appliance.change("PUT", "federation", &version, wanted.clone()).status, 200);
    let late = appliance.change("PUT", "federation", &version, json!({"enabled": false, "open": false}));
    assert_eq!(late.status, 412, "{}", late.body);
    assert_eq!(appliance.get("federation").body["enabled"], true);
}

#[test]
fn a_switch_overtaken_between_reading_and_writing_is_refused() {
    let overtake = "UPDATE federation_state SET open = 1, revision = revision + 1";
    for (version, status) in [("1-1", 412), ("*", 409)] {
        let appliance = appliance();
        appliance.interrupt(overtake);
        let answer = appliance.change("PUT", "federation", version, json!({"enabled": true, "open": false}));
        assert_eq!(answer.status, status, "{}", answer.body);
        let shown = appliance.get("federation").body;
        assert_eq!((&shown["enabled"], &shown["open"]), (&json!(false), &json!(true)));
        assert_eq!(appliance.revisions(), []);
    }
}

#[test]
fn a_server_added_meanwhile_is_seen_but_does_not_make_switching_stale() {
    let appliance = appliance();
    let version = appliance.version("federation");
    appliance.post("federation/servers", json!({"domain": "ocs.com"}));
    let shown = appliance.get("federation");
    assert_eq!(shown.body["servers"], 1);
    assert_ne!(shown.etag.unwrap(), version, "a cached answer would show the old count");
    let answer = appliance.change("PUT", "federation", &version, json!({"enabled": true, "open": false}));
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
fn switches_are_true_or_false() {
    let appliance = appliance();
    let answer = appliance.change("PUT", "federation", "*", json!({"enabled": "on"}));
    assert_eq!(answer.status, 422);
    let said = [
        json!({"pointer": "/enabled", "detail": "enabled must be true or false; \"on\" is not"}),
        json!({"pointer": "/open", "detail": "open must be true or false; it is missing"}),
    ];
    assert_eq!(answer.body["errors"], json!(said));
    let stranger = appliance.change("PUT", "federation", "*", json!({"enabled": true, "opem": true}));
    assert_eq!((stranger.status, &stranger.body["errors"][0]["pointer"]), (422, &json!("/opem")));
}

/// Seed 000: the kind of deployment counts more than the switch, and takes nothing of what is stored.
#[test]
fn where_the_deployment_has_no_federation_the_reason_is_told() {
    let appliance = appliance();
    appliance.change("PUT", "federation", "*", json!({"enabled": true, "open": false}));
    appliance.core("INSERT INTO setting VALUES ('site.deployment', '\"micloud_flex_gcp\"', 1, '')");
    let appliance = appliance.restarted();
    let reason = "Federation is not supported in the MiCloud Flex on GCP (Google Cloud Platform) environment";
    let shown = appliance.get("federation").body;
    assert_eq!((&shown["state"], &shown["enabled"]), (&json!("not_supported"), &json!(true)), "{shown}");
    let finding = appliance.told("check.report");
    assert!(finding["detail"].as_str().unwrap().starts_with(reason), "{finding}");
    assert_eq!(
        (&appliance.told("state.report")["state"], &finding["state"]),
        (&json!("degraded"), &json!("warning"))
    );
    appliance.change("PUT", "federation", "*", json!({"enabled": false, "open": false}));
    assert_eq!(
        (&appliance.told("state.report")["state"], &appliance.told("check.report")["state"]),
        (&json!("up"), &json!("ok"))
    );
    assert_eq!(appliance.get("federation").body["state"], "not_supported", "why it cannot be switched on");
    appliance.core("DELETE FROM setting");
    assert_eq!(appliance.restarted().get("federation").body["state"], "disabled");
}
