//! Questions and orders (iq): every one gets exactly one answer, an answer gets none (RFC 6120 section 8.2.3). What is for
//! a client goes to that client; what is for our domain or for an account is answered here, on its behalf.

mod about;

use super::effect::Effect;
use super::parcel::{Origin, Parcel};
use super::site::Site;
use crate::s2s::Pair;
use crate::xml::{Element, ns};

/// The part that answers questions.
pub struct Services;

/// Whom a question is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A domain of ours.
    Domain,
    /// The account of the client that asks.
    Own,
    /// An account of ours that somebody else asks about.
    Other,
    /// A client of ours that is connected.
    Client,
    /// Somebody elsewhere.
    Outside,
    /// Nobody.
    Nobody,
}

impl Services {
    /// A question, an order, or an answer to one.
    pub fn take(&self, site: &mut Site, parcel: &Parcel) -> Vec<Effect> {
        match parcel.kind() {
            "result" | "error" => answered(site, parcel),
            "get" | "set" => asked(site, parcel),
            _ => Effect::send(parcel.error("bad-request")),
        }
    }
}

/// Answers go to the client that asked; our own questions are pings to partners only.
fn answered(site: &Site, parcel: &Parcel) -> Vec<Effect> {
    if let Origin::Partner(Pair { from, to }) = &parcel.origin
        && let (Some(id), None) = (parcel.stanza.attribute("id"), parcel.from.node())
    {
        site.outside.pong(&Pair { from: to.clone(), to: from.clone() }, id);
    }
    match place(site, parcel) {
        Place::Client | Place::Outside => vec![Effect::Send(parcel.stanza.clone())],
        _ => vec![],
    }
}

fn asked(site: &Site, parcel: &Parcel) -> Vec<Effect> {
    let mut payloads = parcel.stanza.elements();
    let (Some(payload), None, Some(_)) = (payloads.next(), payloads.next(), parcel.stanza.attribute("id"))
    else {
        return Effect::send(parcel.error("bad-request"));
    };
    match place(site, parcel) {
        Place::Client | Place::Outside => vec![Effect::Send(parcel.stanza.clone())],
        place => Effect::send(answer(place, parcel, payload)),
    }
}

/// Whom a stanza is for. A client that says nobody means its own account (RFC 6120 section 10.3.3).
fn place(site: &Site, parcel: &Parcel) -> Place {
    let Some(to) = &parcel.to else {
        return if parcel.session().is_some() { Place::Own } else { Place::Nobody };
    };
    if !site.serves(to.domain().as_str()) {
        return Place::Outside;
    }
    match (to.node(), to.try_as_full()) {
        (None, Err(_)) => Place::Domain,
        (Some(_), Err(bare)) if parcel.session().is_some() && *bare == parcel.from.to_bare() => Place::Own,
        (Some(_), Err(_)) => Place::Other,
        (_, Ok(full)) if site.sessions.at(full).is_some() => Place::Client,
        (_, Ok(_)) => Place::Nobody,
    }
}

/// What our domain or an account says. What nobody knows is `service-unavailable`, also where there is no such account:
/// so nobody learns which there are.
fn answer(place: Place, parcel: &Parcel, payload: &Element) -> Option<Element> {
    let node = payload.attribute("node").unwrap_or_default();
    let said = match (place, parcel.kind(), payload.ns.as_str(), payload.name.as_str()) {
        (Place::Domain | Place::Own, "get", ns::PING, "ping") => None,
        (Place::Domain | Place::Own, "get", ns::DISCO_INFO | ns::DISCO_ITEMS, "query")
            if !node.is_empty() =>
        {
            return parcel.error("item-not-found");
        }
        (Place::Domain, "get", ns::DISCO_INFO, "query") => Some(about::domain()),
        (Place::Own, "get", ns::DISCO_INFO, "query") => Some(about::account()),
        (Place::Domain, "get", ns::DISCO_ITEMS, "query") => Some(about::items(own_domain(parcel))),
        (Place::Own, "get", ns::DISCO_ITEMS, "query") => Some(about::items(None)),
        (Place::Domain, "get", ns::VERSION, "query") => Some(about::version(parcel.session().is_some())),
        _ => return parcel.error("service-unavailable"),
    };
    let result = parcel.answer("result");
    Some(match said {
        Some(said) => result.child(said),
        None => result,
    })
}

/// The domain that is asked, where one of its own users asks.
fn own_domain(parcel: &Parcel) -> Option<&str> {
    let domain = parcel.to.as_ref()?.domain().as_str();
    parcel.session().filter(|_| parcel.from.domain().as_str() == domain).map(|_| domain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::im::desk::SessionId;

    /// The answer at that place to that payload.
    fn says(place: Place, kind: &str, payload: Element) -> Element {
        let iq = Element::new(ns::SERVER, "iq").with("type", kind).with("id", "1");
        let iq = iq.with("from", "ann@home.example/desk").with("to", "home.example").child(payload.clone());
        let parcel = Parcel::new(Origin::Session(SessionId(1)), iq).unwrap();
        answer(place, &parcel, &payload).unwrap()
    }

    fn query(ns: &str) -> Element {
        Element::new(ns, "query")
    }

    #[test]
    fn every_question_has_one_answer_and_what_nobody_knows_is_refused() {
        let ping = || Element::new(ns::PING, "ping");
        for (place, kind, payload, condition) in [
            (Place::Domain, "get", ping(), ""),
            (Place::Own, "get", ping(), ""),
            (Place::Other, "get", ping(), "service-unavailable"),
            (Place::Nobody, "get", ping(), "service-unavailable"),
            (Place::Domain, "set", ping(), "service-unavailable"),
            (Place::Domain, "get", query(ns::DISCO_INFO), ""),
            (Place::Domain, "get", query(ns::DISCO_INFO).with("node", "x"), "item-not-found"),
            (Place::Domain, "get", query(ns::DISCO_ITEMS), ""),
            (Place::Own, "get", query(ns::DISCO_INFO), ""),
            (Place::Other, "get", query(ns::DISCO_INFO), "service-unavailable"),
            (Place::Domain, "get", query(ns::VERSION), ""),
            (Place::Own, "get", query(ns::VERSION), "service-unavailable"),
            (Place::Domain, "get", query("urn:nobody"), "service-unavailable"),
        ] {
            let answer = says(place, kind, payload.clone());
            let is_error = answer.attribute("type") == Some("error");
            assert_eq!(is_error, !condition.is_empty(), "{place:?} {kind} {payload:?}");
            if is_error {
                let error = answer.find(ns::SERVER, "error").unwrap();
                assert!(
                    error.find(ns::STANZA_ERRORS, condition).is_some(),
                    "{place:?} {payload:?}: {error:?}"
                );
            }
            assert_eq!(answer.attribute("to"), Some("ann@home.example/desk"));
        }
    }

    #[test]
    fn the_version_is_told_to_our_own_users_only() {
        assert!(about::version(true).find(ns::VERSION, "version").is_some());
        assert!(about::version(false).find(ns::VERSION, "version").is_none());
    }
}
