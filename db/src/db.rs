//! The handle that the appliance holds: opens, reads, writes, rehearses, checks, copies, closes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::check;
use crate::connection;
use crate::copies;
use crate::error::Error;
use crate::handle::{Read, Tx};
use crate::job::{self, Company, Purpose};
use crate::migrations::{CORE, Migration};
use crate::open::{self, Opened, Options};
use crate::owned::{self, OwnerTx, Table};
use crate::owner::Owner;
use crate::owner_steps::{self, OwnerMigrated, OwnerStep};
use crate::queue::Queue;
use crate::readers::Readers;
use crate::refusal::OpenError;
use crate::scope::Scoped;
use crate::stats::Stats;
use crate::views::Views;
use crate::writer::{self, Shared};

/// How long a caller waits for room in the queue or for a free reader.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a plugin's query, or its statements in one write, may run.
const OWNER_TIME: Duration = Duration::from_secs(2);

/// An open database. Clones are handles to the same one; give each thread its own.
#[derive(Clone)]
pub struct Db {
    house: Arc<House>,
}

struct House {
    file: PathBuf,
    copies: PathBuf,
    owner_time: Duration,
    migrating: Mutex<()>,
    shared: Arc<Shared>,
    readers: Readers,
    writer: ThreadId,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("file", &self.house.file).finish_non_exhaustive()
    }
}

impl Db {
    /// Opens the database, or creates it with mode 0600, and brings its schema up to date.
    ///
    /// # Errors
    /// An [`OpenError`] that says what to do.
    pub fn open(options: Options) -> Result<(Self, Opened), OpenError> {
        Self::open_with(options, CORE, PATIENCE, OWNER_TIME)
    }

    /// `open` with other migrations and another patience, for tests.
    pub(crate) fn open_with(
        options: Options,
        list: &[Migration],
        patience: Duration,
        owner_time: Duration,
    ) -> Result<(Self, Opened), OpenError> {
        let (mut conn, opened) = open::open(&options, list)?;
        let (file, copies) = (options.file, options.copies);
        let views = Views::learn(&mut conn).map(Arc::new);
        let views = views.map_err(|error| OpenError::from_sqlite(&file, "reading its views", error))?;
        let conn = Scoped::new(conn, Arc::clone(&views));
        let conn = conn.map_err(|error| OpenError::from_sqlite(&file, "guarding its writer", error))?;
        let readers = Readers::open(&file, options.readers, patience, &views);
        let readers = readers.map_err(|error| OpenError::from_sqlite(&file, "opening its readers", error))?;
        let shared = Arc::new(Shared::new(Queue::new(options.queue, patience)));
        let thread = writer::start(conn, Arc::clone(&shared));
        let thread = thread.map_err(|error| OpenError::from_io(&file, "starting its writer", &error))?;
        let writer = thread.thread().id();
        let (thread, migrating) = (Mutex::new(Some(thread)), Mutex::new(()));
        let house = House { file, copies, owner_time, migrating, shared, readers, writer, thread };
        Ok((Self { house: Arc::new(house) }, opened))
    }

    /// Changes the database: all of `work`, or nothing of it if it answers an error or panics. When this returns `Ok`,
    /// the change is on the disk. `work` runs on the writer's thread while everybody else's writes wait: it computes
    /// and runs SQL, and never waits for anything else.
    ///
    /// # Errors
    /// `work`'s own, or an [`Error`] turned into `E`: no room in the queue for 5 s, closed, panic, failed commit.
    pub fn write<T, E>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.run(Purpose::Write, Company::Shared, work)
    }

    /// Runs `work` exactly as `write` would and answers the same, but always undoes its changes.
    ///
    /// # Errors
    /// As for `write`.
    pub fn rehearse<T, E>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.run(Purpose::Rehearse, Company::Shared, work)
    }

    /// Reads one consistent state: what others commit meanwhile is not seen. Runs on the caller's thread; a long
    /// `work` keeps the WAL from being emptied.
    ///
    /// # Errors
    /// `work`'s own, or an [`Error`] turned into `E`: no reader free for 5 s, closed, panic.
    pub fn read<T, E: From<Error>>(&self, work: impl FnOnce(&Read<'_>) -> Result<T, E>) -> Result<T, E> {
        let lease = self.house.readers.lend()?;
        let conn = lease.snapshot()?;
        job::guarded(|| work(&Read::new(conn)))
    }

    /// Reads as a plugin: its own tables and core's views. At most `limit` rows, 8 MiB and 2 s.
    ///
    /// # Errors
    /// `Denied`, `TooSlow`, `TooLarge`, and whatever SQLite refuses.
    pub fn query_as(
        &self,
        owner: &Owner,
        sql: &str,
        params: Vec<Value>,
        limit: usize,
    ) -> Result<Table, Error> {
        let lease = self.house.readers.lend()?;
        let conn = lease.snapshot()?;
        let deadline = Instant::now() + self.house.owner_time;
        job::guarded(|| owned::read(conn, owner, deadline, sql, params, limit))
    }

    /// Writes as `write` does, with a plugin's statements and core's in one transaction, which nobody shares: when the
    /// plugin's 2 s are over, SQLite undoes all of it.
    ///
    /// # Errors
    /// As for `write`.
    pub fn write_as<T, E>(
        &self,
        owner: &Owner,
        work: impl FnOnce(&OwnerTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.run_as(Purpose::Write, owner, work)
    }

    /// Runs `work` exactly as `write_as` would, but always undoes its changes.
    ///
    /// # Errors
    /// As for `write`.
    pub fn rehearse_as<T, E>(
        &self,
        owner: &Owner,
        work: impl FnOnce(&OwnerTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.run_as(Purpose::Rehearse, owner, work)
    }

    /// Brings a plugin's tables to the end of `steps`, in one transaction, after a copy of the whole database if the
    /// plugin had tables before.
    ///
    /// # Errors
    /// `Denied` for what a plugin may not do, `Migration` for what went wrong; the tables are then as they were.
    pub fn migrate_owner(&self, owner: &Owner, steps: &[OwnerStep]) -> Result<OwnerMigrated, Error> {
        // One at a time: the copies of one would be swept away by another.
        let _turn = self.house.migrating.lock().unwrap_or_else(PoisonError::into_inner);
        let from = self.read(|read| owner_steps::version(read, owner))?;
        let to = owner_steps::target(owner, from, steps)?;
        if from == to {
            return Ok(OwnerMigrated { from, to, copy: None });
        }
        let copy = match from {
            0 => None,
            _ => Some(copies::before_owner(&self.side()?, &self.house.copies, owner.id(), from, to)?),
        };
        let (owner, steps) = (owner.clone(), steps.to_vec());
        self.run(Purpose::Write, Company::Schema, move |tx| owner_steps::run(tx, &owner, &steps, from))?;
        Ok(OwnerMigrated { from, to, copy })
    }

    /// Counters of the writer.
    pub fn stats(&self) -> Stats {
        let shared = &self.house.shared;
        shared.counters.snapshot(shared.queue.len())
    }

    /// SQLite's quick check; an empty list means sound. Reads the whole file, occupies no reader.
    ///
    /// # Errors
    /// The check could not be made.
    pub fn quick_check(&self) -> Result<Vec<String>, Error> {
        check::quick(&self.side()?)
    }

    /// SQLite's full check and the check of references; an empty list means sound. Slower than `quick_check`.
    ///
    /// # Errors
    /// The check could not be made.
    pub fn integrity_check(&self) -> Result<Vec<String>, Error> {
        check::full(&self.side()?)
    }

    /// Copies the present state to `path`, which must not exist: a compact file of mode 0600, fully checked and on the
    /// disk when this returns. Reads and writes go on meanwhile.
    ///
    /// # Errors
    /// The copy could not be made, or the check found damage; then nothing is left at `path`.
    pub fn copy_to(&self, path: &Path) -> Result<(), Error> {
        copies::make(&self.side()?, path)
    }

    /// Refuses new work, finishes what waits, empties the WAL and ends the writer, within `deadline`.
    ///
    /// # Errors
    /// `Closed` if it was closed before; `Busy` if the deadline passed or a read was still running. Whatever was
    /// answered `Ok` is on the disk in every case.
    pub fn close(&self, deadline: Duration) -> Result<(), Error> {
        self.refuse_writer()?;
        let thread = self.house.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Err(Error::Closed) };
        let until = Instant::now() + deadline;
        // Half of the time is the writer's, who has what was asked to be kept.
        self.house.stop(deadline / 2);
        let left = until.saturating_duration_since(Instant::now());
        let Some(ending) = self.house.shared.ending.wait(left) else { return Err(too_slow(deadline)) };
        thread.join().map_err(|payload| Error::panicked(payload.as_ref()))?;
        ending
    }

    fn run<F, T, E>(&self, purpose: Purpose, company: Company, work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.refuse_writer()?;
        let (job, answer) = job::new(purpose, company, work);
        self.house.shared.queue.push(job)?;
        // No time limit: whoever gave up here would not know whether the change was saved. `Stats::running_for` tells
        // the watchdog when a job or the disk hangs.
        answer.recv().unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    fn run_as<F, T, E>(&self, purpose: Purpose, owner: &Owner, work: F) -> Result<T, E>
    where
        F: FnOnce(&OwnerTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (owner, time) = (owner.clone(), self.house.owner_time);
        self.run(purpose, Company::Alone, move |tx| work(&OwnerTx::new(tx, &owner, time)))
    }

    /// A write or a close from inside a write would wait for itself for ever.
    fn refuse_writer(&self) -> Result<(), Error> {
        if thread::current().id() != self.house.writer {
            return Ok(());
        }
        Err(Error::other(
            "a write or close was started inside a write; use the handle that the write was given",
        ))
    }

    fn side(&self) -> Result<Connection, Error> {
        if !self.house.shared.queue.is_open() {
            return Err(Error::Closed);
        }
        Ok(connection::side(&self.house.file)?)
    }
}

impl House {
    fn stop(&self, reads: Duration) {
        self.shared.queue.close();
        self.readers.close(reads);
    }
}

/// The last handle is gone: nobody waits any more, so the writer finds its queue empty and ends by itself.
impl Drop for House {
    fn drop(&mut self) {
        // Whoever reads holds a handle, so nobody does.
        self.stop(Duration::ZERO);
    }
}

fn too_slow(deadline: Duration) -> Error {
    Error::busy(format_args!(
        "The database writer was still at work after {} s; everything that was acknowledged is on the disk, and the rest is undone at the next start.",
        deadline.as_secs()
    ))
}
