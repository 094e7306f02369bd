//! The promises of the crate, tried on real files. What one file promises alone is tested beside it.

mod closing;
mod migrating;
mod opening;
mod owners;
mod reading;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::migrations::Migration;
use crate::{Db, Error, OpenError, Opened, Options};

const NOTES: Migration =
    Migration { name: "0001_notes.sql", sql: "CREATE TABLE note (text TEXT NOT NULL UNIQUE) STRICT;" };

/// Long enough for a loaded machine; no test waits this long unless it fails.
const LIMIT: Duration = Duration::from_secs(20);

/// A private folder and the options of a database in it.
struct Place {
    folder: TempDir,
    readers: usize,
    queue: usize,
    patience: Duration,
    owner_time: Duration,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            readers: 2,
            queue: 64,
            patience: LIMIT,
            owner_time: LIMIT,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("jackfield.db")
    }

    fn copies(&self) -> PathBuf {
        self.path("copies")
    }

    fn options(&self) -> Options {
        Options { file: self.file(), copies: self.copies(), readers: self.readers, queue: self.queue }
    }

    fn try_open(&self, list: &[Migration]) -> Result<(Db, Opened), OpenError> {
        Db::open_with(self.options(), list, self.patience, self.owner_time)
    }

    /// Opens with the table `note` alone.
    fn open(&self) -> Db {
        self.try_open(&[NOTES]).unwrap().0
    }

    fn refusal(&self, list: &[Migration]) -> OpenError {
        self.try_open(list).unwrap_err()
    }
}

fn note(db: &Db, text: &str) -> Result<usize, Error> {
    let text = text.to_owned();
    db.write(move |tx| tx.execute("INSERT INTO note VALUES (?1)", [text]))
}

fn notes(db: &Db) -> Vec<String> {
    db.read(|read| read.all("SELECT text FROM note ORDER BY text", [], |row| row.get(0)))
        .unwrap_or_else(|error: Error| panic!("{error}"))
}

fn close(db: &Db) {
    db.close(LIMIT).unwrap();
}

fn raw(file: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(file).unwrap()
}

/// Keeps the writer occupied until told otherwise, so that what follows waits in the queue and shares a commit.
struct Blockade {
    release: Sender<()>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Blockade {
    fn new(db: &Db) -> Self {
        let (release, released) = channel();
        let (begin, begun) = channel();
        let db = db.clone();
        let thread = thread::spawn(move || db.write(move |_| hold(&begin, &released)));
        begun.recv_timeout(LIMIT).unwrap();
        Self { release, thread }
    }

    fn lift(self) {
        self.release.send(()).unwrap();
        self.thread.join().unwrap().unwrap();
    }
}

fn hold(begin: &Sender<()>, released: &Receiver<()>) -> Result<(), Error> {
    begin.send(()).unwrap();
    released.recv_timeout(LIMIT).unwrap();
    Ok(())
}

/// Queues `work` from its own thread and returns once it waits as number `place`.
fn queued<T: Send + 'static>(
    db: &Db,
    place: usize,
    work: impl FnOnce(&Db) -> Result<T, Error> + Send + 'static,
) -> JoinHandle<Result<T, Error>> {
    let own = db.clone();
    let thread = thread::spawn(move || work(&own));
    until(|| db.stats().queued == place);
    thread
}

fn until(is_true: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < LIMIT, "waited too long");
        thread::yield_now();
    }
}
