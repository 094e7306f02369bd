//! What both ends of a stream have in common: what they may ask for, and how they end.

use std::fmt;

use crate::xml::{Element, header, ns, written};

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// Send that text.
    Send(String),
    /// Begin TLS, unless bytes came behind the word for it.
    StartTls,
    /// The peer's next bytes are a new stream's.
    Restart,
    /// Ask the server that answers for a domain whether a key is its own (XEP-0220 section 2.1.2), and say what it said.
    Verify(Question),
    /// The stream carries stanzas of this pair from now on.
    Ready(Pair),
    /// A stanza of a pair that is ready.
    Stanza(Pair, Element),
    /// What the authoritative server says of a key.
    Answer(Verified),
    /// End the connection once everything is sent.
    Close,
}

/// Sender's and receiver's domain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// Who sends stanzas.
    pub from: String,
    /// Who gets them.
    pub to: String,
}

/// What an authoritative server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The pair that is to be verified; its `from` is asked.
    pub pair: Pair,
    /// Id of the stream on which the key came.
    pub id: String,
    /// The key.
    pub key: String,
}

/// What came of such a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The key is its own.
    Valid,
    /// It is not.
    Invalid,
    /// Nobody said: a condition of stanza errors (RFC 6120 section 8.3.3).
    Unknown(&'static str),
}

/// Judges the peer's certificate for a domain; the error is a sentence about what is wrong.
pub type Judge = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Why a stream ends (RFC 6120 section 4.9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Another client took this one's place.
    Conflict,
    /// Nothing came for too long.
    ConnectionTimeout,
    /// The domain is none of ours.
    HostUnknown,
    /// An address is missing or is none.
    ImproperAddressing,
    /// The sender is not who was authenticated.
    InvalidFrom,
    /// The namespace is not one of streams between servers.
    InvalidNamespace,
    /// It has not proved who it is.
    NotAuthorized,
    /// It is no XML.
    NotWellFormed,
    /// A rule of ours.
    PolicyViolation,
    /// There is no room, or the other side does not read.
    ResourceConstraint,
    /// It is XML that streams must not have.
    RestrictedXml,
    /// The appliance stops, or federation was disabled.
    SystemShutdown,
    /// An element that is no stanza.
    UnsupportedStanzaType,
    /// Not version 1.
    UnsupportedVersion,
}

impl Condition {
    /// Its element's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::ConnectionTimeout => "connection-timeout",
            Self::HostUnknown => "host-unknown",
            Self::ImproperAddressing => "improper-addressing",
            Self::InvalidFrom => "invalid-from",
            Self::InvalidNamespace => "invalid-namespace",
            Self::NotAuthorized => "not-authorized",
            Self::NotWellFormed => "not-well-formed",
            Self::PolicyViolation => "policy-violation",
            Self::ResourceConstraint => "resource-constraint",
            Self::RestrictedXml => "restricted-xml",
            Self::SystemShutdown => "system-shutdown",
            Self::UnsupportedStanzaType => "unsupported-stanza-type",
            Self::UnsupportedVersion => "unsupported-version",
        }
    }

    /// The stream's end with this reason and a sentence.
    pub fn ending(self, text: &str) -> String {
        let mut error = Element::new(ns::STREAM, "error").child(Element::new(ns::STREAM_ERRORS, self.word()));
        if !text.is_empty() {
            error = error.child(Element::new(ns::STREAM_ERRORS, "text").text(text));
        }
        format!("{}</stream:stream>", written(&error))
    }

    /// The same where our own header is not out yet.
    pub fn ending_unopened(self, from: Option<&str>, to: Option<&str>, id: &str, text: &str) -> String {
        header(from, to, Some(id)) + &self.ending(text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// An element of dialback with both addresses.
pub fn dialback(name: &str, from: &str, to: &str) -> Element {
    Element::new(ns::DIALBACK, name).with("from", from).with("to", to)
}

/// The same as an error (XEP-0220 section 2.4).
pub fn dialback_error(answer: Element, condition: &str) -> Element {
    let error = Element::new(ns::SERVER, "error").with("type", "cancel");
    answer.with("type", "error").child(error.child(Element::new(ns::STANZA_ERRORS, condition)))
}
