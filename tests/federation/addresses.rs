//! People who go, rest or get another address, on either side, as those see it who know them.

use super::person::{Person, let_in};
use super::presence::{befriend, prosody, trusting};
use super::*;

/// Changes fields of an account.
fn change(admin: &Client, id: &str, fields: &Value) {
    let path = format!("/accounts/{id}");
    let mut body = admin.get(&path).expect(200).json;
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    admin.put(&path, "*", &body).expect(200);
}

#[test]
fn somebody_who_is_un_deployed_is_away_and_is_seen_again_without_asking() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let prosody = prosody(network, &authority);
        let (_appliance, admin, id) = trusting(&authority);
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let mut bob = prosody.bob("far.example").interested();
        befriend(&mut ann, &mut bob);
        drop(ann);
        bob.hear("type='unavailable'");
        change(&admin, &id, &json!({"deployed": false}));
        // Whoever comes now has ann asked for, and hears what is due before the answer to a ping behind it.
        bob.say("<presence type='unavailable'/>");
        bob.say("<presence/>");
        bob.say("<iq type='get' to='home.example' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
        let heard = bob.hear("p1");
        assert!(!heard.contains("unsubscribed"), "{heard}");
        change(&admin, &id, &json!({"deployed": true}));
        let (mut ann, roster) = Person::arrive("ann@home.example/desk", &authority);
        assert!(roster.contains("bob@far.example") && roster.contains("subscription=\"both\""), "{roster}");
        ann.say("<presence><status>back again</status></presence>");
        bob.hear("back again");
        ann.hear(&["<presence", "from=\"bob@far.example/desk\""]);
    });
}

#[test]
fn somebody_over_there_who_deletes_the_account_is_gone_from_the_roster() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let prosody = prosody(network, &authority);
        let (_appliance, _admin, _) = trusting(&authority);
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let mut bob = prosody.bob("far.example").interested();
        befriend(&mut ann, &mut bob);
        bob.say("<iq type='set' id='gone'><query xmlns='jabber:iq:register'><remove/></query></iq>");
        ann.hear(&["<presence", "type=\"unsubscribed\"", "bob@far.example"]);
        ann.hear(&["jabber:iq:roster", "bob@far.example", "subscription=\"none\""]);
    });
}

/// Ann has bob elsewhere and ben at another enterprise here; then her address changes by that.
fn moves(to: &str, change_it: impl Fn(&Client, &str) + Sync) {
    within(&[HOSTS, &[("house.example", "127.0.1.1")]].concat(), |network| {
        let authority = Authority::new();
        let prosody = prosody(network, &authority);
        let (_appliance, admin, id) = trusting(&authority);
        let leaf = authority.leaf_of(&["home.example", "other.example", "house.example"], 2090);
        let body = json!({"certificate": leaf.cert, "key": leaf.key});
        admin.put("/federation/certificate", "*", &body).expect(200);
        let mut other = enterprise_body("other");
        other["domain"] = json!("other.example");
        admin.post("/enterprises", &other).expect(201);
        let ben = admin.post("/accounts", &account("other", "ben", &json!({}))).expect(201).id();
        let_in(&admin, &[&ben]);
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let (mut ben, _) = Person::arrive("ben@other.example/desk", &authority);
        let mut bob = prosody.bob("far.example").interested();
        befriend(&mut ann, &mut bob);
        ben.say("<presence type='subscribe' to='ann@home.example'/>");
        ann.hear(&["type=\"subscribe\"", "ben@other.example"]);
        ann.say("<presence type='subscribed' to='ben@other.example'/>");
        ben.hear(&["jabber:iq:roster", "ann@home.example", "subscription=\"to\""]);
        drop(ann);
        bob.hear("type='unavailable'");
        bob.say(&message("ann@home.example", "w1", "this waits"));
        assert!(awaited(SOON, || (kept(&admin) == 1).then_some(())).is_some(), "it is kept");
        change_it(&admin, &id);
        bob.hear("type='unsubscribed'");
        bob.hear("type='unsubscribe'");
        let asked = bob.hear("</presence>");
        assert!(asked.contains("type='subscribe'") && asked.contains(to), "{asked}");
        assert!(asked.contains(&format!("{to} was ann@home.example until now")), "{asked}");
        ben.hear(&["jabber:iq:roster", "ann@home.example", "subscription=\"remove\""]);
        ben.hear(&["jabber:iq:roster", to, "subscription=\"to\""]);
        bob.say(&format!("<presence type='subscribed' to='{to}'/>"));
        let (mut ann, roster) = Person::arrive(&format!("{to}/desk"), &authority);
        assert!(roster.contains("bob@far.example") && roster.contains("ben@other.example"), "{roster}");
        ann.hear(&["<message", "this waits", &format!("to=\"{to}")]);
        ann.hear(&["<presence", "from=\"bob@far.example/desk\""]);
        ann.say("<presence><show>away</show></presence>");
        ben.hear(&["<presence", to, "<show>away</show>"]);
    });
}

#[test]
fn another_login_is_another_address_and_nobody_keeps_the_old_one() {
    moves("anna@home.example", |admin, id| change(admin, id, &json!({"login_id": "anna"})));
}

#[test]
fn another_domain_is_another_address_and_nobody_keeps_the_old_one() {
    moves("ann@house.example", |admin, _| {
        let mut body = admin.get("/enterprises/home").expect(200).json;
        body["domain"] = json!("house.example");
        admin.put("/enterprises/home", "*", &body).expect(200);
    });
}
