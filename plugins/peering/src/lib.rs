//! The peering plugin: how peers do, invitations for sister appliances, and the directories (AD, LDAP) that contacts
//! of external peers and accounts of enterprises come from. The peers, contacts and accounts themselves are core's.

#![forbid(unsafe_code)]

mod accepting;
mod condition;
mod conditions;
mod desk;
mod guard;
mod hear;
mod invitations;
mod ldap;
mod overview;
mod owner;
mod random;
mod reconcile;
mod sister;
mod sisters;
mod standing;
mod sync;
mod synchronizer;
mod undo;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jackfield_sdk::{
    Call, Code, Config, Event, Failure, Host, Job, Message, Plugin, Problem, Request, Routes, Secret,
    Settings, Taken, Tx, Undo, Value,
};

use conditions::{Conditions, DIRECTORIES};
use desk::{Office, Options};

jackfield_sdk::export_plugin!(Peering);

/// The plugin.
pub struct Peering {
    host: Host,
    /// Held by whoever reads in order to write, so that requests and events do not overtake each other.
    writing: Mutex<()>,
    /// Jobs of the synchronizers that run now, by [`synchronizer::run::Order::key`].
    running: Mutex<BTreeMap<String, String>>,
    /// When synchronizers are due next.
    due: Mutex<BTreeMap<String, Option<String>>>,
    options: Mutex<Options>,
    conditions: Arc<Conditions>,
    /// Where links to sister appliances are; opened once the host can be asked.
    office: OnceLock<Office>,
}

impl Plugin for Peering {
    const ID: &'static str = "peering";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const OPS: &'static [&'static str] =
        &["http", "job.run", "login.bind", "revision.undo", "settings.changed"];
    /// One directory or appliance that does not answer keeps nobody else waiting.
    const WORKERS: usize = 4;
    const JOBS: usize = 4;

    fn start(host: Host, config: Config) -> Result<Self, Failure> {
        Ok(Self {
            host,
            writing: Mutex::default(),
            running: Mutex::default(),
            due: Mutex::default(),
            options: Mutex::new(Options::read(&config.settings)?),
            conditions: Arc::default(),
            office: OnceLock::new(),
        })
    }

    fn ready(&self) -> Result<(), Failure> {
        self.look_around()?;
        self.forget_left()?;
        self.open_office()
    }

    fn settings_changed(&self, settings: Settings) -> Result<(), Failure> {
        self.take_options(Options::read(&settings)?)
    }

    fn on_message(&self, message: &Message<'_>) -> Taken {
        self.overhear(message)
    }

    fn stop(&self, _deadline: Duration) {
        if let Some(office) = self.office.get() {
            office.close();
        }
    }

    fn routes() -> Routes<Self> {
        Routes::new()
            .get("peering", Self::read_overview)
            .get("peers/{id}/status", Self::read_status)
            .get("peering/invitations", Self::list_invitations)
            .post("peering/invitations", Self::invite)
            .post("peering/invitations:accept", Self::accept)
            .get("peering/invitations/{id}", Self::read_invitation)
            .delete("peering/invitations/{id}", Self::withdraw)
            .get("peers/{id}/enterprises", Self::list_enterprises)
            .put("peers/{id}/address", Self::put_address)
            .put("peers/{id}/guard", Self::put_guard)
            .post("peers/{id}:sync", Self::sync_peer)
            .get("peers/{id}/synchronizer", Self::read_of_peer)
            .put("peers/{id}/synchronizer", Self::put_of_peer)
            .delete("peers/{id}/synchronizer", Self::remove_of_peer)
            .post("peers/{id}/synchronizer:assist", Self::assist_peer)
            .post("peers/{id}/synchronizer:test", Self::test_of_peer)
            .get("enterprises/{id}/synchronizer", Self::read_of_enterprise)
            .put("enterprises/{id}/synchronizer", Self::put_of_enterprise)
            .delete("enterprises/{id}/synchronizer", Self::remove_of_enterprise)
            .post("enterprises/{id}/synchronizer:assist", Self::assist_enterprise)
            .post("enterprises/{id}/synchronizer:test", Self::test_of_enterprise)
            .post("enterprises/{id}/synchronizer:sync", Self::sync_enterprise)
    }

    fn job(&self, job: &Job<'_>) -> Result<Value, Failure> {
        match job.name() {
            sisters::JOB => self.run_sync(job),
            _ => self.synchronize(job),
        }
    }

    fn bind(&self, account: &str, password: &Secret, request: &Request) -> Result<(), Failure> {
        self.bind_login(account, password, request)
    }

    fn undo(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        self.put_back(undo, tx)
    }

    /// A peer or an enterprise has changed, or the host has put a change back: what belongs to one that is gone goes as well.
    fn event(&self, _event: Event) {
        self.tell_desk(desk::Call::Reload);
        let outcome = self.look_around();
        if let Err(failure) = outcome {
            jackfield_sdk::log::error!(
                "what belongs to peers and enterprises that are gone could not be deleted now, and is at the next \
                 change or start: {failure}"
            );
        }
    }
}

impl Peering {
    /// Brings everything in line with the peers and enterprises that there are.
    fn look_around(&self) -> Result<(), Failure> {
        self.reconcile()?;
        self.plan()?;
        self.conditions.put(&self.host, DIRECTORIES, condition::now(&self.host)?)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When each synchronizer is due.
    fn due(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans what is due by the clock.
    fn plan(&self) -> Result<(), Failure> {
        let due = synchronizer::plans::renew(&self.host, self.sister_plans()?)?;
        *self.due() = due;
        Ok(())
    }

    /// What was changed is durable by now, so a host that does not listen must not make the request fail.
    fn tell(&self) {
        if let Err(failure) = self.plan() {
            jackfield_sdk::log::warn!("schedules are not what they should be after a change: {failure}");
        }
        match condition::now(&self.host) {
            Ok(condition) => self.conditions.put_after_change(&self.host, DIRECTORIES, condition),
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
