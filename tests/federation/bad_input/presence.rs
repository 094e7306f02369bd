//! Presence that no client makes, and more of it than anybody needs (RFC 6121 sections 3 and 4).

use super::super::person::{Person, let_in};
use super::super::presence_worlds::ann_of;
use super::*;

/// An appliance whose ann may sign in, and the partner.
fn with_ann(body: impl Fn(&Client, &Friend, &Authority) + Send + Sync) {
    within(HOSTS, |_| {
        let row = json!({"domain": "far.example", "policy": "plain_dialback", "confirm_plain": true});
        let (_appliance, admin) = home(&[row]);
        let authority = Authority::new();
        certify(&admin, &authority);
        set(&admin, "c2s_listen", json!(["127.0.1.1:5222"]));
        let_in(&admin, &[&ann_of(&admin)]);
        let pid = plugin(&admin, "federation")["pid"].clone();
        body(&admin, &Friend::at("127.0.1.2"), &authority);
        assert_eq!(plugin(&admin, "federation")["pid"], pid);
    });
}

#[test]
fn ten_thousand_requests_of_one_are_one_request() {
    with_ann(|_, friend, authority| {
        let mut line = Friend::stream();
        let request = "<presence type='subscribe' from='x@far.example' to='ann@home.example'/>";
        (0..100).for_each(|_| line.say(&request.repeat(100)));
        answers(&mut line, friend, "after-requests");
        let (mut ann, roster) = Person::arrive("ann@home.example/desk", authority);
        assert!(!roster.contains("x@far.example"), "who only asks is in nobody's roster: {roster}");
        ann.hear(&["type=\"subscribe\"", "x@far.example"]);
        ann.hears_none(&["type=\"subscribe\""]);
    });
}

#[test]
fn probes_of_strangers_are_answered_by_no_and_nothing_more() {
    with_ann(|_, friend, authority| {
        let (mut ann, _) = Person::arrive("ann@home.example/desk", authority);
        ann.say("<presence><status>secret</status></presence>");
        let mut line = Friend::stream();
        let probe = "<presence type='probe' from='x@far.example' to='ann@home.example'/>";
        (0..20).for_each(|_| line.say(&probe.repeat(100)));
        answers(&mut line, friend, "after-probes");
        let heard = friend.heard();
        let noes = heard.matches("type='unsubscribed'").count();
        assert!((1..=2000).contains(&noes), "{noes} answers to 2,000 probes");
        assert!(!heard.contains("secret") && heard.matches("<presence ").count() == noes, "{heard}");
    });
}

#[test]
fn presence_of_a_contact_that_makes_no_sense_does_no_harm() {
    with_ann(|admin, friend, authority| {
        let (mut ann, _) = Person::arrive("ann@home.example/desk", authority);
        ann.say("<presence type='subscribe' to='x@far.example'/>");
        friend.hears("type='subscribe'");
        let mut line = Friend::stream();
        let mut say = |inside: &str| {
            line.say(&format!("<presence from='x@far.example/r' to='ann@home.example'{inside}"))
        };
        say(" type='subscribed'/>");
        say("><priority>999</priority><show>online</show><status>first</status></presence>");
        ann.hear(&["<presence", "x@far.example/r", "first"]);
        say(&format!("><status>second {}</status></presence>", "s".repeat(100_000)));
        let long = ann.hear(&["<presence", "x@far.example/r", "second"]);
        assert!(long.len() < 8 * 1024, "a status of 100 KB is cut: {} bytes came", long.len());
        say(" type='bogus'/>");
        friend.hears("bad-request");
        say("><show>dnd</show><status>third</status></presence>");
        ann.hear(&["<presence", "x@far.example/r", "<show>dnd</show>", "third"]);
        assert_eq!(kept(admin), 0);
    });
}

/// Holds that everything before has been dealt with: a ping behind it is answered.
#[track_caller]
fn answers(line: &mut Line, friend: &Friend, id: &str) {
    line.say(&format!(
        "<iq type='get' from='far.example' to='home.example' id='{id}'><ping xmlns='urn:xmpp:ping'/></iq>"
    ));
    friend.hears(id);
}
