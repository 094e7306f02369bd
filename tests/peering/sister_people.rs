//! What flows over a link: directory, presence and messages; and what a break of it leaves.

use std::time::Duration;

use serde_json::{Value, json};

use super::relay::Relay;
use super::sister::{MINUTE, SOON, Sister, free_port, join, pair};
use crate::harness::*;

/// Contacts of the only peer, by login: as the list of accounts has them.
fn contacts(sister: &Sister) -> Vec<Value> {
    let peer = sister.peer();
    let all = all_pages(&sister.admin, &format!("/accounts?enterprise={}", sister.enterprise));
    all.into_iter().filter(|account| account["peer"] == json!(peer)).collect()
}

#[track_caller]
fn await_contact(sister: &Sister, login: &str) -> String {
    let found = awaited(MINUTE, || contacts(sister).into_iter().find(|one| one["login_id"] == login));
    let found = found.unwrap_or_else(|| {
        panic!("{login} is no contact: {:#?} {:#}", contacts(sister), sister.status(&sister.peer()))
    });
    found["id"].as_str().expect("an id").to_owned()
}

fn state(sister: &Sister, account: &str) -> Value {
    sister.admin.get(&format!("/accounts/{account}/presence")).expect(200).json["state"].clone()
}

fn put_state(sister: &Sister, account: &str, state: &str) {
    let path = format!("/accounts/{account}/presence/telephony");
    sister.admin.put(&path, "*", &json!({"state": state, "expires_in": 3600})).expect(200);
}

#[track_caller]
fn await_state(sister: &Sister, account: &str, within: Duration, wanted: &str) {
    let is_so = || (state(sister, account) == wanted).then_some(());
    assert!(awaited(within, is_so).is_some(), "it is {}, not {wanted}", state(sister, account));
}

#[test]
fn the_directory_comes_whole_and_then_what_changed() {
    let (north, south) = (Sister::new("north.example", "north"), Sister::new("south.example", "south"));
    let bob = south.account("bob");
    south.admin.post("/accounts", &account("south", "hidden", &json!({"in_directory": false}))).expect(201);
    south.admin.post("/accounts", &account("south", "idle", &json!({"deployed": false}))).expect(201);
    join(&north, &south);
    await_contact(&north, "bob");
    assert_eq!(contacts(&north).len(), 1, "{:#?}", contacts(&north));
    for n in 0..9 {
        south.account(&format!("carl-{n}"));
    }
    await_contact(&north, "carl-8");
    south.admin.patch(&format!("/accounts/{bob}"), "*", &json!({"last_name": "Builder"})).expect(200);
    let renamed = || contacts(&north).into_iter().find(|one| one["last_name"] == "Builder");
    assert!(awaited(MINUTE, renamed).is_some(), "{:#?}", contacts(&north));
    south.admin.patch(&format!("/accounts/{bob}"), "*", &json!({"in_directory": false})).expect(200);
    await_shown(&north, 9);
}

/// Waits until so many contacts are shown.
#[track_caller]
fn await_shown(sister: &Sister, count: usize) {
    let shown = || contacts(sister).into_iter().filter(|one| one["in_directory"] == true).count();
    let so_many = awaited(MINUTE, || (shown() == count).then_some(()));
    assert!(so_many.is_some(), "{} are shown, not {count}: {:#}", shown(), sister.status(&sister.peer()));
}

#[test]
fn many_who_go_at_once_are_asked_about_and_go_when_somebody_says_so() {
    let (north, south) = pair();
    let all: Vec<String> = (0..4).map(|n| south.account(&format!("bob-{n}"))).collect();
    await_shown(&north, 4);
    for id in &all[..3] {
        south.admin.delete(&format!("/accounts/{id}"), "*").expect(204);
    }
    let peer = north.peer();
    let held =
        || Some(north.status(&peer)["link"]["last_sync"]["held"].clone()).filter(|held| !held.is_null());
    let held = awaited(MINUTE, held).unwrap_or_else(|| panic!("{:#}", north.status(&peer)));
    assert_eq!(held["reason"], "removals", "{held:#}");
    assert!(contacts(&north).iter().filter(|one| one["in_directory"] == true).count() > 1);
    north.admin.call("POST", &format!("/peers/{peer}:sync?confirm=1")).send().expect(202);
    await_shown(&north, 1);
    // Deleted, a peer takes all with it that it brought.
    north.admin.delete(&format!("/peers/{peer}"), "*").expect(204);
    assert_eq!(all_pages(&north.admin, "/accounts?enterprise=north").len(), 0);
}

#[test]
fn sync_now_is_a_job_and_a_dry_run_changes_nothing() {
    let (north, south) = pair();
    south.account("bob");
    await_contact(&north, "bob");
    let peer = north.peer();
    for (query, whole) in [("", false), ("?whole=1", true), ("?dry_run=1", true)] {
        let job = north.admin.call("POST", &format!("/peers/{peer}:sync{query}")).send().expect(202).json;
        let path = format!("/jobs/{}", job["job"].as_str().expect("a job"));
        let ended =
            || Some(north.admin.get(&path).expect(200).json).filter(|job| job["ended_at"].is_string());
        let ended = awaited(SOON, ended).expect("the job ends");
        assert_eq!(
            (&ended["state"], &ended["result"]["whole"]),
            (&json!("done"), &json!(whole)),
            "{ended:#}"
        );
        assert_eq!(ended["result"]["adds"], 0, "{ended:#}");
    }
    drop(south);
}

#[test]
fn presence_flows_both_ways_and_is_right_again_after_a_break() {
    let (north_at, south_at) = (free_port(), free_port());
    let (to_north, to_south) = (Relay::to(north_at), Relay::to(south_at));
    let north = Sister::reached_at("north.example", "north", north_at, to_north.address);
    let south = Sister::reached_at("south.example", "south", south_at, to_south.address);
    let (ann, bob) = (north.account("ann"), south.account("bob"));
    put_state(&south, &bob, "busy");
    join(&north, &south);
    let (bob_here, ann_there) = (await_contact(&north, "bob"), await_contact(&south, "ann"));
    await_state(&north, &bob_here, SOON, "busy");
    put_state(&north, &ann, "in_call");
    await_state(&south, &ann_there, SOON, "in_call");
    // Nothing gets through and nobody is told; after a while nothing is known.
    to_north.cut();
    to_south.cut();
    put_state(&south, &bob, "do_not_disturb");
    north.await_status(MINUTE, &["unreachable"]);
    await_state(&north, &bob_here, MINUTE, "unknown");
    await_state(&south, &ann_there, MINUTE, "unknown");
    to_north.heal();
    to_south.heal();
    await_state(&north, &bob_here, MINUTE, "do_not_disturb");
    await_state(&south, &ann_there, MINUTE, "in_call");
    assert_eq!((contacts(&north).len(), contacts(&south).len()), (1, 1), "nobody is there twice");
}

#[test]
fn two_enterprises_of_one_appliance_have_all_that_two_appliances_have() {
    let north = Sister::new("north.example", "north");
    north.admin.post("/enterprises", &enterprise_body("south")).expect(201);
    let bob = north.admin.post("/accounts", &account("south", "bob", &json!({}))).expect(201).id();
    put_state(&north, &bob, "busy");
    for (enterprise, there) in [("north", "south"), ("south", "north")] {
        let body = json!({
            "enterprise": enterprise, "description": there, "kind": "jackfield", "hostname": "north.example",
            "peer_enterprise": there,
        });
        north.admin.post("/peers", &body).expect(201);
    }
    let contact = || {
        let all = all_pages(&north.admin, "/accounts?enterprise=north");
        all.into_iter().find(|one| one["login_id"] == "bob" && one["origin"] == "peer")
    };
    let contact = awaited(MINUTE, contact).expect("bob is a contact");
    await_state(&north, contact["id"].as_str().expect("an id"), SOON, "busy");
}

#[test]
fn messages_are_carried_once_and_in_order() {
    let (north, south) = pair();
    north.account("ann");
    south.account("bob");
    let (ann, bob) = (format!("ann@{}", north.domain()), format!("bob@{}", south.domain()));
    let sent: Vec<String> = (0..120).map(|n| format!("message {n}")).collect();
    for text in &sent {
        north.write("ann", &bob, text);
    }
    assert!(awaited(MINUTE, || (north.waiting(&south.domain()) == 0).then_some(())).is_some(), "they wait");
    // The history gives a hundred at most.
    assert_eq!(south.talk(&bob, &ann), sent[20..]);
    south.write("bob", &ann, "and back");
    let back = || north.talk(&ann, &bob).last().filter(|text| *text == "and back").map(drop);
    assert!(awaited(SOON, back).is_some(), "the answer did not come");
    // Nobody of that name is there: it is never taken, and what comes after it still is.
    north.write("ann", &format!("nobody@{}", south.domain()), "hello?");
    north.write("ann", &bob, "after");
    let after = || south.talk(&bob, &ann).last().filter(|text| *text == "after").map(drop);
    assert!(awaited(SOON, after).is_some(), "one that is refused holds up the rest");
}

#[test]
fn a_kill_of_either_side_loses_and_doubles_no_message() {
    let (mut north, mut south) = pair();
    north.account("ann");
    south.account("bob");
    let (ann, bob) = (format!("ann@{}", north.domain()), format!("bob@{}", south.domain()));
    let mut sent = Vec::new();
    for round in 0..4 {
        for n in 0..20 {
            let text = format!("round {round} message {n}");
            north.write("ann", &bob, &text);
            sent.push(text);
        }
        let killed = if round % 2 == 0 { &mut south } else { &mut north };
        killed.appliance.kill9();
        killed.resume();
    }
    let all = || (north.waiting(&south.domain()) == 0).then_some(());
    assert!(awaited(MINUTE * 2, all).is_some(), "{} still wait", north.waiting(&south.domain()));
    assert_eq!(south.talk(&bob, &ann), sent);
}
