//! Nothing is wiped: what a directory that is down, half empty or silent leaves of those who came from it.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::slapd::{BASE, Slapd, people};
use super::stub::{Stub, Turn, person};
use super::{
    begin, counts, ended, fails, logins, set_up, site_with_peer, standing, synchronize, synchronize_with,
};
use crate::harness::*;

#[test]
fn half_of_them_gone_is_held_until_somebody_confirms() {
    let slapd = Slapd::start(&people(0..20));
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &slapd.synchronizer(&json!({})));
    synchronize(&admin, &peer);
    slapd.delete(&(0..10).map(|n| format!("p{n}")).collect::<Vec<_>>());
    let held = synchronize(&admin, &peer);
    assert_eq!((&held["state"], &held["held"]["reason"]), (&json!("held"), &json!("removals")), "{held:#}");
    assert_eq!((counts(&held)[2], logins(&admin, &peer).len()), (10, 20));
    let standing_then = standing(&admin, &peer);
    assert_eq!(standing_then["state"], "held");
    assert!(standing_then["latest"]["last_good_at"].is_string(), "{standing_then:#}");
    let doctor = admin.get("/plugins/peering").expect(200).json;
    assert_eq!(doctor["state"], "degraded", "{doctor:#}");
    // What goes after somebody was asked was not asked about.
    slapd.delete(&(10..15).map(|n| format!("p{n}")).collect::<Vec<_>>());
    let again = synchronize_with(&admin, &peer, "?confirm=1");
    assert_eq!((&again["state"], counts(&again)[2]), (&json!("held"), 15), "{again:#}");
    admin.call("POST", &format!("{peer}:sync?confirm=yes")).send().problem(422, "request/invalid");
    let done = synchronize_with(&admin, &peer, "?confirm=1");
    assert_eq!((&done["state"], logins(&admin, &peer).len()), (&json!("synchronized"), 5), "{done:#}");
    let unasked = admin.call("POST", &format!("{peer}:sync?confirm=1")).send();
    unasked.problem(409, "change/conflict").says("no run waits for a confirmation");
    // They are kept hidden for a while, and whoever is back is back.
    slapd.modify(&people(0..3).replace("objectClass: inet", "changetype: add\nobjectClass: inet"));
    synchronize(&admin, &peer);
    assert_eq!(logins(&admin, &peer).len(), 8);
}

#[test]
fn an_empty_answer_is_no_reason_to_remove_anybody() {
    let slapd = Slapd::start(&people(0..20));
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &slapd.synchronizer(&json!({})));
    synchronize(&admin, &peer);
    set_up(&admin, &peer, &slapd.synchronizer(&json!({"filter": "(uid=nobody)"})));
    let held = synchronize(&admin, &peer);
    assert_eq!((&held["state"], &held["held"]["reason"]), (&json!("held"), &json!("empty")), "{held:#}");
    assert_eq!(logins(&admin, &peer).len(), 20);
    synchronize_with(&admin, &peer, "?confirm=1");
    assert_eq!(logins(&admin, &peer).len(), 0, "unless that is meant");
}

#[test]
fn a_directory_that_is_down_or_stops_in_the_middle_changes_nothing() {
    let mut slapd = Slapd::start(&people(0..20));
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &slapd.synchronizer(&json!({})));
    synchronize(&admin, &peer);
    slapd.kill();
    assert!(fails(&admin, &peer).contains("takes no connection"));
    assert_eq!(
        (standing(&admin, &peer)["state"].clone(), logins(&admin, &peer).len()),
        (json!("failed"), 20)
    );
    slapd.resume();
    assert_eq!(counts(&synchronize(&admin, &peer)), [0, 0, 0, 20, 0]);
    set_up(
        &admin,
        &peer,
        &slapd.synchronizer(&json!({"bind_dn": format!("cn=root,{BASE}"), "password": "wrong"})),
    );
    assert!(fails(&admin, &peer).contains("name or password are wrong"));
    let some = |n: usize| Turn::Send(person(&format!("q{n}"), &[]));
    for (turns, words) in [
        (vec![some(1), Turn::Drop], "ended the connection before it had answered"),
        (vec![some(1), Turn::Fails(4)], "gives fewer entries than there are"),
        (vec![some(1), Turn::Fails(51)], "it is busy"),
        (vec![some(1), Turn::Fails(10)], "refers us to another server"),
        (vec![some(1), Turn::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), Turn::Hang], "is no LDAP"),
    ] {
        let stub = Stub::start(move |_| turns.clone());
        set_up(&admin, &peer, &stub.synchronizer());
        let said = fails(&admin, &peer);
        assert!(said.contains(words), "{said}");
        assert_eq!(logins(&admin, &peer).len(), 20, "{words}");
    }
}

#[test]
fn a_run_tells_how_far_it_is_and_can_be_cancelled_while_the_directory_says_nothing() {
    let page = AtomicUsize::new(0);
    let stub = Stub::start(move |_| match page.fetch_add(1, Ordering::AcqRel) {
        0 => {
            (0..700).map(|n| Turn::Send(person(&format!("p{n}"), &[]))).chain([Turn::Done("more")]).collect()
        }
        _ => vec![Turn::Hang],
    });
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &stub.synchronizer());
    let job = begin(&admin, &peer, "");
    let running = || Some(standing(&admin, &peer)).filter(|now| now["state"] == "synchronizing");
    assert!(awaited(super::SOON, running).is_some());
    admin
        .call("POST", &format!("{peer}:sync"))
        .send()
        .problem(409, "change/conflict")
        .says("under way already");
    let far = || Some(admin.get(&job).expect(200).json).filter(|job| job["note"] == "700 entries are read");
    assert!(awaited(super::SOON, far).is_some(), "{:#}", admin.get(&job).json);
    admin.call("POST", &format!("{job}:cancel")).send().expect(202);
    assert_eq!(ended(&admin, &job)["state"], "cancelled");
    let over = || Some(standing(&admin, &peer)).filter(|now| now["state"] == "cancelled");
    assert!(awaited(super::SOON, over).is_some(), "{:#}", standing(&admin, &peer));
    assert_eq!(logins(&admin, &peer), Vec::<String>::new());
}
