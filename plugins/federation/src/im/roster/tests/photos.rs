//! Photos: told with presence, given to whoever may see somebody, and announced when there is another one.

use super::watching::peered;
use super::*;

const META: &str = "urn:xmpp:avatar:metadata";
const DATA: &str = "urn:xmpp:avatar:data";

/// The digest that a photo of these tests has.
fn hash(letter: char) -> String {
    letter.to_string().repeat(40)
}

impl World {
    /// Gives an account or contact a photo of three bytes, told as the event says.
    fn photo(&mut self, id: &str, hash: &str, event: [&str; 2]) -> String {
        self.appliance.core(&format!(
            "INSERT INTO photo VALUES ('{hash}', 'image/jpeg', 96, 64, 3, '', NULL, x'000102') ON CONFLICT DO NOTHING"
        ));
        self.appliance.core(&format!("UPDATE account SET photo = '{hash}' WHERE id = '{id}'"));
        self.event(event[0], event[1])
    }

    /// Ann and joe are in; ann hears joe.
    fn colleagues() -> (Self, SessionId) {
        let mut world = Self::new(&["ann", "joe"]);
        let ann = world.arrive("ann", "desk");
        world.arrive("joe", "desk");
        (world, ann)
    }
}

fn items(to: &str, node: &str, inside: &str) -> String {
    format!(
        "<iq type='get' id='p' to='{to}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='{node}'>{inside}</items></pubsub></iq>"
    )
}

fn card(to: &str) -> String {
    format!("<iq type='get' id='v' to='{to}'><vCard xmlns='vcard-temp'/></iq>")
}

#[test]
fn presence_says_which_photo_somebody_has_and_nothing_where_there_was_never_one() {
    let (mut world, ann) = World::colleagues();
    world.appliance.does("a-joe", "teams", "busy", "");
    let before = world.event("presence.changed", "a-joe");
    one(&before, &["1: <presence", "from='joe@home.example/uc'"]);
    none(&before, &["vcard-temp"]);
    let (a, b) = (hash('a'), hash('b'));
    let told = world.photo("a-joe", &a, ["account.changed", "a-joe"]);
    one(
        &told,
        &[
            "1: <presence",
            "<show>dnd</show>",
            &format!("<x xmlns='vcard-temp:x:update'><photo>{a}</photo></x>"),
        ],
    );
    world.now += READ_AGAIN;
    let told = world.photo("a-joe", &b, ["accounts.changed", "7"]);
    one(&told, &["1: <presence", &format!("<photo>{b}</photo>")]);
    let second = world.login("ann", "phone");
    one(&world.client(second, "<presence/>"), &["3: <presence", "from='joe@home.example/uc'", &b]);
    world.appliance.core("UPDATE account SET photo = NULL");
    let gone = world.event("account.changed", "a-joe");
    one(&gone, &["1: <presence", "<x xmlns='vcard-temp:x:update'><photo/></x>"]);
    world.now += READ_AGAIN;
    none(&world.event("accounts.changed", "8"), &["<presence"]);
    let _ = ann;
}

#[test]
fn a_watcher_elsewhere_is_told_and_may_ask() {
    let mut world = World::new(&["ann"]);
    let a = hash('a');
    world.photo("a-ann", &a, ["account.changed", "a-ann"]);
    let ask = |text: &str| text.replace("<iq", "<iq from='bob@far.example/x'");
    let questions =
        [card("ann@home.example"), items("ann@home.example", META, ""), items("ann@home.example", DATA, "")];
    for question in &questions {
        one(&world.partner(&ask(question)), &["type='error'", "service-unavailable"]);
    }
    world.partner(&presence("subscribe", "bob@far.example", "ann@home.example"));
    let ann = world.arrive("ann", "desk");
    let told = world.client(ann, "<presence type='subscribed' to='bob@far.example'/>");
    one(&told, &["> <presence", "to='bob@far.example'", &format!("<photo>{a}</photo>")]);
    for question in &questions {
        one(&world.partner(&ask(question)), &["type='result'", "to='bob@far.example/x'"]);
    }
    let b = hash('b');
    let told = world.photo("a-ann", &b, ["account.changed", "a-ann"]);
    one(&told, &["> <presence", "to='bob@far.example'", &format!("<photo>{b}</photo>")]);
}

#[test]
fn card_and_avatar_have_the_picture_as_it_is() {
    let (mut world, ann) = World::colleagues();
    let a = hash('a');
    none(&world.client(ann, &card("joe@home.example")), &["PHOTO"]);
    one(&world.client(ann, &items("joe@home.example", META, "")), &["type='error'", "item-not-found"]);
    world.photo("a-joe", &a, ["account.changed", "a-joe"]);
    let got = world.client(ann, &card("joe@home.example"));
    one(&got, &["<PHOTO><TYPE>image/jpeg</TYPE><BINVAL>AAEC</BINVAL></PHOTO>"]);
    let got = world.client(ann, &items("joe@home.example", META, ""));
    let info = format!("<info id='{a}' type='image/jpeg' bytes='3' width='96' height='64'/>");
    one(&got, &["type='result'", "from='joe@home.example'", &format!("<item id='{a}'>"), &info]);
    for inside in ["", &format!("<item id='{a}'/>")] {
        one(
            &world.client(ann, &items("joe@home.example", DATA, inside)),
            &["<data xmlns='urn:xmpp:avatar:data'>AAEC</data>"],
        );
    }
    let other = format!("<item id='{}'/>", hash('b'));
    one(&world.client(ann, &items("joe@home.example", DATA, &other)), &["item-not-found"]);
    one(&world.client(ann, &items("nobody@home.example", DATA, "")), &["service-unavailable"]);
}

#[test]
fn nobody_sets_a_photo_in_chat_and_hears_why() {
    let (mut world, ann) = World::colleagues();
    let publish = format!(
        "<iq type='set' id='s'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='{DATA}'><item/></publish></pubsub></iq>"
    );
    let set = "<iq type='set' id='s'><vCard xmlns='vcard-temp'><PHOTO/></vCard></iq>";
    for order in [publish.as_str(), set] {
        one(&world.client(ann, order), &["type='error'", "not-allowed", "its administrators change them"]);
    }
    let own = world.photo("a-ann", &hash('a'), ["account.changed", "a-ann"]);
    none(&own, &["error"]);
    let got = world.client(ann, &items("", META, "").replace(" to=''", ""));
    one(&got, &["type='result'", &hash('a')]);
}

#[test]
fn contacts_of_a_peer_have_the_photo_that_our_directory_has() {
    let mut world = peered(&["bob"]);
    world.settle();
    let ann = world.arrive("ann", "desk");
    let question = items("bob@far.example", META, "");
    let mut stanza = parsed(&question).unwrap();
    stanza.set("from", "ann@home.example/desk");
    let parcel = Parcel::new(Origin::Session(ann), stanza).unwrap();
    assert!(!world.roster.answers(&world.site, &parcel), "their own server may have one");
    world.photo("c-bob", &hash('a'), ["account.changed", "c-bob"]);
    one(&world.client(ann, &question), &["type='result'", "from='bob@far.example'", &hash('a')]);
    one(&world.client(ann, &card("bob@far.example")), &["<BINVAL>AAEC</BINVAL>"]);
}

#[test]
fn a_client_that_does_not_take_its_photos_gets_no_more_of_them_and_stays() {
    let (mut world, ann) = World::colleagues();
    world.photo("a-joe", &hash('a'), ["account.changed", "a-joe"]);
    let session = world.site.sessions.get(ann).unwrap();
    session.out.note_unacknowledged(2 * 1024 * 1024);
    one(
        &world.client(ann, &card("joe@home.example")),
        &["type='error'", "type='wait'", "resource-constraint"],
    );
    world.site.sessions.get(ann).unwrap().out.note_unacknowledged(0);
    one(&world.client(ann, &card("joe@home.example")), &["type='result'"]);
}

#[test]
fn at_the_start_photos_are_known_and_nobody_is_told_of_them() {
    let (mut world, _) = World::colleagues();
    world.photo("a-joe", &hash('a'), ["nothing", ""]);
    world.roster = Roster::default();
    world.roster.begin(&world.site).unwrap();
    assert_eq!(world.settle(), "");
    let ann = world.arrive("ann", "other");
    let _ = ann;
    world.appliance.does("a-joe", "teams", "busy", "");
    one(&world.event("presence.changed", "a-joe"), &["3: <presence", &hash('a')]);
}
