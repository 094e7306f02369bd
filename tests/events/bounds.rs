//! How many may follow, how slowly, and until when.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use super::made;
use crate::door::set;
use crate::harness::*;

const CROWD: usize = 500;
/// Most memory of the appliance for one stream: buffers of TLS and of the door.
const BYTES_EACH: u64 = 160 * 1024;

fn with_site() -> (Appliance, Client) {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    (appliance, admin)
}

fn resident(appliance: &Appliance) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", appliance.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn five_hundred_follow_one_more_is_refused_and_others_are_served() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let (appliance, admin) = with_site();
    set(&admin, "http.connections_per_address", 800);
    set(&admin, "events.streams_per_address", 800);
    let before = resident(&appliance);
    let mut crowd: Vec<_> = (0..CROWD).map(|_| admin.call("GET", "/events").follow()).collect();
    crowd.iter_mut().for_each(|events| drop(events.next_named("ready")));
    assert_eq!(admin.figure("jackfield_event_streams"), CROWD as f64);
    let refused = admin.get("/events").problem(429, "events/too_many").says("events.streams_total");
    assert!(refused.header("retry-after").is_some(), "{refused}");
    let ann = made(&admin, "ann");
    for events in &mut crowd {
        assert_eq!(events.next_named("account.changed").data["object"], json!(ann));
    }
    let grown = resident(&appliance).saturating_sub(before);
    assert!(grown < BYTES_EACH * CROWD as u64, "{} bytes for each stream", grown / CROWD as u64);
    drop(crowd);
    let none =
        awaited(Duration::from_secs(10), || (admin.figure("jackfield_event_streams") == 0.0).then_some(()));
    assert!(none.is_some(), "streams are open although nobody follows");
}

#[test]
fn one_address_has_its_bound() {
    let (_appliance, admin) = with_site();
    set(&admin, "events.streams_per_address", 2);
    let mut two = [0, 1].map(|_| admin.call("GET", "/events").follow());
    two.iter_mut().for_each(|events| drop(events.next_named("ready")));
    admin.get("/events").problem(429, "events/too_many").says("events.streams_per_address");
    drop(two);
    let room = awaited(Duration::from_secs(10), || {
        (admin.figure("jackfield_event_streams") == 0.0).then(|| admin.call("GET", "/events").follow())
    });
    room.expect("who left makes room").next_named("ready");
}

#[test]
fn who_reads_slowly_misses_values_in_between_but_never_the_last() {
    let (_appliance, admin) = with_site();
    let accounts: Vec<_> = (0..20).map(|n| made(&admin, &format!("user-{n}"))).collect();
    let mut slow = admin.call("GET", "/events?events=presence.changed").follow();
    slow.next_named("ready");
    let say = |state: &str, note: usize| {
        let change = |id: &String| json!({"account": id, "state": state, "note": note.to_string()});
        let changes: Vec<_> = accounts.iter().map(change).collect();
        let body = json!({"source": "manual", "changes": changes});
        assert_eq!(admin.post("/presence:publish", &body).expect(200).json["refused"], json!([]));
    };
    // Twenty-five changes of everybody in one request: only the last of them can matter.
    let storm: Vec<_> = (0..25)
        .flat_map(|n| {
            accounts.iter().map(move |id| json!({"account": id, "state": "busy", "note": n.to_string()}))
        })
        .collect();
    for _ in 0..20 {
        admin.post("/presence:publish", &json!({"source": "manual", "changes": storm})).expect(200);
    }
    say("away", 99);
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let mut told = 0;
    while last.len() < accounts.len() || last.values().any(|presence| presence["note"] != "99") {
        let event = slow.next();
        told += 1;
        last.insert(event.data["object"].as_str().unwrap().to_owned(), event.data["presence"].clone());
    }
    assert!(last.values().all(|presence| presence["state"] == "away"), "{last:?}");
    assert!(told < 20 * 25 * accounts.len(), "{told} values were told: none was left out");
}

#[test]
fn a_revoked_token_ends_its_streams_with_the_reason() {
    let (appliance, admin) = with_site();
    let token = admin.post("/tokens", &json!({"name": "short", "role": "viewer"})).expect(201);
    let mut events = appliance.anonymous().with_token(&token.text("token")).call("GET", "/events").follow();
    let mut other = admin.call("GET", "/events").follow();
    events.next_named("ready");
    admin.delete(&format!("/tokens/{}", token.id()), "*").expect(204);
    let end = events.next_named("end");
    assert!(end.data["reason"].as_str().is_some_and(|text| text.contains("revoked")), "{end:?}");
    assert!(events.ends_within(Duration::from_secs(5)), "it goes on");
    made(&admin, "ann");
    other.next_named("account.changed");
}

#[test]
fn signing_out_ends_the_streams_of_that_session() {
    let (appliance, admin) = with_site();
    crate::access::admin_named(&admin, "alice", "admin");
    let (session, csrf) = appliance.anonymous().sign_in("alice", crate::access::PASSWORD);
    let mut events = session.call("GET", "/events").follow();
    events.next_named("ready");
    session.call("DELETE", "/session").header("X-CSRF-Token", &csrf).send().expect(204);
    events.next_named("end");
    assert!(events.ends_within(Duration::from_secs(5)), "it goes on");
}

#[test]
fn other_rights_end_the_streams_that_began_with_the_old_ones() {
    let (appliance, admin) = with_site();
    crate::access::admin_named(&admin, "bob", "admin");
    let alice = crate::access::admin_named(&admin, "alice", "admin");
    let (session, _) = appliance.anonymous().sign_in("alice", crate::access::PASSWORD);
    let mut events = session.call("GET", "/events").follow();
    events.next_named("ready");
    admin.patch(&format!("/admins/{alice}"), "*", &json!({"role": "viewer"})).expect(200);
    events.next_named("end");
}

#[test]
fn a_stop_ends_the_streams_in_order_and_in_time() {
    let (mut appliance, admin) = with_site();
    let mut events = admin.call("GET", "/events").follow();
    events.next_named("ready");
    appliance.stop();
    assert!(events.ends_within(Duration::from_secs(5)), "it goes on");
}
