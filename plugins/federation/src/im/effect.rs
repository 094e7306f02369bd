//! What parts want done. They decide, the office does it.

use super::desk::SessionId;
use super::out::Delivery;
use crate::s2s::Condition;
use crate::xml::Element;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A stanza with `from` and `to` goes where that is: to a session of ours by its full address, to all sessions of an
    /// account of ours, or to another server. What cannot go there is answered by an error, as far as it may be.
    Send(Element),
    /// To one session.
    Deliver(SessionId, Delivery),
    /// A session is over.
    End(SessionId, Condition, String),
}

impl Effect {
    /// The stanza, where there is one.
    pub fn send(stanza: Option<Element>) -> Vec<Self> {
        stanza.into_iter().map(Self::Send).collect()
    }
}
