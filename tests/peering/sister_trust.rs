//! Trust between appliances: invitations, certificates, names and addresses that change, and the end of it.

use serde_json::{Value, json};

use super::sister::{MINUTE, SOON, Sister, join, pair};
use crate::harness::*;

#[test]
fn an_invitation_makes_both_sides_peers_that_are_connected() {
    let (north, south) = pair();
    let peer = north.admin.get(&format!("/peers/{}", north.peer())).expect(200).json;
    assert_eq!(
        (&peer["hostname"], &peer["peer_enterprise"], &peer["kind"]),
        (&json!("south.example"), &json!("south"), &json!("jackfield"))
    );
    let status = north.await_connected(SOON);
    assert_eq!(status["link"]["domain"], "south.example.com", "{status:#}");
    assert!(status["version"].is_string() && status["link"]["clock_ahead"].is_null(), "{status:#}");
    let trusted = south.admin.get("/trusted-servers").expect(200).items().to_vec();
    assert_eq!((&trusted[0]["address"], &trusted[0]["type"]), (&json!("north.example"), &json!("peer")));
    let used = north.admin.get("/peering/invitations").expect(200).items()[0].clone();
    assert_eq!((&used["state"], &used["used_by"]), (&json!("used"), &json!("south.example for south")));
    let state = north.admin.get("/peering").expect(200).json["state"].clone();
    assert_eq!(state, "connected");
    await_that(&north.admin, "peering", SOON, "up", |plugin| plugin["state"] == "up");
}

#[test]
fn the_port_is_open_only_while_somebody_is_invited_or_a_peer() {
    let north = Sister::new("north.example", "north");
    let is_open = || std::net::TcpStream::connect(north.listens).is_ok();
    assert!(!is_open(), "nobody is invited");
    let id = north.invite()["id"].as_str().expect("an id").to_owned();
    assert!(awaited(SOON, || is_open().then_some(())).is_some(), "an invitation opens it");
    north.admin.delete(&format!("/peering/invitations/{id}"), "*").expect(204);
    assert!(awaited(SOON, || (!is_open()).then_some(())).is_some(), "withdrawn, it closes again");
}

#[test]
fn a_code_is_good_once_and_says_what_is_wrong_with_it() {
    let (north, south) = pair();
    let other = Sister::new("other.example", "other");
    let code = north.invite()["code"].as_str().expect("a code").to_owned();
    other.accept(&code[..code.len() - 3]).problem(422, "request/invalid").says("not copied whole");
    other.accept("abcd-efgh").problem(422, "request/invalid").says("does not begin with");
    let dry = other.admin.call("POST", "/peering/invitations:accept?dry_run=1");
    let seen = dry.json(&json!({"enterprise": "other", "code": code})).send().expect(200).json;
    assert_eq!(seen["hostname"], "north.example");
    other.accept(&code).expect(201);
    // The same appliance that got no answer may ask again; another one may not.
    other.accept(&code).expect(201);
    assert_eq!(other.admin.get("/peers").expect(200).items().len(), 1);
    south.accept(&code).problem(409, "change/conflict").says("used already");
}

#[test]
fn select_enterprise_lists_those_over_there_and_a_wrong_one_is_told() {
    let (north, south) = pair();
    south.admin.post("/enterprises", &enterprise_body("second")).expect(201);
    let peer = north.peer();
    let list = north.admin.get(&format!("/peers/{peer}/enterprises")).expect(200);
    let ids: Vec<&Value> = list.items().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&json!("second"), &json!("south")]);
    let patch = |id: &str| {
        let body = json!({ "peer_enterprise": id });
        north.admin.patch(&format!("/peers/{peer}"), "*", &body).expect(200);
    };
    patch("nobody");
    let status = north.await_status(SOON, &["enterprise_not_found"]);
    assert!(status["reason"].as_str().unwrap().contains("\"nobody\""), "{status:#}");
    // One that is there, and has no peer that leads back.
    patch("second");
    let status = north.await_status(MINUTE, &["not_trusted"]);
    assert!(status["reason"].as_str().unwrap().contains("no peer that leads to"), "{status:#}");
    patch("south");
    north.await_connected(MINUTE);
}

#[test]
fn an_address_that_somebody_says_is_checked_before_it_is_kept() {
    let (north, south) = pair();
    let path = format!("/peers/{}/address", north.peer());
    let say = |place: String| north.admin.call("PUT", &path).json(&json!({ "address": place })).send();
    say(north.listens.to_string()).problem(409, "change/conflict").says("certificate_mismatch");
    say(format!("localhost:{}", south.listens.port())).expect(200);
    let told = || north.status(&north.peer())["link"]["address"].clone();
    let is_kept = awaited(SOON, || told().as_str()?.starts_with("localhost:").then_some(()));
    assert!(is_kept.is_some(), "{}", told());
}

#[test]
fn a_name_that_the_certificate_lacks_is_refused_with_both() {
    let (north, _south) = pair();
    let path = format!("/peers/{}", north.peer());
    let body = json!({"hostname": "else.example"});
    north.admin.patch(&path, "*", &body).expect(200);
    let status = north.await_status(MINUTE, &["certificate_mismatch"]);
    assert_eq!(
        (&status["link"]["expected"], &status["link"]["found"]),
        (&json!("else.example"), &json!("south.example"))
    );
}

#[test]
fn deleting_a_peer_is_told_to_the_other_side_which_shows_it() {
    let (north, south) = pair();
    north.admin.delete(&format!("/peers/{}", north.peer()), "*").expect(204);
    let status = south.await_status(SOON, &["not_trusted"]);
    assert!(status["reason"].as_str().unwrap().contains("deleted over there"), "{status:#}");
    // Invited anew, they are peers again.
    let code = north.invite()["code"].as_str().expect("a code").to_owned();
    south.accept(&code).expect(201);
    south.await_connected(MINUTE);
}

#[test]
fn a_deletion_that_is_undone_brings_the_trust_and_the_contacts_back() {
    let (north, south) = pair();
    south.account("bob");
    let bob = north.await_contact("bob");
    north.admin.delete(&format!("/peers/{}", north.peer()), "*").expect(204);
    south.await_status(SOON, &["not_trusted"]);
    let deletion = north.admin.get("/revisions?kind=peers&limit=1").expect(200).items()[0]["n"].clone();
    north.admin.call("POST", &format!("/revisions/{deletion}:undo")).send().expect(201);
    north.await_connected(MINUTE);
    south.await_connected(MINUTE);
    assert_eq!(north.await_contact("bob"), bob, "the same contact as before");
    assert_eq!(north.contacts().len(), 1);
    south.admin.delete(&format!("/peers/{}", south.peer()), "*").expect(204);
    let status = north.await_status(SOON, &["not_trusted"]);
    assert!(status["link"]["advice"].as_str().unwrap().contains("invite this appliance again"), "{status:#}");
}

#[test]
fn switched_off_it_says_so_on_both_sides() {
    let (north, south) = pair();
    north.set("enabled", json!(false));
    north.await_status(SOON, &["disabled"]);
    let status = south.await_status(SOON, &["not_trusted", "unreachable"]);
    assert!(!status["reason"].as_str().unwrap().is_empty());
    north.set("enabled", json!(true));
    north.await_connected(MINUTE);
    south.await_connected(MINUTE);
}

#[test]
fn two_enterprises_of_one_appliance_are_peers_without_a_network() {
    let north = Sister::new("north.example", "north");
    north.admin.post("/enterprises", &enterprise_body("south")).expect(201);
    let peer = |enterprise: &str, there: &str| {
        let body = json!({
            "enterprise": enterprise, "description": there, "kind": "jackfield", "hostname": "north.example",
            "peer_enterprise": there,
        });
        north.admin.post("/peers", &body).expect(201).id()
    };
    let first = peer("north", "south");
    let status =
        awaited(SOON, || Some(north.status(&first)).filter(|status| status["status"] == "not_trusted"));
    assert!(status.expect("it lacks its half")["reason"].as_str().unwrap().contains("no peer that leads to"));
    let list = north.admin.get(&format!("/peers/{first}/enterprises")).expect(200);
    assert_eq!(list.items().len(), 1);
    let second = peer("south", "north");
    for id in [&first, &second] {
        let found = awaited(SOON, || Some(north.status(id)).filter(|status| status["status"] == "connected"));
        assert!(found.is_some(), "{:#}", north.status(id));
    }
    assert!(std::net::TcpStream::connect(north.listens).is_err(), "no port is open for it");
    north.admin.delete(&format!("/peers/{second}"), "*").expect(204);
    let status =
        awaited(SOON, || Some(north.status(&first)).filter(|status| status["status"] == "not_trusted"));
    assert!(status.is_some(), "{:#}", north.status(&first));
}

#[test]
fn joining_again_takes_a_new_key_where_the_old_one_is_gone() {
    let (north, mut south) = pair();
    let place = south.listens;
    south.appliance.stop();
    let anew = Sister::reached_at("south.example", "south", place, place);
    join(&north, &anew);
}
