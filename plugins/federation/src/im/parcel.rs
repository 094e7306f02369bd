//! A stanza with its addresses, looked at once.

use jid::{BareJid, Jid};

use super::desk::SessionId;
use crate::s2s::Pair;
use crate::s2s::address;
use crate::s2s::stanza::{answer, error};
use crate::xml::Element;

/// Who handed a stanza in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A client of ours.
    Session(SessionId),
    /// A partner, by its stream.
    Partner(Pair),
}

/// A stanza on its way through the office.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Who handed it in.
    pub origin: Origin,
    /// Who sends it; of a client always its full address.
    pub from: Jid,
    /// Whom it is for; a client may leave it out (RFC 6120 section 10.3).
    pub to: Option<Jid>,
    /// The stanza, with `from`.
    pub stanza: Element,
}

impl Parcel {
    /// From a stanza with `from`; none: an address of it is none.
    pub fn new(origin: Origin, stanza: Element) -> Option<Self> {
        let from = address::parsed(stanza.attribute("from")?)?;
        Self::of(origin, from, stanza).ok()
    }

    /// From a stanza whose sender is known; the stanza again: it is for no address.
    pub fn of(origin: Origin, from: Jid, stanza: Element) -> Result<Self, Element> {
        let to = match stanza.attribute("to").map(address::parsed) {
            Some(None) => return Err(stanza),
            to => to.flatten(),
        };
        Ok(Self { origin, from, to, stanza })
    }

    /// Its `type`; empty: it has none.
    pub fn kind(&self) -> &str {
        self.stanza.attribute("type").unwrap_or_default()
    }

    /// The session it comes from.
    pub fn session(&self) -> Option<SessionId> {
        match self.origin {
            Origin::Session(session) => Some(session),
            Origin::Partner(_) => None,
        }
    }

    /// Whom it is for without resource: where a client says nobody, itself.
    pub fn target(&self) -> BareJid {
        self.to.as_ref().unwrap_or(&self.from).to_bare()
    }

    /// The answer of that type.
    pub fn answer(&self, kind: &str) -> Element {
        answer(&self.stanza, kind)
    }

    /// The answer to what failed; none: it gets none.
    pub fn error(&self, condition: &str) -> Option<Element> {
        error(&self.stanza, condition)
    }
}
