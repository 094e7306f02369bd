//! Presence between worlds: a user whose state only Teams knows, and ejabberd.

use serde_json::{Value, json};

use super::person::{Person, let_in};
use super::presence::befriend;
use super::*;
use crate::plugins::mirror;

/// An appliance with a plugin that may speak for Teams, federated with far.example.
fn with_mirror(authority: &Authority, rows: &[Value]) -> (Appliance, Client) {
    let mut appliance = Appliance::laid_out_with(&["federation"], |config| config);
    mirror::put(&appliance, "1.0.0", |manifest| {
        manifest.replace("\"secret/1\"]", "\"secret/1\", \"presence/1\"]")
    });
    appliance.resume();
    appliance.await_up(&["federation", "mirror"]);
    let admin = appliance.admin();
    settle(&admin, rows);
    certify(&admin, authority);
    set(&admin, "c2s_listen", json!(["127.0.1.1:5222"]));
    (appliance, admin)
}

/// What the appliance answers the plugin, which must be good.
#[track_caller]
fn relay(admin: &Client, op: &str, args: &Value) -> Value {
    let answer = admin.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json;
    assert!(answer["error"].is_null(), "{op}: {answer}");
    answer["reply"].clone()
}

/// The id of ann's account.
pub fn ann_of(admin: &Client) -> String {
    let accounts = admin.get("/accounts").expect(200).items().to_vec();
    let ann = accounts.iter().find(|account| account["login_id"] == "ann").expect("ann");
    ann["id"].as_str().expect("a text").to_owned()
}

#[test]
fn a_user_without_a_client_is_seen_as_teams_has_it() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let hosts = [("far.example", authority.leaf("far.example", 2090))];
        let prosody = Prosody::start(network, "127.0.1.2", &hosts, &authority.pem(), true);
        let (_appliance, admin) = with_mirror(&authority, &[json!({"domain": "far.example"})]);
        let id = ann_of(&admin);
        let_in(&admin, &[&id]);
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let mut bob = prosody.bob("far.example").interested();
        befriend(&mut ann, &mut bob);
        relay(&admin, "presence.govern", &json!({"accounts": [id], "on": true}));
        let teams = json!({"source": "teams", "changes": [{"account": id, "state": "in_meeting"}]});
        relay(&admin, "presence.publish", &teams);
        bob.hear("In a meeting");
        drop(ann);
        let teams =
            json!({"source": "teams", "changes": [{"account": id, "state": "busy", "note": "Board"}]});
        relay(&admin, "presence.publish", &teams);
        let told = bob.hear("Board");
        assert!(told.contains("<show>dnd</show>"), "{told}");
        bob.say("<presence type='unavailable'/>");
        bob.say("<presence/>");
        bob.hear("Board");
    });
}

#[test]
fn ejabberd_and_a_user_of_ours_see_each_other() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let leaf = authority.leaf("far.example", 2090);
        let ejabberd = Ejabberd::start(network, "127.0.1.2", "far.example", &leaf, &authority.pem());
        let (_appliance, admin) = home(&[json!({"domain": "far.example"})]);
        certify(&admin, &authority);
        set(&admin, "c2s_listen", json!(["127.0.1.1:5222"]));
        let_in(&admin, &[&ann_of(&admin)]);
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let mut bob = ejabberd.bob().interested();
        befriend(&mut ann, &mut bob);
        ann.hear(&["<presence", "from=\"bob@far.example/desk\""]);
        bob.say("<presence><show>dnd</show><status>&lt;busy&gt; \u{1F600}</status></presence>");
        ann.hear(&["<presence", "bob@far.example/desk", "<show>dnd</show>", "&lt;busy&gt; \u{1F600}"]);
        ann.say("<presence><show>away</show><status>Lunch</status></presence>");
        bob.hear("Lunch");
        ann.say("<presence type='unsubscribed' to='bob@far.example'/>");
        bob.hear("type='unsubscribed'");
        ann.say("<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='bob@far.example' subscription='remove'/></query></iq>");
        bob.hear("type='unsubscribe'");
        ann.hears_none(&["error"]);
    });
}
