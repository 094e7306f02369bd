//! From a path to a connection that is safe to write through: look, refuse or accept, migrate.
//!
//! Nothing is changed in a file before it is known to be ours. That nobody else has it open is the caller's promise.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::check;
use crate::connection::{self, APPLICATION_ID};
use crate::copies;
use crate::error::Error;
use crate::migrations::{self, Migration};
use crate::refusal::OpenError;

/// Where the database is and how large its waiting rooms are.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file, on a local file system; its folder must exist.
    pub file: PathBuf,
    /// Folder for the copies made before migrations; made when first needed.
    pub copies: PathBuf,
    /// Reads that can run at the same time; 0 counts as 1.
    pub readers: usize,
    /// Writes that can wait for their turn; 0 counts as 1.
    pub queue: usize,
}

/// What opening the database did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Created, migrated, or neither.
    pub outcome: Outcome,
    /// Schema version now: the number of the last migration.
    pub schema: u32,
}

/// The three ways in which opening can succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There was no file, or an empty one.
    Created,
    /// The file came from an earlier release.
    Migrated {
        /// Schema version before.
        from: u32,
        /// Schema version now.
        to: u32,
        /// The copy made before.
        copy: PathBuf,
    },
    /// The file had today's schema.
    Unchanged,
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Created => write!(f, "created with schema {}", self.schema),
            Outcome::Unchanged => write!(f, "opened with schema {}", self.schema),
            Outcome::Migrated { from, to, copy } => {
                write!(f, "migrated from schema {from} to {to}; the copy made before is {}", copy.display())
            }
        }
    }
}

/// Looks at a database without migrating it: whether it is ours, whole, and of a schema this program knows. Another
/// process may have it open.
///
/// # Errors
/// The same [`OpenError`] that opening it would give.
pub fn inspect(options: &Options) -> Result<String, OpenError> {
    let file = &options.file;
    require_magic(file)?;
    let conn =
        connection::onlooker(file).map_err(|error| OpenError::from_sqlite(file, "opening it", error))?;
    let known = count(migrations::CORE);
    match identify(&conn, file)? {
        Found::Empty => Ok("empty; it will be filled at the first start".to_owned()),
        Found::Ours { schema } if schema > known => Err(newer(options, schema, known)),
        Found::Ours { schema } => {
            refuse_damage(&conn, file)?;
            let due = if schema < known {
                format!("; will be migrated to {known} at the next start")
            } else {
                String::new()
            };
            Ok(format!("whole, schema {schema}{due}"))
        }
    }
}

/// What a file turned out to be.
enum Found {
    Empty,
    Ours { schema: u32 },
}

/// SQLite's first sixteen bytes, <https://sqlite.org/fileformat.html> section 1.3.1.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Opens or creates the file, brings it to the end of `list`, and hands over the writer's connection.
pub(crate) fn open(options: &Options, list: &[Migration]) -> Result<(Connection, Opened), OpenError> {
    let file = &options.file;
    require_folder(file)?;
    make_if_missing(file)?;
    require_magic(file)?;
    let conn = connection::plain(file).map_err(|error| OpenError::from_sqlite(file, "opening it", error))?;
    let found = identify(&conn, file)?;
    let schema = count(list);
    let outcome = match found {
        Found::Empty => Outcome::Created,
        Found::Ours { schema: from } if from > schema => return Err(newer(options, from, schema)),
        Found::Ours { schema: from } => checked(&conn, options, from, schema)?,
    };
    require_wal(&conn, file)?;
    migrate(&conn, file, list, &outcome)?;
    Ok((conn, Opened { outcome, schema }))
}

fn require_folder(file: &Path) -> Result<(), OpenError> {
    let folder = copies::folder_of(file);
    if folder.is_dir() {
        return Ok(());
    }
    Err(OpenError::FolderMissing { folder: folder.to_owned() })
}

/// Makes the file if it is missing, private from its first moment; finds out at once whether we may write to it.
fn make_if_missing(file: &Path) -> Result<(), OpenError> {
    let made = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(file);
    made.map(drop).map_err(|error| OpenError::from_io(file, "opening it", &error))
}

/// Refuses what is not SQLite before SQLite touches it. The file is closed again before SQLite takes its locks:
/// closing it later would drop them (<https://sqlite.org/howtocorrupt.html> section 2.2).
fn require_magic(file: &Path) -> Result<(), OpenError> {
    let mut start = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(MAGIC.len() as u64).read_to_end(&mut start));
    read.map_err(|error| OpenError::from_io(file, "reading its start", &error))?;
    if start.is_empty() || start == MAGIC {
        return Ok(());
    }
    Err(OpenError::NotADatabase { file: file.to_owned() })
}

fn identify(conn: &Connection, file: &Path) -> Result<Found, OpenError> {
    let ask = |sql: &str| {
        let answer = conn.query_row(sql, [], |row| row.get::<_, i32>(0));
        answer.map_err(|error| OpenError::from_sqlite(file, "reading its header", error))
    };
    let id = ask("PRAGMA application_id")?;
    let schema = ask("PRAGMA user_version")?;
    let has_content = ask("SELECT EXISTS (SELECT 1 FROM sqlite_schema)")? == 1;
    match (id, u32::try_from(schema)) {
        // A stop between making the file and the first commit leaves it like this.
        (0, Ok(0)) if !has_content => Ok(Found::Empty),
        (APPLICATION_ID, Ok(schema)) if schema > 0 => Ok(Found::Ours { schema }),
        (APPLICATION_ID, _) => {
            let findings = vec![format!("its schema version {schema} was never released")];
            Err(OpenError::Damaged { file: file.to_owned(), findings })
        }
        (found, _) => Err(OpenError::Foreign { file: file.to_owned(), found }),
    }
}

fn newer(options: &Options, found: u32, known: u32) -> OpenError {
    let copy = copies::best_for(&options.copies, known);
    OpenError::Newer { file: options.file.clone(), found, known, copy }
}

/// Checks the content, and copies it when a migration is due: a damaged file must not be migrated.
fn checked(conn: &Connection, options: &Options, from: u32, to: u32) -> Result<Outcome, OpenError> {
    refuse_damage(conn, &options.file)?;
    if from == to {
        return Ok(Outcome::Unchanged);
    }
    let copy = copies::before_migration(conn, &options.copies, from, to)
        .map_err(|error| not_copied(options, error))?;
    Ok(Outcome::Migrated { from, to, copy })
}

fn refuse_damage(conn: &Connection, file: &Path) -> Result<(), OpenError> {
    let findings = check::quick(conn).map_err(|error| OpenError::from_error(file, "checking it", error))?;
    if findings.is_empty() {
        return Ok(());
    }
    Err(OpenError::Damaged { file: file.to_owned(), findings })
}

fn not_copied(options: &Options, error: Error) -> OpenError {
    let folder = options.copies.clone();
    match error {
        Error::Full => OpenError::Full { path: folder },
        Error::Damaged { detail } => {
            OpenError::Damaged { file: options.file.clone(), findings: vec![detail] }
        }
        _ if !copies::folder_of(&folder).is_dir() => OpenError::FolderMissing { folder },
        Error::Other { detail } => OpenError::Copy { folder, detail },
        error => OpenError::Copy { folder, detail: error.to_string() },
    }
}

fn require_wal(conn: &Connection, file: &Path) -> Result<(), OpenError> {
    let doing = "switching it to a write-ahead log";
    let mode =
        connection::prepare_writer(conn).map_err(|error| OpenError::from_sqlite(file, doing, error))?;
    if mode == "wal" {
        return Ok(());
    }
    let detail = format!("it stays in mode {mode}, as on a network file system; use a local disk");
    Err(OpenError::Unusable { path: file.to_owned(), doing, detail })
}

fn migrate(conn: &Connection, file: &Path, list: &[Migration], outcome: &Outcome) -> Result<(), OpenError> {
    let done = match outcome {
        Outcome::Unchanged => return Ok(()),
        Outcome::Created => 0,
        Outcome::Migrated { from, .. } => *from as usize,
    };
    migrations::run(conn, list, done).map_err(|failed| not_migrated(file, failed))?;
    copies::sync(copies::folder_of(file))
        .map_err(|error| OpenError::from_error(file, "saving its name", error))
}

fn not_migrated(file: &Path, failed: migrations::Failed) -> OpenError {
    let file = file.to_owned();
    match failed.error {
        Error::Full => OpenError::Full { path: file },
        Error::Other { detail } | Error::Constraint { detail, .. } => {
            OpenError::Migration { file, name: failed.name, detail }
        }
        error => OpenError::Migration { file, name: failed.name, detail: error.to_string() },
    }
}

fn count(list: &[Migration]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}
