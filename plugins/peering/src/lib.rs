//! The peering plugin: how peers do, invitations for sister appliances, and the directories (AD, LDAP) that contacts
//! of external peers and accounts of enterprises come from. It keeps and checks the configuration and says honestly
//! how far it goes; nothing is connected to yet. The peers themselves are core's.

#![forbid(unsafe_code)]

mod condition;
mod invitations;
mod ldap;
mod overview;
mod owner;
mod random;
mod reconcile;
mod sister;
mod standing;
mod synchronizer;
mod undo;

use std::sync::{Mutex, MutexGuard, PoisonError};

use jackfield_sdk::{Call, Code, Config, Event, Failure, Host, Plugin, Problem, Routes, Tx, Undo, Value};

jackfield_sdk::export_plugin!(Peering);

/// The plugin.
pub struct Peering {
    host: Host,
    /// Held by whoever reads in order to write, so that requests and events do not overtake each other.
    writing: Mutex<()>,
}

impl Plugin for Peering {
    const ID: &'static str = "peering";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const OPS: &'static [&'static str] = &["http", "revision.undo"];

    fn start(host: Host, _config: Config) -> Result<Self, Failure> {
        Ok(Self { host, writing: Mutex::new(()) })
    }

    fn ready(&self) -> Result<(), Failure> {
        self.reconcile()?;
        condition::now(&self.host)?.tell(&self.host)
    }

    fn routes() -> Routes<Self> {
        Routes::new()
            .get("peering", Self::read_overview)
            .get("peers/{id}/status", Self::read_status)
            .get("peering/invitations", Self::list_invitations)
            .post("peering/invitations", Self::invite)
            .get("peering/invitations/{id}", Self::read_invitation)
            .delete("peering/invitations/{id}", Self::withdraw)
            .get("peers/{id}/synchronizer", Self::read_of_peer)
            .put("peers/{id}/synchronizer", Self::put_of_peer)
            .delete("peers/{id}/synchronizer", Self::remove_of_peer)
            .post("peers/{id}/synchronizer:assist", Self::assist_peer)
            .get("enterprises/{id}/synchronizer", Self::read_of_enterprise)
            .put("enterprises/{id}/synchronizer", Self::put_of_enterprise)
            .delete("enterprises/{id}/synchronizer", Self::remove_of_enterprise)
            .post("enterprises/{id}/synchronizer:assist", Self::assist_enterprise)
    }

    fn undo(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        self.put_back(undo, tx)
    }

    /// A peer or an enterprise has changed, or the host has put a change back: what belongs to one that is gone goes as well.
    fn event(&self, _event: Event) {
        let outcome = self.ready();
        if let Err(failure) = outcome {
            jackfield_sdk::log::error!(
                "what belongs to peers and enterprises that are gone could not be deleted now, and is at the next \
                 change or start: {failure}"
            );
        }
    }
}

impl Peering {
    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was changed is durable by now, so a host that does not listen must not make the request fail.
    fn tell(&self) {
        match condition::now(&self.host) {
            Ok(condition) => condition.tell_after_change(&self.host),
            Err(failure) => {
                jackfield_sdk::log::warn!("the plugin's state could not be read after a change: {failure}");
            }
        }
    }
}

/// Why a write was not kept. A conflict means that what was read before it was no longer so; a caller who
/// named a version must read again, anybody else may simply repeat.
fn refused(call: &Call<'_>, failure: Failure) -> Problem {
    match (failure.code, &call.http.if_match) {
        (Code::Conflict, Value::String(asked)) if asked != "*" => Problem::stale(),
        (Code::Conflict, _) => Problem::conflict(
            "something that this depends on was changed at the same moment, and nothing was kept; repeat the \
             request",
        ),
        _ => failure.into(),
    }
}
