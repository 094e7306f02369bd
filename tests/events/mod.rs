//! Events as they happen: who follows is told, goes on where they stopped, and is told nothing that they may not
//! read. Load, bounds and ends have a file of their own.

mod bounds;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::json;

use crate::harness::*;

/// Makes an account and returns its id.
pub fn made(admin: &Client, login: &str) -> String {
    admin.post("/accounts", &account("acme", login, &json!({}))).expect(201).id()
}

/// A position as numbers, for comparing.
fn position(id: &str) -> (u64, u64) {
    let (epoch, number) = id.split_once('-').unwrap_or_else(|| panic!("{id:?} is no position"));
    (epoch.parse().expect("a number"), number.parse().expect("a number"))
}

fn with_site() -> (Appliance, Client) {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    (appliance, admin)
}

#[test]
fn who_follows_is_told_in_order_and_ids_rise() {
    let (_appliance, admin) = with_site();
    let mut events = admin.call("GET", "/events").follow();
    let mut last = position(&events.next_named("ready").id);
    for login in ["ann", "bob", "eve"] {
        let id = made(&admin, login);
        let told = events.next();
        assert_eq!((told.name.as_str(), &told.data["object"]), ("account.changed", &json!(id)));
        assert_eq!(told.data["event"], "account.changed");
        assert!(position(&told.id) > last, "{} does not come after {last:?}", told.id);
        last = position(&told.id);
    }
}

#[test]
fn who_reconnects_is_told_what_was_missed_and_nothing_twice() {
    let (_appliance, admin) = with_site();
    let mut events = admin.call("GET", "/events?events=account.changed").follow();
    events.next_named("ready");
    let seen = made(&admin, "seen");
    assert_eq!(events.next().data["object"], json!(seen));
    let stopped_at = events.last_id.clone();
    drop(events);
    let missed = [made(&admin, "first"), made(&admin, "second")];
    admin.put("/settings/site.name", "*", &json!({"value": "Elsewhere"})).expect(200);
    let again = admin.call("GET", "/events?events=account.changed").header("Last-Event-ID", &stopped_at);
    let mut events = again.follow();
    assert_eq!(events.next().name, "ready");
    let told = [events.next(), events.next()].map(|told| told.data["object"].as_str().unwrap().to_owned());
    assert_eq!(told, missed);
    assert_eq!(events.next_within(Duration::from_millis(500)), None, "nothing more");
}

#[test]
fn an_id_from_before_a_power_cut_is_answered_with_reset_and_ids_never_go_back() {
    let (mut appliance, admin) = with_site();
    let mut events = admin.call("GET", "/events").follow();
    events.next_named("ready");
    made(&admin, "ann");
    events.next_named("account.changed");
    let before = events.last_id.clone();
    appliance.kill9();
    assert!(events.ends_within(Duration::from_secs(5)));
    appliance.resume();
    let admin = appliance.admin();
    let mut events = admin.call("GET", "/events").header("Last-Event-ID", &before).follow();
    let reset = events.next();
    assert_eq!(reset.name, "reset", "{reset:?}");
    assert!(reset.data["reason"].as_str().is_some_and(|text| text.contains("begun anew")), "{reset:?}");
    assert!(position(&reset.id) > position(&before), "{} after {before}", reset.id);
    let bob = made(&admin, "bob");
    assert_eq!(events.next_named("account.changed").data["object"], json!(bob));
}

#[test]
fn an_id_that_is_too_old_or_none_is_answered_with_reset() {
    let (_appliance, admin) = with_site();
    let mut events = admin.call("GET", "/events").follow();
    let (epoch, _) = position(&events.next_named("ready").id);
    for wrong in ["rubbish", "0-0", &format!("{epoch}-999999999")] {
        let mut events = admin.call("GET", "/events").header("Last-Event-ID", wrong).follow();
        assert_eq!(events.next().name, "reset", "{wrong}");
    }
}

#[test]
fn silence_is_broken_by_a_sign_of_life_that_carries_the_position() {
    let (_appliance, admin) = with_site();
    let mut events = admin.call("GET", "/events?events=peer.changed").follow();
    let ready = position(&events.next_named("ready").id);
    made(&admin, "not-told");
    assert!(events.beat_within(Duration::from_secs(20)), "silent for more than 20 seconds");
    assert!(position(&events.last_id) > ready, "{} is where it began", events.last_id);
}

#[test]
fn nobody_is_told_of_what_they_may_not_read() {
    let (appliance, admin) = with_site();
    let viewer = appliance.anonymous().with_token(&appliance.token("viewer", "viewer"));
    let mut events = viewer.call("GET", "/events").follow();
    events.next_named("ready");
    admin.post("/tokens", &json!({"name": "secret", "role": "viewer"})).expect(201);
    crate::access::admin_named(&admin, "alice", "admin");
    made(&admin, "ann");
    assert_eq!(events.next().name, "account.changed", "neither token nor admin comes before");
    viewer.get("/events?events=token.changed").problem(403, "access/denied").says("tokens:read");
    let narrow = json!({"name": "narrow", "role": "admin", "scopes": ["peers:read"]});
    let narrow = admin.post("/tokens", &narrow).expect(201).text("token");
    let mut events = appliance.anonymous().with_token(&narrow).call("GET", "/events").follow();
    events.next_named("ready");
    made(&admin, "bob");
    admin.post("/peers", &json!({"enterprise": "acme", "description": "Nice"})).expect(201);
    assert_eq!(events.next().name, "peer.changed", "the account is not told");
}

#[test]
fn a_mistyped_event_is_named_and_nobody_follows_without_signing_in() {
    let (appliance, admin) = with_site();
    let refused = admin.get("/events?events=acount.changed").problem(400, "request/query");
    refused.says("Did you mean \"account.changed\"?");
    appliance.anonymous().get("/events").problem(401, "access/sign_in");
    assert!(admin.call("HEAD", "/events").send().expect(200).bytes.is_empty());
}

#[test]
fn a_plugins_own_events_are_told_to_who_may_read_it() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let mut events = admin.call("GET", "/events?events=echo.changed").follow();
    assert_eq!(events.next().name, "ready");
    admin.get("/events?events=nosuch.changed").problem(400, "request/query");
}

#[test]
fn the_control_socket_can_be_followed_as_well() {
    let (appliance, admin) = with_site();
    let mut socket = UnixStream::connect(appliance.state().join("control.sock")).unwrap();
    socket.set_read_timeout(Some(READ)).unwrap();
    socket.write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut events = Follower::over(socket);
    events.next_named("ready");
    let ann = made(&admin, "ann");
    assert_eq!(events.next_named("account.changed").data["object"], json!(ann));
}
