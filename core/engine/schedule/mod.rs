//! Schedules at work: one thread looks which are due and queues their jobs. Noting the next day and queueing the job is
//! one transaction, so that a kill neither loses nor repeats a run. Leaves out the jobs themselves.

mod plan;
#[cfg(test)]
mod plan_tests;
pub mod plans;

use std::sync::{Arc, Weak};
use std::thread::Builder;

use jackfield_db::{Read, Tx, params};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::jobs::{self, Order};
use super::objects::{SCHEDULES, text};
use super::{Engine, fault};
use crate::catalog::problems::Problem;
use crate::catalog::settings::SITE_TIME_ZONE;
use crate::catalog::shape::Object;

pub use plan::{Plan, Verdict};

/// Starts the thread that looks which schedules are due.
pub fn begin(engine: &Arc<Engine>) -> Result<(), String> {
    let engine = Arc::downgrade(engine);
    let spawned = Builder::new().name("schedule".to_owned()).spawn(move || watch(&engine));
    spawned.map(drop).map_err(|e| format!("Cannot start the thread that looks at schedules: {e}."))
}

/// By the wall clock, which may jump: so it looks again and again instead of sleeping until something is due.
fn watch(engine: &Weak<Engine>) {
    while let Some(engine) = engine.upgrade() {
        if let Err(problem) = tick(&engine, Timestamp::now()) {
            log::warn!("cannot look at the schedules: {}", problem.detail);
        }
        if !engine.jobs.pause() {
            return;
        }
    }
}

/// The time zone that schedules are meant in.
pub fn zone(read: &Read<'_>) -> Result<TimeZone, Problem> {
    let sql = "SELECT value ->> '$' FROM setting WHERE name = ?1";
    let name = read.one(sql, params![SITE_TIME_ZONE], |row| row.get::<_, String>(0))?;
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(&name).map_err(|e| fault("read the site's time zone", &e.to_string()))
}

/// The plan that a schedule's fields say.
pub fn plan_of(schedule: &Object) -> Option<Plan> {
    let number = |field: &str| schedule.get(field).and_then(Value::as_i64);
    Plan::new(number("every_days")?, number("hour")?, number("minute")?, text(schedule, "half") == "PM")
}

/// Queues what is due.
fn tick(engine: &Engine, now: Timestamp) -> Result<(), Problem> {
    let noted = engine.db.read(|read| waiting(read, now))?;
    let mut has_queued = false;
    for id in noted {
        has_queued |= engine.db.write(move |tx| look_at(tx, &id, now))?;
    }
    has_queued |= plans::tick(engine, now)?;
    if has_queued {
        engine.jobs.rouse();
    }
    Ok(())
}

/// The schedules about which something is to be done: due, to be mended, or shown with another instant than is right.
fn waiting(read: &Read<'_>, now: Timestamp) -> Result<Vec<String>, Problem> {
    let ids =
        read.all("SELECT id FROM schedule WHERE enabled = 1", params![], |row| row.get::<_, String>(0))?;
    if ids.is_empty() {
        return Ok(ids);
    }
    let zone = zone(read)?;
    let mut found = Vec::new();
    for id in ids {
        let schedule = SCHEDULES.get(read, &id)?;
        let is_settled = match verdict(&schedule, now, &zone) {
            Some(Verdict::Wait(due)) => text(&schedule, "next_at") == shown(due),
            _ => false,
        };
        found.extend((!is_settled).then_some(id));
    }
    Ok(found)
}

fn verdict(schedule: &Object, now: Timestamp, zone: &TimeZone) -> Option<Verdict> {
    let noted: Date = text(schedule, "next_on").parse().ok()?;
    plan_of(schedule)?.look(noted, now, zone)
}

fn shown(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Decides anew inside the transaction, because it may have been changed or done meanwhile; whether a job was queued.
fn look_at(tx: &Tx<'_>, id: &str, now: Timestamp) -> Result<bool, Problem> {
    let (Some(schedule), zone) = (SCHEDULES.find(tx, id)?, zone(tx)?) else { return Ok(false) };
    let plan = plan_of(&schedule).filter(|_| schedule.get("enabled") == Some(&Value::Bool(true)));
    let Some((plan, decided)) = plan.zip(verdict(&schedule, now, &zone)) else { return Ok(false) };
    let noted = text(&schedule, "next_on").to_owned();
    let (day, is_due) = match decided {
        Verdict::Wait(_) => (noted, false),
        Verdict::Mend(day) => (day.to_string(), false),
        Verdict::Due(day) => (day.to_string(), true),
    };
    let at = day.parse().ok().and_then(|day| plan.instant(day, &zone)).map(shown);
    tx.execute("UPDATE schedule SET next_on = ?2, next_at = ?3 WHERE id = ?1", params![id, day, at])?;
    if is_due { queue(tx, &schedule, now) } else { Ok(false) }
}

fn queue(tx: &Tx<'_>, schedule: &Object, now: Timestamp) -> Result<bool, Problem> {
    let (id, name) = (text(schedule, "id"), text(schedule, "name"));
    let still = "SELECT 1 FROM job WHERE id = ?1 AND ended_at IS NULL";
    if tx.one(still, params![text(schedule, "last_job")], |_| Ok(()))?.is_some() {
        log::warn!("the schedule {name:?} is due, but its last job has not ended; this time is left out");
        return Ok(false);
    }
    let order = Order {
        plugin: text(schedule, "plugin").to_owned(),
        name: text(schedule, "job").to_owned(),
        input: schedule.get("input").cloned().unwrap_or(Value::Null),
        who: format!("schedule {name}"),
    };
    let job = jobs::queue(tx, &order)?;
    let sql = "UPDATE schedule SET last_at = ?2, last_job = ?3 WHERE id = ?1";
    tx.execute(sql, params![id, shown(now), text(&job, "id")])?;
    Ok(true)
}
