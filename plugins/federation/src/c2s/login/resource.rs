//! After the proof: a resource is bound (RFC 6120 section 7), or a session is resumed instead (XEP-0198 section 5).

use super::shapes::{Out, Wish};
use super::{Login, Outs, Stage};
use crate::s2s::Condition;
use crate::s2s::stanza::error;
use crate::xml::{Element, ns, written_to_client};

impl Login {
    pub(super) fn bind(&mut self, iq: &Element) -> Outs {
        let iq = iq.clone().renamed(ns::CLIENT, ns::SERVER);
        let bind = iq.find(ns::BIND, "bind").filter(|_| iq.attribute("type") == Some("set"));
        let Some(bind) = bind else {
            return self.end(Condition::NotAuthorized, "a resource must be bound first");
        };
        let resource = bind.find(ns::BIND, "resource").map(Element::words);
        let resource = resource.filter(|resource| !resource.is_empty());
        vec![Out::Bind(Wish { resource, iq })]
    }

    /// The resource is bound: what to say. The login is over.
    pub fn bound(&mut self, wish: &Wish, address: &str) -> String {
        self.stage = Stage::Over;
        let bind = Element::new(ns::BIND, "bind").child(Element::new(ns::BIND, "jid").text(address));
        let result =
            Element::new(ns::SERVER, "iq").with("type", "result").with_some("id", wish.iq.attribute("id"));
        written_to_client(&result.child(bind))
    }

    /// It is not, for a reason of RFC 6120 section 7.
    pub fn not_bound(&mut self, wish: &Wish, condition: &str) -> Outs {
        error(&wish.iq, condition)
            .map(|answer| vec![Out::Send(written_to_client(&answer))])
            .unwrap_or_default()
    }

    pub(super) fn resume(&mut self, resume: &Element) -> Outs {
        let h = resume.attribute("h").and_then(|h| h.trim().parse().ok());
        match (resume.attribute("previd"), h) {
            (Some(id), Some(h)) if !id.is_empty() => vec![Out::Resume { id: id.to_owned(), h }],
            _ => vec![refused_management("bad-request")],
        }
    }

    /// There is no such session; the client may bind a resource instead (XEP-0198 section 5).
    pub fn not_resumed(&mut self) -> Outs {
        vec![refused_management("item-not-found")]
    }
}

pub(super) fn refused_management(condition: &str) -> Out {
    let reason = Element::new(ns::STANZA_ERRORS, condition);
    Out::Send(written_to_client(&Element::new(ns::SM, "failed").child(reason)))
}
