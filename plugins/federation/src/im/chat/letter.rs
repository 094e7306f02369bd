//! One message, looked at: what sort it is, what of it is kept, and what it must not carry. Pure.

use jackfield_sdk::NewMessage;
use jid::BareJid;

use super::names::{ARCHIVE, CARBONS, DELAY, HINTS, STABLE_IDS};
use crate::im::parcel::{Origin, Parcel};
use crate::s2s::address;
use crate::xml::{Element, Node, ns, written_without};

/// Longest text that is kept, in bytes.
const LONGEST_BODY: usize = 32 * 1024;
/// Longest id that the store takes.
const LONGEST_ID: usize = 256;
/// Longest envelope that the store takes, with room for what escapes add.
const LONGEST_ENVELOPE: usize = 16 * 1024;

/// Why a message is refused: the condition, and the same for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Of RFC 6120 section 8.3.3.
    pub condition: &'static str,
    /// A sentence; empty: the condition says it all.
    pub words: String,
}

impl Refusal {
    /// With both.
    pub fn new(condition: &'static str, words: impl Into<String>) -> Self {
        Self { condition, words: words.into() }
    }

    /// Nobody is there: the same whether the account is missing or takes nothing.
    pub fn nobody() -> Self {
        Self::new("service-unavailable", "")
    }
}

/// Types of messages (RFC 6121 section 5.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Part of a conversation.
    Chat,
    /// By itself; also everything whose type is unknown.
    Normal,
    /// News for whoever is there.
    Headline,
    /// Of a room, which nobody here is.
    Groupchat,
    /// That something did not work.
    Error,
}

impl Sort {
    /// Of a message.
    pub fn of(stanza: &Element) -> Self {
        match stanza.attribute("type") {
            Some("chat") => Self::Chat,
            Some("headline") => Self::Headline,
            Some("groupchat") => Self::Groupchat,
            Some("error") => Self::Error,
            _ => Self::Normal,
        }
    }
}

/// A message that was looked at.
#[derive(Debug, Clone)]
pub struct Letter {
    /// As it came, without what it must not carry.
    pub parcel: Parcel,
    /// Whom it is for, without resource.
    pub target: BareJid,
    /// Its type.
    pub sort: Sort,
    /// Whether there are to be no copies for other clients (XEP-0280 section 6.1).
    pub is_private: bool,
}

impl Letter {
    /// Looks at a message. `is_ours` tells the domains that this server answers for.
    pub fn new(mut parcel: Parcel, is_ours: impl Fn(&str) -> bool) -> Self {
        let is_outside = matches!(parcel.origin, Origin::Partner(_));
        let is_private = ["private", "no-copy"]
            .iter()
            .zip([CARBONS, HINTS])
            .any(|(name, space)| parcel.stanza.find(space, name).is_some());
        parcel.stanza.children.retain(|node| match node {
            Node::Element(element) => !is_forged(element, is_outside, &is_ours),
            Node::Text(_) => false,
        });
        let (target, sort) = (parcel.target(), Sort::of(&parcel.stanza));
        Self { parcel, target, sort, is_private }
    }

    /// What is to be stored of it; none: nothing, because it says something only now.
    pub fn kept(&self) -> Result<Option<NewMessage>, Refusal> {
        if matches!(self.sort, Sort::Headline | Sort::Error) {
            return Ok(None);
        }
        let stanza = &self.parcel.stanza;
        let Some(body) = stanza.find(ns::SERVER, "body").map(Element::words).filter(|body| !body.is_empty())
        else {
            return Ok(None);
        };
        if body.len() > LONGEST_BODY {
            let words = format!(
                "The text has {} bytes, and {LONGEST_BODY} are the most. Send it in parts.",
                body.len()
            );
            return Err(Refusal::new("not-acceptable", words));
        }
        let origin = stanza.find(STABLE_IDS, "origin-id").and_then(|origin| origin.attribute("id"));
        let origin_id = origin.filter(|id| !id.is_empty() && id.len() <= LONGEST_ID).map(str::to_owned);
        let (from, to) = (self.parcel.from.to_bare().to_string(), self.target.to_string());
        Ok(Some(NewMessage { from, to, body, origin_id, envelope: Some(envelope(stanza)) }))
    }

    /// Whether copies of it are due to other clients (XEP-0280 section 6.1).
    pub fn is_copied(&self) -> bool {
        let says_something = || {
            self.parcel.stanza.elements().any(|element| element.is(ns::SERVER, "body") || is_receipt(element))
        };
        !self.is_private
            && match self.sort {
                Sort::Chat => true,
                Sort::Normal => says_something(),
                Sort::Headline | Sort::Groupchat | Sort::Error => false,
            }
    }
}

fn is_receipt(element: &Element) -> bool {
    element.ns == super::names::RECEIPTS && matches!(element.name.as_str(), "request" | "received")
}

/// What only a server may say, and only of its own: copies, results of archives, ids and stamps in our name. What asked
/// for no copies has been heard.
fn is_forged(element: &Element, is_outside: bool, is_ours: &impl Fn(&str) -> bool) -> bool {
    let names_us = |attribute: &str| {
        let named = element.attribute(attribute).and_then(address::parsed);
        named.is_none_or(|named| is_ours(named.domain().as_str()))
    };
    match (element.ns.as_str(), element.name.as_str()) {
        (CARBONS, _) | (ARCHIVE, "result" | "fin") | (HINTS, "no-copy") => true,
        (STABLE_IDS, "stanza-id") => !is_outside || names_us("by"),
        (DELAY, "delay") => is_outside && element.attribute("from").is_some() && names_us("from"),
        _ => false,
    }
}

/// The message without its text, which the store has by itself. One with too much around its text keeps its addresses
/// and its id.
fn envelope(stanza: &Element) -> String {
    let text = written_without(stanza, is_body);
    if text.len() <= LONGEST_ENVELOPE { text } else { written_without(stanza, |_| true) }
}

fn is_body(node: &Node) -> bool {
    matches!(node, Node::Element(element) if element.is(ns::SERVER, "body"))
}
