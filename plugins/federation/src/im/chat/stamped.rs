//! Messages as clients and archives see them: taken out of the store again, with the id that they have there and the
//! time at which they were said. Pure.

use jackfield_sdk::ChatMessage;
use jid::BareJid;

use super::names::{CARBONS, DELAY, FORWARD, STABLE_IDS};
use crate::xml::{Element, Node, ns, parsed};

/// A stored message as it came. One that no client or server brought has what a plain chat message has.
pub fn restored(message: &ChatMessage) -> Element {
    let body = Node::Element(Element::new(ns::SERVER, "body").text(&message.body));
    if let Some(mut stanza) = message.envelope.as_deref().and_then(parsed)
        && stanza.is(ns::SERVER, "message")
    {
        stanza.children.insert(0, body);
        return stanza;
    }
    let id = message.origin_id.as_deref().unwrap_or(&message.id);
    let plain = Element::new(ns::SERVER, "message").with("type", "chat").with("from", &message.from);
    let mut plain = plain.with("to", &message.to).with("id", id);
    plain.children.push(body);
    plain
}

/// The id of a message in the archive of that person (XEP-0359 section 3.1).
pub fn stable_id(by: &BareJid, id: &str) -> Element {
    Element::new(STABLE_IDS, "stanza-id").with("by", by.as_str()).with("id", id)
}

/// With the time at which it was said first. One that bears a time already keeps it (XEP-0203 section 4).
pub fn delayed(stanza: Element, by: &str, at: &str) -> Element {
    if stanza.find(DELAY, "delay").is_some() {
        return stanza;
    }
    stanza.child(Element::new(DELAY, "delay").with("from", by).with("stamp", at))
}

/// A message inside something else, with its time where it is of the past.
pub fn forwarded(stanza: Element, at: Option<&str>) -> Element {
    let around = Element::new(FORWARD, "forwarded");
    let around = match at {
        Some(at) => around.child(Element::new(DELAY, "delay").with("stamp", at)),
        None => around,
    };
    around.child(stanza)
}

/// The copy of a message for another client of the same person: `sent` or `received` (XEP-0280 sections 7 and 8).
pub fn copy(stanza: Element, way: &str, owner: &BareJid, to: &str) -> Element {
    let kind = stanza.attribute("type").map(str::to_owned);
    let message = Element::new(ns::SERVER, "message").with("from", owner.as_str()).with("to", to);
    message
        .with_some("type", kind.as_deref())
        .child(Element::new(CARBONS, way).child(forwarded(stanza, None)))
}
