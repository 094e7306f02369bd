//! What flows over a link: directory, presence and messages; and what a break of it leaves.

use serde_json::{Value, json};

use super::sister::{MINUTE, SOON, Sister, join, pair};
use crate::harness::*;

#[test]
fn the_directory_comes_whole_and_then_what_changed() {
    let (north, south) = (Sister::new("north.example", "north"), Sister::new("south.example", "south"));
    let bob = south.account("bob");
    south.admin.post("/accounts", &account("south", "hidden", &json!({"in_directory": false}))).expect(201);
    south.admin.post("/accounts", &account("south", "idle", &json!({"deployed": false}))).expect(201);
    join(&north, &south);
    north.await_contact("bob");
    assert_eq!(north.contacts().len(), 1, "{:#?}", north.contacts());
    for n in 0..9 {
        south.account(&format!("carl-{n}"));
    }
    north.await_contact("carl-8");
    south.admin.patch(&format!("/accounts/{bob}"), "*", &json!({"last_name": "Builder"})).expect(200);
    let renamed = || north.contacts().into_iter().find(|one| one["last_name"] == "Builder");
    assert!(awaited(MINUTE, renamed).is_some(), "{:#?}", north.contacts());
    south.admin.patch(&format!("/accounts/{bob}"), "*", &json!({"in_directory": false})).expect(200);
    await_shown(&north, 9);
}

/// Waits until so many contacts are shown.
#[track_caller]
fn await_shown(sister: &Sister, count: usize) {
    let shown = || sister.contacts().into_iter().filter(|one| one["in_directory"] == true).count();
    let so_many = awaited(MINUTE, || (shown() == count).then_some(()));
    assert!(so_many.is_some(), "{} are shown, not {count}: {:#}", shown(), sister.status(&sister.peer()));
}

/// Waits until a run may remove so many percent without asking.
#[track_caller]
fn await_guard(sister: &Sister, peer: &str, percent: u8) {
    let guard = json!({"max_removal_percent": percent, "grace_days": 7});
    let is_so = awaited(SOON, || (sister.status(peer)["link"]["guard"] == guard).then_some(()));
    assert!(is_so.is_some(), "{:#}", sister.status(peer));
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
    assert!(north.contacts().iter().filter(|one| one["in_directory"] == true).count() > 1);
    north.admin.call("POST", &format!("/peers/{peer}:sync?confirm=1")).send().expect(202);
    await_shown(&north, 1);
    // The share is the peer's own.
    let all: Vec<String> = (4..7).map(|n| south.account(&format!("bob-{n}"))).collect();
    await_shown(&north, 4);
    let guard = format!("/peers/{peer}/guard");
    let put = |body: &Value| north.admin.call("PUT", &guard).json(body).send();
    put(&json!({"max_removal_percent": 101}))
        .problem(422, "request/invalid")
        .blames("/max_removal_percent", "0 to 100");
    put(&json!({"max_removal_percent": 80})).expect(200);
    await_guard(&north, &peer, 80);
    for id in &all {
        south.admin.delete(&format!("/accounts/{id}"), "*").expect(204);
    }
    await_shown(&north, 1);
    let change = north.admin.get("/revisions?kind=peering/guards").expect(200).items()[0]["n"].clone();
    north.admin.call("POST", &format!("/revisions/{change}:undo")).send().expect(201);
    await_guard(&north, &peer, 20);
    // Deleted, a peer takes all with it that it brought.
    north.admin.delete(&format!("/peers/{peer}"), "*").expect(204);
    assert_eq!(all_pages(&north.admin, "/accounts?enterprise=north").len(), 0);
}

#[test]
fn sync_now_is_a_job_and_a_dry_run_changes_nothing() {
    let (north, south) = pair();
    south.account("bob");
    north.await_contact("bob");
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
fn two_enterprises_of_one_appliance_have_all_that_two_appliances_have() {
    let north = Sister::new("north.example", "north");
    north.admin.post("/enterprises", &enterprise_body("south")).expect(201);
    let bob = north.admin.post("/accounts", &account("south", "bob", &json!({}))).expect(201).id();
    north.put_state(&bob, "busy");
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
    north.await_state(contact["id"].as_str().expect("an id"), SOON, "busy");
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
