//! What a server that we connect to may answer, as rows.

use std::sync::Arc;

use super::dialback::Secret;
use super::*;
use crate::xml::{AFTER, Element, Piece, Reader, header, ns};

fn pair() -> Pair {
    Pair { from: "home.example".to_owned(), to: "far.example".to_owned() }
}

fn element(text: &str) -> Element {
    let text = header(None, None, None) + text;
    let (mut reader, mut input) = (Reader::new(AFTER), text.as_bytes());
    reader.next(&mut input).unwrap();
    match reader.next(&mut input).unwrap() {
        Some(Piece::Child(element)) => element,
        other => panic!("{text}: {other:?}"),
    }
}

struct Line(Initiator);

impl Line {
    fn new(policy: Policy, errand: Errand) -> Self {
        Self(Initiator::new(pair(), policy, errand, Arc::new(Secret::new("s"))))
    }

    fn header(&mut self, attributes: &str) -> Vec<Out> {
        let mut root = Element::new(ns::STREAM, "stream").with("id", "I7");
        for pair in attributes.split_whitespace() {
            let (name, value) = pair.split_once('=').unwrap();
            root = root.with(name, value);
        }
        self.0.opened(&root, ns::SERVER)
    }

    fn put(&mut self, text: &str) -> Vec<Out> {
        self.0.element(&element(text))
    }

    /// After the peer's header and these features.
    fn features(policy: Policy, features: &str) -> (Self, Vec<Out>) {
        let mut line = Self::new(policy, Errand::Carry);
        assert!(matches!(&line.0.start()[..], [Out::Send(text)] if text.contains("xmlns:db=")));
        assert_eq!(line.header("version=1.0"), []);
        let outs = line.put(&format!("<stream:features>{features}</stream:features>"));
        (line, outs)
    }

    /// The same on TLS, with a good certificate or a bad one.
    fn secure(policy: Policy, is_good: bool, features: &str) -> (Self, Vec<Out>) {
        let (mut line, outs) = Self::features(policy, STARTTLS);
        assert_eq!(sent(&outs), "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        assert_eq!(line.put("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), [Out::StartTls]);
        let outs = line
            .0
            .secured(Box::new(move |_| if is_good { Ok(()) } else { Err("unknown authority".to_owned()) }));
        if !sent(&outs).contains("<stream:stream") {
            return (line, outs);
        }
        line.header("version=1.0");
        let outs = line.put(&format!("<stream:features>{features}</stream:features>"));
        (line, outs)
    }

    #[track_caller]
    fn lost(&self, words: &str) {
        let lost = self.0.lost().map(ToString::to_string).unwrap_or_default();
        assert!(lost.contains(words), "{words}: {lost}");
    }
}

const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const EXTERNAL: &str = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>\
     <dialback xmlns='urn:xmpp:features:dialback'/>";
const DIALBACK: &str =
    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><dialback xmlns='urn:xmpp:features:dialback'/>";
const FAILURE: &str = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>";

fn sent(outs: &[Out]) -> String {
    outs.iter().filter_map(|out| if let Out::Send(text) = out { Some(text.as_str()) } else { None }).collect()
}

#[test]
fn external_proves_us_on_a_new_stream() {
    let (mut line, outs) = Line::secure(Policy::VerifiedTls, true, EXTERNAL);
    assert!(sent(&outs).contains("mechanism='EXTERNAL'>aG9tZS5leGFtcGxl</auth>"), "{outs:?}");
    let outs = line.put("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    assert!(outs[0] == Out::Restart && sent(&outs).contains("xmlns:db="));
    line.header("version=1.0");
    assert_eq!(
        line.put("<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>"),
        [Out::Ready(pair())]
    );
    assert!(line.0.has_external());
}

#[test]
fn dialback_follows_on_the_same_stream_when_external_fails() {
    let (mut line, _) = Line::secure(Policy::TlsDialback, false, EXTERNAL);
    let outs = line.put(FAILURE);
    let key = Secret::new("s").key("far.example", "home.example", "I7");
    assert_eq!(sent(&outs), format!("<db:result from='home.example' to='far.example'>{key}</db:result>"));
    // Prosody repeats the key and has an id of its own in it.
    let answer =
        format!("<db:result from='far.example' to='home.example' id='9' type='valid'>{key}</db:result>");
    assert_eq!(line.put(&answer), [Out::Ready(pair())]);
    assert!(!line.0.has_external());
}

#[test]
fn a_policy_that_is_not_kept_ends_the_stream() {
    let (line, outs) = Line::features(Policy::VerifiedTls, DIALBACK);
    line.lost("offers no TLS");
    assert!(outs.contains(&Out::Close));
    Line::features(Policy::TlsDialback, DIALBACK).0.lost("offers no TLS");
    Line::secure(Policy::VerifiedTls, false, EXTERNAL).0.lost("unknown authority");
    let (line, outs) = Line::features(Policy::PlainDialback, DIALBACK);
    assert!(line.0.lost().is_none() && sent(&outs).contains("<db:result "));
    assert!(
        sent(&Line::features(Policy::PlainDialback, STARTTLS).1).contains("<starttls "),
        "TLS where it is offered"
    );
    Line::secure(Policy::TlsDialback, false, "").0.lost("neither EXTERNAL nor dialback");
}

#[test]
fn an_old_server_has_dialback_only() {
    let mut line = Line::new(Policy::PlainDialback, Errand::Carry);
    line.0.start();
    assert!(sent(&line.header("from=far.example")).contains("<db:result "));
    let mut line = Line::new(Policy::TlsDialback, Errand::Carry);
    line.0.start();
    line.header("from=far.example");
    line.lost("offers no TLS");
}

#[test]
fn answers_that_are_not_for_us_say_nothing() {
    let (mut line, _) = Line::features(Policy::PlainDialback, DIALBACK);
    for text in [
        "<db:result from='far.example' to='home.example'>k</db:result>",
        "<db:result from='other.example' to='home.example' type='valid'/>",
        "<db:result from='far.example' to='other.example' type='valid'/>",
        "<db:result type='valid'/>",
        "<db:verify from='far.example' to='home.example' id='I7' type='valid'/>",
    ] {
        assert_eq!(line.put(text), [], "{text}");
    }
    assert_eq!(
        line.put("<db:result from='FAR.example' to='home.example' type='valid'/>"),
        [Out::Ready(pair())]
    );
    assert_eq!(line.put("<db:result from='far.example' to='home.example' type='invalid'/>"), []);
    let mut early = Line::new(Policy::PlainDialback, Errand::Carry);
    early.0.start();
    early.header("version=1.0");
    assert_eq!(early.put("<db:result from='far.example' to='home.example' type='valid'/>"), []);
}

#[test]
fn a_peer_s_no_is_told_in_words() {
    for (text, words) in [
        ("<db:result from='far.example' to='home.example' type='invalid'/>", "the key is not ours"),
        (
            "<db:result from='far.example' to='home.example' type='error'><error type='cancel'><remote-server-not-found \
             xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
            "remote-server-not-found",
        ),
        (
            "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text \
             xmlns='urn:ietf:params:xml:ns:xmpp-streams'>not\nhere</text></stream:error>",
            "host-unknown (nothere)",
        ),
        (
            "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>evil</see-other-host></stream:error>",
            "see-other-host",
        ),
        (
            "<stream:error><remote-connection-failed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
            "does not believe that we are who we say: remote-connection-failed",
        ),
        ("<message/>", "<message> comes at the wrong time"),
    ] {
        let (mut line, _) = Line::features(Policy::PlainDialback, DIALBACK);
        assert!(line.put(text).contains(&Out::Close));
        line.lost(words);
    }
    let (mut line, _) = Line::features(Policy::TlsDialback, STARTTLS);
    line.put("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    line.lost("refuses it");
    let mut line = Line::new(Policy::TlsDialback, Errand::Carry);
    line.0.start();
    line.0.opened(&Element::new("", "html"), "");
    line.lost("does not answer as one of XMPP");
    let mut line = Line::new(Policy::TlsDialback, Errand::Carry);
    line.0.closed();
    line.lost("without a reason");
}

#[test]
fn a_question_about_a_key_is_answered_once_and_for_its_id_only() {
    let asked = Pair { from: "far.example".to_owned(), to: "home.example".to_owned() };
    let question = Question { pair: asked, id: "O1".to_owned(), key: "k".to_owned() };
    for (kind, verified) in [
        ("valid", Verified::Valid),
        ("invalid", Verified::Invalid),
        ("error", Verified::Unknown("remote-server-not-found")),
    ] {
        let mut line = Line::new(Policy::PlainDialback, Errand::Ask(question.clone()));
        line.0.start();
        line.header("version=1.0");
        let outs = line.put("<stream:features/>");
        assert_eq!(sent(&outs), "<db:verify from='home.example' to='far.example' id='O1'>k</db:verify>");
        for id in ["I7", "O2", ""] {
            let text = format!("<db:verify from='far.example' to='home.example' id='{id}' type='valid'/>");
            assert_eq!(line.put(&text), [], "{id}");
        }
        let outs =
            line.put(&format!("<db:verify from='far.example' to='home.example' id='O1' type='{kind}'/>"));
        assert_eq!(outs[0], Out::Answer(verified));
        assert_eq!(line.put("<db:verify from='far.example' to='home.example' id='O1' type='valid'/>"), []);
    }
}
