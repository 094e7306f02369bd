//! The Teams plugin: the set-up of presence with Microsoft Teams, and for which accounts it is on. It keeps and
//! checks the configuration and says honestly how far it goes; talking to Microsoft Graph is not here yet, and
//! what is shown of a user while it is on is core's. Not affiliated with Microsoft or Mitel.

#![forbid(unsafe_code)]

mod certificate;
mod cloud;
mod condition;
mod consent;
mod preconditions;
mod setup;
mod tenant;
mod tokens;
mod undo;
mod users;

use std::sync::{Mutex, MutexGuard, PoisonError};

use jackfield_sdk::jiff::civil::Date;
use jackfield_sdk::{
    Code, Config, Document, Event, Failure, Finding, Host, Place, Plugin, Problem, Routes, Tx, Undo, log,
};

use setup::Setup;

jackfield_sdk::export_plugin!(Teams);

const TENANT: Place<'_> = Place { table: "teams_document", name: "teams", kind: "teams" };

/// The plugin.
pub struct Teams {
    host: Host,
    /// What two requests must agree on is not written by both at once.
    writing: Mutex<()>,
}

impl Plugin for Teams {
    const ID: &'static str = "teams";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const OPS: &'static [&'static str] = &["http", "doctor", "revision.undo"];
    /// A long list must not keep everybody else waiting.
    const WORKERS: usize = 2;

    fn start(host: Host, _config: Config) -> Result<Self, Failure> {
        Ok(Self { host, writing: Mutex::default() })
    }

    fn ready(&self) -> Result<(), Failure> {
        let (document, today) = self.setup()?;
        condition::of(&document.value, today).tell(&self.host)
    }

    fn undo(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        self.put_back(undo, tx)
    }

    /// The set-up may have been put back, which the host did by itself.
    fn event(&self, event: Event) {
        if event.object != TENANT.name {
            return;
        }
        if let Err(failure) = self.ready() {
            log::warn!("Teams was changed, but its new state could not be reported: {failure}");
        }
    }

    fn routes() -> Routes<Self> {
        Routes::new()
            .get("teams", Self::read_tenant)
            .put("teams", Self::put_tenant)
            .get("teams/consent", Self::read_consent)
            .get("teams/tokens", Self::list_tokens)
            .get("teams/preconditions", Self::list_preconditions)
            .get("teams/users", Self::list_users)
            .get("teams/users/{account}", Self::read_user)
            .put("teams/users/{account}", Self::put_user)
    }

    /// Asked for each time, because a day that passes makes a difference.
    fn doctor(&self) -> Result<Vec<Finding>, Failure> {
        let (document, today) = self.setup()?;
        let setup = &document.value;
        Ok(vec![condition::of(setup, today).finding("connection"), tokens::finding(setup, today)])
    }
}

impl Teams {
    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The set-up, and the day on which it was read (UTC).
    fn setup(&self) -> Result<(Document<Setup>, Date), Failure> {
        let document: Document<Setup> = TENANT.read(&self.host)?;
        let today = document.now.get(..10).and_then(|day| day.parse().ok());
        let today =
            today.ok_or_else(|| Failure::new(Code::Internal, "the database does not know the day"))?;
        Ok((document, today))
    }
}
