//! Presence through the API and plugins: what is shown and why, privacy, Teams, and what a restart leaves.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::*;
use crate::plugins::mirror;

struct Office {
    appliance: Appliance,
    admin: Client,
    ann: String,
}

fn office_of(appliance: Appliance) -> Office {
    let admin = appliance.admin();
    site(&admin);
    let ann = admin.post("/accounts", &account("acme", "ann", &json!({}))).expect(201).id();
    Office { appliance, admin, ann }
}

fn office() -> Office {
    office_of(Appliance::start())
}

/// With a plugin that may speak for Teams and carry messages.
fn office_with_mirror() -> Office {
    let mut appliance = mirror::laid_out();
    mirror::put(&appliance, "1.0.0", |manifest| {
        let services = manifest.replace("\"secret/1\"]", "\"secret/1\", \"presence/1\"]");
        services.replace("memory_mib = 64", "events = [\"presence.changed\"]\nmemory_mib = 64")
    });
    appliance.resume();
    appliance.await_up(&["mirror"]);
    office_of(appliance)
}

impl Office {
    fn put(&self, source: &str, body: &Value) -> Answer {
        self.admin.call("PUT", &format!("/accounts/{}/presence/{source}", self.ann)).json(body).send()
    }

    fn say(&self, source: &str, state: &str) -> Value {
        self.put(source, &json!({"state": state})).expect(200).json
    }

    fn take_back(&self, source: &str) {
        self.admin.call("DELETE", &format!("/accounts/{}/presence/{source}", self.ann)).send().expect(204);
    }

    fn shown(&self) -> Value {
        self.admin.get(&format!("/accounts/{}/presence", self.ann)).expect(200).json
    }

    fn state(&self) -> String {
        self.shown()["state"].as_str().unwrap().to_owned()
    }

    /// Waits until that is shown, after a change that concerns many.
    #[track_caller]
    fn becomes(&self, state: &str) {
        let seen = awaited(Duration::from_secs(30), || (self.state() == state).then_some(()));
        assert!(seen.is_some(), "it stays {}", self.shown());
    }

    fn relay(&self, op: &str, args: &Value) -> Value {
        self.admin.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json
    }
}

#[test]
fn one_state_is_shown_with_its_source_its_age_and_the_reason() {
    let office = office();
    let unknown = office.shown();
    assert_eq!((&unknown["state"], &unknown["source"]), (&json!("unknown"), &Value::Null));
    assert_eq!(unknown["reason"], "no source has told a state");
    office.say("xmpp", "available");
    let shown = office.put("telephony", &json!({"state": "in_call", "note": "2001"})).expect(200).json;
    assert_eq!(
        (&shown["state"], &shown["source"], &shown["note"]),
        (&json!("in_call"), &json!("telephony"), &json!("2001"))
    );
    assert!(shown["reason"].as_str().unwrap().contains("telephone"), "{shown}");
    assert!(shown["age_seconds"].as_u64().unwrap() < 20 && shown["since"].is_string(), "{shown}");
    let sources: Vec<_> = shown["inputs"].as_array().unwrap().iter().map(|input| &input["source"]).collect();
    assert_eq!(sources, ["xmpp", "telephony"]);
    office.take_back("telephony");
    assert_eq!(office.state(), "available");
}

#[test]
fn what_goes_to_a_world_leaves_its_own_word_out() {
    let office = office();
    office.say("manual", "away");
    office.say("xmpp", "do_not_disturb");
    assert_eq!(office.state(), "do_not_disturb");
    let outward = office.admin.get(&format!("/accounts/{}/presence?without=xmpp", office.ann)).expect(200);
    assert_eq!(outward.json["state"], "away");
}

#[test]
fn what_is_over_gives_way_and_everybody_is_told() {
    let office = office();
    let mut events = office.admin.call("GET", "/events?events=presence.changed").follow();
    events.next_named("ready");
    office.say("telephony", "in_call");
    assert_eq!(events.next().data["presence"]["state"], "in_call");
    // Not at once: who reads slowly would miss what was over before it was read.
    office.put("telephony", &json!({"state": "in_call", "expires_in": 1})).expect(200);
    assert_eq!(events.next().data["presence"]["state"], "unknown");
    assert_eq!(office.state(), "unknown");
}

#[test]
fn bad_input_is_refused_by_its_field_and_changes_nothing() {
    let office = office();
    for (source, body, pointer) in [
        ("manual", json!({"state": "asleep"}), "/state"),
        ("manual", json!({}), "/state"),
        ("manual", json!({"state": "busy", "note": "two\nlines"}), "/note"),
        ("manual", json!({"state": "busy", "note": "x".repeat(257)}), "/note"),
        ("manual", json!({"state": "busy", "expires_in": 0}), "/expires_in"),
        ("telephony", json!({"state": "busy", "expires_in": 86_401}), "/expires_in"),
        ("manual", json!({"state": "busy", "colour": "red"}), "/colour"),
    ] {
        office.put(source, &body).problem(422, "request/invalid").blames(pointer, "");
    }
    office
        .put("smoke-signals", &json!({"state": "busy"}))
        .problem(404, "request/not_found")
        .says("manual, xmpp");
    let nobody = office.admin.call("PUT", "/accounts/nobody/presence/manual").json(&json!({"state": "busy"}));
    nobody.send().problem(404, "request/not_found").says("\"nobody\"");
    office.admin.get("/accounts/nobody/presence").problem(404, "request/not_found");
    assert_eq!(office.state(), "unknown");
}

#[test]
fn many_are_told_at_once_and_who_is_not_there_holds_up_nobody() {
    let office = office();
    let changes = json!([
        {"account": office.ann, "state": "busy", "note": "first"},
        {"account": "nobody", "state": "busy"},
        {"account": office.ann, "state": "away"},
    ]);
    let publish = |changes: &Value| {
        office.admin.post("/presence:publish", &json!({"source": "calendar", "changes": changes}))
    };
    let answer = publish(&changes).expect(200).json;
    assert_eq!((&answer["accepted"], &answer["refused"][0]["index"]), (&json!(2), &json!(1)));
    assert_eq!(office.state(), "away");
    publish(&json!([{"account": office.ann, "state": null}])).expect(200);
    assert_eq!(office.state(), "unknown");
    let wrong = json!([{"account": office.ann, "state": "busy", "expires_in": 100_000}]);
    publish(&wrong).problem(422, "request/invalid").blames("/changes/0/expires_in", "must be 1 to 86400");
    let many: Vec<_> = (0..1001).map(|_| json!({"account": office.ann, "state": "busy"})).collect();
    publish(&json!(many)).problem(422, "request/invalid").blames("/changes", "at most 1000");
}

#[test]
fn who_does_not_show_presence_is_unknown_where_the_enterprise_heeds_that() {
    let office = office();
    office.say("manual", "busy");
    let (account, enterprise) = (format!("/accounts/{}", office.ann), "/enterprises/acme".to_owned());
    let set = |path: &str, fields: Value| drop(office.admin.patch(path, "*", &fields).expect(200));
    let becomes = |state: &str| office.becomes(state);
    set(&account, json!({"show_presence": false}));
    assert_eq!(office.state(), "busy", "without Presence Privacy Service everybody shows it");
    set(&enterprise, json!({"presence_privacy": true}));
    becomes("unknown");
    let hidden = office.shown();
    assert_eq!((&hidden["state"], &hidden["inputs"]), (&json!("unknown"), &json!([])));
    assert!(hidden["reason"].as_str().unwrap().contains("does not show"), "{hidden}");
    set(&account, json!({"show_presence": true}));
    becomes("busy");
}

/// Mitel's help on user profiles: calendar integration is the enterprise's to allow and the profile's to use.
#[test]
fn a_calendar_has_a_say_where_enterprise_and_profile_have_calendar_integration() {
    let office = office();
    office.say("manual", "away");
    office.say("calendar", "in_meeting");
    assert_eq!(office.state(), "in_meeting");
    let set = |path: &str, fields: Value| drop(office.admin.patch(path, "*", &fields).expect(200));
    set("/enterprises/acme", json!({"calendar_integration": false}));
    office.becomes("away");
    set("/enterprises/acme", json!({"calendar_integration": true}));
    office.becomes("in_meeting");
    let own = json!({"name": "Sales", "calendar_integration": false});
    let own = office.admin.post("/profiles", &own).expect(201).id();
    set(&format!("/accounts/{}", office.ann), json!({"profile": own}));
    office.becomes("away");
    set(&format!("/profiles/{own}"), json!({"calendar_integration": true}));
    office.becomes("in_meeting");
}

#[test]
fn what_was_set_by_hand_outlives_a_restart_and_the_rest_is_told_anew() {
    let mut office = office();
    office.put("manual", &json!({"state": "out_of_office", "note": "Back on Monday"})).expect(200);
    office.say("telephony", "in_call");
    office.appliance.restart();
    office.admin = office.appliance.admin();
    let shown = office.shown();
    assert_eq!((&shown["state"], &shown["note"]), (&json!("out_of_office"), &json!("Back on Monday")));
    assert_eq!(shown["inputs"].as_array().unwrap().len(), 1, "{shown}");
    office.take_back("manual");
    office.appliance.restart();
    office.admin = office.appliance.admin();
    assert_eq!(office.state(), "unknown");
}

#[test]
fn what_was_set_by_hand_outlives_a_power_cut_after_a_few_seconds() {
    let mut office = office();
    office.say("manual", "away");
    // Two seconds is how far the disk may be behind, on a machine that is not busy.
    let is_saved = || (office.admin.figure("jackfield_presence_unsaved") == 0.0).then_some(());
    assert!(awaited(Duration::from_secs(60), is_saved).is_some(), "it was not saved");
    office.appliance.kill9();
    office.appliance.resume();
    office.admin = office.appliance.admin();
    assert_eq!(office.state(), "away");
}

#[test]
fn an_account_that_is_deleted_takes_its_presence_along() {
    let office = office();
    office.say("manual", "busy");
    assert_eq!(office.admin.figure("jackfield_presence_accounts"), 1.0);
    office.admin.delete(&format!("/accounts/{}", office.ann), "*").expect(204);
    assert_eq!(office.admin.figure("jackfield_presence_accounts"), 0.0);
}

#[test]
fn changes_cost_no_write_each() {
    let office = office();
    let commits = || office.admin.figure("jackfield_db_commits_total");
    let before = commits();
    for n in 0..100 {
        office.say("manual", if n % 2 == 0 { "busy" } else { "away" });
        office.say("telephony", if n % 2 == 0 { "in_call" } else { "available" });
    }
    let made = commits() - before;
    assert!(made < 40.0, "{made} commits for 200 changes");
}

#[test]
fn while_teams_is_on_only_its_status_is_shown_and_none_can_be_set_by_hand() {
    let office = office_with_mirror();
    office.say("manual", "away");
    let govern = |on: bool| office.relay("presence.govern", &json!({"accounts": [office.ann], "on": on}));
    assert_eq!(govern(true)["reply"]["unknown"], json!([]));
    let shown = office.shown();
    assert_eq!((&shown["state"], &shown["teams"]), (&json!("unknown"), &json!(true)));
    let refused = office.put("manual", &json!({"state": "busy"})).problem(409, "presence/governed");
    refused.says("Microsoft Teams is on for this account");
    let publish = json!({"source": "teams", "changes": [{"account": office.ann, "state": "in_meeting"}]});
    assert_eq!(office.relay("presence.publish", &publish)["reply"]["refused"], json!([]));
    assert_eq!(office.state(), "in_meeting");
    let outward = json!({"accounts": [office.ann, "nobody"], "without": "teams"});
    office.say("telephony", "in_call");
    let got = office.relay("presence.get", &outward)["reply"]["presence"].clone();
    assert_eq!((got.as_array().unwrap().len(), &got[0]["state"]), (1, &json!("in_call")));
    govern(false);
    assert_eq!(office.state(), "away", "what was set by hand is back: {}", office.shown());
}

#[test]
fn a_plugin_is_told_whose_presence_changed_and_needs_the_grant() {
    let office = office_with_mirror();
    office.say("manual", "busy");
    let heard =
        awaited(Duration::from_secs(10), || office.appliance.log().contains(&office.ann).then_some(()));
    assert!(heard.is_some(), "the plugin was not told of {}", office.ann);
    let stranger = mirror::start();
    let asked = json!({"op": "presence.get", "args": {"accounts": []}});
    let answer = stranger.admin().post("/mirror:relay", &asked).expect(200).json;
    assert_eq!(answer["error"]["code"], "denied", "{answer}");
    assert!(answer["error"]["msg"].as_str().unwrap().contains("presence/1"), "{answer}");
}
