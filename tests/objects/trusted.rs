//! Trusted servers of peers: the row that a peer makes by itself, the address that both share (seed 002), and that they
//! go and come back together.

use serde_json::{Value, json};

use crate::harness::*;

/// A peer with its row, as paths.
fn peer_with_row(admin: &Client) -> (String, String) {
    site(admin);
    let peer = json!({
        "enterprise": "acme", "description": "Nice", "kind": "jackfield", "hostname": "nice.example.com",
        "peer_enterprise": "nice",
    });
    let peer = admin.post("/peers", &peer).expect(201).id();
    let row = rows(admin, &peer).pop().expect("its row");
    assert_eq!(
        [&row["description"], &row["address"], &row["type"]],
        [&json!("Nice"), &json!("nice.example.com"), &json!("peer")]
    );
    (format!("/peers/{peer}"), format!("/trusted-servers/{}", row["id"].as_str().unwrap()))
}

fn rows(admin: &Client, peer: &str) -> Vec<Value> {
    admin.get(&format!("/trusted-servers?peer={peer}")).expect(200).items().to_vec()
}

fn newest(admin: &Client) -> Value {
    admin.get("/revisions?limit=1").expect(200).items()[0].clone()
}

fn undo(admin: &Client, revision: &Value) -> Answer {
    admin.call("POST", &format!("/revisions/{}:undo", revision["n"])).send()
}

#[test]
fn an_address_that_is_changed_in_one_place_changes_in_the_other() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let (peer, row) = peer_with_row(&admin);
    admin.patch(&peer, "*", &json!({"hostname": "new.example.com"})).expect(200);
    assert_eq!(admin.get(&row).expect(200).text("address"), "new.example.com");
    admin.patch(&row, "*", &json!({"address": "newer.example.com"})).expect(200);
    assert_eq!(admin.get(&peer).expect(200).text("hostname"), "newer.example.com");
    undo(&admin, &newest(&admin)).expect(201);
    assert_eq!(admin.get(&row).expect(200).text("address"), "new.example.com");
    assert_eq!(admin.get(&peer).expect(200).text("hostname"), "new.example.com");
}

#[test]
fn a_peer_s_row_keeps_to_the_peer_s_rules() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let (peer, row) = peer_with_row(&admin);
    let refused = |change: Value| admin.patch(&row, "*", &change).problem(422, "request/invalid");
    refused(json!({"type": "im"})).blames("/type", "stays \"peer\"");
    refused(json!({"address": "10.0.0.1"})).blames("/address", "a DNS name such as example.com");
    admin.delete(&row, "*").problem(409, "change/in_use").says("Delete the peer, and the row goes with it.");
    assert_eq!(admin.get(&peer).expect(200).text("hostname"), "nice.example.com");
    admin.patch(&row, "*", &json!({"description": "Nice by the sea"})).expect(200);
    assert_eq!(admin.get(&peer).expect(200).text("description"), "Nice");
}

#[test]
fn a_peer_and_its_row_go_and_come_back_together() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let (peer, row) = peer_with_row(&admin);
    let before = admin.get(&row).expect(200).json;
    admin.delete(&peer, "*").expect(204);
    admin.get(&row).problem(404, "request/not_found");
    let deletion = newest(&admin);
    assert_eq!((&deletion["kind"], &deletion["parts"]), (&json!("peers"), &json!(1)));
    undo(&admin, &deletion).expect(201);
    assert_eq!(admin.get(&row).expect(200).json["address"], before["address"]);
    assert_eq!(admin.get(&peer).expect(200).text("hostname"), "nice.example.com");
}
