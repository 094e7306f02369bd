//! The way to servers of other companies, while federation is switched on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::net::{Hub, Unsent};
use crate::s2s::{Pair, Rules};
use crate::xml::Element;

/// Holds the links' hub while there is one; clone it freely.
#[derive(Clone, Default)]
pub struct Outside(Arc<Mutex<Held>>);

/// The hub, and how often there has been another one.
#[derive(Default)]
struct Held {
    hub: Option<Arc<Hub>>,
    turn: u64,
}

impl Outside {
    /// Federation runs by that hub from now on; none: it does not run.
    pub fn set(&self, hub: Option<Arc<Hub>>) {
        let mut held = self.held();
        held.hub = hub;
        held.turn += 1;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hub(&self) -> Option<Arc<Hub>> {
        self.held().hub.clone()
    }

    /// Another number with every hub: what waited for an earlier one waits for nothing any more.
    pub fn turn(&self) -> u64 {
        self.held().turn
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
