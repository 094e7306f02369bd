//! What a client may try on its way in, as rows.

use std::sync::Arc;

use data_encoding::BASE64;
use ring::{digest, hmac};

use super::*;
use crate::s2s::Condition;
use crate::xml::{AFTER, Element, Piece, Reader, client_header, ns, written_to_client};

/// A stream and what came of it.
struct Line {
    login: Login,
    said: String,
    outs: Vec<Out>,
}

const OPEN: &str = "to='home.example' version='1.0'";

fn head(attributes: &str) -> String {
    format!("<stream:stream xmlns:stream='{}' xmlns='jabber:client' {attributes}>", ns::STREAM)
}

fn element(text: &str) -> Element {
    let text = client_header(None, "x") + text;
    let (mut reader, mut input) = (Reader::new(AFTER), text.as_bytes());
    reader.next(&mut input).unwrap();
    match reader.next(&mut input).unwrap() {
        Some(Piece::Child(element)) => element,
        other => panic!("{text}: {other:?}"),
    }
}

fn binding(kind: &'static str) -> Binding {
    Binding { kind, data: format!("data of {kind}").into_bytes() }
}

fn account() -> Account {
    Account { id: "a1".to_owned(), password_at: Some("2026-01-01T00:00:00Z".to_owned()) }
}

/// Keys whose ClientKey is this, so that a proof needs no password.
const CLIENT_KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

fn keys() -> Keys {
    let stored = digest::digest(&digest::SHA256, CLIENT_KEY).as_ref().to_vec();
    Keys { salt: b"salt".to_vec(), iterations: 10_000, stored, server: b"server".to_vec() }
}

impl Line {
    fn new() -> Self {
        let rules = Rules {
            serves: Box::new(|domain| matches!(domain, "home.example" | "other.example")),
            id: || "nonce".to_owned(),
            made_up: MadeUp::new("secret"),
        };
        Self { login: Login::new(Arc::new(rules)), said: String::new(), outs: Vec::new() }
    }

    fn open(attributes: &str) -> Self {
        let mut line = Self::new();
        line.header(attributes);
        line
    }

    /// After TLS with these channel bindings.
    fn secure(kinds: &[&'static str]) -> Self {
        let mut line = Self::new();
        line.login.secured(kinds.iter().map(|kind| binding(kind)).collect());
        line.header(OPEN);
        line
    }

    /// After the right password.
    fn known() -> Self {
        let mut line = Self::secure(&[]);
        line.auth("PLAIN", "\0ann\0secret");
        line.told(Told::Right(account()));
        line.header(OPEN);
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
        let outs = self.login.opened(&root, &default_ns);
        self.note(outs);
    }

    fn put(&mut self, text: &str) {
        let outs = self.login.element(&element(text));
        self.note(outs);
    }

    fn auth(&mut self, mechanism: &str, text: &str) {
        let text = BASE64.encode(text.as_bytes());
        self.put(&format!("<auth xmlns='{}' mechanism='{mechanism}'>{text}</auth>", ns::SASL));
    }

    fn response(&mut self, text: &str) {
        let text = BASE64.encode(text.as_bytes());
        self.put(&format!("<response xmlns='{}'>{text}</response>", ns::SASL));
    }

    fn told(&mut self, told: Told) {
        let outs = self.login.told(told);
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

    #[track_caller]
    fn fails(&self, condition: &str) {
        self.says(&format!("<failure xmlns='{}'><{condition}/>", ns::SASL));
        assert!(self.login.who().is_none());
    }

    /// The words of our challenge.
    fn challenge(&self) -> String {
        let (_, rest) = self.said.split_once('>').unwrap();
        let text = rest.split('<').next().unwrap();
        String::from_utf8(BASE64.decode(text.as_bytes()).unwrap()).unwrap()
    }

    /// Plays SCRAM-SHA-256 to its end with [`CLIENT_KEY`].
    fn scram(&mut self, name: &str, gs2: &str, channel: &[u8], told: Told) {
        let bare = "n=ann,r=abc";
        self.auth(name, &format!("{gs2}{bare}"));
        let Some(Out::Ask(Ask::Keys { .. })) = self.outs.first() else {
            panic!("{name} {gs2}: {:?}", self.outs)
        };
        self.told(told);
        let first = self.challenge();
        let nonce = first.split(',').next().unwrap();
        let bound = BASE64.encode(&[gs2.as_bytes(), channel].concat());
        let without = format!("c={bound},{nonce}");
        let message = format!("{bare},{first},{without}");
        let stored = hmac::Key::new(hmac::HMAC_SHA256, &keys().stored);
        let signature = hmac::sign(&stored, message.as_bytes());
        let proof: Vec<u8> = CLIENT_KEY.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        self.response(&format!("{without},p={}", BASE64.encode(&proof)));
    }
}

fn found() -> Told {
    Told::Keys(account(), keys())
}

#[test]
fn a_header_that_is_none_of_a_client_ends_the_stream() {
    for (attributes, condition) in [
        ("to='home.example'", "unsupported-version"),
        ("to='home.example' version='2.0'", "unsupported-version"),
        ("to='home.example' version='x'", "unsupported-version"),
        ("version='1.0'", "improper-addressing"),
        ("to='' version='1.0'", "improper-addressing"),
        ("to='far.example' version='1.0'", "host-unknown"),
        ("to='ann@home.example' version='1.0'", "host-unknown"),
    ] {
        Line::open(attributes).ended(condition);
    }
    let mut servers = Line::new();
    servers.raw_header(&head(OPEN).replace("jabber:client", "jabber:server"));
    servers.ended("invalid-namespace");
    let mut strange = Line::new();
    strange.raw_header("<a>");
    strange.ended("invalid-namespace");
    let mut twice = Line::open(OPEN);
    twice.header(OPEN);
    twice.ended("not-well-formed");
}

#[test]
fn nothing_but_tls_goes_without_tls() {
    let line = Line::open("to='HOME.example.' version='1.0' from='ann@home.example'");
    line.says("from='home.example'");
    line.says("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>");
    assert!(!line.said.contains("mechanism"), "{}", line.said);
    let mut early = Line::open(OPEN);
    early.auth("PLAIN", "\0ann\0secret");
    early.fails("encryption-required");
    assert!(!early.outs.iter().any(|out| matches!(out, Out::Ask(_))), "no password is even looked at");
    for (text, condition) in [
        ("<message to='ben@home.example'><body>x</body></message>", "not-authorized"),
        ("<presence/>", "not-authorized"),
        ("<iq type='get' id='1'><query xmlns='jabber:iq:auth'/></iq>", "not-authorized"),
        ("<x xmlns='urn:x'/>", "unsupported-stanza-type"),
    ] {
        let mut line = Line::open(OPEN);
        line.put(text);
        line.ended(condition);
    }
    let mut line = Line::open(OPEN);
    let starttls = format!("<starttls xmlns='{}'/>", ns::TLS);
    line.put(&starttls);
    assert_eq!(line.outs.last(), Some(&Out::StartTls));
    line.login.secured(vec![]);
    line.put(&starttls);
    line.ended("not-authorized");
    let mut again = Line::secure(&[]);
    again.put(&starttls);
    assert!(again.outs.contains(&Out::Close));
    again.says("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
}

#[test]
fn after_tls_the_domain_is_still_the_same() {
    let mut line = Line::open(OPEN);
    line.login.secured(vec![]);
    line.header("to='other.example' version='1.0'");
    line.ended("improper-addressing");
}

#[test]
fn bound_mechanisms_are_offered_where_there_is_a_binding() {
    let bare = Line::secure(&[]);
    bare.says(
        "<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism>",
    );
    assert!(!bare.said.contains("PLUS") && !bare.said.contains("channel-binding"), "{}", bare.said);
    let bound = Line::secure(&["tls-exporter", "tls-server-end-point"]);
    bound.says(
        "<mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>SCRAM",
    );
    bound.says("<channel-binding type='tls-exporter'/><channel-binding type='tls-server-end-point'/>");
}

#[test]
fn the_right_proof_is_answered_by_ours() {
    let exporter = b"data of tls-exporter".as_slice();
    let end_point = b"data of tls-server-end-point".as_slice();
    for (name, gs2, channel) in [
        ("SCRAM-SHA-256", "n,,", b"".as_slice()),
        ("SCRAM-SHA-256", "n,a=ann@home.example,", b""),
        ("SCRAM-SHA-256", "n,a=ANN@home.example/desk,", b""),
        ("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", exporter),
        ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", end_point),
    ] {
        let mut line = Line::secure(&["tls-exporter", "tls-server-end-point"]);
        line.scram(name, gs2, channel, found());
        line.says("<success ");
        assert!(line.challenge().starts_with("v="), "{name} {gs2}");
        assert_eq!(line.outs.last(), Some(&Out::Restart));
        let who = line.login.who().unwrap();
        assert_eq!((who.address.as_str(), who.mechanism), ("ann@home.example", name));
        assert_eq!(who.account, account());
    }
    let mut unaware = Line::secure(&[]);
    unaware.scram("SCRAM-SHA-256", "y,,", b"", found());
    unaware.says("<success ");
}

#[test]
fn what_was_bound_to_something_else_or_taken_away_on_the_way_is_refused() {
    for (name, gs2) in [
        // It can bind, and was told that we cannot: somebody changed our offer.
        ("SCRAM-SHA-256", "y,,"),
        ("SCRAM-SHA-256", "p=tls-exporter,,"),
        ("SCRAM-SHA-256-PLUS", "n,,"),
        ("SCRAM-SHA-256-PLUS", "y,,"),
        ("SCRAM-SHA-256-PLUS", "p=tls-unique,,"),
    ] {
        let mut line = Line::secure(&["tls-exporter"]);
        line.auth(name, &format!("{gs2}n=ann,r=abc"));
        line.fails("not-authorized");
    }
    let mut other = Line::secure(&["tls-exporter"]);
    other.scram("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", b"data of another connection", found());
    other.fails("not-authorized");
}

#[test]
fn a_wrong_proof_is_told_as_nothing_but_that_and_counted() {
    let mut unknown = Line::secure(&[]);
    unknown.scram("SCRAM-SHA-256", "n,,", b"", Told::NoKeys { is_counted: true });
    unknown.fails("not-authorized");
    let mut wrong = Line::secure(&[]);
    let others = Keys { stored: vec![1; 32], ..keys() };
    wrong.scram("SCRAM-SHA-256", "n,,", b"", Told::Keys(account(), others));
    wrong.fails("not-authorized");
    assert_eq!(unknown.said, wrong.said, "nobody learns which logins there are");
    let mut directory = Line::secure(&[]);
    directory.scram("SCRAM-SHA-256", "n,,", b"", Told::NoKeys { is_counted: false });
    assert_eq!((directory.outs.len(), &directory.said), (1, &wrong.said), "its client tries PLAIN next");
    let counted = Out::Failed { login: "ann".to_owned(), is_uncounted: true };
    assert_eq!((&unknown.outs[0], &wrong.outs[0]), (&counted, &counted));
    let mut plain = Line::secure(&[]);
    plain.auth("PLAIN", "\0ann\0wrong");
    plain.told(Told::Wrong);
    plain.fails("not-authorized");
    assert_eq!(plain.outs[0], Out::Failed { login: "ann".to_owned(), is_uncounted: false });
}

#[test]
fn a_login_that_nobody_has_gets_a_salt_that_stays_the_same() {
    let salt = |login: &str| {
        let mut line = Line::secure(&[]);
        line.auth("SCRAM-SHA-256", &format!("n,,n={login},r=abc"));
        line.told(Told::NoKeys { is_counted: true });
        line.challenge()
    };
    assert_eq!(salt("nobody"), salt("nobody"));
    assert_ne!(salt("nobody"), salt("nobody2"));
    assert!(salt("nobody").ends_with(",i=10000"), "{}", salt("nobody"));
}

#[test]
fn a_password_in_clear_is_checked_by_the_appliance() {
    let mut line = Line::secure(&["tls-exporter"]);
    line.auth("PLAIN", "\0ann\\40corp.example\0s\u{e9}cret");
    let Some(Out::Ask(Ask::Check { login, domain, password })) = line.outs.first() else {
        panic!("{:?}", line.outs)
    };
    assert_eq!(
        (login.as_str(), domain.as_str(), password.reveal()),
        ("ann@corp.example", "home.example", "s\u{e9}cret")
    );
    line.told(Told::Right(account()));
    line.says("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    assert_eq!(line.login.who().unwrap().address.as_str(), "ann\\40corp.example@home.example");
    // Typed as the account has it, it is the same.
    let mut raw = Line::secure(&[]);
    raw.auth("PLAIN", "\0ann@corp.example\0x");
    raw.told(Told::Right(account()));
    assert_eq!(raw.login.who().unwrap().address.as_str(), "ann\\40corp.example@home.example");
}

#[test]
fn a_first_message_may_come_later() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let mut line = Line::secure(&[]);
        line.put(&format!("<auth xmlns='{}' mechanism='{mechanism}'/>", ns::SASL));
        line.says("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
        line.response(if mechanism == "PLAIN" { "\0ann\0secret" } else { "n,,n=ann,r=abc" });
        assert!(matches!(line.outs[0], Out::Ask(_)), "{:?}", line.outs);
    }
}

#[test]
fn what_is_no_proof_has_its_own_name() {
    for (mechanism, text, condition) in [
        ("PLAIN", "", "malformed-request"),
        ("PLAIN", "ann", "malformed-request"),
        ("PLAIN", "\0ann\0", "malformed-request"),
        ("PLAIN", "\0ann\0a\0b", "malformed-request"),
        ("PLAIN", "\0\0secret", "not-authorized"),
        ("PLAIN", "ben@home.example\0ann\0secret", "invalid-authzid"),
        ("PLAIN", "ann@other.example\0ann\0secret", "invalid-authzid"),
        ("SCRAM-SHA-256", "n,a=ben@home.example,n=ann,r=abc", "invalid-authzid"),
        ("SCRAM-SHA-256", "x", "malformed-request"),
        ("SCRAM-SHA-256-PLUS", "n,,n=ann,r=abc", "invalid-mechanism"),
        ("EXTERNAL", "x", "invalid-mechanism"),
        ("", "x", "invalid-mechanism"),
    ] {
        let mut line = Line::secure(&[]);
        if text.is_empty() {
            line.put(&format!("<auth xmlns='{}' mechanism='{mechanism}'>=</auth>", ns::SASL));
        } else {
            line.auth(mechanism, text);
        }
        line.fails(condition);
    }
    let mut line = Line::secure(&[]);
    line.put(&format!("<auth xmlns='{}' mechanism='PLAIN'>*</auth>", ns::SASL));
    line.fails("incorrect-encoding");
    line.response("n,,n=ann,r=abc");
    line.fails("malformed-request");
    line.put(&format!("<abort xmlns='{}'/>", ns::SASL));
    line.fails("aborted");
}

#[test]
fn attempts_on_one_connection_are_bounded() {
    let mut line = Line::secure(&[]);
    for _ in 0..4 {
        line.auth("PLAIN", "\0ann\0wrong");
        line.told(Told::Wrong);
        line.fails("not-authorized");
        assert!(!line.outs.contains(&Out::Close));
    }
    line.auth("PLAIN", "\0ann\0wrong");
    line.told(Told::Wrong);
    line.ended("policy-violation");
}

#[test]
fn what_cannot_be_checked_now_is_told_in_words_and_is_nobody_s_fault() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let mut line = Line::secure(&[]);
        for _ in 0..20 {
            line.auth(mechanism, if mechanism == "PLAIN" { "\0ann\0secret" } else { "n,,n=ann,r=abc" });
            line.told(Told::Later("the directory does not answer".to_owned()));
            line.fails("temporary-auth-failure");
            line.says("<text>the directory does not answer</text>");
        }
        let outs = line.login.turned_away("wait");
        line.note(outs);
        line.fails("temporary-auth-failure");
    }
}

#[test]
fn after_the_proof_a_resource_is_bound() {
    let mut line = Line::known();
    line.says("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><required/></bind>");
    line.says("<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>");
    line.says("<sm xmlns='urn:xmpp:sm:3'/>");
    assert!(!line.said.contains("mechanism"), "{}", line.said);
    let bind =
        |resource: &str| format!("<iq type='set' id='b1'><bind xmlns='{}'>{resource}</bind></iq>", ns::BIND);
    for (resource, wanted) in [("<resource>desk</resource>", Some("desk")), ("<resource/>", None), ("", None)]
    {
        line.put(&bind(resource));
        let Some(Out::Bind(wish)) = line.outs.first().cloned() else { panic!("{:?}", line.outs) };
        assert_eq!(wish.resource.as_deref(), wanted);
        let outs = line.login.not_bound(&wish, "resource-constraint");
        line.note(outs);
        line.says("<iq type='error' id='b1'><error type='wait'><resource-constraint ");
    }
    line.put(&bind("<resource>desk</resource>"));
    let Some(Out::Bind(wish)) = line.outs.first().cloned() else { panic!("{:?}", line.outs) };
    let said = line.login.bound(&wish, "ann@home.example/desk");
    assert_eq!(
        said,
        "<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
         <jid>ann@home.example/desk</jid></bind></iq>"
    );
}

#[test]
fn before_a_resource_is_bound_nothing_else_goes() {
    for (text, condition) in [
        ("<message to='ben@home.example'><body>x</body></message>", "not-authorized"),
        ("<presence/>", "not-authorized"),
        ("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "not-authorized"),
        (
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>",
            "policy-violation",
        ),
    ] {
        let mut line = Line::known();
        line.put(text);
        line.ended(condition);
    }
    let mut early = Line::secure(&[]);
    early.auth("PLAIN", "\0ann\0secret");
    early.told(Told::Right(account()));
    early.put(&format!("<iq type='set' id='b'><bind xmlns='{}'/></iq>", ns::BIND));
    early.ended("not-authorized");
}

#[test]
fn a_session_is_resumed_instead_or_a_resource_bound_after_all() {
    let mut line = Line::known();
    line.put("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    line.says("<failed xmlns='urn:xmpp:sm:3'><unexpected-request ");
    for wrong in ["<resume xmlns='urn:xmpp:sm:3'/>", "<resume xmlns='urn:xmpp:sm:3' previd='x' h='many'/>"] {
        line.put(wrong);
        line.says("<failed xmlns='urn:xmpp:sm:3'><bad-request ");
    }
    line.put("<resume xmlns='urn:xmpp:sm:3' previd='x' h='4294967295'/>");
    assert_eq!(line.outs, [Out::Resume { id: "x".to_owned(), h: u32::MAX }]);
    let outs = line.login.not_resumed();
    line.note(outs);
    line.says("<failed xmlns='urn:xmpp:sm:3'><item-not-found ");
    line.put(&format!("<iq type='set' id='b'><bind xmlns='{}'/></iq>", ns::BIND));
    assert!(matches!(line.outs[0], Out::Bind(_)));
    let mut stranger = Line::secure(&[]);
    stranger.put("<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>");
    stranger.ended("unsupported-stanza-type");
}

#[test]
fn an_end_before_our_header_brings_it_first() {
    let mut line = Line::new();
    let outs = line.login.end(Condition::ConnectionTimeout, "too long");
    line.note(outs);
    line.says("<stream:stream ");
    line.ended("connection-timeout");
    let outs = line.login.closed();
    assert_eq!(outs, [Out::Close]);
    // What is written is read back as a client reads it.
    assert!(written_to_client(&Element::new(ns::SERVER, "iq")).starts_with("<iq"));
}
