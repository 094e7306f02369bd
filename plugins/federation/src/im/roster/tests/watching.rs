//! Contacts of an external peer, watched in the name of the enterprise.

use super::*;
use crate::im::roster::watch_store::{self, Counts};

const BOB: &str = "bob@far.example";
const WATCHER: &str = "directory@home.example";

/// An enterprise with the external peer Far, whose contacts are these logins.
pub fn peered(logins: &[&str]) -> World {
    let world = World::new(&["ann"]);
    world.appliance.core(
        "INSERT INTO peer (id, enterprise, description, dialing_prefix, revision, created_at, changed_at, kind, domain)
        VALUES ('p-far', 'home', 'Far', '', 1, '', '', 'external', 'Far.example')",
    );
    for login in logins {
        contact(&world, login);
    }
    world
}

fn contact(world: &World, login: &str) {
    world.appliance.core(&format!(
        "INSERT INTO account (id, enterprise, login_id, first_name, last_name, email, extension, origin, deployed,
            revision, created_at, changed_at, peer, synchronizer, directory_key)
        VALUES ('c-{login}', 'home', '{login}', '{login}', 'Far', '', '', 'peer', 0, 1, '', '', 'p-far', 's', '{login}')"
    ));
}

fn counts(world: &World) -> Counts {
    watch_store::counts(&world.site.host, "", 10).unwrap().rows.pop().unwrap()
}

/// Puts a contact into the state that asking it brings; the way outside is shut in these tests.
fn asked(world: &World, login: &str) {
    world.appliance.core(&format!("UPDATE federation_watch SET state = 'asked' WHERE contact = 'c-{login}'"));
}

#[test]
fn contacts_are_taken_up_and_wait_while_their_server_cannot_be_reached() {
    let mut world = peered(&["bob", "joe"]);
    none(&world.settle(), &["subscribe"]);
    let first = counts(&world);
    assert_eq!((first.waiting, first.asked, first.watcher.as_str()), (2, 0, WATCHER));
    let due = watch_store::due(&world.site.host, 10).unwrap();
    assert_eq!(due, vec![], "they are tried again in five minutes, not at once");
    world.event("peer.changed", "p-far");
    let hurried = "UPDATE federation_watch SET state = 'refused' WHERE contact = 'c-joe' AND asked_at > 0";
    world.now += FOLLOWED;
    world.roster.watch_hurries(&world.site);
    world.appliance.core(hurried);
    assert_eq!(counts(&world).refused, 0, "unless partners have changed");
}

#[test]
fn what_a_contact_allows_is_seen_by_everybody_in_the_directory() {
    let mut world = peered(&["bob"]);
    world.settle();
    asked(&world, "bob");
    let ann = world.arrive("ann", "desk");
    let roster = world.client(ann, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    one(&roster, &["jid='bob@far.example'", "<group>Far</group>", "subscription='both'"]);
    assert_eq!(world.partner(&presence("unavailable", BOB, WATCHER)), "", "nobody has allowed anything yet");
    world.partner(&presence("subscribed", BOB, WATCHER));
    assert_eq!(counts(&world).seen, 1);
    let away = format!(
        "<presence from='bob@far.example/desk' to='{WATCHER}'><show>xa</show><status>Out</status></presence>"
    );
    let told = world.partner(&away);
    one(&told, &["1: <presence", "from='bob@far.example/uc'", "<show>xa</show>", "<status>Out</status>"]);
    let card =
        world.client(ann, "<iq type='get' id='v' to='bob@far.example'><vCard xmlns='vcard-temp'/></iq>");
    one(&card, &["type='result'", "<FN>bob Far</FN>", "<ORGNAME>Far</ORGNAME>"]);
    let gone = world.partner(&presence("unavailable", "bob@far.example/desk", WATCHER));
    one(&gone, &["1: <presence", "type='unavailable'", "from='bob@far.example/uc'"]);
}

#[test]
fn who_refuses_is_not_seen_and_nobody_sees_the_directory() {
    let mut world = peered(&["bob"]);
    world.settle();
    asked(&world, "bob");
    world.partner(&presence("unsubscribed", BOB, WATCHER));
    assert_eq!((counts(&world).refused, counts(&world).seen), (1, 0));
    world.partner(&presence("subscribed", BOB, WATCHER));
    assert_eq!(counts(&world).seen, 0, "what was not asked for has no effect");
    for kind in ["subscribe", "probe"] {
        one(&world.partner(&presence(kind, BOB, WATCHER)), &["> <presence", "type='unsubscribed'"]);
    }
}

#[test]
fn what_is_heard_is_forgotten_with_the_link_and_with_the_contact() {
    let mut world = peered(&["bob"]);
    world.settle();
    asked(&world, "bob");
    let ann = world.arrive("ann", "desk");
    world.partner(&presence("subscribed", BOB, WATCHER));
    let there = format!("<presence from='bob@far.example/desk' to='{WATCHER}'/>");
    one(&world.partner(&there), &["1: <presence", "from='bob@far.example/uc'"]);
    one(&world.link(false), &["1: <presence", "type='unavailable'", "from='bob@far.example/uc'"]);
    world.link(true);
    world.partner(&there);
    world.appliance.core("DELETE FROM account WHERE id = 'c-bob'");
    world.now += READ_AGAIN;
    let told = world.event("directory.changed", "p-far");
    one(&told, &["1: <iq type='set'", "subscription='remove'"]);
    one(&told, &["> <presence", "type='unsubscribe'", "from='directory@home.example'"]);
    assert_eq!(watch_store::counts(&world.site.host, "", 10).unwrap().rows, vec![]);
    let _ = ann;
}
