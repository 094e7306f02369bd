//! The appliance's decisions: what may be configured, by whom, what follows from it. Knows rows through
//! `db`, knows nothing of HTTP.

pub mod access;
pub mod change;
pub mod checks;
pub mod clock;
pub mod deployment;
pub mod dial;
pub mod dialing;
pub mod directory;
pub mod doctor;
pub mod events;
pub mod gate;
pub mod idempotency;
pub mod import;
pub mod jobs;
pub mod login;
pub mod messages;
pub mod news;
pub mod objects;
pub mod own_names;
pub mod photos;
pub mod plugins;
pub mod presence;
pub mod probes;
pub mod revisions;
pub mod schedule;
pub mod scripts;
pub mod secrets;
pub mod settings;
pub mod state;
pub mod synchronization;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jackfield_db::{Db, Error, Options, Owner, OwnerTx, Tx};

use crate::catalog::events::{HOOK_CHANGED, SETTINGS_CHANGED};
use crate::catalog::problems::{INTERNAL, Problem, STORAGE_BUSY, STORAGE_FULL};
use crate::host::Host;
use access::throttle::Throttle;
use change::{Change, Origin};
use checks::Checks;
use clock::Leaps;
use doctor::Board;
use events::{Bus, Fired};
use idempotency::InHand;
use jobs::Jobs;
use messages::Backlogs;
use news::News;
use presence::Presence;
use probes::Probes;
use scripts::Scripts;
use secrets::{Keyring, MasterKey};
use settings::Settings;
use state::StateDir;
use synchronization::Runs;

const READERS: usize = 4;
const WRITE_QUEUE: usize = 1024;

/// Whether a change is meant, or only asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Do it, durably.
    Commit,
    /// Say what would happen (`?dry_run=1`).
    DryRun,
}

/// Everything the appliance knows and remembers.
pub struct Engine {
    /// Storage.
    pub db: Db,
    /// Opens and seals secrets.
    pub keyring: Keyring,
    /// Current values of the settings.
    pub settings: Settings,
    /// News for the rest of the appliance.
    pub bus: Bus,
    /// The same kept for a while, for those who follow at their own pace.
    pub news: Arc<News>,
    /// What everybody is doing.
    pub presence: Presence,
    /// Failed attempts to sign in.
    pub throttle: Throttle,
    /// Whether the clock may be believed.
    pub leaps: Leaps,
    /// Failed attempts of users to sign in to chat.
    pub login_failures: login::Failures,
    /// How many chat messages wait for whom.
    pub backlogs: Arc<Backlogs>,
    /// What the parts outside the engine report about themselves.
    pub board: Board,
    /// Work of plugins that takes longer than a request.
    pub jobs: Jobs,
    /// Requests with an idempotency key that plugins are answering.
    pub in_hand: InHand,
    /// Synchronizations that are under way.
    pub runs: Runs,
    /// What scripts look at again and again.
    pub checks: Checks,
    /// What other hosts look like from here.
    pub probes: Probes,
    /// The plugins, once they are supervised; never where the command line works without a running appliance.
    pub plugins: OnceLock<Host>,
    /// The site's own scripts that serve.
    pub scripts: Scripts,
    /// Where everything lives.
    pub state: StateDir,
    /// When this process began.
    pub started: Instant,
}

impl Engine {
    /// Opens the database in the state folder, migrating it if due, and everything that hangs on it.
    pub fn open(state: StateDir) -> Result<Self, String> {
        // Before anything is made: a key that cannot be used must not leave a database behind that none opens.
        let master = MasterKey::read(&state.master_key())?;
        if let Some(master) = &master {
            master.refuse_without_database(&state.master_key(), &state.database())?;
        }
        state.make_copies_folder()?;
        let (db, opened) = Db::open(storage(&state)).map_err(|e| e.to_string())?;
        log::info!("database {}: {opened}", state.database().display());
        let keyring = Keyring::open(&db, master, &state.master_key())?;
        let settings = Settings::load(&db).map_err(|p| p.detail)?;
        let news = Arc::new(News::open(&db).map_err(|p| p.detail)?);
        let scripts = Scripts::new(Arc::clone(&news));
        scripts.reload(&db).map_err(|p| p.detail)?;
        let (bus, told) = (Bus::default(), Arc::clone(&news));
        bus.listen(move |fired| told.tell(fired));
        let leaps = Leaps::open(&db).map_err(|p| p.detail)?;
        let (board, started) = (Board::default(), Instant::now());
        Ok(Self {
            db,
            keyring,
            settings,
            bus,
            presence: Presence::new(Arc::clone(&news)),
            news,
            throttle: Throttle::default(),
            leaps,
            login_failures: login::Failures::default(),
            backlogs: Arc::default(),
            board,
            jobs: Jobs::default(),
            in_hand: InHand::default(),
            runs: Runs::default(),
            checks: Checks::default(),
            probes: Probes::default(),
            plugins: OnceLock::new(),
            scripts,
            state,
            started,
        })
    }

    /// Makes a change: durable when this returns, and then published.
    pub fn change<T: Send + 'static>(
        &self,
        origin: Origin,
        mode: Mode,
        work: impl FnOnce(&Change<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let job = move |tx: &Tx<'_>| {
            let change = Change::new(tx, &origin);
            let value = work(&change)?;
            Ok::<_, Problem>((value, change.into_events()))
        };
        if mode == Mode::DryRun {
            return self.db.rehearse(job).map(|(value, _)| value);
        }
        let (value, fired) = self.db.write(job)?;
        if fired.iter().any(|one| one.event == SETTINGS_CHANGED.name) {
            self.settings.reload(&self.db)?;
        }
        if fired.iter().any(|one| one.event == HOOK_CHANGED.name) {
            self.scripts.reload(&self.db)?;
        }
        self.bus.publish(&fired);
        Ok(value)
    }

    /// Makes a change with a plugin's statements in it; `work` gives the events besides its answer.
    pub fn change_as<T: Send + 'static>(
        &self,
        plugin: &str,
        mode: Mode,
        work: impl FnOnce(&OwnerTx<'_>) -> Result<(T, Vec<Fired>), Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let owner = Owner::new(plugin)?;
        if mode == Mode::DryRun {
            return self.db.rehearse_as(&owner, work).map(|(value, _)| value);
        }
        let (value, fired) = self.db.write_as(&owner, work)?;
        self.bus.publish(&fired);
        Ok(value)
    }

    /// Ends the plugins in order; jobs and checks that run are told so and end with them.
    pub fn stop_plugins(&self, within: Duration) {
        self.jobs.end();
        self.checks.end();
        if let Some(host) = self.plugins.get() {
            host.stop(within);
        }
    }

    /// Ends storage in order: what was acknowledged is on disk, the log is folded into the file.
    pub fn close(&self, deadline: Duration) -> Result<(), String> {
        self.presence.save(self);
        self.db.close(deadline).map_err(|e| format!("Closing the database: {e}"))
    }
}

/// How the database of a state folder is opened.
pub fn storage(state: &StateDir) -> Options {
    Options { file: state.database(), copies: state.copies(), readers: READERS, queue: WRITE_QUEUE }
}

/// A fault of our own: the caller gets a sentence and an incident number, the log gets the cause.
pub fn fault(attempt: &str, cause: &str) -> Problem {
    let incident =
        secrets::random::<4>().map_or_else(|_| "none".to_owned(), |b| data_encoding::HEXLOWER.encode(&b));
    log::error!("incident {incident}: could not {attempt}: {cause}");
    Problem::new(INTERNAL, format!("Could not {attempt}. The log tells more under incident {incident}."))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            Error::Full => Self::new(STORAGE_FULL, error.to_string()),
            Error::Busy { .. } | Error::Closed => Self::new(STORAGE_BUSY, error.to_string()),
            _ => fault("use the database", &error.to_string()),
        }
    }
}
