//! Rosters as clients ask for and set them, with the corporate directory in them.

use super::*;

const GET: &str = "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>";

fn set(item: &str) -> String {
    format!("<iq type='set' id='s'><query xmlns='jabber:iq:roster'>{item}</query></iq>")
}

#[test]
fn a_contact_is_set_pushed_to_who_is_interested_and_kept_over_a_restart() {
    let mut world = World::new(&["ann"]);
    let desk = world.login("ann", "desk");
    let phone = world.login("ann", "phone");
    world.client(desk, GET);
    let item = "<item jid='bob@far.example' name='Bob &lt;B&gt;'><group>Friends</group></item>";
    let done = world.client(phone, &set(item));
    let push = one(&done, &["1: <iq type='set'", "to='ann@home.example'"]);
    assert!(push.contains("name='Bob &lt;B&gt;'") && push.contains("<group>Friends</group>"), "{push}");
    one(&done, &["> <iq", "type='result'", "to='ann@home.example/phone'"]);
    none(&done, &["2: "]);
    none(&world.client(phone, &set(item)), &["1: "]);
    world.roster = Roster::default();
    let shown = world.client(desk, GET);
    one(&shown, &["> <iq", "type='result'", "jid='bob@far.example'", "subscription='none'", "Friends"]);
}

#[test]
fn a_client_that_has_the_present_version_is_told_only_that() {
    let mut world = World::new(&["ann", "joe"]);
    let ann = world.login("ann", "desk");
    let first = world.client(ann, GET);
    let version = first.split("ver='").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    let again = format!("<iq type='get' id='r2'><query xmlns='jabber:iq:roster' ver='{version}'/></iq>");
    assert!(!world.client(ann, &again).contains("<item"));
    world.client(ann, &set("<item jid='bob@far.example'/>"));
    assert!(world.client(ann, &again).contains("bob@far.example"));
}

#[test]
fn the_directory_is_part_of_the_roster_and_is_not_changed_by_a_client() {
    let mut world = World::new(&["ann", "joe"]);
    world.appliance.core("UPDATE account SET folder = 'Sales/North' WHERE id = 'a-joe'");
    world.appliance.does("a-joe", "telephony", "in_call", "");
    let ann = world.login("ann", "desk");
    let roster = world.client(ann, GET);
    let line = one(&roster, &["joe@home.example"]);
    assert!(line.contains("name='joe Test'") && line.contains("subscription='both'"), "{line}");
    assert!(line.contains("<group>Sales/North</group>"), "{line}");
    none(&roster, &["jid='ann@home.example'"]);
    let arrived = world.client(ann, "<presence/>");
    one(
        &arrived,
        &["1: <presence", "from='joe@home.example/uc'", "<show>dnd</show><status>In a call</status>"],
    );
    let removed = world.client(ann, &set("<item jid='joe@home.example' subscription='remove'/>"));
    one(&removed, &["type='error'", "not-allowed"]);
    let named = world.client(ann, &set("<item jid='joe@home.example' name='J'><group>Mine</group></item>"));
    let push = one(&named, &["1: <iq type='set'"]);
    assert!(push.contains("name='J'") && push.contains("both"), "{push}");
    assert!(push.contains("<group>Sales/North</group><group>Mine</group>"), "{push}");
    let back = world.client(ann, &set("<item jid='joe@home.example' subscription='remove'/>"));
    one(&back, &["1: <iq type='set'", "name='joe Test'", "subscription='both'"]);
}

#[test]
fn colleagues_see_each_other_without_asking() {
    let mut world = World::new(&["ann", "joe"]);
    let (ann, joe) = (world.arrive("ann", "desk"), world.arrive("joe", "desk"));
    let shown = world.client(joe, "<presence><show>away</show></presence>");
    one(&shown, &["1: <presence", "from='joe@home.example/uc'", "away"]);
    let asked = world.client(ann, "<presence type='subscribe' to='joe@home.example'/>");
    one(&asked, &["1: <presence", "type='subscribed'"]);
    none(&asked, &["2: "]);
    let gone = world.vanish(joe);
    one(&gone, &["1: <presence", "from='joe@home.example/uc'", "type='unavailable'"]);
}

#[test]
fn a_change_of_the_directory_is_pushed_line_by_line() {
    let mut world = World::new(&["ann", "joe"]);
    world.arrive("ann", "desk");
    world.appliance.account(["a-eve", "eve"], ["Eve", "Ade"], "", true);
    world.appliance.core("UPDATE account SET in_directory = 0 WHERE id = 'a-joe'");
    world.now += READ_AGAIN;
    let told = world.event("accounts.changed", "7");
    one(&told, &["1: <iq type='set'", "eve@home.example", "both"]);
    one(&told, &["1: <iq type='set'", "joe@home.example", "subscription='remove'"]);
}

#[test]
fn of_a_directory_that_is_too_large_everybody_sees_the_own_folder() {
    let mut world = World::new(&["ann", "joe", "eve"]);
    world.appliance.core("UPDATE account SET folder = 'Sales' WHERE id IN ('a-ann', 'a-joe')");
    world.roster.bound_directory(2);
    let ann = world.arrive("ann", "desk");
    let roster = world.client(ann, GET);
    assert!(roster.contains("joe@home.example") && !roster.contains("eve@home.example"), "{roster}");
    world.appliance.does("a-joe", "telephony", "in_call", "");
    one(&world.event("presence.changed", "a-joe"), &["1: <presence", "joe@home.example/uc", "In a call"]);
    world.appliance.core("UPDATE account SET folder = 'sales' WHERE id = 'a-eve'");
    world.now += READ_AGAIN;
    let full = world.event("accounts.changed", "7");
    one(&full, &["1: <iq type='set'", "joe@home.example", "subscription='remove'"]);
    none(&full, &["eve@home.example"]);
    world.appliance.core("UPDATE account SET folder = 'Lab' WHERE id = 'a-ann'");
    world.roster.bound_directory(3);
    world.now += READ_AGAIN;
    let told = world.settle();
    assert_eq!(lines(&told, &["1: <iq type='set'", "subscription='both'"]).len(), 2, "{told}");
}

#[test]
fn what_is_wrong_is_refused_by_its_condition() {
    let mut world = World::new(&["ann", "joe"]);
    let ann = world.login("ann", "desk");
    for (wrong, condition) in [
        (set(""), "bad-request"),
        (set("<item jid='@'/>"), "jid-malformed"),
        (set("<item jid='a@b'><group/></item>"), "not-acceptable"),
        (set("<item jid='nobody@far.example' subscription='remove'/>"), "item-not-found"),
        (set("<item jid='ann@home.example'/>"), "not-allowed"),
        (GET.replace("<iq", "<iq to='joe@home.example'"), "forbidden"),
    ] {
        one(&world.client(ann, &wrong), &["type='error'", condition]);
    }
    let stranger = GET.replace("<iq", "<iq from='bob@far.example/x' to='ann@home.example'");
    one(&world.partner(&stranger), &["type='error'", "service-unavailable"]);
}

#[test]
fn a_roster_is_bounded() {
    let mut world = World::new(&["ann"]);
    let ann = world.login("ann", "desk");
    world.client(ann, GET);
    let rows =
        "INSERT INTO federation_contact SELECT 'a-ann', 'x' || value || '@far.example', '', '[]', 'N', 1, ''
        FROM generate_series(1, 1000)";
    let rows = rows.replace("FROM generate_series(1, 1000)", "FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1000) SELECT value FROM n)");
    world.appliance.core(&rows);
    world.roster = Roster::default();
    one(&world.client(ann, &set("<item jid='more@far.example'/>")), &["resource-constraint"]);
    one(&world.client(ann, "<presence type='subscribe' to='more@far.example'/>"), &["resource-constraint"]);
}

#[test]
fn cards_are_for_colleagues_and_for_who_sees_somebody() {
    let mut world = World::new(&["ann", "joe"]);
    world
        .appliance
        .core("UPDATE account SET email = 'joe@mail.example', extension = '201' WHERE id = 'a-joe'");
    let ann = world.arrive("ann", "desk");
    let ask =
        |to: &str, kind: &str| format!("<iq type='{kind}' id='v' to='{to}'><vCard xmlns='vcard-temp'/></iq>");
    let card = world.client(ann, &ask("joe@home.example", "get"));
    one(&card, &["type='result'", "<FN>joe Test</FN>", "joe@mail.example", "<NUMBER>201</NUMBER>"]);
    let own = world.client(ann, "<iq type='get' id='v'><vCard xmlns='vcard-temp'/></iq>");
    one(&own, &["type='result'", "<FN>ann Test</FN>"]);
    one(&world.client(ann, &ask("ann@home.example", "set")), &["not-allowed"]);
    one(&world.client(ann, &ask("nobody@home.example", "get")), &["service-unavailable"]);
    let far = ask("joe@home.example", "get").replace("<iq", "<iq from='bob@far.example/x'");
    one(&world.partner(&far), &["type='error'", "service-unavailable"]);
    world.partner("<presence type='subscribe' from='bob@far.example' to='joe@home.example'/>");
    let joe = world.arrive("joe", "desk");
    world.client(joe, "<presence type='subscribed' to='bob@far.example'/>");
    one(&world.partner(&far), &["type='result'", "<FN>joe Test</FN>"]);
}
