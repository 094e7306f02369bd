//! An external peer from its directory to a chat with its people: an unmodified slapd, an unmodified Prosody of the same
//! company, and a user of ours at an unmodified client.

use serde_json::{Value, json};

use super::person::{Person, let_in};
use super::presence_worlds::ann_of;
use super::*;
use crate::peering::slapd::{Slapd, person};
use crate::peering::{set_up, synchronize, synchronize_with};

/// What the peer is called, and so the folder of its contacts.
const NAME: &str = "Far Office";

/// Seeds 000 and 001: after Sync Now the contacts are in the corporate directory, and federation with them is enabled.
#[test]
fn people_of_an_external_peer_s_directory_are_seen_and_written_to() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let hosts = [("far.example", authority.leaf("far.example", 2090))];
        let prosody = Prosody::start(network, "127.0.1.2", &hosts, &authority.pem(), true);
        let slapd = Slapd::start(&person("bob", "", "givenName: Bob\nmail: bob@far.example\n"));
        let appliance = Appliance::with_plugins(&["federation", "peering"]);
        let admin = appliance.admin();
        // Nobody has put the domain into the table.
        settle(&admin, &[]);
        certify(&admin, &authority);
        set(&admin, "c2s_listen", json!(["127.0.1.1:5222"]));
        let_in(&admin, &[&ann_of(&admin)]);
        let peer = json!({"enterprise": "home", "description": NAME, "kind": "external"});
        let peer = admin.post("/peers", &peer).expect(201).id();
        let owner = format!("/peers/{peer}");
        set_up(&admin, &owner, &slapd.synchronizer(&json!({"domain": "far.example"})));
        synchronize(&admin, &owner);
        let contact = folder(&admin).first().expect("bob is in the folder").clone();
        assert_eq!(contact["first_name"], "Bob", "{contact:#}");
        let shown = admin.get("/federation/servers").expect(200).items().to_vec();
        assert_eq!((&shown[0]["domain"], &shown[0]["peer"]), (&json!("far.example"), &json!(peer)));

        let mut bob = prosody.bob("far.example").interested();
        bob.hear("directory@home.example");
        bob.say("<presence type='subscribed' to='directory@home.example'/>");
        let id = contact["account"].as_str().expect("an id");
        await_presence(&admin, id, "available");
        assert_eq!(watched(&admin)[0]["watcher"], "directory@home.example");
        let tested = admin.call("POST", "/federation/servers/far.example:test").send().expect(200).json;
        assert_eq!(tested["ok"], true, "a partner without a row is tested as well: {tested:#}");
        let (mut ann, roster) = Person::arrive("ann@home.example/desk", &authority);
        assert!(
            roster.contains("bob@far.example") && roster.contains(&format!("<group>{NAME}</group>")),
            "{roster}"
        );
        bob.say("<presence><show>xa</show><status>Out</status></presence>");
        ann.hear(&["<presence", "bob@far.example/uc", "<show>xa</show>", "Out"]);
        let state = await_presence(&admin, id, "away");
        assert_eq!((&state["source"], &state["note"]), (&json!("xmpp"), &json!("Out")), "{state:#}");

        ann.say(&message("bob@far.example", "m1", "Coffee?"));
        let asked = bob.hear("Coffee?");
        assert!(asked.contains("from='ann@home.example"), "{asked}");
        bob.say(&message("ann@home.example", "m2", "In five minutes"));
        ann.hear(&["<message", "bob@far.example", "In five minutes"]);

        // Nobody watches our people by way of the watcher.
        bob.say("<presence type='subscribe' to='directory@home.example'/>");
        bob.hear("type='unsubscribed'");
        slapd.delete(&["bob".to_owned()]);
        assert_eq!(synchronize(&admin, &owner)["state"], "held", "an empty answer is asked about");
        synchronize_with(&admin, &owner, "?confirm=1");
        bob.hear("type='unsubscribe'");
        let none = awaited(SOON, || (watched(&admin).is_empty() && folder(&admin).is_empty()).then_some(()));
        assert!(none.is_some(), "{:#?} {:#?}", watched(&admin), folder(&admin));
    });
}

/// Entries of the corporate directory in the peer's folder.
fn folder(admin: &Client) -> Vec<Value> {
    let found = admin.get("/directory?enterprise=home").expect(200).items().to_vec();
    found.into_iter().filter(|entry| entry["folder"] == NAME && entry["in_directory"] == true).collect()
}

/// How many contacts each watcher of ours sees.
fn watched(admin: &Client) -> Vec<Value> {
    admin.get("/federation/contacts").expect(200).items().to_vec()
}

/// The presence of a contact, once it is in that state.
#[track_caller]
fn await_presence(admin: &Client, id: &str, state: &str) -> Value {
    let now = || admin.get(&format!("/accounts/{id}/presence")).expect(200).json;
    let found = awaited(SOON, || Some(now()).filter(|now| now["state"] == state));
    found.unwrap_or_else(|| panic!("it is not {state}: {:#}", now()))
}
