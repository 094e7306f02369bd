//! Jobs: work of plugins and of the appliance itself that takes longer than a request. A job is queued durably before it is acknowledged,
//! run (`running.rs`), and kept for the history. Progress lives in memory.

mod own;
mod running;

use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jackfield_db::{Read, Row, RowResult, Tx, params};
use serde_json::{Value, json};

use super::secrets::random_text;
use super::{Engine, clock};
use crate::catalog::problems::{NOT_FOUND, Problem};
use crate::catalog::shape::Object;

pub use own::{Ended, Halt, OWN, OwnJob, Work, find as find_own};
pub use running::begin;

/// How long a plugin may tell nothing of a job that it runs.
const SILENCE: Duration = Duration::from_secs(3600);
/// How long it may go on with one that was cancelled.
const LAST_CHANCE: Duration = Duration::from_secs(30);
/// How often the thread of jobs looks whether the appliance is ending.
const LOOK_UP: Duration = Duration::from_secs(1);
/// Jobs that are kept for the history.
const KEPT: i64 = 1000;
const COLUMNS: &str = "id, plugin, name, input, who, state, note, result, created_at, started_at, ended_at";

/// How far a running job is.
#[derive(Debug, Clone)]
struct Progress {
    done: u64,
    total: u64,
    note: String,
    /// When that was told, or the job began.
    told: Instant,
    /// When somebody asked it to end.
    cancelled: Option<Instant>,
}

impl Progress {
    fn begun(now: Instant) -> Self {
        Self { done: 0, total: 0, note: String::new(), told: now, cancelled: None }
    }

    /// Whether a plugin's answer is still to be waited for.
    fn is_awaited(&self, now: Instant) -> bool {
        let for_less = |since: Instant, most: Duration| now.duration_since(since) < most;
        for_less(self.told, SILENCE) && self.cancelled.is_none_or(|at| for_less(at, LAST_CHANCE))
    }
}

/// What jobs need to know of each other.
#[derive(Default)]
pub struct Jobs {
    running: Mutex<HashMap<String, Progress>>,
    /// Jobs that were taken, or are about to be, when somebody asked them to end.
    unwanted: Mutex<HashSet<String>>,
    owner: OnceLock<String>,
    signal: Mutex<Signal>,
    given: Condvar,
}

/// What the thread of jobs waits for.
#[derive(Default)]
struct Signal {
    has_ended: bool,
    /// How often it was roused: what comes while it looks is not missed.
    times: u64,
}

/// What to do.
#[derive(Debug, Clone)]
pub struct Order {
    /// Plugin that does it; [`OWN`]: the appliance itself.
    pub plugin: String,
    /// Which of its jobs.
    pub name: String,
    /// Whatever the job takes.
    pub input: Value,
    /// Who asked for it.
    pub who: String,
}

impl Jobs {
    fn running(&self) -> MutexGuard<'_, HashMap<String, Progress>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a job to end that runs, or that is just about to begin.
    fn ask_to_end(&self, job: &str) {
        let mut running = self.running();
        match running.get_mut(job) {
            Some(progress) => drop(progress.cancelled.get_or_insert_with(Instant::now)),
            // Still under the lock that beginning takes, so that one of the two sees the other.
            None => drop(self.unwanted().insert(job.to_owned())),
        }
    }

    /// A job begins, unless somebody asked it to end meanwhile.
    fn begins(&self, job: &str) -> bool {
        let mut running = self.running();
        let is_wanted = !self.unwanted().remove(job);
        if is_wanted {
            running.insert(job.to_owned(), Progress::begun(Instant::now()));
        }
        is_wanted
    }

    fn unwanted(&self) -> MutexGuard<'_, HashSet<String>> {
        self.unwanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how far a job is; answers whether it shall end.
    pub fn note_progress(&self, job: &str, done: u64, total: u64, note: &str) -> Option<bool> {
        let mut running = self.running();
        let progress = running.get_mut(job)?;
        (progress.done, progress.total, progress.note) = (done, total, note.chars().take(200).collect());
        progress.told = Instant::now();
        Some(progress.cancelled.is_some())
    }

    /// Whether the answer of the plugin that runs a job is still to be waited for.
    fn is_awaited(&self, job: &str) -> bool {
        self.running().get(job).is_some_and(|progress| progress.is_awaited(Instant::now()))
    }

    /// A job has ended; how far it was.
    fn ends(&self, job: &str) -> Progress {
        let progress = self.running().remove(job);
        self.unwanted().remove(job);
        progress.unwrap_or_else(|| Progress::begun(Instant::now()))
    }

    /// Wakes the thread of jobs, for a new one, a free place, or the end.
    pub fn rouse(&self) {
        self.signal().times += 1;
        self.given.notify_all();
    }

    /// Lets no more jobs begin.
    pub fn end(&self) {
        self.signal().has_ended = true;
        self.rouse();
    }

    /// Stands for this process as the one owner of the jobs that it runs.
    fn owner(&self) -> String {
        let named = || random_text().unwrap_or_else(|_| format!("process {}", std::process::id()));
        self.owner.get_or_init(named).clone()
    }

    fn has_ended(&self) -> bool {
        self.signal().has_ended
    }

    /// Waits for a moment; whether the appliance goes on.
    pub fn pause(&self) -> bool {
        self.wait(self.times())
    }

    fn times(&self) -> u64 {
        self.signal().times
    }

    /// Waits until it is roused once more than so often; whether there is any sense in looking for a job.
    fn wait(&self, times: u64) -> bool {
        let quiet = |signal: &mut Signal| signal.times == times && !signal.has_ended;
        let waited = self.given.wait_timeout_while(self.signal(), LOOK_UP, quiet);
        !waited.unwrap_or_else(PoisonError::into_inner).0.has_ended
    }

    fn signal(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Queues a job and says how it is; whoever queues it rouses the thread of jobs once that is durable.
pub fn queue(tx: &Tx<'_>, order: &Order) -> Result<Object, Problem> {
    queue_as(tx, &new_id()?, order)
}

/// A fresh id for a job.
pub fn new_id() -> Result<String, Problem> {
    Ok(format!("job-{}", &random_text()?[..12]))
}

/// Queues a job under an id that was made before.
pub fn queue_as(tx: &Tx<'_>, id: &str, order: &Order) -> Result<Object, Problem> {
    let Order { plugin, name, input, who } = order;
    let sql = "INSERT INTO job (id, plugin, name, input, who, state, note, created_at)
               VALUES (?1, ?2, ?3, ?4, ?5, 'queued', '', ?6)";
    tx.execute(sql, params![id, plugin, name, input.to_string(), who, clock::now()])?;
    let old = "DELETE FROM job WHERE ended_at IS NOT NULL AND seq <= (SELECT max(seq) - ?1 FROM job)";
    tx.execute(old, params![KEPT])?;
    stored(tx, id)
}

/// The job of that id.
pub fn get(engine: &Engine, read: &Read<'_>, id: &str) -> Result<Object, Problem> {
    Ok(with_progress(engine, stored(read, id)?))
}

fn stored(read: &Read<'_>, id: &str) -> Result<Object, Problem> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE id = ?1");
    let found = read.one(&sql, params![id], shown)?;
    found.ok_or_else(|| Problem::new(NOT_FOUND, format!("There is no job {id:?}.")))
}

/// Jobs, newest first.
pub fn list(
    engine: &Engine,
    read: &Read<'_>,
    before: Option<i64>,
    limit: usize,
) -> Result<(Vec<Object>, Option<i64>), Problem> {
    let sql = format!("SELECT {COLUMNS}, seq FROM job WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let bound = params![before.unwrap_or(i64::MAX), one_more];
    let mut found = read.all(&sql, bound, |row| Ok((shown(row)?, row.get::<_, i64>(11)?)))?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().map(|(_, seq)| *seq).filter(|_| has_more);
    Ok((found.into_iter().map(|(job, _)| with_progress(engine, job)).collect(), next))
}

fn shown(row: &Row<'_>) -> RowResult<Object> {
    let parsed = |text: Option<String>| text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let value = json!({
        "id": row.get::<_, String>(0)?, "plugin": row.get::<_, String>(1)?, "name": row.get::<_, String>(2)?,
        "input": parsed(row.get(3)?), "who": row.get::<_, String>(4)?, "state": row.get::<_, String>(5)?,
        "note": row.get::<_, String>(6)?, "done": null, "total": null, "result": parsed(row.get(7)?),
        "created_at": row.get::<_, String>(8)?, "started_at": row.get::<_, Option<String>>(9)?,
        "ended_at": row.get::<_, Option<String>>(10)?,
    });
    Ok(value.as_object().cloned().unwrap_or_default())
}

fn with_progress(engine: &Engine, mut job: Object) -> Object {
    let id = super::objects::text(&job, "id").to_owned();
    if let Some(progress) = engine.jobs.running().get(&id) {
        job.insert("done".to_owned(), progress.done.into());
        job.insert("total".to_owned(), progress.total.into());
        job.insert("note".to_owned(), progress.note.as_str().into());
    }
    job
}

/// Asks a job to end. One that waits ends at once; one that runs ends when its plugin next tells its progress, or is given
/// up when that does not come.
pub fn cancel(engine: &Engine, id: &str) -> Result<Object, Problem> {
    let job = engine.db.read(|read| get(engine, read, id))?;
    if !job.get("ended_at").is_some_and(Value::is_null) {
        return Ok(job);
    }
    engine.jobs.ask_to_end(id);
    let waiting = id.to_owned();
    let ended = engine.db.write(move |tx| {
        let sql = "UPDATE job SET state = 'cancelled', note = 'cancelled before it began', ended_at = ?2
                   WHERE id = ?1 AND state = 'queued'";
        Ok::<_, Problem>(tx.execute(sql, params![waiting, clock::now()])?)
    })?;
    if ended > 0 {
        engine.jobs.unwanted().remove(id);
    }
    engine.db.read(|read| get(engine, read, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_awaited_while_it_tells_something_and_a_little_longer_when_it_was_cancelled() {
        let begun = Instant::now();
        let second = Duration::from_secs(1);
        let cancelled = |after: u32| Some(begun + after * second);
        let rows = [
            (None, second, true),
            (None, SILENCE - second, true),
            (None, SILENCE, false),
            (cancelled(60), 60 * second + LAST_CHANCE - second, true),
            (cancelled(60), 60 * second + LAST_CHANCE, false),
            (cancelled(3599), SILENCE, false),
        ];
        for (cancelled, passed, expected) in rows {
            let progress = Progress { cancelled, ..Progress::begun(begun) };
            assert_eq!(progress.is_awaited(begun + passed), expected, "{cancelled:?} {passed:?}");
        }
    }
}
