//! What people are doing, and who is told.

use super::*;

const BOB: &str = "bob@far.example";
const ANN: &str = "ann@home.example";

/// Ann is in, and she and bob see each other.
fn friends() -> (World, SessionId) {
    let mut world = World::new(&["ann"]);
    let ann = world.arrive("ann", "desk");
    world.client(ann, &format!("<presence type='subscribe' to='{BOB}'/>"));
    world.partner(&presence("subscribed", BOB, ANN));
    world.partner(&presence("subscribe", BOB, ANN));
    world.client(ann, &format!("<presence type='subscribed' to='{BOB}'/>"));
    (world, ann)
}

#[test]
fn what_a_client_shows_goes_outward_and_is_taken_back_with_the_last_one() {
    let (mut world, ann) = friends();
    let shown =
        world.client(ann, "<presence><show>xa</show><status>Gone &lt;fishing&gt;</status></presence>");
    let told = one(&shown, &["> <presence", "from='ann@home.example/uc'", "to='bob@far.example'"]);
    assert!(told.contains("<show>xa</show><status>Gone &lt;fishing&gt;</status>"), "{told}");
    let phone = world.login("ann", "phone");
    let best = world.client(phone, "<presence><show>dnd</show><priority>5</priority></presence>");
    one(&best, &["> <presence", "from='ann@home.example/uc'", "dnd"]);
    one(&best, &["1: <presence", "from='ann@home.example/phone'", "dnd"]);
    one(&best, &["2: <presence", "from='ann@home.example/desk'", "xa"]);
    let back = world.client(phone, "<presence type='unavailable'/>");
    one(&back, &["> <presence", "<show>xa</show>"]);
    one(&back, &["1: <presence", "type='unavailable'", "from='ann@home.example/phone'"]);
    let gone = world.vanish(ann);
    one(&gone, &["> <presence", "type='unavailable'", "from='ann@home.example/uc'", "to='bob@far.example'"]);
    let nobody = world.partner(&presence("probe", "bob@far.example/desk", ANN));
    one(&nobody, &["> <presence", "type='unavailable'"]);
}

#[test]
fn a_partner_that_is_reached_again_is_told_what_it_missed() {
    let (mut world, ann) = friends();
    world.link(false);
    world.client(ann, "<presence><show>dnd</show></presence>");
    let told = world.link(true);
    one(&told, &["> <presence", "from='ann@home.example/uc'", "to='bob@far.example'", "<show>dnd</show>"]);
    none(&world.link(true), &["from='ann@home.example/uc'"]);
    world.link(false);
    world.client(ann, &format!("<presence type='unsubscribed' to='{BOB}'/>"));
    none(&world.link(true), &["from='ann@home.example/uc'"]);
}

#[test]
fn who_has_no_client_is_seen_as_the_appliance_has_it() {
    let (mut world, ann) = friends();
    world.vanish(ann);
    world.appliance.does("a-ann", "teams", "in_meeting", "");
    let told = world.event("presence.changed", "a-ann");
    one(&told, &["> <presence", "to='bob@far.example'", "<show>dnd</show><status>In a meeting</status>"]);
    assert_eq!(world.event("presence.changed", "a-ann"), "", "the same is not told twice");
    let probed = world.partner(&presence("probe", "bob@far.example/desk", ANN));
    one(&probed, &["> <presence", "to='bob@far.example/desk'", "In a meeting"]);
    world.appliance.core("UPDATE account SET deployed = 0");
    let hidden = world.event("account.changed", "a-ann");
    one(&hidden, &["> <presence", "type='unavailable'"]);
}

#[test]
fn contacts_are_probed_at_the_first_login_and_shown_from_memory_afterwards() {
    let (mut world, ann) = friends();
    world.vanish(ann);
    let first = world.login("ann", "desk");
    world.now += Duration::from_secs(1);
    let probed = world.client(first, "<presence/>");
    one(&probed, &["> <presence", "type='probe'", "from='ann@home.example'", "to='bob@far.example'"]);
    world.partner("<presence from='bob@far.example/desk' to='ann@home.example'><show>away</show></presence>");
    let second = world.login("ann", "phone");
    let shown = world.client(second, "<presence/>");
    one(&shown, &["3: <presence", "from='bob@far.example/desk'", "away"]);
    none(&shown, &["probe"]);
}

#[test]
fn a_lost_link_makes_contacts_unavailable_and_its_return_asks_for_them() {
    let (mut world, _) = friends();
    world.partner("<presence from='bob@far.example/desk' to='ann@home.example'/>");
    let lost = world.link(false);
    one(&lost, &["1: <presence", "type='unavailable'", "from='bob@far.example/desk'"]);
    assert_eq!(world.link(false), "", "once is enough");
    let tried = world.later(61);
    one(&tried, &["> <presence", "type='probe'"]);
    let back = world.link(true);
    one(&back, &["> <presence", "type='probe'", "to='bob@far.example'"]);
    assert_eq!(world.link(true), "", "a link that was not lost brings no questions");
}

#[test]
fn an_error_is_never_answered_and_an_unknown_type_always() {
    let (mut world, ann) = friends();
    world.partner("<presence from='bob@far.example/desk' to='ann@home.example'/>");
    let lost = world.partner(&presence("error", BOB, ANN));
    one(&lost, &["1: <presence", "type='unavailable'"]);
    none(&lost, &["> "]);
    let bad = world.partner(&presence("bogus", BOB, ANN));
    one(&bad, &["> <presence", "type='error'", "bad-request"]);
    let bad = world.client(ann, "<presence type='bogus' to='bob@far.example'/>");
    one(&bad, &["> <presence", "type='error'", "bad-request"]);
    assert_eq!(world.client(ann, "<presence type='error' to='bob@far.example'/>"), "");
    for odd in ["<presence type='probe'/>", "<presence type='subscribe'/>"] {
        one(&world.client(ann, odd), &["bad-request"]);
    }
}

#[test]
fn directed_presence_reaches_who_is_meant_and_ends_with_the_client() {
    let mut world = World::new(&["ann"]);
    let ann = world.arrive("ann", "desk");
    let directed = world.client(ann, "<presence to='room@far.example/ann'><x xmlns='urn:room'/></presence>");
    one(&directed, &["> <presence", "to='room@far.example/ann'", "from='ann@home.example/desk'", "urn:room"]);
    let shown = world.partner(
        "<presence from='room@far.example/bob' to='ann@home.example/desk'><show>away</show></presence>",
    );
    one(&shown, &["1: <presence", "from='room@far.example/bob'"]);
    let gone = world.client(ann, "<presence type='unavailable'/>");
    one(&gone, &["> <presence", "type='unavailable'", "to='room@far.example/ann'"]);
    let ann = world.arrive("ann", "phone");
    for n in 0..100 {
        none(&world.client(ann, &format!("<presence to='x{n}@far.example'/>")), &["error"]);
    }
    one(&world.client(ann, "<presence to='more@far.example'/>"), &["resource-constraint"]);
}

#[test]
fn after_a_start_everybody_who_is_watched_is_told_anew() {
    let (mut world, _) = friends();
    world.roster = Roster::default();
    assert_eq!(world.settle(), "");
    assert_eq!(world.later(29), "");
    let told = world.later(2);
    one(&told, &["> <presence", "from='ann@home.example/uc'", "to='bob@far.example'"]);
    assert_eq!(world.later(60), "");
}

#[test]
fn priorities_and_shows_that_are_none_do_no_harm() {
    let (mut world, ann) = friends();
    let odd = "<presence><show>online</show><priority>999</priority></presence>";
    assert_eq!(lines(&world.client(ann, odd), &["> "]), Vec::<&str>::new(), "available as before");
    let long = format!(
        "<presence from='bob@far.example/desk' to='{ANN}'><status>{}</status></presence>",
        "x".repeat(100_000)
    );
    let shown = world.partner(&long);
    assert!(one(&shown, &["1: <presence"]).len() < 2000);
}

#[test]
fn contacts_at_a_domain_that_is_no_partner_any_more_are_not_there() {
    let (mut world, _) = friends();
    world.partner("<presence from='bob@far.example/desk' to='ann@home.example'/>");
    assert_eq!(world.event("federation.changed", "far.example"), "", "the sockets follow first");
    let told = world.later(4);
    one(&told, &["1: <presence", "type='unavailable'", "from='bob@far.example/desk'"]);
}
