//! Whole copies of the database: one made on request, and those that each migration leaves behind.
//!
//! A copy is written under another name, checked, put on disk for good, and only then gets its own name: a file with a
//! copy's name is a good copy. When to copy is decided by the callers; bundles and encryption are the engine's.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::check;
use crate::connection;
use crate::error::Error;

/// How many copies made before migrations are kept.
const KEPT: usize = 3;

/// How the names of core's copies begin; a plugin's go on with its id and a hyphen, which no number does.
const CORE: &str = "pre-";

/// A copy made before a migration, known by its name `pre-<from>-to-<to>-<UTC time>.db`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StepCopy {
    path: PathBuf,
    from: u32,
    to: u32,
    taken: String,
}

/// Copies the whole database to `target`, which must not exist yet. The copy is readable by its owner alone.
pub(crate) fn make(conn: &Connection, target: &Path) -> Result<(), Error> {
    if target.exists() {
        return Err(Error::other(format_args!(
            "{} exists already; choose another name for the copy",
            target.display()
        )));
    }
    let part = part_of(target);
    let outcome = fill(conn, &part).and_then(|()| keep(&part, target));
    if outcome.is_err() {
        remove(&part);
    }
    outcome
}

/// Makes the copy that must exist before a migration, then drops what it makes superfluous. Answers its path.
pub(crate) fn before_migration(
    conn: &Connection,
    folder: &Path,
    from: u32,
    to: u32,
) -> Result<PathBuf, Error> {
    before(conn, folder, CORE, from, to)
}

/// The same for the migration of a plugin's tables; its copies are kept apart from core's.
pub(crate) fn before_owner(
    conn: &Connection,
    folder: &Path,
    owner: &str,
    from: u32,
    to: u32,
) -> Result<PathBuf, Error> {
    before(conn, folder, &format!("{CORE}{owner}-"), from, to)
}

fn before(conn: &Connection, folder: &Path, family: &str, from: u32, to: u32) -> Result<PathBuf, Error> {
    if !folder.is_dir() {
        let made = fs::DirBuilder::new().mode(0o700).create(folder);
        made.map_err(|error| io_failed("creating", folder, &error))?;
    }
    sweep(folder);
    let now: String = conn.query_row("SELECT strftime('%Y%m%dT%H%M%fZ', 'now')", [], |row| row.get(0))?;
    let target = folder.join(format!("{family}{from}-to-{to}-{now}.db"));
    make(conn, &target)?;
    prune(folder, family);
    Ok(target)
}

/// The copy that loses least among those that a program knowing schema `known` can open.
pub(crate) fn best_for(folder: &Path, known: u32) -> Option<PathBuf> {
    let usable = newest_first(folder, CORE).into_iter().rev().filter(|copy| copy.from <= known);
    usable.max_by_key(|copy| copy.from).map(|copy| copy.path)
}

fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn fill(conn: &Connection, part: &Path) -> Result<(), Error> {
    let Some(name) = part.to_str() else {
        return Err(Error::other(format_args!(
            "{} is not UTF-8; choose another name for the copy",
            part.display()
        )));
    };
    remove(part);
    // SQLite accepts an empty file as target; made here, it is never readable by others.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part);
    made.map_err(|error| io_failed("creating", part, &error))?;
    conn.execute("VACUUM INTO ?1", [name])?;
    let findings = check::full(&connection::side(part)?)?;
    if findings.is_empty() {
        return Ok(());
    }
    Err(Error::Damaged { detail: format!("its fresh copy fails the check: {}", findings.join("; ")) })
}

/// Puts the finished copy on disk for good and gives it its name.
fn keep(part: &Path, target: &Path) -> Result<(), Error> {
    sync(part)?;
    fs::rename(part, target).map_err(|error| io_failed("naming", target, &error))?;
    sync(folder_of(target))
}

/// The folder that holds `path`, also for a bare file name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Waits until a file's content, or a folder's names, are on the disk.
pub(crate) fn sync(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| io_failed("saving", path, &error))
}

fn io_failed(doing: &str, path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full,
        _ => Error::other(format_args!("{doing} {} failed: {error}", path.display())),
    }
}

/// Keeps the newest copy of each step (a failed migration is tried again at every start, and its copies are alike),
/// and of these the last few.
fn prune(folder: &Path, family: &str) {
    let mut kept: Vec<(u32, u32)> = Vec::new();
    for copy in newest_first(folder, family) {
        let step = (copy.from, copy.to);
        if kept.contains(&step) || kept.len() == KEPT {
            remove(&copy.path);
        } else {
            kept.push(step);
        }
    }
}

/// Removes what an attempt left behind that was cut short, so that each next one finds its space.
fn sweep(folder: &Path) {
    for path in list(folder) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("pre-") && name.ends_with(".db.part") {
            remove(&path);
        }
    }
}

/// Removes a superfluous file. A failure costs disk space, not data, so it is only logged.
fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            log::warn!("Removing {} failed: {error}; remove it by hand to free its space.", path.display());
        }
        _ => {}
    }
}

fn newest_first(folder: &Path, family: &str) -> Vec<StepCopy> {
    let mut copies: Vec<_> = list(folder).into_iter().filter_map(|path| parse(path, family)).collect();
    copies.sort_by(|a, b| b.taken.cmp(&a.taken));
    copies
}

/// What is in the folder. Without the list no copy is lost, only not found or not removed, so a failure is logged.
fn list(folder: &Path) -> Vec<PathBuf> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            log::warn!("Listing the copies in {} failed: {error}; check its permissions.", folder.display());
            Vec::new()
        }
    }
}

fn parse(path: PathBuf, family: &str) -> Option<StepCopy> {
    let name = path.file_name()?.to_str()?.strip_prefix(family)?.strip_suffix(".db")?;
    let (from, rest) = name.split_once("-to-")?;
    let (to, taken) = rest.split_once('-')?;
    Some(StepCopy { from: from.parse().ok()?, to: to.parse().ok()?, taken: taken.to_owned(), path })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_last_three_steps_keep_their_newest_copy() {
        let folder = folder_with(&[
            "pre-1-to-2-20260101T000000.000Z.db",
            "pre-2-to-3-20260201T000000.000Z.db",
            "pre-3-to-4-20260301T000000.000Z.db",
            "pre-4-to-5-20260401T000000.000Z.db",
            "pre-4-to-5-20260401T000001.000Z.db",
            "notes.db",
        ]);
        prune(folder.path(), CORE);
        assert_eq!(
            names(folder.path()),
            [
                "notes.db",
                "pre-2-to-3-20260201T000000.000Z.db",
                "pre-3-to-4-20260301T000000.000Z.db",
                "pre-4-to-5-20260401T000001.000Z.db",
            ]
        );
    }

    #[test]
    fn what_a_cut_short_attempt_left_is_swept_away() {
        let folder = folder_with(&[
            "pre-1-to-2-20260101T000000.000Z.db.part",
            "pre-1-to-2-20260101T000000.000Z.db",
            "my.part",
        ]);
        let conn = Connection::open_in_memory().unwrap();
        let copy = before_migration(&conn, folder.path(), 2, 3).unwrap();
        let expected =
            ["my.part", "pre-1-to-2-20260101T000000.000Z.db", copy.file_name().unwrap().to_str().unwrap()];
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn the_way_back_is_the_highest_schema_that_the_program_knows() {
        let folder = folder_with(&[
            "pre-1-to-2-20260101T000000.000Z.db",
            "pre-2-to-4-20260201T000000.000Z.db",
            "pre-2-to-5-20260301T000000.000Z.db",
            "pre-4-to-5-20260401T000000.000Z.db",
        ]);
        let best = |known| best_for(folder.path(), known).map(|path| path.file_name().unwrap().to_owned());
        assert_eq!(best(3).unwrap(), "pre-2-to-5-20260301T000000.000Z.db");
        assert_eq!(best(1).unwrap(), "pre-1-to-2-20260101T000000.000Z.db");
        assert_eq!(best(0), None);
    }

    #[test]
    fn a_copy_is_private_complete_and_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE a (b TEXT) STRICT; INSERT INTO a VALUES ('x'); PRAGMA user_version=7;",
        )
        .unwrap();
        let target = folder.path().join("copy.db");
        make(&conn, &target).unwrap();
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        let copy = connection::side(&target).unwrap();
        assert_eq!(copy.query_row("SELECT b FROM a", [], |row| row.get::<_, String>(0)).unwrap(), "x");
        assert_eq!(copy.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
        assert!(make(&conn, &target).unwrap_err().to_string().contains("exists already"));
        assert_eq!(names(folder.path()), ["copy.db"]);
    }
}
