//! A sister appliance of an older version, which the test plays, and the same after it was brought to a newer one.

use std::collections::BTreeSet;

use serde_json::json;

use super::raw::Line;
use super::sister::SOON;
use super::sister_hostile::played;

#[test]
fn without_a_protocol_in_common_the_version_is_too_old() {
    let (north, actor) = played();
    let mut old = actor.hello("south", "north");
    old["protocols"] = json!([0, 0]);
    let mut line = actor.connect(north.listens);
    line.say(&old);
    assert_eq!(line.hear_of("refuse")["code"], "version_too_old");
    let status = north.await_status(SOON, &["version_too_old"]);
    assert!(
        status["reason"].as_str().unwrap().contains("expected protocol 1, found protocol 0"),
        "{status:#}"
    );
}

/// Seed 002: presence of people with a UPN as login is seen only when both sides are new enough.
#[test]
fn presence_of_upn_logins_is_hidden_until_the_older_side_is_upgraded() {
    let (north, actor) = played();
    let [ann, eve] = ["ann", "eve@corp.example"].map(|login| {
        let account = north.account(login);
        north.put_state(&account, "busy");
        account
    });
    let begin = |level: u32, version: &str| {
        let mut hello = actor.hello("south", "north");
        (hello["level"], hello["version"]) = (json!(level), json!(version));
        let mut line = actor.connect(north.listens);
        line.say(&hello);
        line.hear_of("hello");
        line
    };
    let seen = |login: &str| north.state(&north.await_contact(login));

    let mut line = begin(1, "9.3.0");
    // The directory that it asks for has not come yet.
    north.await_status(SOON, &["syncing"]);
    let told = introduced(&mut line, &ann);
    assert!(!told.contains(&eve), "ours with a UPN is told of: {told:?}");
    says_everybody_is(&mut line, "in_call");
    north.await_state(&north.await_contact("carl"), SOON, "in_call");
    assert_eq!(seen("bob@corp.example"), "unknown");
    let status = north.status(&north.peer());
    assert_eq!(status["version"], "9.3.0");
    assert!(status["link"]["upn_hidden"].as_str().unwrap().contains("must have level 2"), "{status:#}");

    drop(line);
    let mut line = begin(2, "9.4.0");
    let told = introduced(&mut line, &eve);
    assert!(told.contains(&ann), "{told:?}");
    says_everybody_is(&mut line, "away");
    north.await_state(&north.await_contact("bob@corp.example"), SOON, "away");
    assert_eq!(seen("carl"), "away");
    let status = north.status(&north.peer());
    assert_eq!(
        (&status["version"], &status["link"]["upn_hidden"]),
        (&json!("9.4.0"), &json!("")),
        "{status:#}"
    );
}

/// Answers for a directory of two, and hears whose presence is told: all until that one's, at least.
fn introduced(line: &mut Line, last: &str) -> BTreeSet<String> {
    let entry = |key: &str, login: &str| json!({"key": key, "login_id": login, "last_name": login});
    let page = json!({
        "type": "directory_page", "epoch": "e", "from_start": true, "gone": [], "more": false, "total": 2,
        "entries": [entry("b", "bob@corp.example"), entry("c", "carl")], "next": {"change": 1, "key": "c"},
    });
    let (mut told, mut has_asked) = (BTreeSet::new(), false);
    while !has_asked || !told.contains(last) {
        let frame = line.hear().expect("the link stands");
        if frame["type"] == "directory_get" {
            line.say(&page);
            has_asked = true;
        }
        let items = frame["items"].as_array().into_iter().flatten();
        told.extend(items.filter_map(|item| item["key"].as_str().map(str::to_owned)));
    }
    told
}

fn says_everybody_is(line: &mut Line, state: &str) {
    let items = ["b", "c"].map(|key| json!({"key": key, "state": state}));
    line.say(&json!({"type": "presence", "part": "only", "items": items}));
}
