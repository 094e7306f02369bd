//! The kind of deployment: what MiCloud Flex on GCP rules out (seeds 000 and 002), and that nothing else changes.

use serde_json::{Value, json};

use crate::harness::*;

fn declare(admin: &Client, kind: &str) {
    admin.put("/settings/site.deployment", "*", &json!({"value": kind})).expect(200);
}

fn finding(admin: &Client) -> Value {
    let doctor = admin.get("/doctor").expect(200);
    let checks = doctor.items().to_vec();
    checks.into_iter().find(|check| check["name"] == "deployment").expect("the check")
}

#[test]
fn peers_can_be_taken_away_but_neither_made_nor_changed_in_micloud_flex() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let peer = format!("/peers/{}", site(&admin).peer);
    declare(&admin, "micloud_flex_gcp");
    let words = "Peering is not supported in the MiCloud Flex on GCP (Google Cloud Platform) environment";
    let nice = json!({"enterprise": "acme", "description": "Nice"});
    admin.post("/peers", &nice).problem(409, "deployment/not_supported").says(words);
    admin
        .patch(&peer, "*", &json!({"dialing_prefix": "78"}))
        .problem(409, "deployment/not_supported")
        .says(words);
    assert_eq!(finding(&admin)["state"], "warning");
    admin.delete(&peer, "*").expect(204);
    assert_eq!(finding(&admin)["state"], "ok");
    admin.post("/accounts", &account("acme", "jo", &json!({}))).expect(201);
    declare(&admin, "on_premise");
    admin.post("/peers", &nice).expect(201);
}

#[test]
fn the_kind_of_deployment_is_one_of_two() {
    let appliance = Appliance::start();
    appliance
        .admin()
        .put("/settings/site.deployment", "*", &json!({"value": "cloud"}))
        .problem(422, "request/invalid")
        .says("must be one of on_premise, micloud_flex_gcp; \"cloud\" is not");
}
