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

type Listener = Box<dyn Fn(&Fired, Option<&str>) + Send + Sync>;

/// The list of listeners.
#[derive(Default)]
pub struct Bus {
    listeners: RwLock<Vec<Listener>>,
}

impl Bus {
    /// Adds a listener for as long as the appliance runs.
    pub fn listen(&self, listener: impl Fn(&Fired) + Send + Sync + 'static) {
        self.listen_by(move |fired, _| listener(fired));
    }

    /// The same for a listener that must know which plugin did it; none: no plugin, or it wants to hear of it too.
    pub fn listen_by(&self, listener: impl Fn(&Fired, Option<&str>) + Send + Sync + 'static) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
    }

    /// Tells every listener.
    pub fn publish(&self, fired: &[Fired]) {
        self.publish_by(fired, None);
    }

    /// Tells every listener what a plugin did, who knows it already.
    pub fn publish_by(&self, fired: &[Fired], plugin: Option<&str>) {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        for one in fired {
            log::debug!("event {} {}", one.event, one.object);
            listeners.iter().for_each(|listener| listener(one, plugin));
        }
    }
}
