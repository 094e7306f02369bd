//! Questions and orders (iq): every one gets exactly one answer, an answer gets none (RFC 6120 section 8.2.3).

use super::effect::Effect;
use super::parcel::{Origin, Parcel};
use super::site::Site;
use crate::s2s::Pair;
use crate::xml::{Element, ns};

/// The part that answers questions.
pub struct Services;

impl Services {
    /// A question, an order, or an answer to one.
    pub fn take(&self, site: &mut Site, parcel: &Parcel) -> Vec<Effect> {
        match parcel.kind() {
            "result" | "error" => answered(site, parcel),
            "get" | "set" => asked(parcel),
            _ => Effect::send(parcel.error("bad-request")),
        }
    }
}

/// A partner answers our ping; nothing else was asked.
fn answered(site: &Site, parcel: &Parcel) -> Vec<Effect> {
    if let Origin::Partner(Pair { from, to }) = &parcel.origin {
        if let (Some(id), None) = (parcel.stanza.attribute("id"), parcel.from.node()) {
            site.outside.pong(&Pair { from: to.clone(), to: from.clone() }, id);
        }
    }
    vec![]
}

fn asked(parcel: &Parcel) -> Vec<Effect> {
    let mut payloads = parcel.stanza.elements();
    let (Some(payload), None, Some(_)) = (payloads.next(), payloads.next(), parcel.stanza.attribute("id"))
    else {
        return Effect::send(parcel.error("bad-request"));
    };
    let is_ours = parcel.to.as_ref().is_some_and(|to| to.node().is_none() && to.resource().is_none());
    let answer = match (parcel.kind(), payload.ns.as_str(), payload.name.as_str()) {
        ("get", ns::PING, "ping") if is_ours => Some(parcel.answer("result")),
        ("get", ns::DISCO_INFO, "query") if is_ours => match payload.attribute("node") {
            None | Some("") => Some(parcel.answer("result").child(features())),
            Some(_) => parcel.error("item-not-found"),
        },
        _ => parcel.error("service-unavailable"),
    };
    Effect::send(answer)
}

/// What our domain can do (XEP-0030 section 3.1).
fn features() -> Element {
    let identity = Element::new(ns::DISCO_INFO, "identity").with("category", "server").with("type", "im");
    let query = Element::new(ns::DISCO_INFO, "query").child(identity.with("name", "Jackfield"));
    [ns::DISCO_INFO, ns::PING].into_iter().fold(query, |query, feature| {
        query.child(Element::new(ns::DISCO_INFO, "feature").with("var", feature))
    })
}
