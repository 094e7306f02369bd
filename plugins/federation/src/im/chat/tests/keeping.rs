//! That nothing is lost and nothing comes twice, whoever comes and goes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[test]
fn what_waited_comes_with_its_time_when_somebody_takes_messages() {
    let mut room = Room::new();
    room.hear(
        &from(&format!("{ZOE}/x"), BOB, "&lt;&amp;'\" \u{1F600}")
            .replace("</message>", "<request xmlns='urn:xmpp:receipts'/></message>"),
    );
    room.settle();
    let bob = room.log_in(1, "bob@home.example/desk");
    let text = room.taken(bob).remove(0);
    assert!(text.contains("&lt;&amp;&apos;&quot; \u{1F600}"), "{text}");
    assert!(
        text.contains("<delay xmlns='urn:xmpp:delay' from='home.example' stamp='2026-01-01T00:00:01.000Z'/>"),
        "{text}"
    );
    assert!(
        text.contains("<request xmlns='urn:xmpp:receipts'/>") && text.contains("id='i1'"),
        "as it came: {text}"
    );
    assert!(
        text.contains("from='zoe@far.example/x'") && text.contains("by='bob@home.example' id='m1'"),
        "{text}"
    );
    room.present(bob, Some(0));
    assert!(room.taken(bob).is_empty(), "once");
    let phone = room.log_in(2, "bob@home.example/phone");
    assert!(room.taken(phone).is_empty(), "it is under way to another client");
    room.log_out(bob);
    assert_eq!(room.taken(phone).len(), 1, "which has gone without it");
    room.written(phone);
    room.later();
    assert!(room.store.waiting().is_empty());
}

#[test]
fn much_that_waited_comes_in_parts_and_what_is_new_in_its_turn() {
    let mut room = Room::new();
    (0..250).for_each(|n| room.store.bring(ZOE, BOB, &n.to_string()));
    let bob = room.log_in(1, "bob@home.example/desk");
    room.hear(&from(&format!("{ZOE}/x"), BOB, "250"));
    room.settle();
    assert_eq!(room.given.len(), 100);
    room.written(bob);
    let expected: Vec<_> = (0..=250).map(|n| n.to_string()).collect();
    assert_eq!(room.bodies(bob), expected);
    room.later();
    assert!(room.store.waiting().is_empty());
}

#[test]
fn the_same_message_sent_again_comes_once() {
    let mut room = Room::new();
    let bob = room.log_in(1, "bob@home.example/desk");
    let origin = "<origin-id xmlns='urn:xmpp:sid:0' id='o1'/></message>";
    let again = from(&format!("{ZOE}/x"), BOB, "hi").replace("</message>", origin);
    room.hear(&again);
    room.hear(&again);
    room.settle();
    room.hear(&again);
    room.settle();
    assert_eq!(room.bodies(bob), ["hi"]);
}

#[test]
fn what_others_bring_reaches_clients_that_are_there() {
    let mut room = Room::new();
    let bob = room.log_in(1, "bob@home.example/desk");
    room.store.bring("max@sister.example", BOB, "hi");
    let event = |name: &str, account: &str| Event { event: name.to_owned(), object: account.to_owned() };
    let effects = room.chat.hear(&mut room.site, &event("message.received", "acc-bob"));
    room.perform(effects);
    assert_eq!(room.bodies(bob), ["hi"]);
    room.say(bob, "<iq type='set' id='c1'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
    room.store.bring(BOB, "max@sister.example", "from elsewhere");
    let effects = room.chat.hear(&mut room.site, &event("message.sent", "acc-bob"));
    room.perform(effects);
    assert!(room.taken(bob).remove(0).contains("<sent xmlns='urn:xmpp:carbons:2'>"));
}

#[test]
fn who_wrote_to_a_server_that_is_not_reached_is_told_once() {
    let mut room = Room::new();
    let ann = room.log_in(1, "ann@home.example/a");
    room.say(ann, &chat(ZOE, "hi"));
    room.settle();
    let told = room.taken(ann).remove(0);
    assert!(told.contains("type='error'") && told.contains("remote-server-not-found"), "{told}");
    assert!(told.contains("switched off here") && told.contains("id='i1'"), "{told}");
    assert!(room.store.waiting().is_empty());
    assert_eq!(room.store.look().failed.len(), 1);
    let shell = parsed(&chat(ZOE, "").replace("<body></body>", "")).unwrap();
    let again = room.chat.bounced(&mut room.site, &shell, Some("m1".into()), "remote-server-timeout", "late");
    assert!(again.is_empty(), "its way had ended");
}

#[test]
fn who_has_gone_is_told_at_the_next_login() {
    let mut room = Room::new();
    let ann = room.log_in(1, "ann@home.example/a");
    let mut stanza = parsed(&chat(ZOE, "hi")).unwrap();
    stanza.set("from", "ann@home.example/a");
    room.log_out(ann);
    room.chat.outward.begin("m1", &stanza, 0);
    let effects =
        room.chat.bounced(&mut room.site, &stanza, Some("m1".into()), "remote-server-timeout", "lost");
    room.perform(effects);
    assert!(room.given.is_empty());
    let next = room.log_in(2, "ann@home.example/b");
    let told = room.taken(next).remove(0);
    assert!(told.contains("type='error'") && told.contains("lost"), "{told}");
    let later = room.log_in(3, "ann@home.example/c");
    assert!(room.taken(later).is_empty(), "once");
}

#[test]
fn an_archive_is_read_by_its_owner_alone() {
    let mut room = Room::new();
    let ann = room.log_in(1, "ann@home.example/a");
    room.say(ann, &chat(BOB, "hi"));
    room.settle();
    room.say(ann, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2' queryid='q1'/></iq>");
    let result = room.taken(ann).remove(0);
    assert!(result.contains("<result xmlns='urn:xmpp:mam:2' queryid='q1' id='m1'><forwarded"), "{result}");
    assert!(result.contains("<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:01.000Z'/>"), "{result}");
    let fin = crate::xml::written(&room.sent.remove(0));
    assert!(
        fin.contains("<fin xmlns='urn:xmpp:mam:2' complete='true'><set") && fin.contains("<last>m1</last>"),
        "{fin}"
    );
    let foreign = format!("<iq type='set' id='q' to='{BOB}'><query xmlns='urn:xmpp:mam:2'/></iq>");
    room.say(ann, &foreign);
    assert!(room.taken(ann).is_empty() && room.sent.is_empty(), "left to who answers for others");
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    LogIn(u64),
    LogOut(u64),
    Priority(u64, i8),
    Write,
    Bring,
    Take(u64),
    Settle,
    Later,
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 1_u64..4;
    prop::collection::vec(
        prop_oneof![
            2 => client.clone().prop_map(Step::LogIn),
            2 => client.clone().prop_map(Step::LogOut),
            1 => (client.clone(), -1_i8..2).prop_map(|(id, priority)| Step::Priority(id, priority)),
            6 => Just(Step::Write),
            1 => Just(Step::Bring),
            4 => client.prop_map(Step::Take),
            3 => Just(Step::Settle),
            2 => Just(Step::Later),
            1 => Just(Step::Crash),
        ],
        1..60,
    )
}

/// What bob's clients have seen, by client and message; a client that comes again is another one.
type Seen = BTreeMap<(u64, String), usize>;

fn look(room: &mut Room, life: u64, seen: &mut Seen) {
    for (session, delivery) in std::mem::take(&mut room.given) {
        if let Some(id) = &delivery.id {
            *seen.entry((life * 1000 + session.0, id.clone())).or_default() += 1;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every message that was kept reaches a client that takes messages, no client gets one twice, and a message that a
    /// client has taken and the store knows of comes never again.
    #[test]
    fn nothing_is_lost_and_nothing_comes_twice(steps in steps()) {
        let mut room = Room::new();
        let (mut seen, mut written, mut life, mut next) = (Seen::new(), 0, 0, 10_u64);
        let mut clients: BTreeMap<u64, SessionId> = BTreeMap::new();
        let mut all = BTreeSet::new();
        for step in steps {
            match step {
                Step::LogIn(client) if !clients.contains_key(&client) => {
                    next += 1;
                    clients.insert(client, room.log_in(next, &format!("bob@home.example/r{client}")));
                }
                Step::LogOut(client) => {
                    if let Some(id) = clients.remove(&client) {
                        room.log_out(id);
                    }
                }
                Step::Priority(client, priority) => {
                    if let Some(id) = clients.get(&client) {
                        room.present(*id, Some(priority));
                    }
                }
                Step::Write => {
                    written += 1;
                    all.insert(written.to_string());
                    room.hear(&from(&format!("{ZOE}/x"), BOB, &written.to_string()));
                }
                Step::Bring => {
                    room.settle();
                    written += 1;
                    all.insert(written.to_string());
                    room.store.bring(ZOE, BOB, &written.to_string());
                    let event = Event { event: "message.received".to_owned(), object: "acc-bob".to_owned() };
                    let effects = room.chat.hear(&mut room.site, &event);
                    room.perform(effects);
                }
                Step::Take(client) => {
                    if let Some(id) = clients.get(&client) {
                        look_and_take(&mut room, *id, life, &mut seen);
                    }
                }
                Step::Settle => room.settle(),
                Step::Later => room.later(),
                Step::Crash => {
                    // What was not settled was never kept: whoever sent it has no answer.
                    let kept: BTreeSet<String> = bodies(&room);
                    all.retain(|body| kept.contains(body));
                    look(&mut room, life, &mut seen);
                    room = Room::over(room.store.clone());
                    clients.clear();
                    life += 1;
                }
                Step::LogIn(_) => {}
            }
        }
        room.settle();
        let last = room.log_in(999, "bob@home.example/last");
        for id in clients.values().chain([&last]) {
            look_and_take(&mut room, *id, life, &mut seen);
        }
        room.later();
        look(&mut room, life, &mut seen);
        prop_assert!(room.store.waiting().is_empty(), "{:?} still waits", room.store.waiting());
        prop_assert!(seen.values().all(|times| *times == 1), "{seen:?}");
        let arrived: BTreeSet<_> = seen.keys().map(|(_, id)| id.clone()).collect();
        let kept: BTreeSet<_> = bodies(&room);
        prop_assert_eq!(arrived.len(), kept.len());
        prop_assert_eq!(kept, all);
    }
}

fn bodies(room: &Room) -> BTreeSet<String> {
    let look = room.store.look();
    look.kept.iter().map(|kept| kept.message["body"].as_str().unwrap().to_owned()).collect()
}

/// The client takes everything, part after part.
fn look_and_take(room: &mut Room, id: SessionId, life: u64, seen: &mut Seen) {
    loop {
        let open: Vec<String> = room.chat.flights.of(id);
        look(room, life, seen);
        if open.is_empty() {
            return;
        }
        let effects = room.chat.written(&mut room.site, id, open, room.now);
        room.perform(effects);
    }
}
