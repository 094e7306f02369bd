//! The way to servers of other companies, while federation is switched on.

use std::sync::{Arc, Mutex, PoisonError};

use crate::net::{Hub, Unsent};
use crate::s2s::{Pair, Rules};
use crate::xml::Element;

/// Holds the links' hub while there is one; clone it freely.
#[derive(Clone, Default)]
pub struct Outside(Arc<Mutex<Option<Arc<Hub>>>>);

impl Outside {
    /// Federation runs by that hub from now on; none: it does not run.
    pub fn set(&self, hub: Option<Arc<Hub>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = hub;
    }

    fn hub(&self) -> Option<Arc<Hub>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether federation runs.
    pub fn is_on(&self) -> bool {
        self.hub().is_some()
    }

    /// Whether federation runs and that domain is a partner.
    pub fn talks_to(&self, domain: &str) -> bool {
        self.hub().is_some_and(|hub| hub.present.partner(domain).is_some())
    }

    /// Has a stanza sent; the error says why it is not. The id of a stored message comes back by [`super::Call`] when it
    /// was confirmed, or bounced.
    pub fn send(&self, pair: &Pair, stanza: &Element, id: Option<&str>) -> Result<(), Unsent> {
        let off = Unsent::new("remote-server-not-found", "messages to other companies are switched off here");
        self.hub().ok_or(off)?.send(pair, stanza, id)
    }

    /// A partner has answered a question of ours by that id.
    pub fn pong(&self, pair: &Pair, id: &str) {
        if let Some(hub) = self.hub() {
            hub.pong(pair, id);
        }
    }
}
