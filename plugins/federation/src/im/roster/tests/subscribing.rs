//! Who wants to see whom, between our users and others.

use super::*;

const BOB: &str = "bob@far.example";
const ANN: &str = "ann@home.example";

/// The stored state of ann's contact.
fn state(world: &World, address: &str) -> &'static str {
    let address = BareJid::new(address).unwrap();
    store::one(&world.site.host, "a-ann", &address).unwrap().state.word()
}

#[test]
fn a_user_subscribes_and_is_accepted_and_both_see_each_other() {
    let mut world = World::new(&["ann"]);
    let ann = world.arrive("ann", "desk");
    let asked = world.client(ann, &presence("subscribe", "", BOB).replace("from='' ", ""));
    one(&asked, &["> <presence", "type='subscribe'", "from='ann@home.example'", "to='bob@far.example'"]);
    let push = one(&asked, &["1: <iq", "jabber:iq:roster"]);
    assert!(push.contains("ask='subscribe'") && push.contains("subscription='none'"), "{push}");
    // Prosody confirms a request by that: it is no refusal, and nobody is told.
    assert_eq!(world.partner(&presence("unavailable", BOB, ANN)), "");
    let accepted = world.partner(&presence("subscribed", BOB, ANN));
    one(&accepted, &["1: <iq", "subscription='to'"]);
    one(&accepted, &["1: <presence", "type='subscribed'"]);
    let there = world.partner(
        "<presence from='bob@far.example/desk' to='ann@home.example'><show>dnd</show><status>busy</status></presence>",
    );
    one(
        &there,
        &["1: <presence", "<show>dnd</show>", "<status>busy</status>", "from='bob@far.example/desk'"],
    );
    let asks = world.partner(&presence("subscribe", BOB, ANN));
    one(&asks, &["1: <presence", "type='subscribe'"]);
    assert_eq!(state(&world, BOB), "T+i");
    let allowed = world.client(ann, &format!("<presence type='subscribed' to='{BOB}'/>"));
    let subscribed = one(&allowed, &["> <presence", "type='subscribed'"]);
    let now = one(&allowed, &["> <presence", "from='ann@home.example/uc'", "to='bob@far.example'"]);
    assert!(allowed.find(subscribed) < allowed.find(now), "{allowed}");
    one(&allowed, &["1: <iq", "subscription='both'"]);
    assert_eq!(state(&world, BOB), "B");
}

#[test]
fn a_request_waits_on_the_disk_until_somebody_logs_in_and_is_denied() {
    let mut world = World::new(&["ann"]);
    let request = "<presence type='subscribe' from='bob@far.example' to='ann@home.example'><status>It is &lt;Bob&gt;</status></presence>";
    assert_eq!(world.partner(request), "");
    assert_eq!(world.partner(request), "", "the second one changes nothing");
    assert_eq!((state(&world, BOB), world.appliance.stored().len() > 1), ("N+i", true));
    let ann = world.login("ann", "desk");
    let roster = world.client(ann, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    none(&roster, &[BOB]);
    let arrived = world.client(ann, "<presence/>");
    let shown = one(&arrived, &["1: <presence", "type='subscribe'"]);
    assert!(shown.contains("It is &lt;Bob&gt;"), "{shown}");
    let denied = world.client(ann, &format!("<presence type='unsubscribed' to='{BOB}'/>"));
    one(&denied, &["> <presence", "type='unsubscribed'", "to='bob@far.example'"]);
    none(&denied, &["1: <iq"]);
    assert_eq!(state(&world, BOB), "N");
    let again = world.arrive("ann", "phone");
    assert_eq!(again, SessionId(2));
    none(&world.settle(), &["subscribe"]);
}

#[test]
fn ten_thousand_requests_of_one_are_one_and_strangers_are_bounded() {
    let mut world = World::new(&["ann"]);
    for _ in 0..50 {
        assert_eq!(world.partner(&presence("subscribe", BOB, ANN)), "");
    }
    for n in 0..250 {
        world.partner(&presence("subscribe", &format!("x{n}@far.example"), ANN));
    }
    let counts = store::counts(&world.site.host, "a-ann").unwrap();
    assert_eq!((counts.listed, counts.strangers), (0, 200));
    let long = format!(
        "<presence type='subscribe' from='long@far.example' to='{ANN}'><status>{}</status></presence>",
        "x".repeat(50_000)
    );
    let mut other = World::new(&["ann"]);
    other.partner(&long);
    let contact = store::one(&other.site.host, "a-ann", &BareJid::new("long@far.example").unwrap()).unwrap();
    assert!(contact.request.len() < 200, "{}", contact.request.len());
}

#[test]
fn nobody_allows_what_was_not_asked_for() {
    let mut world = World::new(&["ann"]);
    let ann = world.arrive("ann", "desk");
    assert_eq!(world.partner(&presence("subscribed", BOB, ANN)), "");
    assert_eq!(world.client(ann, &format!("<presence type='subscribed' to='{BOB}'/>")), "");
    assert_eq!(state(&world, BOB), "N");
}

#[test]
fn a_contact_that_leaves_is_gone_and_a_probe_of_a_stranger_is_told_nothing() {
    let mut world = World::new(&["ann"]);
    let ann = world.arrive("ann", "desk");
    world.client(ann, &format!("<presence type='subscribe' to='{BOB}'/>"));
    world.partner(&presence("subscribed", BOB, ANN));
    world.partner(&presence("subscribe", BOB, ANN));
    world.client(ann, &format!("<presence type='subscribed' to='{BOB}'/>"));
    world.partner("<presence from='bob@far.example/desk' to='ann@home.example'/>");
    let probed = world.partner(&presence("probe", "bob@far.example/desk", ANN));
    one(&probed, &["> <presence", "from='ann@home.example/uc'", "to='bob@far.example/desk'"]);
    none(&probed, &["type="]);
    let left = world.partner(&presence("unsubscribe", BOB, ANN));
    one(&left, &["> <presence", "type='unavailable'", "from='ann@home.example/uc'"]);
    one(&left, &["1: <iq", "subscription='to'"]);
    let refused = world.partner(&presence("unsubscribed", BOB, ANN));
    one(&refused, &["1: <presence", "type='unavailable'", "from='bob@far.example/desk'"]);
    one(&refused, &["1: <iq", "subscription='none'"]);
    for who in [ANN, "nobody@home.example"] {
        let told = world.partner(&presence("probe", BOB, who));
        one(&told, &["> <presence", "type='unsubscribed'", "to='bob@far.example'"]);
    }
    assert_eq!(
        world.partner(&presence("subscribe", BOB, "nobody@home.example")),
        "",
        "as of who does not answer"
    );
}

#[test]
fn a_contact_that_is_removed_loses_both_subscriptions() {
    let mut world = World::new(&["ann"]);
    let ann = world.arrive("ann", "desk");
    world.client(ann, &format!("<presence type='subscribe' to='{BOB}'/>"));
    world.partner(&presence("subscribed", BOB, ANN));
    world.partner(&presence("subscribe", BOB, ANN));
    world.client(ann, &format!("<presence type='subscribed' to='{BOB}'/>"));
    let removed = world.client(
        ann,
        &format!("<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='{BOB}' subscription='remove'/></query></iq>"),
    );
    one(&removed, &["> <presence", "type='unsubscribe'"]);
    one(&removed, &["> <presence", "type='unsubscribed'"]);
    one(&removed, &["> <presence", "type='unavailable'"]);
    one(&removed, &["1: <iq", "subscription='remove'"]);
    one(&removed, &["> <iq", "type='result'", "id='x'"]);
    assert_eq!(state(&world, BOB), "N");
}

#[test]
fn users_who_are_not_in_the_directory_subscribe_to_each_other_by_the_same_table() {
    let mut world = World::new(&["ann", "joe"]);
    world.appliance.core("UPDATE account SET in_directory = 0");
    let (ann, joe) = (world.arrive("ann", "desk"), world.arrive("joe", "desk"));
    let asked = world.client(ann, "<presence type='subscribe' to='joe@home.example'/>");
    one(&asked, &["2: <presence", "type='subscribe'", "from='ann@home.example'"]);
    one(&asked, &["1: <iq", "ask='subscribe'"]);
    let allowed = world.client(joe, "<presence type='subscribed' to='ann@home.example'/>");
    one(&allowed, &["1: <presence", "type='subscribed'", "from='joe@home.example'"]);
    one(&allowed, &["1: <iq", "subscription='to'"]);
    one(&allowed, &["2: <iq", "subscription='from'"]);
    one(&allowed, &["> <presence", "from='joe@home.example/uc'", "to='ann@home.example'"]);
    let away = world.client(joe, "<presence><show>away</show></presence>");
    one(&away, &["> <presence", "from='joe@home.example/uc'", "to='ann@home.example'", "away"]);
    let missing = world.client(ann, "<presence type='subscribe' to='nobody@home.example' id='7'/>");
    one(&missing, &["> <presence", "type='error'", "item-not-found"]);
}

#[test]
fn an_account_that_is_deleted_takes_leave_of_its_contacts() {
    let mut world = World::new(&["ann"]);
    let ann = world.arrive("ann", "desk");
    world.client(ann, &format!("<presence type='subscribe' to='{BOB}'/>"));
    world.partner(&presence("subscribed", BOB, ANN));
    world.partner(&presence("subscribe", BOB, ANN));
    world.client(ann, &format!("<presence type='subscribed' to='{BOB}'/>"));
    world.vanish(ann);
    world.appliance.core("DELETE FROM account");
    world.now += READ_AGAIN;
    let left = world.event("account.changed", "a-ann");
    for kind in ["unavailable", "unsubscribed", "unsubscribe"] {
        one(&left, &["> <presence", &format!("type='{kind}'"), "to='bob@far.example'"]);
    }
    assert_eq!(store::all(&world.site.host, "a-ann").unwrap(), vec![]);
    assert_eq!(world.later(5), "");
}
