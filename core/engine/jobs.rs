//! Jobs: work of plugins and of the appliance itself that takes longer than a request. A job is queued durably before it is acknowledged,
//! run by one of a few threads, and kept for the history. Progress lives in memory.

mod own;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::Builder;
use std::time::Duration;

use jackfield_abi::ops::{self, Failure};
use jackfield_db::{Read, Row, RowResult, Tx, params};
use serde_json::{Value, json};

use super::secrets::random_text;
use super::{Engine, clock};
use crate::catalog::problems::{NOT_FOUND, Problem};
use crate::catalog::shape::Object;

pub use own::{Ended, Halt, OWN, OwnJob, Work, find as find_own};

/// Jobs that run at the same time.
const THREADS: usize = 2;
/// Longest time for one job.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How often an idle thread looks whether the appliance is ending.
const LOOK_UP: Duration = Duration::from_secs(1);
/// Jobs that are kept for the history.
const KEPT: i64 = 1000;
const COLUMNS: &str = "id, plugin, name, input, who, state, note, result, created_at, started_at, ended_at";

/// How far a running job is.
#[derive(Debug, Clone, Default)]
struct Progress {
    done: u64,
    total: u64,
    note: String,
    is_cancelled: bool,
}

/// What jobs need to know of each other.
#[derive(Default)]
pub struct Jobs {
    running: Mutex<HashMap<String, Progress>>,
    /// Jobs that were taken, or are about to be, when somebody asked them to end.
    unwanted: Mutex<HashSet<String>>,
    has_ended: Mutex<bool>,
    owner: OnceLock<String>,
    wake: Condvar,
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
            Some(progress) => progress.is_cancelled = true,
            // Still under the lock that beginning takes, so that one of the two sees the other.
            None => drop(self.unwanted().insert(job.to_owned())),
        }
    }

    /// A job begins, unless somebody asked it to end meanwhile.
    fn begins(&self, job: &str) -> bool {
        let mut running = self.running();
        let is_wanted = !self.unwanted().remove(job);
        if is_wanted {
            running.insert(job.to_owned(), Progress::default());
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
        Some(progress.is_cancelled)
    }

    /// Wakes the threads, for a new job or for the end.
    pub fn rouse(&self) {
        self.wake.notify_all();
    }

    /// Lets the threads end once they are idle.
    pub fn end(&self) {
        *self.has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.rouse();
    }

    /// Stands for this process as the one owner of the jobs that it runs.
    fn owner(&self) -> String {
        let named = || random_text().unwrap_or_else(|_| format!("process {}", std::process::id()));
        self.owner.get_or_init(named).clone()
    }

    fn has_ended(&self) -> bool {
        *self.has_ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a moment; whether the appliance goes on.
    pub fn pause(&self) -> bool {
        self.wait()
    }

    /// Waits for a new job; whether there is any sense in looking for one.
    fn wait(&self) -> bool {
        let ended = self.has_ended.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, _) = self.wake.wait_timeout(ended, LOOK_UP).unwrap_or_else(PoisonError::into_inner);
        !*ended
    }
}

/// Queues a job and says how it is; whoever queues it rouses the threads once that is durable.
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

/// Asks a job to end. One that waits ends at once; one that runs ends when its plugin next tells its progress.
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

/// Starts the threads that run jobs. Jobs that ran when the appliance ended last go on where they can, and are marked
/// as interrupted otherwise: only one process has the state folder open, so their owner is gone.
pub fn begin(engine: &Arc<Engine>) -> Result<(), String> {
    let taken_over = engine.db.write(|tx| {
        let sql = "SELECT id, plugin, name, input FROM job WHERE state = 'running'";
        let left = tx.all(sql, params![], |row| {
            let input = serde_json::from_str(&row.get::<_, String>(3)?).unwrap_or_default();
            let (plugin, name, who) = (row.get(1)?, row.get(2)?, String::new());
            Ok((row.get::<_, String>(0)?, Order { plugin, name, input, who }))
        })?;
        left.iter().try_for_each(|(id, order)| take_over(tx, id, order))
    });
    taken_over.map_err(|problem| problem.detail)?;
    for n in 1..=THREADS {
        let engine = Arc::downgrade(engine);
        let spawned = Builder::new().name(format!("job-{n}")).spawn(move || work(&engine));
        spawned.map_err(|e| format!("Cannot start a thread for jobs: {e}."))?;
    }
    Ok(())
}

fn take_over(tx: &Tx<'_>, id: &str, order: &Order) -> Result<(), Problem> {
    let own = find_own(&order.name).filter(|_| order.plugin == OWN);
    let stopped = "the appliance stopped while it ran";
    let (state, note, ended) = match own {
        Some(own) if (own.goes_on)(&order.input) => ("queued", format!("{stopped}; it goes on"), None),
        Some(own) => ("interrupted", format!("{stopped}; {}", own.left), Some(clock::now())),
        None => ("interrupted", stopped.to_owned(), Some(clock::now())),
    };
    let sql = "UPDATE job SET state = ?2, note = ?3, ended_at = ?4, owner = NULL WHERE id = ?1";
    tx.execute(sql, params![id, state, note, ended])?;
    Ok(())
}

fn work(engine: &Weak<Engine>) {
    while let Some(engine) = engine.upgrade().filter(|engine| !engine.jobs.has_ended()) {
        match next(&engine) {
            Ok(Some((id, order))) => run(&engine, &id, &order),
            Ok(None) if engine.jobs.wait() => {}
            Ok(None) => return,
            Err(problem) => {
                log::warn!("cannot look for jobs: {}", problem.detail);
                if !engine.jobs.wait() {
                    return;
                }
            }
        }
    }
}

/// Takes a job if one waits. Looking costs no write: it is done every second, and mostly in vain.
fn next(engine: &Engine) -> Result<Option<(String, Order)>, Problem> {
    if engine.db.read(waiting)?.is_none() {
        return Ok(None);
    }
    let owner = engine.jobs.owner();
    engine.db.write(move |tx| take(tx, &owner))
}

/// The oldest job that waits.
fn waiting(read: &Read<'_>) -> Result<Option<String>, Problem> {
    let sql = "SELECT id FROM job WHERE state = 'queued' ORDER BY seq LIMIT 1";
    Ok(read.one(sql, params![], |row| row.get(0))?)
}

/// The oldest job that waits, which is running from now on and so has one owner.
fn take(tx: &Tx<'_>, owner: &str) -> Result<Option<(String, Order)>, Problem> {
    let Some(id) = waiting(tx)? else { return Ok(None) };
    let sql = "UPDATE job SET state = 'running', started_at = ?2, owner = ?3 WHERE id = ?1 RETURNING plugin, name, input, who";
    let order = tx.one(sql, params![id, clock::now(), owner], |row| {
        let input: String = row.get(2)?;
        let input = serde_json::from_str(&input).unwrap_or_default();
        Ok(Order { plugin: row.get(0)?, name: row.get(1)?, input, who: row.get(3)? })
    })?;
    Ok(order.map(|order| (id, order)))
}

fn run(engine: &Arc<Engine>, id: &str, order: &Order) {
    if engine.jobs.has_ended() {
        return put_back(engine, id);
    }
    if !engine.jobs.begins(id) {
        return close(engine, id, "cancelled", "cancelled before it began".to_owned(), None);
    }
    if order.plugin == OWN {
        return run_own(engine, id, order);
    }
    let args = json!({"job": id, "name": order.name, "input": order.input});
    let outcome = match engine.plugins.get() {
        Some(host) => host.request(&order.plugin, ops::JOB_RUN, &args, LONGEST),
        None => Err(Failure::new(ops::Code::Unavailable, "no plugins are supervised")),
    };
    let progress = engine.jobs.running().remove(id).unwrap_or_default();
    engine.jobs.unwanted().remove(id);
    match outcome {
        Ok(value) if !progress.is_cancelled => {
            close(engine, id, "done", progress.note, Some(value["result"].to_string()))
        }
        Err(failure) if !progress.is_cancelled => close(engine, id, "failed", failure.msg, None),
        _ => close(engine, id, "cancelled", "cancelled while it ran".to_owned(), None),
    }
}

fn run_own(engine: &Arc<Engine>, id: &str, order: &Order) {
    let Some(own) = find_own(&order.name) else {
        return close(engine, id, "failed", format!("this version has no job {}", order.name), None);
    };
    let outcome = (own.run)(&Work { engine, id, input: &order.input, who: &order.who });
    let progress = engine.jobs.running().remove(id).unwrap_or_default();
    engine.jobs.unwanted().remove(id);
    match outcome {
        Ok(result) => close(engine, id, "done", progress.note, Some(result.to_string())),
        Err(Ended::Failed(problem)) => close(engine, id, "failed", problem.detail, None),
        Err(Ended::Halted(Halt::Cancelled)) => {
            close(engine, id, "cancelled", format!("cancelled while it ran; {}", own.left), None)
        }
        Err(Ended::Halted(Halt::Stopping)) if (own.goes_on)(&order.input) => put_back(engine, id),
        Err(Ended::Halted(Halt::Stopping)) => close(
            engine,
            id,
            "interrupted",
            format!("the appliance stopped while it ran; {}", own.left),
            None,
        ),
    }
}

/// Writes down how a job ended. A job of the appliance's own may have kept its result already.
fn close(engine: &Engine, id: &str, state: &'static str, note: String, result: Option<String>) {
    let wanted = id.to_owned();
    let kept = engine.db.write(move |tx| {
        let sql = "UPDATE job SET state = ?2, note = ?3, result = coalesce(?4, result), ended_at = ?5 WHERE id = ?1";
        tx.execute(sql, params![wanted, state, note, result, clock::now()])
    });
    if let Err(cause) = kept {
        log::error!("cannot keep how the job {id} ended ({state}): {cause}");
    }
}

/// A job that was taken while the appliance began to stop has not begun: it waits for the next start.
fn put_back(engine: &Engine, id: &str) {
    let wanted = id.to_owned();
    let sql = "UPDATE job SET state = 'queued', started_at = NULL, owner = NULL WHERE id = ?1";
    if let Err(cause) = engine.db.write(move |tx| tx.execute(sql, params![wanted])) {
        log::error!("cannot put the job {id} back into the queue: {cause}");
    }
}
