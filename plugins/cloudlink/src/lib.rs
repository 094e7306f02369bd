//! The CloudLink plugin: how the appliance is set up for it, and what can be known before it connects. It
//! keeps and checks the configuration and says honestly how far it goes; talking to CloudLink is not here yet.
//!
//! What is documented by Mitel, what was only seen in public client code, and what is this product's own
//! proposal is told apart in [`addresses::Source`] and in every answer. Not affiliated with Mitel.

#![forbid(unsafe_code)]

mod activation;
mod addresses;
mod chat;
mod condition;
mod counts;
mod daemon;
mod failures;
mod integration;
mod network;
mod setup;
mod undo;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jackfield_sdk::{Config, Event, Failure, Host, Place, Plugin, Problem, Routes, Tx, Undo, log};

use counts::Counter;
use daemon::Daemon;
use setup::Setup;

jackfield_sdk::export_plugin!(CloudLink);

const TABLE: &str = "cloudlink_document";
const INTEGRATION: Place<'_> = Place { table: TABLE, name: "cloudlink", kind: "cloudlink" };
const DAEMON: Place<'_> = Place { table: TABLE, name: "daemon", kind: "cloudlink/daemon" };

/// The plugin.
pub struct CloudLink {
    host: Host,
    counter: Arc<Counter>,
    /// Two set-ups that must agree are not written at once.
    writing: Mutex<()>,
}

impl Plugin for CloudLink {
    const ID: &'static str = "cloudlink";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const OPS: &'static [&'static str] = &["http", "revision.undo"];
    /// Looking at many accounts must not keep everybody else waiting.
    const WORKERS: usize = 2;

    fn start(host: Host, _config: Config) -> Result<Self, Failure> {
        Ok(Self { host, counter: Arc::default(), writing: Mutex::default() })
    }

    fn ready(&self) -> Result<(), Failure> {
        self.tell()
    }

    fn undo(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        self.put_back(undo, tx)
    }

    /// Accounts have changed; or something of the plugin's was put back, which the host did by itself.
    fn event(&self, event: Event) {
        match event.event.as_str() {
            "account.changed" | "accounts.changed" => self.counter.note_change(),
            _ => self.tell_after_change(),
        }
    }

    fn stop(&self, _deadline: Duration) {
        self.counter.stop();
    }

    fn routes() -> Routes<Self> {
        Routes::new()
            .get("cloudlink", Self::read_setup)
            .put("cloudlink", Self::put_setup)
            .get("cloudlink/activation", Self::read_activation)
            .get("cloudlink/chat", Self::read_chat)
            .put("cloudlink/chat", Self::put_chat)
            .get("cloudlink/network-check", Self::list_network)
            .get("cloudlink/daemon", Self::read_daemon)
            .put("cloudlink/daemon", Self::put_daemon)
    }
}

impl CloudLink {
    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the supervisor and the doctor how both connections do.
    fn tell(&self) -> Result<(), Failure> {
        let setup = INTEGRATION.read::<Setup>(&self.host)?;
        condition::of(&setup.value).tell(&self.host)?;
        let daemon = DAEMON.read::<Daemon>(&self.host)?;
        self.host.finding(&condition::of_daemon(&daemon.value).finding("daemon"))
    }

    /// The same after a change, which is durable by then: a host that does not listen must not make the
    /// request fail.
    fn tell_after_change(&self) {
        if let Err(failure) = self.tell() {
            log::warn!("CloudLink was changed, but the new state could not be reported: {failure}");
        }
    }
}
