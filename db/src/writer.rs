//! The one thread that changes the file. It takes whatever waits, undoes a failed job alone, commits the rest together,
//! and only then answers: many callers share the price of one trip to the disk.
//!
//! The queue, the job and the counters have their own files.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::Error;
use crate::handle::Tx;
use crate::job::{Company, Job, Verdict};
use crate::queue::Queue;
use crate::scope::Scoped;
use crate::stats::Counters;

/// Jobs that share one commit, at most: bounds what a failing commit takes with it.
const GROUP: usize = 256;

const KEEP_BOTH: &str =
    "the database's -wal file was not emptied at the end; nothing is lost, keep both files together.";

/// What the writer's thread and the handles share.
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) counters: Counters,
    pub(crate) ending: Ending,
}

/// How the writer ended, once it has.
#[derive(Default)]
pub(crate) struct Ending {
    result: Mutex<Option<Result<(), Error>>>,
    told: Condvar,
}

struct Writer {
    conn: Scoped,
    shared: Arc<Shared>,
}

/// Jobs that stand or fall together.
#[derive(Default)]
struct Group {
    jobs: Vec<Box<dyn Job>>,
    kept: u64,
    refused: u64,
}

/// Tells that the writer is gone, even if it ends by a panic.
struct Farewell(Arc<Shared>);

impl Shared {
    pub(crate) fn new(queue: Queue) -> Self {
        Self { queue, counters: Counters::default(), ending: Ending::default() }
    }
}

/// Starts the thread `db-writer`, which ends when the queue is closed and empty.
pub(crate) fn start(conn: Scoped, shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let name = thread::Builder::new().name("db-writer".to_owned());
    name.spawn(move || {
        let farewell = Farewell(Arc::clone(&shared));
        let result = Writer { conn, shared }.work();
        farewell.0.ending.tell(result);
    })
}

impl Writer {
    fn work(self) -> Result<(), Error> {
        while let Some(mut waiting) = self.shared.queue.take(GROUP) {
            while !waiting.is_empty() {
                self.run_group(&mut waiting);
            }
            self.shared.counters.rests();
        }
        let checkpointed = checkpoint(&self.conn);
        let closed = self.conn.close();
        checkpointed.and(closed)
    }

    /// Runs jobs from the front until all are done or their transaction is lost, then answers those it ran.
    fn run_group(&self, waiting: &mut VecDeque<Box<dyn Job>>) {
        let mut group = Group::default();
        let company = waiting.front().map_or(Company::Shared, |job| job.company());
        let outcome = self.prepare(company).and_then(|()| self.transact(waiting, &mut group));
        self.undo();
        self.enforce(company);
        if group.jobs.is_empty() {
            // The transaction did not even begin, so none of those that wait can do better.
            group.jobs.extend(waiting.drain(..));
        }
        self.count(&group, &outcome);
        for job in group.jobs {
            job.answer(outcome.clone());
        }
        if let Err(error) = self.conn.give_room_back() {
            log::warn!(
                "The memory of a large write was not given back ({error}); the next large one uses it again."
            );
        }
    }

    fn transact(&self, waiting: &mut VecDeque<Box<dyn Job>>, group: &mut Group) -> Result<(), Error> {
        self.step("BEGIN IMMEDIATE")?;
        while let Some(mut job) = group.next(waiting) {
            let has_neighbours = group.kept > 0;
            let verdict = self.run_job(job.as_mut(), has_neighbours);
            group.jobs.push(job);
            group.count(verdict?);
        }
        self.step(if group.kept > 0 { "COMMIT" } else { "ROLLBACK" })
    }

    /// A savepoint keeps a copy of each page that is changed after it, so a job has one only where neighbours' changes
    /// would be lost with its own.
    fn run_job(&self, job: &mut dyn Job, has_neighbours: bool) -> Result<Verdict, Error> {
        if has_neighbours {
            self.step("SAVEPOINT job")?;
        }
        let tx = Tx::new(&self.conn, Some(&self.shared.counters));
        let verdict = job.run(&tx);
        // A grave fault ends the whole transaction, with all that the group has done so far.
        if self.conn.is_autocommit() {
            return Err(tx.last_error().unwrap_or_else(Error::given_up));
        }
        let ends: &[&str] = match (verdict, has_neighbours) {
            (Verdict::Keep, false) => &[],
            (Verdict::Keep, true) => &["RELEASE job"],
            (_, false) => &["ROLLBACK", "BEGIN IMMEDIATE"],
            (_, true) => &["ROLLBACK TO job", "RELEASE job"],
        };
        ends.iter().try_for_each(|end| self.step(end))?;
        Ok(verdict)
    }

    /// Rebuilding a table needs references unenforced, which cannot be switched inside a transaction
    /// (<https://sqlite.org/lang_altertable.html> section 7).
    fn prepare(&self, company: Company) -> Result<(), Error> {
        if company != Company::Schema {
            return Ok(());
        }
        self.pragma("PRAGMA foreign_keys=OFF")
    }

    fn enforce(&self, company: Company) {
        if company != Company::Schema {
            return;
        }
        if let Err(error) = self.pragma("PRAGMA foreign_keys=ON") {
            log::error!("References are not enforced any more ({error}); restart the service.");
        }
    }

    /// One of the writer's own statements; each restarts the watchdog's clock.
    fn step(&self, sql: &str) -> Result<(), Error> {
        self.shared.counters.starts();
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// A switch, which acts while it is prepared (<https://sqlite.org/pragma.html>) and so is never a cached statement.
    fn pragma(&self, sql: &str) -> Result<(), Error> {
        Ok(self.conn.execute_batch(sql)?)
    }

    /// Ends a transaction that could not be committed; after a commit there is none.
    fn undo(&self) {
        if self.conn.is_autocommit() {
            return;
        }
        if let Err(error) = self.conn.execute_batch("ROLLBACK") {
            log::error!(
                "Undoing a failed group of changes was refused ({error}); restart the service if writes keep failing."
            );
        }
    }

    fn count(&self, group: &Group, outcome: &Result<(), Error>) {
        let counters = &self.shared.counters;
        if outcome.is_err() {
            return counters.failed(group.jobs.len() as u64);
        }
        counters.failed(group.refused);
        if group.kept > 0 {
            counters.committed(group.kept);
        }
    }
}

impl Group {
    /// The next job that may share this transaction.
    fn next(&self, waiting: &mut VecDeque<Box<dyn Job>>) -> Option<Box<dyn Job>> {
        let company = waiting.front()?.company();
        let is_open = self
            .jobs
            .first()
            .is_none_or(|first| first.company() == Company::Shared && company == Company::Shared);
        if is_open { waiting.pop_front() } else { None }
    }

    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Keep => self.kept += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::Rehearsed => {}
        }
    }
}

/// Moves the whole WAL into the database and empties it, so that the file alone is complete.
fn checkpoint(conn: &Connection) -> Result<(), Error> {
    match conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)) {
        Ok(false) => Ok(()),
        Ok(true) => Err(Error::busy(format_args!("A read was still running, so {KEEP_BOTH}"))),
        Err(error) => Err(Error::other(format_args!("writing the file failed ({error}), so {KEEP_BOTH}"))),
    }
}

impl Ending {
    /// Waits until the writer has ended; `None` if it takes longer than `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> Option<Result<(), Error>> {
        let waited = self.told.wait_timeout_while(self.lock(), limit, |result| result.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn tell(&self, result: Result<(), Error>) {
        if let Err(error) = &result {
            log::warn!("The database writer ended with a complaint: {error}");
        }
        self.lock().get_or_insert(result);
        self.told.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Result<(), Error>>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.queue.abandon();
        if thread::panicking() {
            self.0
                .ending
                .tell(Err(Error::other("the writer's thread panicked; restart the service and report it")));
        }
    }
}
