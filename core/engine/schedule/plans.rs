//! Jobs that plugins plan for themselves: every so many days at a time of day in the site's time zone, under keys of
//! their own. A plugin hands over all of its plans at once, so that none is left over. What an administrator plans is a
//! schedule.

use jackfield_abi::ops::JobPlan;
use jackfield_db::{Read, Row, RowResult, Tx, params};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::{Plan, Verdict, shown, zone};
use crate::catalog::problems::{INVALID, Problem};
use crate::engine::jobs::{self, Order};
use crate::engine::objects::text;
use crate::engine::{Engine, fault};

/// Most plans of one plugin.
const MOST: usize = 1000;
/// Longest key, in bytes.
const KEY_LENGTH: usize = 128;
const COLUMNS: &str = "plugin, key, job, input, every_days, hour, minute, half, next_on, next_at, last_job";

/// A plan as it is kept.
struct Kept {
    plugin: String,
    plan: JobPlan,
    next_on: String,
    next_at: Option<String>,
    last_job: Option<String>,
}

impl Kept {
    fn verdict(&self, now: Timestamp, zone: &TimeZone) -> Option<(Plan, Verdict)> {
        let (plan, noted) = (times(&self.plan)?, self.next_on.parse::<Date>().ok()?);
        plan.look(noted, now, zone).map(|verdict| (plan, verdict))
    }
}

fn times(plan: &JobPlan) -> Option<Plan> {
    Plan::new(plan.every_days, plan.hour, plan.minute, plan.half == "PM")
}

/// Exchanges the plans of a plugin, and says when each is due next. One whose times stay as they are keeps its day.
pub fn replace(
    tx: &Tx<'_>,
    plugin: &str,
    plans: &[JobPlan],
    now: Timestamp,
) -> Result<Map<String, Value>, Problem> {
    check(plans)?;
    let zone = zone(tx)?;
    let kept = of(tx, plugin)?;
    for gone in kept.iter().filter(|old| plans.iter().all(|plan| plan.key != old.plan.key)) {
        tx.execute("DELETE FROM plan WHERE plugin = ?1 AND key = ?2", params![plugin, gone.plan.key])?;
    }
    let mut next = Map::new();
    for plan in plans {
        let old = kept.iter().find(|old| old.plan.key == plan.key);
        let at = put(tx, plugin, plan, old, (now, &zone))?;
        next.insert(plan.key.clone(), at.into());
    }
    Ok(next)
}

fn check(plans: &[JobPlan]) -> Result<(), Problem> {
    if plans.len() > MOST {
        return Err(Problem::new(INVALID, format!("{} plans; a plugin has at most {MOST}.", plans.len())));
    }
    for plan in plans {
        let fits_key = (1..=KEY_LENGTH).contains(&plan.key.len());
        let fits_time = (1..=12).contains(&plan.hour) && (0..=59).contains(&plan.minute);
        let fits_half = matches!(plan.half.as_str(), "AM" | "PM");
        if !(fits_key && fits_time && fits_half && (1..=365).contains(&plan.every_days)) {
            let said =
                "must have a key of 1 to 128 bytes, 1 to 365 days, an hour of 1 to 12, a minute and AM or PM";
            return Err(Problem::new(INVALID, format!("The plan {:?} {said}.", plan.key)));
        }
    }
    Ok(())
}

/// Writes nothing where nothing is new.
fn put(
    tx: &Tx<'_>,
    plugin: &str,
    plan: &JobPlan,
    old: Option<&Kept>,
    (now, zone): (Timestamp, &TimeZone),
) -> Result<Option<String>, Problem> {
    let cannot = || fault("work out when the plan is due", &plan.key);
    if let Some(old) = old.filter(|old| old.plan == *plan) {
        return Ok(old.next_at.clone());
    }
    let when = times(plan).ok_or_else(cannot)?;
    let same_times = old.filter(|old| times(&old.plan) == Some(when));
    let day = match same_times {
        Some(old) => old.next_on.clone(),
        None => when.first(now, zone).ok_or_else(cannot)?.to_string(),
    };
    let at = day.parse().ok().and_then(|day| when.instant(day, zone)).map(shown);
    let last = old.and_then(|old| old.last_job.as_deref());
    let sql = format!(
        "INSERT OR REPLACE INTO plan ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    );
    let JobPlan { key, job, input, every_days, hour, minute, half } = plan;
    let input = input.to_string();
    tx.execute(&sql, params![plugin, key, job, input, every_days, hour, minute, half, day, at, last])?;
    Ok(at)
}

fn of(read: &Read<'_>, plugin: &str) -> Result<Vec<Kept>, Problem> {
    let sql = format!("SELECT {COLUMNS} FROM plan WHERE plugin = ?1 ORDER BY key");
    Ok(read.all(&sql, params![plugin], kept)?)
}

fn kept(row: &Row<'_>) -> RowResult<Kept> {
    let input = row.get::<_, String>(3)?;
    Ok(Kept {
        plugin: row.get(0)?,
        plan: JobPlan {
            key: row.get(1)?,
            job: row.get(2)?,
            input: serde_json::from_str(&input).unwrap_or_default(),
            every_days: row.get(4)?,
            hour: row.get(5)?,
            minute: row.get(6)?,
            half: row.get(7)?,
        },
        next_on: row.get(8)?,
        next_at: row.get(9)?,
        last_job: row.get(10)?,
    })
}

/// Queues what is due; whether something was queued.
pub fn tick(engine: &Engine, now: Timestamp) -> Result<bool, Problem> {
    let noted = engine.db.read(|read| waiting(read, now))?;
    let mut has_queued = false;
    for (plugin, key) in noted {
        has_queued |= engine.db.write(move |tx| look_at(tx, &plugin, &key, now))?;
    }
    Ok(has_queued)
}

/// The plans about which something is to be done.
fn waiting(read: &Read<'_>, now: Timestamp) -> Result<Vec<(String, String)>, Problem> {
    let sql = format!("SELECT {COLUMNS} FROM plan ORDER BY plugin, key");
    let all = read.all(&sql, params![], kept)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let zone = zone(read)?;
    let is_settled = |plan: &Kept| match plan.verdict(now, &zone) {
        Some((_, Verdict::Wait(due))) => plan.next_at.as_deref() == Some(&shown(due)),
        Some(_) => false,
        None => true,
    };
    let open = all.into_iter().filter(|plan| !is_settled(plan));
    Ok(open.map(|plan| (plan.plugin, plan.plan.key)).collect())
}

/// Decides anew inside the transaction; noting the next day and queueing the job is one step.
fn look_at(tx: &Tx<'_>, plugin: &str, key: &str, now: Timestamp) -> Result<bool, Problem> {
    let zone = zone(tx)?;
    let Some(plan) = of(tx, plugin)?.into_iter().find(|plan| plan.plan.key == key) else { return Ok(false) };
    let Some((when, verdict)) = plan.verdict(now, &zone) else { return Ok(false) };
    let (day, is_due) = match verdict {
        Verdict::Wait(_) => (plan.next_on.clone(), false),
        Verdict::Mend(day) => (day.to_string(), false),
        Verdict::Due(day) => (day.to_string(), true),
    };
    let at = day.parse().ok().and_then(|day| when.instant(day, &zone)).map(shown);
    let sql = "UPDATE plan SET next_on = ?3, next_at = ?4 WHERE plugin = ?1 AND key = ?2";
    tx.execute(sql, params![plugin, key, day, at])?;
    if is_due { queue(tx, &plan) } else { Ok(false) }
}

fn queue(tx: &Tx<'_>, plan: &Kept) -> Result<bool, Problem> {
    let key = &plan.plan.key;
    let still = "SELECT 1 FROM job WHERE id = ?1 AND ended_at IS NULL";
    if tx.one(still, params![plan.last_job], |_| Ok(()))?.is_some() {
        log::warn!("{}: {key:?} is due, but its last job has not ended; this time is left out", plan.plugin);
        return Ok(false);
    }
    let order = Order {
        plugin: plan.plugin.clone(),
        name: plan.plan.job.clone(),
        input: plan.plan.input.clone(),
        who: "schedule".to_owned(),
    };
    let job = jobs::queue(tx, &order)?;
    let sql = "UPDATE plan SET last_job = ?3 WHERE plugin = ?1 AND key = ?2";
    tx.execute(sql, params![plan.plugin, key, text(&job, "id")])?;
    Ok(true)
}
