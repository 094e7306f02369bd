//! Versions: ETag out, If-Match in, and what happens when two people change the same thing.

use serde_json::json;

use crate::harness::*;

/// The routes that need a version, on things that are there.
fn conditional(admin: &Client) -> [(&'static str, String); 5] {
    let peer = format!("/peers/{}", site(admin).peer);
    let setting = "/settings/site.name".to_owned();
    [
        ("PUT", peer.clone()),
        ("PATCH", peer.clone()),
        ("DELETE", peer),
        ("PUT", setting.clone()),
        ("DELETE", setting),
    ]
}

fn body(path: &str) -> serde_json::Value {
    match path.starts_with("/settings") {
        true => json!({"value": "Paris"}),
        false => json!({"description": "Nantes"}),
    }
}

fn change(admin: &Client, method: &str, path: &str, if_match: Option<&str>) -> Answer {
    let call = admin.call(method, path);
    let call = if method == "DELETE" { call } else { call.json(&body(path)) };
    if_match.into_iter().fold(call, |call, tag| call.header("If-Match", tag)).send()
}

#[test]
fn a_change_must_say_which_version_it_changes() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for (method, path) in conditional(&admin) {
        let refused = change(&admin, method, &path, None).problem(428, "change/if_match_missing");
        refused.says("Send If-Match with the ETag");
    }
}

#[test]
fn a_stale_change_is_refused_and_names_both_versions() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for (method, path) in conditional(&admin) {
        let seen = admin.get(&path).expect(200).etag();
        let now = change_elsewhere(&admin, &path).etag();
        let refused = change(&admin, method, &path, Some(&seen)).problem(412, "change/stale");
        let (seen, now) = (seen.trim_matches('"'), now.trim_matches('"'));
        refused.says(&format!("You change version {seen}, but it is now version {now}"));
    }
}

/// Somebody else's change in between.
fn change_elsewhere(admin: &Client, path: &str) -> Answer {
    match path.starts_with("/settings") {
        true => admin.put(path, "*", &json!({"value": "Elsewhere"})).expect(200),
        false => admin.patch(path, "*", &json!({"dialing_prefix": "5"})).expect(200),
    }
}

#[test]
fn the_current_version_and_any_version_are_changed() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let peer = format!("/peers/{}", site(&admin).peer);
    let current = admin.get(&peer).expect(200).etag();
    let changed = change(&admin, "PUT", &peer, Some(&current)).expect(200);
    change(&admin, "PATCH", &peer, Some(&changed.etag())).expect(200);
    change(&admin, "DELETE", &peer, Some("*")).expect(204);
}

#[test]
fn a_tag_that_the_appliance_never_gave_is_stale() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let peer = format!("/peers/{}", site(&admin).peer);
    let weak = format!("W/{}", admin.get(&peer).expect(200).etag());
    for tag in ["\"nonsense\"", "\"\"", "\"-1\"", "\"99999999999999999999\"", &weak] {
        let refused = change(&admin, "PATCH", &peer, Some(tag)).problem(412, "change/stale");
        assert!(!refused.text("detail").contains("version -1"), "{tag}: nobody sent a version -1: {refused}");
    }
    assert_eq!(admin.get(&peer).expect(200).text("description"), "Lyon");
}

#[test]
fn any_version_does_not_mean_none() {
    let appliance = Appliance::start();
    change(&appliance.admin(), "PATCH", "/peers/none", Some("*")).problem(404, "request/not_found");
}

#[test]
fn who_has_the_current_version_is_not_sent_it_again() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let peer = format!("/peers/{}", site(&admin).peer);
    let tag = admin.get(&peer).expect(200).etag();
    let read = |known: &str| admin.call("GET", &peer).header("If-None-Match", known).send();
    let same = read(&tag).expect(304);
    assert!(same.bytes.is_empty());
    assert_eq!(same.header("etag"), Some(tag.as_str()));
    change(&admin, "PATCH", &peer, Some(&tag)).expect(200);
    assert_eq!(read(&tag).expect(200).text("description"), "Nantes");
}

#[test]
fn weak_tags_and_lists_of_tags_are_understood_when_reading() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let peer = format!("/peers/{}", site(&admin).peer);
    let tag = admin.get(&peer).expect(200).etag();
    for known in [format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = admin.call("GET", &peer).header("If-None-Match", &known).send();
        assert_eq!(answer.status, 304, "If-None-Match: {known} (RFC 9110 section 13.1.2): {answer}");
    }
}

#[test]
fn of_two_changes_to_the_same_version_one_wins() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let peer = format!("/peers/{}", site(&admin).peer);
    let tag = admin.get(&peer).expect(200).etag();
    let mut statuses = std::thread::scope(|scope| {
        let patch =
            |prefix: &'static str| admin.patch(&peer, &tag, &json!({"dialing_prefix": prefix})).status;
        ["1", "2", "3", "4"]
            .map(|prefix| scope.spawn(move || patch(prefix)))
            .map(|one| one.join().expect("an answer"))
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
}
