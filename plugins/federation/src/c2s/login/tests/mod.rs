//! What a client may try on its way in, as rows. Here is the stream on which it tries.

mod plain;
mod proof;
mod resource;
mod scram;
mod stream;

use data_encoding::BASE64;
use ring::{digest, hmac};

use super::*;
use crate::c2s::scram::Keys;
use crate::xml::{AFTER, Piece, Reader};

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
