//! Accounts that get another address, and accounts that rest.

use super::*;

const BOB: &str = "bob@far.example";
const ANN: &str = "ann@home.example";

/// Ann and bob see each other.
fn befriended(world: &mut World) {
    let ann = world.arrive("ann", "desk");
    world.client(ann, &format!("<presence type='subscribe' to='{BOB}'/>"));
    world.partner(&presence("subscribed", BOB, ANN));
    world.partner(&presence("subscribe", BOB, ANN));
    world.client(ann, &format!("<presence type='subscribed' to='{BOB}'/>"));
    world.vanish(ann);
}

#[test]
fn who_is_known_by_another_login_is_asked_for_anew_once() {
    let mut world = World::new(&["ann"]);
    befriended(&mut world);
    world.later(3);
    world.appliance.core("UPDATE account SET login_id = 'anna' WHERE id = 'a-ann'");
    let told = world.event("account.changed", "a-ann") + &world.later(3);
    for (kind, from) in [("unsubscribed", ANN), ("unsubscribe", ANN), ("subscribe", "anna@home.example")] {
        one(&told, &["> <presence", &format!("type='{kind}'"), &format!("from='{from}'"), BOB]);
    }
    one(&told, &["> <presence", "type='unavailable'", "from='ann@home.example/uc'"]);
    let bob = BareJid::new(BOB).unwrap();
    let kept = store::one(&world.site.host, "a-ann", &bob).unwrap();
    assert_eq!((kept.state.word(), kept.is_listed), ("N+o", true));
    let again = world.event("account.changed", "a-ann") + &world.later(3);
    none(&again, &["subscribe"]);
}

#[test]
fn a_roster_that_changes_before_the_move_is_noticed_does_not_hide_it() {
    let mut world = World::new(&["ann"]);
    befriended(&mut world);
    world.later(3);
    world.appliance.core("UPDATE account SET login_id = 'anna' WHERE id = 'a-ann'");
    world.site.accounts.hear(&Event { event: "account.changed".to_owned(), object: "a-ann".to_owned() });
    world.partner(&presence("subscribe", "eve@far.example", "anna@home.example"));
    let told = world.event("account.changed", "a-ann") + &world.later(3);
    one(&told, &["> <presence", "type='unsubscribed'", "from='ann@home.example'", BOB]);
}

#[test]
fn who_is_un_deployed_is_away_to_those_who_may_know_and_follows_what_they_say() {
    let mut world = World::new(&["ann"]);
    befriended(&mut world);
    world.appliance.core("UPDATE account SET deployed = 0 WHERE id = 'a-ann'");
    world.event("account.changed", "a-ann");
    let probed = world.partner(&presence("probe", BOB, ANN));
    one(&probed, &["> <presence", "type='unavailable'", "from='ann@home.example/uc'"]);
    none(&probed, &["unsubscribed"]);
    let stranger = world.partner(&presence("probe", "eve@far.example", ANN));
    one(&stranger, &["> <presence", "type='unsubscribed'"]);
    world.partner(&presence("unsubscribe", BOB, ANN));
    let bob = BareJid::new(BOB).unwrap();
    assert_eq!(store::one(&world.site.host, "a-ann", &bob).unwrap().state.word(), "T");
}
