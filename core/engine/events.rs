//! News inside the appliance: who publishes does not know who listens. Events are published after the
//! change they tell of is durable. Listeners run on the publisher's thread and must be quick.

use std::sync::{PoisonError, RwLock};

/// One occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// What kind: the name of a declared event, core's or a plugin's.
    pub event: String,
    /// Id of the object it is about.
    pub object: String,
}

type Listener = Box<dyn Fn(&Fired) + Send + Sync>;

/// The list of listeners.
#[derive(Default)]
pub struct Bus {
    listeners: RwLock<Vec<Listener>>,
}

impl Bus {
    /// Adds a listener for as long as the appliance runs.
    pub fn listen(&self, listener: impl Fn(&Fired) + Send + Sync + 'static) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
    }

    /// Tells every listener.
    pub fn publish(&self, fired: &[Fired]) {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        for one in fired {
            log::debug!("event {} {}", one.event, one.object);
            listeners.iter().for_each(|listener| listener(one));
        }
    }
}
