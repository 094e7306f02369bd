//! The way to servers of other companies, while federation is switched on.

use std::sync::{Arc, Mutex, PoisonError};

use crate::net::Hub;
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

    /// Has a stanza sent; the error says in words why it is not.
    pub fn send(&self, pair: &Pair, stanza: &Element) -> Result<(), &'static str> {
        self.hub().ok_or("federation is switched off")?.send(pair, stanza)
    }

    /// Whether federation runs and that domain is a partner.
    pub fn talks_to(&self, domain: &str) -> bool {
        self.hub().is_some_and(|hub| hub.present.partner(domain).is_some())
    }

    /// A partner has answered a ping of ours.
    pub fn pong(&self, pair: &Pair) {
        if let Some(hub) = self.hub() {
            hub.pong(pair);
        }
    }
}
