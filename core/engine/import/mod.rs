//! Accounts from and to lists: the import of CSV with everything that can be wrong with a line, the export of the same
//! shape, and deploying accounts that were left un-deployed. Leaves out directories, which synchronizers read.

mod deploy;
mod export;
mod header;
mod judge;
mod lines;
mod report;
mod run;

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jackfield_db::{Read, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::change::Origin;
use super::jobs::{self, OWN, Order, OwnJob};
use super::{Engine, fault};
use crate::catalog::problems::{CONFLICT, INVALID, Problem, STORAGE_FULL};

pub use deploy::DEPLOY;
pub use export::{Wanted, export};
pub use header::Header;
pub use judge::resolve_names;

/// Name of the job.
pub const JOB: &str = "accounts.import";

/// What happens when some lines are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is taken.
    AllOrNothing,
    /// The others are taken.
    KeepGood,
}

impl Mode {
    /// The names the API uses.
    pub const NAMES: &[&str] = &["all_or_nothing", "keep_good"];

    /// The mode of that name.
    pub fn parse(name: &str) -> Self {
        if name == Self::NAMES[1] { Self::KeepGood } else { Self::AllOrNothing }
    }
}

/// What an import was asked for with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// Enterprise of lines that name none; empty: every line must.
    pub enterprise: String,
    /// What happens when some lines are wrong.
    pub mode: Mode,
    /// Whether to say what would happen and change nothing.
    pub dry_run: bool,
    /// Network address that it was asked for from.
    pub from: String,
    /// `api`, `console` or `cli`.
    pub via: String,
    /// Id of the request.
    pub request: String,
}

/// The job that imports.
pub static IMPORT: OwnJob = OwnJob {
    name: JOB,
    by_hand: None,
    goes_on: |input| plan_of(input).is_ok_and(|plan| plan.mode == Mode::KeepGood || plan.dry_run),
    left: "the result says what was taken; in the mode all_or_nothing that is nothing",
    run: run::run,
};

fn plan_of(input: &Value) -> Result<Plan, Problem> {
    serde_json::from_value(input.clone())
        .map_err(|e| fault("read what the import was asked for", &e.to_string()))
}

/// Most imports that wait or run: each keeps a list on the disk.
const MOST_OPEN: i64 = 8;

/// Refuses one more import while many wait.
pub fn refuse_crowd(read: &Read<'_>) -> Result<(), Problem> {
    let sql = "SELECT count(*) FROM job WHERE plugin = ?1 AND name = ?2 AND ended_at IS NULL";
    let open: i64 = read.one(sql, params![OWN, JOB], |row| row.get(0))?.unwrap_or(0);
    if open < MOST_OPEN {
        return Ok(());
    }
    let detail = format!("{open} imports wait or run already. Send the list when some of them have ended.");
    Err(Problem::new(CONFLICT, detail))
}

/// The order for an import.
pub fn order(plan: &Plan, who: &str) -> Result<Order, Problem> {
    let input = serde_json::to_value(plan).map_err(|e| fault("write down the import", &e.to_string()))?;
    Ok(Order { plugin: OWN.to_owned(), name: JOB.to_owned(), input, who: who.to_owned() })
}

impl Plan {
    /// Where its changes come from. What came over the wire came by one of these ways.
    fn origin(&self, who: &str) -> Origin {
        let via = ["api", "console", "cli"].into_iter().find(|via| *via == self.via).unwrap_or("appliance");
        Origin { who: who.to_owned(), from: self.from.clone(), via, request: self.request.clone() }
    }
}

fn folder(engine: &Engine) -> PathBuf {
    engine.state.path().join("imports")
}

fn file_of(engine: &Engine, job: &str) -> PathBuf {
    folder(engine).join(format!("{job}.csv"))
}

/// Keeps a list durably until its job has ended, so that a kill in the middle loses nothing. A list whose first line
/// cannot be understood is refused at once.
pub fn keep(engine: &Engine, job: &str, list: &mut dyn io::Read, plan: &Plan) -> Result<(), Problem> {
    let path = file_of(engine, job);
    let kept = store(&folder(engine), &path, list);
    kept.map_err(|cause| {
        drop_list(engine, job);
        let detail =
            format!("The list could not be kept: {cause}. Free some space on the disk, then send it again.");
        Problem::new(if cause.kind() == ErrorKind::StorageFull { STORAGE_FULL } else { INVALID }, detail)
    })?;
    let read = lines::Lines::open(&path, plan);
    read.map(drop).inspect_err(|_| drop_list(engine, job))
}

fn store(folder: &Path, path: &Path, list: &mut dyn io::Read) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    io::copy(list, &mut file)?;
    file.sync_all()?;
    // The name must last as well as the content.
    File::open(folder)?.sync_all()
}

/// Drops the list of a job that has ended or was never queued.
pub fn drop_list(engine: &Engine, job: &str) {
    match std::fs::remove_file(file_of(engine, job)) {
        Err(e) if e.kind() != ErrorKind::NotFound => log::warn!("cannot drop the list of the job {job}: {e}"),
        _ => {}
    }
}

/// Drops lists whose job is over or was never queued, because the appliance was killed in between.
pub fn drop_strays(engine: &Engine) {
    let Ok(entries) = std::fs::read_dir(folder(engine)) else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        let Some(job) = name.strip_suffix(".csv") else { continue };
        let known = engine.db.read(|read| jobs::get(engine, read, job));
        if !known.is_ok_and(|job| job.get("ended_at").is_some_and(Value::is_null)) {
            drop_list(engine, job);
        }
    }
}
