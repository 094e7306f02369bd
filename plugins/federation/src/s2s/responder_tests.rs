//! What a server that connects may try, as rows.

use std::sync::Arc;

use super::dialback::Secret;
use super::*;
use crate::xml::{AFTER, Element, Piece, Reader, header, ns};

/// Domains by their names.
struct Site;

impl Rules for Site {
    fn serves(&self, domain: &str) -> bool {
        matches!(domain, "home.example" | "other.example")
    }

    fn partner(&self, domain: &str) -> Option<Policy> {
        match domain {
            "sure.example" => Some(Policy::VerifiedTls),
            "tls.example" => Some(Policy::TlsDialback),
            "plain.example" | "second.example" => Some(Policy::PlainDialback),
            _ => None,
        }
    }
}

/// A stream and what came of it.
struct Line {
    responder: Responder<Site>,
    said: String,
    outs: Vec<Out>,
}

const OPEN: &str = "from='plain.example' to='home.example' version='1.0'";

fn head(attributes: &str) -> String {
    format!(
        "<stream:stream xmlns:stream='{}' xmlns='jabber:server' xmlns:db='jabber:server:dialback' {attributes}>",
        ns::STREAM
    )
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

impl Line {
    fn new() -> Self {
        let counted = std::sync::atomic::AtomicU32::new(0);
        let ids = move || format!("id{}", counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let responder = Responder::new(Site, Arc::new(Secret::new("s")), ids);
        Self { responder, said: String::new(), outs: Vec::new() }
    }

    fn open(attributes: &str) -> Self {
        let mut line = Self::new();
        line.header(attributes);
        line
    }

    /// After STARTTLS with a certificate that speaks for these.
    fn secure(attributes: &str, names: &'static [&'static str]) -> Self {
        let mut line = Self::open(attributes);
        line.put(&format!("<starttls xmlns='{}'/>", ns::TLS));
        assert!(line.outs.contains(&Out::StartTls), "{}", line.said);
        line.responder.secured(Box::new(move |name| {
            if names.contains(&name) { Ok(()) } else { Err(format!("the certificate is not {name}'s")) }
        }));
        line.header(attributes);
        line
    }

    fn header(&mut self, attributes: &str) {
        self.raw_header(&head(attributes));
    }

    fn raw_header(&mut self, text: &str) {
        let (mut reader, mut input) = (Reader::new(AFTER), text.as_bytes());
        let Some(Piece::Open { root, default_ns }) = reader.next(&mut input).unwrap() else {
            panic!("{text}")
        };
        let outs = self.responder.opened(&root, &default_ns);
        self.note(outs);
    }

    fn put(&mut self, text: &str) {
        let outs = self.responder.element(element(text));
        self.note(outs);
    }

    fn note(&mut self, outs: Vec<Out>) {
        self.said.clear();
        for out in &outs {
            if let Out::Send(text) = out {
                self.said += text;
            }
        }
        self.outs = outs;
    }

    #[track_caller]
    fn ended(&self, condition: &str) {
        assert!(
            self.outs.contains(&Out::Close) && self.said.contains(&format!("<{condition} ")),
            "{condition}: {} {:?}",
            self.said,
            self.outs
        );
        assert!(self.said.ends_with("</stream:stream>"));
    }

    #[track_caller]
    fn says(&self, text: &str) {
        assert!(self.said.contains(text), "{text}: {}", self.said);
    }

    /// The question that a key raised.
    #[track_caller]
    fn question(&self) -> Question {
        match &self.outs[..] {
            [Out::Verify(question)] => question.clone(),
            other => panic!("{other:?} {}", self.said),
        }
    }

    /// Verified by dialback.
    fn ready() -> Self {
        let mut line = Self::open(OPEN);
        line.put("<db:result from='plain.example' to='home.example'>k</db:result>");
        let outs = line.responder.answered(&line.question(), &Verified::Valid);
        line.note(outs);
        assert!(matches!(line.outs[..], [Out::Send(_), Out::Ready(_)]));
        line
    }
}

#[test]
fn headers_are_answered_or_ended() {
    for (attributes, condition) in [
        ("to='home.example' version='2.0'", "unsupported-version"),
        ("to='home.example' version='x'", "unsupported-version"),
        ("to='nobody.example' version='1.0'", "host-unknown"),
        ("to='a@home.example' version='1.0'", "host-unknown"),
        ("version='1.0'", "improper-addressing"),
        ("to='' version='1.0'", "improper-addressing"),
        ("from='home.example' to='home.example' version='1.0'", "invalid-from"),
        ("from='OTHER.example.' to='home.example' version='1.0'", "invalid-from"),
        ("from='a@plain.example' to='home.example' version='1.0'", "invalid-from"),
        ("from='a..b' to='home.example' version='1.0'", "invalid-from"),
        (&format!("from='{}' to='home.example' version='1.0'", "a".repeat(5000)), "invalid-from"),
        ("from='stranger.example' to='home.example' version='1.0'", "policy-violation"),
    ] {
        let line = Line::open(attributes);
        line.ended(condition);
        line.says("<stream:stream ");
    }
    for text in [
        format!(
            "<stream:stream xmlns:stream='{}' xmlns='jabber:client' to='home.example' version='1.0'>",
            ns::STREAM
        ),
        "<stream:stream xmlns:stream='other' xmlns='jabber:server' to='home.example' version='1.0'>"
            .to_owned(),
        "<html>".to_owned(),
    ] {
        let mut line = Line::new();
        line.raw_header(&text);
        line.ended("invalid-namespace");
    }
    for attributes in [
        "to='HOME.example.' version='1.0'",
        "from='' id='' to='home.example' version='1.0'",
        "from='Plain.Example' to='home.example' version='1.5' xml:lang='de' x='y'",
    ] {
        let line = Line::open(attributes);
        line.says("<stream:features><starttls ");
        line.says(" id='");
    }
    let old = Line::open("from='plain.example' to='home.example'");
    assert!(!old.said.contains("features") && !old.outs.contains(&Out::Close), "{}", old.said);
}

#[test]
fn what_is_offered_depends_on_the_partner() {
    Line::open("from='sure.example' to='home.example' version='1.0'").says("<required/>");
    let plain = Line::open(OPEN);
    plain.says("<dialback ");
    assert!(!plain.said.contains("required") && !plain.said.contains("mechanism"));
    let sure = "from='sure.example' to='home.example' version='1.0'";
    Line::secure(sure, &["sure.example"]).says("<mechanism>EXTERNAL</mechanism>");
    let other = Line::secure(sure, &["tls.example"]);
    other.ended("not-authorized");
    other.says("the certificate is not sure.example&apos;s");
    let tls = Line::secure("from='tls.example' to='home.example' version='1.0'", &[]);
    tls.says("<dialback ");
    assert!(!tls.said.contains("EXTERNAL"));
}

#[test]
fn tls_begins_once() {
    let mut line = Line::secure(OPEN, &[]);
    line.put(&format!("<starttls xmlns='{}'/>", ns::TLS));
    line.says("<failure ");
    assert!(line.outs.contains(&Out::Close));
    let mut line = Line::ready();
    line.put(&format!("<starttls xmlns='{}'/>", ns::TLS));
    line.says("<failure ");
}

#[test]
fn a_second_header_must_be_the_first_one_s() {
    for (attributes, condition) in [
        ("from='second.example' to='home.example' version='1.0'", "invalid-from"),
        ("from='plain.example' to='other.example' version='1.0'", "improper-addressing"),
    ] {
        let mut line = Line::open(OPEN);
        line.put(&format!("<starttls xmlns='{}'/>", ns::TLS));
        line.responder.secured(Box::new(|_| Ok(())));
        line.header(attributes);
        line.ended(condition);
    }
    let mut line = Line::open(OPEN);
    line.header(OPEN);
    line.ended("not-well-formed");
}

fn auth(text: &str) -> String {
    format!("<auth xmlns='{}' mechanism='EXTERNAL'>{text}</auth>", ns::SASL)
}

#[test]
fn external_takes_the_certificate_s_word_only() {
    let sure = "from='sure.example' to='home.example' version='1.0'";
    for text in ["", "=", "c3VyZS5leGFtcGxl", "U1VSRS5leGFtcGxl"] {
        let mut line = Line::secure(sure, &["sure.example"]);
        line.put(&auth(text));
        line.says("<success ");
        assert!(
            line.outs.contains(&Out::Restart) && matches!(line.outs[2], Out::Ready(_)),
            "{:?}",
            line.outs
        );
        line.put("<message from='sure.example' to='home.example'/>");
        line.ended("not-authorized");
    }
    for (text, failure) in [
        (auth("aG9tZS5leGFtcGxl"), "invalid-authzid"),
        (auth("c3ViLnN1cmUuZXhhbXBsZQ=="), "invalid-authzid"),
        (auth("!!"), "incorrect-encoding"),
        (auth("/w=="), "invalid-authzid"),
        (format!("<auth xmlns='{}' mechanism='PLAIN'>AGEAYg==</auth>", ns::SASL), "invalid-mechanism"),
        (format!("<abort xmlns='{}'/>", ns::SASL), "aborted"),
        (format!("<response xmlns='{}'/>", ns::SASL), "malformed-request"),
    ] {
        let mut line = Line::secure(sure, &["sure.example"]);
        line.put(&text);
        line.says(&format!("<{failure}/>"));
        assert!(line.responder.verified().is_empty() && !line.outs.contains(&Out::Close));
    }
}

#[test]
fn external_needs_tls_a_name_and_few_attempts() {
    let mut line = Line::open(OPEN);
    line.put(&auth("="));
    line.says("<encryption-required/>");
    let mut line = Line::secure("to='home.example' version='1.0'", &["sure.example"]);
    line.put(&auth("="));
    line.says("<not-authorized/>");
    let mut line = Line::secure("from='tls.example' to='home.example' version='1.0'", &[]);
    line.put(&auth("="));
    line.says("<not-authorized/>");
    line.put(&auth("="));
    line.put(&auth("="));
    line.ended("policy-violation");
}

#[test]
fn after_external_the_same_header_must_come() {
    let sure = "from='sure.example' to='home.example' version='1.0'";
    let mut line = Line::secure(sure, &["sure.example"]);
    line.put(&auth("="));
    line.header(sure);
    line.says("<stream:features><dialback ");
    line.put("<message from='a@sure.example' to='b@home.example'/>");
    assert!(matches!(line.outs[..], [Out::Stanza(..)]));
    let mut line = Line::secure(sure, &["sure.example", "tls.example"]);
    line.put(&auth("="));
    line.header("from='tls.example' to='home.example' version='1.0'");
    line.ended("invalid-from");
}

#[test]
fn nothing_is_taken_before_authentication() {
    for text in
        ["<message from='a@plain.example' to='b@home.example'/>", "<presence/>", "<iq id='1' type='get'/>"]
    {
        let mut line = Line::open(OPEN);
        line.put(text);
        line.ended("not-authorized");
    }
    let mut line = Line::open(OPEN);
    line.put("<thing xmlns='urn:x'/>");
    line.ended("unsupported-stanza-type");
    let mut line = Line::new();
    let outs = line.responder.element(element("<message/>"));
    line.note(outs);
    line.ended("not-authorized");
}

#[test]
fn keys_are_refused_without_a_question() {
    for (text, condition) in [
        ("<db:result from='plain.example' to='nobody.example'>k</db:result>", "item-not-found"),
        ("<db:result from='plain.example' to='home.example'/>", "bad-request"),
        (
            &format!("<db:result from='plain.example' to='home.example'>{}</db:result>", "k".repeat(300)),
            "bad-request",
        ),
        ("<db:result from='home.example' to='home.example'>k</db:result>", "forbidden"),
        ("<db:result from='stranger.example' to='home.example'>k</db:result>", "forbidden"),
        ("<db:result from='tls.example' to='home.example'>k</db:result>", "policy-violation"),
        ("<db:result from='sure.example' to='home.example'>k</db:result>", "policy-violation"),
    ] {
        let mut line = Line::open(OPEN);
        line.put(text);
        line.says("<db:result ");
        line.says(&format!("type='error'><error type='cancel'><{condition} "));
        assert!(!line.outs.contains(&Out::Close));
    }
    for text in
        ["<db:result to='home.example'>k</db:result>", "<db:verify from='a.example' id='1'>k</db:verify>"]
    {
        let mut line = Line::open(OPEN);
        line.put(text);
        line.ended("improper-addressing");
    }
    let mut line = Line::secure("to='home.example' version='1.0'", &["tls.example"]);
    line.put("<db:result from='sure.example' to='home.example'>k</db:result>");
    line.says("<not-authorized ");
}

#[test]
fn a_key_is_asked_about_and_the_answer_is_passed_on() {
    let mut line = Line::ready();
    line.says("<db:result from='home.example' to='plain.example' type='valid'/>");
    line.put("<message from='x@plain.example' to='y@home.example'/>");
    assert!(matches!(line.outs[..], [Out::Stanza(..)]));
    for (verified, said, ends) in [
        (Verified::Invalid, "type='invalid'", true),
        (Verified::Unknown("remote-server-timeout"), "<remote-server-timeout ", false),
    ] {
        let mut line = Line::open(OPEN);
        line.put("<db:result from='plain.example' to='home.example'>k</db:result>");
        let outs = line.responder.answered(&line.question(), &verified);
        line.note(outs);
        line.says(said);
        assert_eq!(line.outs.contains(&Out::Close), ends);
        assert!(line.responder.verified().is_empty());
    }
}

#[test]
fn an_answer_that_nobody_asked_for_says_nothing() {
    let mut line = Line::open(OPEN);
    for text in [
        "<db:result from='plain.example' to='home.example' type='valid'/>",
        "<db:verify from='plain.example' to='home.example' id='id1' type='valid'/>",
    ] {
        line.put(text);
        assert_eq!(line.outs, []);
    }
    line.put("<db:result from='plain.example' to='home.example'>k</db:result>");
    let right = line.question();
    let pair = |from: &str, to: &str| Pair { from: from.to_owned(), to: to.to_owned() };
    for wrong in [
        Question { id: "id0".to_owned(), ..right.clone() },
        Question { pair: pair("second.example", "home.example"), ..right.clone() },
        Question { pair: pair("plain.example", "other.example"), ..right.clone() },
    ] {
        assert_eq!(line.responder.answered(&wrong, &Verified::Valid), []);
    }
    assert!(line.responder.verified().is_empty());
    assert_eq!(line.responder.answered(&right, &Verified::Valid).len(), 2);
    assert_eq!(line.responder.answered(&right, &Verified::Valid), [], "once");
}

#[test]
fn keys_in_question_are_bounded() {
    let mut line = Line::open("to='home.example' version='1.0'");
    for to in ["home.example", "other.example"] {
        for from in ["plain.example", "second.example"] {
            line.put(&format!("<db:result from='{from}' to='{to}'>k</db:result>"));
            line.question();
            line.put(&format!("<db:result from='{from}' to='{to}'>k</db:result>"));
            line.says("<resource-constraint ");
        }
    }
}

#[test]
fn our_own_keys_are_known_again_by_whoever_asks() {
    let key = Secret::new("s").key("plain.example", "home.example", "their-id");
    for (to, id, key, said) in [
        ("home.example", "their-id", key.as_str(), "type='valid'"),
        ("HOME.example", "their-id", &format!(" {key}\n"), "type='valid'"),
        ("other.example", "their-id", &key, "type='invalid'"),
        ("home.example", "other-id", &key, "type='invalid'"),
        ("home.example", "their-id", "00", "type='invalid'"),
        ("nobody.example", "their-id", &key, "<item-not-found "),
        ("home.example", "", &key, "<bad-request "),
        ("home.example", "their-id", "", "<bad-request "),
    ] {
        let mut line = Line::open(OPEN);
        line.put(&format!("<db:verify from='plain.example' to='{to}' id='{id}'>{key}</db:verify>"));
        line.says("<db:verify from='");
        line.says(said);
    }
}

#[test]
fn a_stanza_is_its_pair_s() {
    for (from, to, condition) in [
        ("a@plain.example", "", "improper-addressing"),
        ("", "b@home.example", "improper-addressing"),
        ("a@plain.example", "b@nobody.example", "host-unknown"),
        ("a@sub.plain.example", "b@home.example", "invalid-from"),
        ("a@second.example", "b@home.example", "invalid-from"),
        ("a@plain.ex\u{430}mple", "b@home.example", "invalid-from"),
        ("a@plain.example", "b@other.example", "invalid-from"),
        ("a@home.example", "b@home.example", "invalid-from"),
    ] {
        let mut line = Line::ready();
        line.put(&format!("<message from='{from}' to='{to}'><body>x</body></message>"));
        line.ended(condition);
    }
    for from in ["a@plain.example", "a@PLAIN.example/x", "plain.example", "a@plain.example."] {
        let mut line = Line::ready();
        line.put(&format!("<presence from='{from}' to='b@home.example'/>"));
        assert!(matches!(line.outs[..], [Out::Stanza(..)]), "{from}: {:?}", line.outs);
    }
    let mut line = Line::ready();
    line.put("<presence xmlns='jabber:client' from='a@plain.example' to='b@home.example'/>");
    line.ended("unsupported-stanza-type");
    let mut line = Line::ready();
    line.put("<enable xmlns='urn:xmpp:sm:3'/>");
    line.says("<failed ");
}

#[test]
fn after_the_end_nothing_is_done() {
    let mut line = Line::ready();
    assert_eq!(line.responder.closed().len(), 2);
    assert_eq!(line.responder.closed(), [Out::Close]);
    assert_eq!(line.responder.end(Condition::PolicyViolation, ""), [Out::Close]);
    let mut line = Line::open(OPEN);
    line.put("<db:result from='plain.example' to='home.example'>k</db:result>");
    let question = line.question();
    line.responder.closed();
    assert_eq!(line.responder.answered(&question, &Verified::Valid), [], "the stream has died meanwhile");
}
