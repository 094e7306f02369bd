//! Subscriptions and presence with an unmodified Prosody, from a user of ours at an unmodified client.

use serde_json::{Value, json};

use super::person::{Person, let_in};
use super::*;

const SUBSCRIBE: &str = "<presence type='subscribe' to='bob@far.example'/>";

/// An appliance that far.example trusts and is trusted by, with ann, who may log in.
pub fn trusting(authority: &Authority) -> (Appliance, Client, String) {
    let (appliance, admin) = home(&[json!({"domain": "far.example"})]);
    set(&admin, "c2s_listen", json!(["127.0.1.1:5222"]));
    certify(&admin, authority);
    let ann = id_of(&admin, "ann");
    let_in(&admin, &[&ann]);
    (appliance, admin, ann)
}

fn id_of(admin: &Client, login: &str) -> String {
    let found = admin.get(&format!("/accounts?q={login}")).expect(200);
    let mine = found.items().iter().find(|account| account["login_id"] == login);
    mine.expect("the account is there")["id"].as_str().expect("a text").to_owned()
}

pub fn prosody(network: &network::Network, authority: &Authority) -> Prosody {
    let hosts = [("far.example", authority.leaf("far.example", 2090))];
    Prosody::start(network, "127.0.1.2", &hosts, &authority.pem(), true)
}

/// Ann and bob come to see each other, ann asking first.
pub fn befriend(ann: &mut Person, bob: &mut Line) {
    ann.say(SUBSCRIBE);
    bob.hear("type='subscribe'");
    bob.say("<presence type='subscribed' to='ann@home.example'/>");
    ann.hear(&["<presence", "type=\"subscribed\"", "bob@far.example"]);
    ann.hear(&["<iq", "jabber:iq:roster", "bob@far.example", "subscription=\"to\""]);
    bob.say("<presence type='subscribe' to='ann@home.example'/>");
    ann.hear(&["<presence", "type=\"subscribe\"", "bob@far.example"]);
    ann.say("<presence type='subscribed' to='bob@far.example'/>");
    bob.hear("type='subscribed'");
    bob.hear("ann@home.example/uc");
    ann.hear(&["<iq", "jabber:iq:roster", "bob@far.example", "subscription=\"both\""]);
}

#[test]
fn subscriptions_and_presence_go_both_ways_and_end() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let prosody = prosody(network, &authority);
        let (_appliance, _admin, _) = trusting(&authority);
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let mut bob = prosody.bob("far.example").interested();
        befriend(&mut ann, &mut bob);
        ann.hear(&["<presence", "from=\"bob@far.example/desk\""]);
        bob.say("<presence><show>dnd</show><status>&lt;busy&gt; &amp; '\" \u{1F600}</status></presence>");
        let shown = ann.hear(&["<presence", "from=\"bob@far.example/desk\"", "<show>dnd</show>"]);
        assert!(shown.contains("&lt;busy&gt; &amp; ") && shown.contains('\u{1F600}'), "{shown}");
        ann.say("<presence><show>xa</show><status>Gone &lt;fishing&gt; \u{1F600}</status></presence>");
        let told = bob.hear("Gone &lt;fishing&gt; \u{1F600}</status>");
        assert!(told.contains("<show>xa</show>") && told.contains("ann@home.example/uc"), "{told}");
        bob.say("<presence type='unavailable'/>");
        ann.hear(&["<presence", "type=\"unavailable\"", "bob@far.example/desk"]);
        bob.say("<presence/>");
        // It probes those that it sees when it comes back.
        bob.hear("<show>xa</show>");
        ann.say("<presence type='unsubscribe' to='bob@far.example'/>");
        bob.hear("type='unsubscribe'");
        ann.say("<presence type='unsubscribed' to='bob@far.example'/>");
        bob.hear("type='unsubscribed'");
        ann.hear(&["<iq", "jabber:iq:roster", "bob@far.example", "subscription=\"none\""]);
    });
}

#[test]
fn a_request_waits_for_the_next_login_and_can_be_denied() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let prosody = prosody(network, &authority);
        let (_appliance, _admin, _) = trusting(&authority);
        let mut bob = prosody.bob("far.example").interested();
        bob.say("<presence type='subscribe' to='ann@home.example'><status>It is bob</status></presence>");
        bob.say("<iq type='get' to='home.example' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
        bob.hear("p1");
        let (mut ann, roster) = Person::arrive("ann@home.example/desk", &authority);
        assert!(!roster.contains("bob@far.example"), "{roster}");
        ann.hear(&["<presence", "type=\"subscribe\"", "bob@far.example"]);
        ann.say("<presence type='unsubscribed' to='bob@far.example'/>");
        bob.hear("type='unsubscribed'");
    });
}

#[test]
fn presence_is_asked_for_anew_after_a_restart_of_either_side() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let mut prosody = prosody(network, &authority);
        let (mut appliance, _admin, _) = trusting(&authority);
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let mut bob = prosody.bob("far.example").interested();
        befriend(&mut ann, &mut bob);
        prosody.kill();
        prosody.resume(network);
        let mut bob = prosody.bob("far.example").interested();
        bob.hear("ann@home.example/uc");
        bob.say("<presence><show>away</show></presence>");
        ann.hear(&["<presence", "bob@far.example/desk", "<show>away</show>"]);
        drop(ann);
        appliance.restart();
        appliance.await_up(&["federation"]);
        let (mut ann, roster) = Person::arrive("ann@home.example/desk", &authority);
        assert!(roster.contains("subscription=\"both\"") && roster.contains("bob@far.example"), "{roster}");
        ann.hear(&["<presence", "bob@far.example/desk", "<show>away</show>"]);
    });
}

#[test]
fn a_server_that_is_killed_takes_its_people_along_until_it_is_back() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let mut prosody = prosody(network, &authority);
        let (_appliance, _admin, _) = trusting(&authority);
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let mut bob = prosody.bob("far.example").interested();
        befriend(&mut ann, &mut bob);
        ann.hear(&["<presence", "from=\"bob@far.example/desk\""]);
        prosody.kill();
        ann.hear(&["<presence", "type=\"unavailable\"", "bob@far.example/desk"]);
        prosody.resume(network);
        let mut bob = prosody.bob("far.example").interested();
        bob.say("<presence><show>away</show></presence>");
        ann.hear(&["<presence", "from=\"bob@far.example/desk\"", "<show>away</show>"]);
    });
}

#[test]
fn a_domain_that_is_blocked_is_told_so_and_a_user_who_is_deleted_takes_leave() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let prosody = prosody(network, &authority);
        let (_appliance, admin, id) = trusting(&authority);
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let mut bob = prosody.bob("far.example").interested();
        befriend(&mut ann, &mut bob);
        admin.delete("/federation/servers/far.example", "*").expect(204);
        ann.say("<presence type='subscribe' to='carl@far.example' id='c1'/>");
        let refused = ann.hear(&["<presence", "type=\"error\"", "carl@far.example"]);
        assert!(refused.contains("not federated"), "{refused}");
        ann.say("<presence><status>Said meanwhile</status></presence>");
        ann.hear(&["<presence", "from=\"ann@home.example/desk\"", "Said meanwhile"]);
        admin.post("/federation/servers", &json!({"domain": "far.example"})).expect(201);
        bob.hear("Said meanwhile");
        admin.delete(&format!("/accounts/{id}"), "*").expect(204);
        bob.hear("type='unsubscribed'");
    });
}

#[test]
fn a_colleague_is_in_the_roster_with_name_group_presence_and_card() {
    within(HOSTS, |_| {
        let authority = Authority::new();
        let (_appliance, admin, _) = trusting(&authority);
        let more =
            json!({"first_name": "Joe", "last_name": "Doe", "folder": "Sales", "email": "joe@home.example"});
        let joe = admin.post("/accounts", &account("home", "joe", &more)).expect(201).id();
        let (mut ann, roster) = Person::arrive("ann@home.example/desk", &authority);
        assert!(roster.contains("Joe Doe") && roster.contains("<group>Sales</group>"), "{roster}");
        admin
            .call("PUT", &format!("/accounts/{joe}/presence/telephony"))
            .json(&json!({"state": "in_call"}))
            .send()
            .expect(200);
        ann.hear(&["<presence", "joe@home.example/uc", "<show>dnd</show>", "In a call"]);
        ann.say("<iq type='get' id='v' to='joe@home.example'><vCard xmlns='vcard-temp'/></iq>");
        ann.hear(&["id=\"v\"", "<FN>Joe Doe</FN>", "joe@home.example"]);
        ann.say("<presence><show>away</show></presence>");
        let mine = || admin.get(&format!("/accounts/{}/presence", id_of(&admin, "ann"))).expect(200).json;
        let seen = awaited(SOON, || Some(mine()).filter(|presence| presence["state"] == "away"));
        assert_eq!(seen.expect("it is away")["source"], "xmpp");
        drop(ann);
        let gone = awaited(SOON, || Some(mine()).filter(|presence| presence["state"] == "unknown"));
        assert_eq!(gone.expect("nothing is said any more")["inputs"], Value::Array(vec![]));
    });
}
