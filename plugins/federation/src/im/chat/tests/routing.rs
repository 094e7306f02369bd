//! Who gets a message, who a copy, who an answer (RFC 6121 section 8.5, XEP-0280, XEP-0191).

use super::*;

#[test]
fn a_message_is_for_all_clients_that_take_messages() {
    let mut room = Room::new();
    let (desk, phone) = (room.log_in(1, "bob@home.example/desk"), room.log_in(2, "bob@home.example/phone"));
    let (silent, away) = (room.bind(3, "bob@home.example/silent"), room.log_in(4, "bob@home.example/away"));
    room.present(away, Some(-1));
    let ann = room.log_in(5, "ann@home.example/a");
    room.say(ann, &chat(BOB, "hi"));
    assert!(room.given.is_empty(), "it is handed on once it is kept");
    room.settle();
    assert_eq!((room.bodies(desk), room.bodies(phone)), (vec!["hi".to_owned()], vec!["hi".to_owned()]));
    assert!(room.bodies(silent).is_empty() && room.bodies(away).is_empty());
    assert_eq!(room.store.waiting(), ["hi"], "it waits until a client has it");
    room.chat.written(&mut room.site, phone, vec!["m1".into()], room.now);
    room.later();
    assert!(room.store.waiting().is_empty());
}

#[test]
fn a_message_for_one_client_is_for_that_one_and_for_all_when_it_has_gone() {
    let mut room = Room::new();
    let (desk, phone) = (room.log_in(1, "bob@home.example/desk"), room.log_in(2, "bob@home.example/phone"));
    room.hear(&from(&format!("{ZOE}/x"), "bob@home.example/desk", "one"));
    room.settle();
    assert_eq!((room.bodies(desk).len(), room.bodies(phone).len()), (1, 0));
    room.log_out(desk);
    room.taken(phone);
    room.hear(&from(&format!("{ZOE}/x"), "bob@home.example/desk", "two"));
    room.settle();
    assert_eq!(room.bodies(phone), ["two"]);
}

#[test]
fn each_type_has_its_own_rule() {
    let mut room = Room::new();
    let typed = |kind: &str, to: &str| {
        format!("<message type='{kind}' id='i' from='{ZOE}/x' to='{to}'><body>{kind}</body></message>")
    };
    for kind in ["headline", "error"] {
        room.hear(&typed(kind, BOB));
        room.settle();
        assert!(room.sent.is_empty() && room.store.waiting().is_empty(), "{kind} to nobody is dropped");
    }
    room.hear(&typed("groupchat", BOB));
    assert_eq!(room.error().0, "service-unavailable");
    let desk = room.log_in(1, "bob@home.example/desk");
    for kind in ["headline", "error", "groupchat"] {
        room.hear(&typed(kind, "bob@home.example/desk"));
        room.hear(&typed(kind, "bob@home.example/gone"));
    }
    room.hear(&typed("headline", BOB));
    room.settle();
    assert_eq!(room.bodies(desk), ["headline", "error", "groupchat", "headline"]);
    assert_eq!(room.error().0, "service-unavailable", "a room writes to a client that is not there");
    assert!(room.store.waiting().is_empty());
}

#[test]
fn nobody_learns_who_is_there() {
    let mut room = Room::new();
    let composing = |to: &str| {
        format!(
            "<message type='chat' from='{ZOE}/x' to='{to}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>"
        )
    };
    room.hear(&composing(BOB));
    room.hear(&composing("nobody@home.example"));
    room.settle();
    assert!(room.sent.is_empty() && room.given.is_empty());
    room.hear(&from(&format!("{ZOE}/x"), "nobody@home.example", "hi"));
    assert_eq!(room.error(), ("service-unavailable".to_owned(), String::new()));
    room.hear(&from(&format!("{ZOE}/x"), "nobody@home.example/desk", "hi"));
    assert_eq!(room.error(), ("service-unavailable".to_owned(), String::new()));
}

#[test]
fn what_is_said_for_a_moment_goes_in_order_with_the_rest_and_is_not_kept() {
    let mut room = Room::new();
    let bob = room.log_in(1, "bob@home.example/desk");
    let receipt = format!(
        "<message type='chat' from='{ZOE}/x' to='{BOB}'><received xmlns='urn:xmpp:receipts' id='1'/></message>"
    );
    room.hear(&from(&format!("{ZOE}/x"), BOB, "one"));
    room.hear(&receipt);
    room.hear(&from(&format!("{ZOE}/x"), BOB, "two"));
    room.settle();
    let texts = room.taken(bob);
    let seen: Vec<_> = texts.iter().map(|text| (text.contains("one"), text.contains("receipts"))).collect();
    assert_eq!(seen, [(true, false), (false, true), (false, false)]);
    let (kept, commits) = {
        let look = room.store.look();
        (look.kept.len(), look.commits)
    };
    assert_eq!((kept, commits), (2, 1), "one write for a turn");
    assert!(
        texts[0].contains("<stanza-id xmlns='urn:xmpp:sid:0' by='bob@home.example' id='m1'/>"),
        "{}",
        texts[0]
    );
}

#[test]
fn copies_go_to_the_clients_that_want_them() {
    let mut room = Room::new();
    let (desk, phone) = (room.log_in(1, "ann@home.example/desk"), room.log_in(2, "ann@home.example/phone"));
    let bob = room.log_in(3, "bob@home.example/desk");
    let enable = "<iq type='set' id='c1'><enable xmlns='urn:xmpp:carbons:2'/></iq>";
    [desk, phone].iter().for_each(|id| room.say(*id, enable));
    assert_eq!(room.sent.len(), 2);
    room.say(desk, &chat(BOB, "hi"));
    room.settle();
    assert_eq!((room.bodies(bob).len(), room.taken(desk).len()), (1, 0));
    let copy = room.taken(phone).remove(0);
    assert!(
        copy.starts_with("<message from='ann@home.example' to='ann@home.example/phone' type='chat'><sent"),
        "{copy}"
    );
    assert!(copy.contains("<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'"), "{copy}");
    assert!(copy.contains("by='ann@home.example' id='m1'"), "{copy}");
    room.say(bob, &chat("ann@home.example/desk", "hello"));
    room.settle();
    assert_eq!(room.bodies(desk).len(), 1);
    assert!(room.taken(phone).remove(0).contains("<received xmlns='urn:xmpp:carbons:2'>"));
    let private = "<private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/>";
    room.say(desk, &chat(BOB, "secret").replace("</message>", &format!("{private}</message>")));
    room.settle();
    assert!(room.taken(phone).is_empty());
    assert!(!room.taken(bob).remove(0).contains("private"), "what asked for it has been heard");
    room.say(phone, "<iq type='set' id='c2'><disable xmlns='urn:xmpp:carbons:2'/></iq>");
    room.say(desk, &chat(BOB, "again"));
    room.settle();
    assert!(room.taken(phone).is_empty());
}

#[test]
fn nobody_smuggles_what_only_a_server_says() {
    let mut room = Room::new();
    let bob = room.log_in(1, "bob@home.example/desk");
    let inner = format!("<forwarded xmlns='urn:xmpp:forward:0'>{}</forwarded>", from(ANN, BOB, "forged"));
    let forged = format!(
        "<message type='chat' from='{ZOE}/x' to='{BOB}'><body>real</body>\
         <received xmlns='urn:xmpp:carbons:2'>{inner}</received><sent xmlns='urn:xmpp:carbons:2'>{inner}</sent>\
         <result xmlns='urn:xmpp:mam:2' id='1'>{inner}</result>\
         <stanza-id xmlns='urn:xmpp:sid:0' by='{BOB}' id='forged'/><stanza-id xmlns='urn:xmpp:sid:0' by='far.example' id='theirs'/>\
         <delay xmlns='urn:xmpp:delay' from='home.example' stamp='2001-01-01T00:00:00Z'/></message>"
    );
    room.hear(&forged);
    room.settle();
    let text = room.taken(bob).remove(0);
    assert!(text.contains("real") && text.contains("id='theirs'") && text.contains("id='m1'"), "{text}");
    assert!(!text.contains("forged") && !text.contains("carbons") && !text.contains("2001"), "{text}");
}

#[test]
fn a_blocked_person_reaches_nobody_and_is_told_nothing_special() {
    let mut room = Room::new();
    let (bob, other) = (room.log_in(1, "bob@home.example/desk"), room.log_in(2, "bob@home.example/phone"));
    room.say(other, "<iq type='get' id='l1'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
    room.sent.clear();
    let block =
        format!("<iq type='set' id='b1'><block xmlns='urn:xmpp:blocking'><item jid='{ZOE}'/></block></iq>");
    room.say(bob, &block);
    let push = room.taken(other).remove(0);
    assert!(push.contains("type='set'") && push.contains(ZOE), "{push}");
    assert!(room.taken(bob).is_empty(), "only who asked for the list is told");
    room.sent.clear();
    room.hear(&from(&format!("{ZOE}/x"), BOB, "hi"));
    room.settle();
    assert_eq!(room.error(), ("service-unavailable".to_owned(), String::new()));
    room.hear(&format!("<presence from='{ZOE}/x' to='{BOB}'/>"));
    assert!(room.sent.is_empty() && room.given.is_empty());
    room.say(bob, &chat(ZOE, "hi"));
    let answer = room.sent[0].clone();
    assert_eq!(room.error().0, "not-acceptable");
    let error = answer.find(ns::SERVER, "error").unwrap();
    assert!(error.find("urn:xmpp:blocking:errors", "blocked").is_some());
    let ann = room.log_in(3, "ann@home.example/a");
    room.hear(&from(&format!("{ZOE}/x"), ANN, "hi"));
    room.settle();
    assert_eq!(room.bodies(ann), ["hi"], "others are not concerned");
    room.say(bob, "<iq type='set' id='u1'><unblock xmlns='urn:xmpp:blocking'/></iq>");
    room.hear(&from(&format!("{ZOE}/x"), BOB, "hi again"));
    room.settle();
    assert_eq!(room.bodies(bob), ["hi again"]);
}

#[test]
fn what_is_too_long_is_refused_in_words() {
    let mut room = Room::new();
    let ann = room.log_in(1, "ann@home.example/a");
    room.say(ann, &chat(BOB, &"x".repeat(32 * 1024)));
    room.settle();
    assert_eq!(room.store.waiting().len(), 1);
    room.say(ann, &chat(BOB, &"x".repeat(32 * 1024 + 1)));
    let (condition, words) = room.error();
    assert_eq!(condition, "not-acceptable");
    assert!(words.contains("32769 bytes, and 32768 are the most"), "{words}");
}

#[test]
fn messages_for_a_sister_are_kept_for_who_carries_them() {
    let mut room = Room::new();
    let ann = room.log_in(1, "ann@home.example/a");
    room.say(ann, &chat("max@sister.example", "hi"));
    room.settle();
    room.settle();
    assert_eq!((room.store.waiting(), room.sent.len()), (vec!["hi".to_owned()], 0));
}
