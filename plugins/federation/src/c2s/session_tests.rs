//! What a client that is in may say, as rows.

use std::collections::VecDeque;
use std::time::Duration;

use super::session::{Act, Session};
use crate::im::Delivery;
use crate::xml::{AFTER, Element, Piece, Reader, client_header, ns};

fn element(text: &str) -> Element {
    let text = client_header(None, "x") + text;
    let (mut reader, mut input) = (Reader::new(AFTER), text.as_bytes());
    reader.next(&mut input).unwrap();
    match reader.next(&mut input).unwrap() {
        Some(Piece::Child(element)) => element,
        other => panic!("{text}: {other:?}"),
    }
}

fn session() -> Session {
    Session::new(Duration::from_secs(120))
}

fn put(session: &mut Session, text: &str) -> Vec<Act> {
    session.element(element(text), || "name".to_owned())
}

fn says(acts: &[Act]) -> String {
    let texts = acts.iter().filter_map(|act| match act {
        Act::Send(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

#[track_caller]
fn ends(acts: &[Act], condition: &str) {
    let said = says(acts);
    assert!(acts.contains(&Act::Close) && said.contains(&format!("<{condition} ")), "{condition}: {acts:?}");
}

fn delivery(text: &str, id: Option<&str>) -> VecDeque<Delivery> {
    VecDeque::from([Delivery { text: text.into(), id: id.map(str::to_owned) }])
}

const ENABLE: &str = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>";

#[test]
fn stanzas_get_the_namespace_of_servers_as_far_as_they_reach() {
    let mut session = session();
    let acts = put(
        &mut session,
        "<message to='b@x'><body>hi</body><x xmlns='urn:x'><body xmlns='jabber:client'/></x></message>",
    );
    let [Act::Stanza(stanza)] = acts.as_slice() else { panic!("{acts:?}") };
    assert!(stanza.is(ns::SERVER, "message") && stanza.find(ns::SERVER, "body").is_some());
    let foreign = stanza.find("urn:x", "x").unwrap();
    assert!(foreign.find(ns::CLIENT, "body").is_some(), "what others carry is left alone");
}

#[test]
fn what_is_no_stanza_ends_the_stream() {
    for text in [
        "<message xmlns='jabber:server'/>",
        "<x xmlns='urn:x'/>",
        "<query/>",
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ] {
        ends(&put(&mut session(), text), "unsupported-stanza-type");
    }
}

#[test]
fn old_clients_begin_a_session_and_nobody_binds_twice() {
    let mut session = session();
    let acts = put(&mut session, &format!("<iq type='set' id='s'><session xmlns='{}'/></iq>", ns::SESSION));
    assert_eq!(says(&acts), "<iq type='result' id='s'/>");
    let acts = put(&mut session, &format!("<iq type='set' id='b'><bind xmlns='{}'/></iq>", ns::BIND));
    assert!(says(&acts).contains("<not-allowed "), "{acts:?}");
}

#[test]
fn acknowledgements_are_given_and_taken_once_they_are_enabled() {
    let mut session = session();
    put(&mut session, "<presence/>");
    assert!(says(&put(&mut session, "<r xmlns='urn:xmpp:sm:3'/>")).contains("<unexpected-request "));
    let acts = put(&mut session, ENABLE);
    assert_eq!(acts[0], Act::Acknowledged(Some("name".to_owned())));
    assert_eq!(says(&acts), "<enabled xmlns='urn:xmpp:sm:3' id='name' resume='true' max='120'/>");
    assert!(says(&put(&mut session, ENABLE)).contains("<unexpected-request "), "once is enough");
    put(&mut session, "<presence/>");
    put(&mut session, "<iq type='get' id='1'><x xmlns='urn:x'/></iq>");
    assert_eq!(put(&mut session, "<r xmlns='urn:xmpp:sm:3'/>"), [Act::Ack]);
    assert_eq!(session.ack(), "<a xmlns='urn:xmpp:sm:3' h='2'/>", "counted from where they were enabled");
    let (text, written) = session.deliver(delivery("<message/>", Some("m1")));
    assert_eq!((text.as_str(), written), ("<message/><r xmlns='urn:xmpp:sm:3'/>", vec![]));
    let (text, _) = session.deliver(delivery("<presence/>", None));
    assert_eq!(text, "<presence/>", "what was asked is not asked again");
    let acts = put(&mut session, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert_eq!(acts[0], Act::Written(vec!["m1".to_owned()]));
    assert_eq!(says(&acts), "<r xmlns='urn:xmpp:sm:3'/>", "what came after the question is asked for");
    ends(&put(&mut session, "<a xmlns='urn:xmpp:sm:3' h='7'/>"), "undefined-condition");
    let acts = put(&mut session, "<a xmlns='urn:xmpp:sm:3' h='7'/>");
    assert!(says(&acts).contains("<handled-count-too-high xmlns='urn:xmpp:sm:3' h='7' send-count='2'/>"));
    ends(&put(&mut session, "<a xmlns='urn:xmpp:sm:3' h='x'/>"), "policy-violation");
}

#[test]
fn without_acknowledgements_what_is_flushed_has_arrived() {
    let mut session = session();
    let (text, written) = session.deliver(delivery("<message/>", Some("m1")));
    assert_eq!((text.as_str(), written), ("<message/>", vec!["m1".to_owned()]));
    assert!(session.resume_within().is_none() && session.has_room());
    ends(&put(&mut session, "<a xmlns='urn:xmpp:sm:3' h='1'/>"), "policy-violation");
}

#[test]
fn a_session_is_resumable_only_where_its_client_wants_that() {
    let mut session = session();
    let acts = put(&mut session, "<enable xmlns='urn:xmpp:sm:3'/>");
    assert_eq!(acts, [Act::Acknowledged(None), Act::Send("<enabled xmlns='urn:xmpp:sm:3'/>".to_owned())]);
    assert!(session.resume_within().is_none());
    ends(&session.resumed(0), "policy-violation");
}

#[test]
fn resuming_sends_again_what_was_not_acknowledged_and_nothing_else() {
    let mut session = session();
    put(&mut session, ENABLE);
    put(&mut session, "<presence/>");
    for id in ["m1", "m2", "m3"] {
        session.deliver(delivery(&format!("<message id='{id}'/>"), Some(id)));
    }
    let acts = session.resumed(1);
    assert_eq!(
        says(&acts),
        "<resumed xmlns='urn:xmpp:sm:3' previd='name' h='1'/><message id='m2'/><message id='m3'/>\
         <r xmlns='urn:xmpp:sm:3'/>"
    );
    assert!(acts.contains(&Act::Written(vec!["m1".to_owned()])));
    assert_eq!(
        put(&mut session, "<a xmlns='urn:xmpp:sm:3' h='3'/>"),
        [Act::Written(vec!["m2".to_owned(), "m3".to_owned()])]
    );
    ends(&session.resumed(9), "undefined-condition");
    assert!(
        says(&put(&mut session, "<resume xmlns='urn:xmpp:sm:3' previd='name' h='3'/>"))
            .contains("<unexpected-request ")
    );
}

#[test]
fn after_a_silence_it_is_asked_in_the_way_that_its_client_knows() {
    let mut session = session();
    let ping = session.poke("home.example", "ann@home.example/desk", "1");
    assert_eq!(
        ping,
        "<iq type='get' from='home.example' to='ann@home.example/desk' id='ping-1'><ping xmlns='urn:xmpp:ping'/></iq>"
    );
    put(&mut session, ENABLE);
    assert_eq!(session.poke("home.example", "ann@home.example/desk", "1"), "<r xmlns='urn:xmpp:sm:3'/>");
}
