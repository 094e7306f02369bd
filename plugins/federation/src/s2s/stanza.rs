//! Stanzas and their answers. One place makes errors, so that no error is ever answered by another.

use super::address;
use super::shared::Pair;
use crate::xml::{Element, Node, ns};

/// Domains of sender and receiver.
pub fn pair(stanza: &Element) -> Option<Pair> {
    let domain = |name: &str| Some(address::parsed(stanza.attribute(name)?)?.domain().as_str().to_owned());
    Some(Pair { from: domain("from")?, to: domain("to")? })
}

/// The answer to a stanza that failed, with a condition of RFC 6120 section 8.3.3; none: it gets none.
pub fn error(stanza: &Element, condition: &str) -> Option<Element> {
    if matches!(stanza.attribute("type"), Some("error" | "result")) {
        return None;
    }
    let kind = match condition {
        "bad-request" | "jid-malformed" => "modify",
        "remote-server-timeout" | "resource-constraint" => "wait",
        "forbidden" | "not-authorized" => "auth",
        _ => "cancel",
    };
    let error = Element::new(ns::SERVER, "error").with("type", kind);
    Some(answer(stanza, "error").child(error.child(Element::new(ns::STANZA_ERRORS, condition))))
}

/// An error with a sentence for people (RFC 6120 section 8.3.2).
pub fn explained(error: Option<Element>, words: &str) -> Option<Element> {
    let mut answer = error?;
    for child in &mut answer.children {
        if let Node::Element(error) = child
            && error.is(ns::SERVER, "error")
        {
            *error = std::mem::take(error).child(Element::new(ns::STANZA_ERRORS, "text").text(words));
        }
    }
    Some(answer)
}

/// The same kind of stanza the way back, with the same id.
pub fn answer(stanza: &Element, kind: &str) -> Element {
    Element::new(ns::SERVER, &stanza.name)
        .with("type", kind)
        .with_some("from", stanza.attribute("to"))
        .with_some("to", stanza.attribute("from"))
        .with_some("id", stanza.attribute("id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_answered_by_none() {
        let stanza =
            Element::new(ns::SERVER, "message").with("from", "a@b").with("to", "c@d").with("id", "7");
        let answer = error(&stanza, "service-unavailable").unwrap();
        let has = |name: &str| answer.attribute(name);
        assert_eq!(
            [has("from"), has("to"), has("id"), has("type")],
            [Some("c@d"), Some("a@b"), Some("7"), Some("error")]
        );
        assert!(
            answer
                .find(ns::SERVER, "error")
                .unwrap()
                .find(ns::STANZA_ERRORS, "service-unavailable")
                .is_some()
        );
        assert_eq!(error(&answer, "service-unavailable"), None);
        assert_eq!(error(&stanza.with("type", "result"), "bad-request"), None);
    }
}
