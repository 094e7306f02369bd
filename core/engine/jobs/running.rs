//! Jobs at work: which one is next, on which thread it runs, and how it ended. One thread looks for jobs; each that
//! runs has one of its own, and no plugin has more than a few, so that jobs that hang keep no other's waiting.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::Builder;
use std::time::Duration;

use jackfield_abi::ops::{self, Code, Failure};
use jackfield_db::{Read, Tx, params};
use serde_json::json;

use super::{Ended, Halt, OWN, Order, Work, find_own};
use crate::catalog::problems::Problem;
use crate::engine::{Engine, clock};

/// Jobs that run at the same time.
const MOST: usize = 8;
/// Jobs of one plugin that run at the same time; of the appliance itself as well.
const MOST_OF_ONE: i64 = 2;
/// Longest time for one job.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Starts the thread that looks for jobs. Jobs that ran when the appliance ended last go on where they can, and are marked
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
    let engine = Arc::downgrade(engine);
    let spawned = Builder::new().name("jobs".to_owned()).spawn(move || work(&engine));
    spawned.map(drop).map_err(|e| format!("Cannot start the thread of jobs: {e}."))
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
    let at_work = Arc::new(AtomicUsize::new(0));
    while let Some(engine) = engine.upgrade().filter(|engine| !engine.jobs.has_ended()) {
        let times = engine.jobs.times();
        let has_room = at_work.load(Ordering::Acquire) < MOST;
        let goes_on = match has_room.then(|| next(&engine)) {
            Some(Ok(Some((id, order)))) => {
                employ(&engine, &at_work, id, order);
                true
            }
            Some(Ok(None)) | None => engine.jobs.wait(times),
            Some(Err(problem)) => {
                log::warn!("cannot look for jobs: {}", problem.detail);
                engine.jobs.wait(times)
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// Runs a job on a thread of its own.
fn employ(engine: &Arc<Engine>, at_work: &Arc<AtomicUsize>, id: String, order: Order) {
    at_work.fetch_add(1, Ordering::AcqRel);
    let (worker, place, job) = (Arc::clone(engine), Arc::clone(at_work), id.clone());
    let runs = move || {
        run(&worker, &job, &order);
        place.fetch_sub(1, Ordering::AcqRel);
        worker.jobs.rouse();
    };
    if let Err(cause) = Builder::new().name("job".to_owned()).spawn(runs) {
        at_work.fetch_sub(1, Ordering::AcqRel);
        close(engine, &id, "failed", format!("no thread could be started for it: {cause}"), None);
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

/// The oldest job that waits of those whose plugin has a place for it.
fn waiting(read: &Read<'_>) -> Result<Option<String>, Problem> {
    let sql = "SELECT id FROM job WHERE state = 'queued' AND ?1 >
                   (SELECT count(*) FROM job AS busy WHERE busy.state = 'running' AND busy.plugin = job.plugin)
               ORDER BY seq LIMIT 1";
    Ok(read.one(sql, params![MOST_OF_ONE], |row| row.get(0))?)
}

/// That job, which is running from now on and so has one owner.
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
    let args = json!({"job": id, "name": order.name, "input": order.input, "who": order.who});
    let outcome = match engine.plugins.get() {
        Some(host) => {
            let goes_on = || engine.jobs.is_awaited(id);
            host.request_while(&order.plugin, ops::JOB_RUN, &args, LONGEST, &goes_on)
        }
        None => Err(Failure::new(ops::Code::Unavailable, "no plugins are supervised")),
    };
    let progress = engine.jobs.ends(id);
    match (outcome, progress.cancelled) {
        (Ok(value), None) => close(engine, id, "done", progress.note, Some(value["result"].to_string())),
        (Err(failure), None) => close(engine, id, "failed", failure.msg, None),
        (Err(failure), Some(_)) if failure.code == Code::Timeout => {
            let note = format!("cancelled while it ran, but {} has not ended it", order.plugin);
            close(engine, id, "cancelled", note, None)
        }
        (_, Some(_)) => close(engine, id, "cancelled", "cancelled while it ran".to_owned(), None),
    }
}

fn run_own(engine: &Arc<Engine>, id: &str, order: &Order) {
    let Some(own) = find_own(&order.name) else {
        return close(engine, id, "failed", format!("this version has no job {}", order.name), None);
    };
    let outcome = (own.run)(&Work { engine, id, input: &order.input, who: &order.who });
    let progress = engine.jobs.ends(id);
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
