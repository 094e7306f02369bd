//! What lasts of checks: how each stands, and its history. A run is one small transaction, which shares its commit
//! with whatever else is written at that moment.

use jackfield_db::{Read, Row, RowResult, Tx, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::{Standing, State};
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;

/// Runs that are kept of each check.
const KEPT_RUNS: i64 = 500;
/// Runs that changed the state, kept of each check however long ago they were.
const KEPT_CHANGES: i64 = 200;
/// A check that has not run for so long is gone, in days.
const GONE_AFTER_DAYS: i64 = 400;

/// One run, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// When it ended.
    pub at: String,
    /// What it came to.
    pub outcome: State,
    /// The state that is shown since.
    pub state: State,
    /// Whether it changed that state.
    pub changed: bool,
    /// What was seen.
    pub detail: String,
    /// What to do; empty: nothing.
    pub advice: String,
    /// Figures and whatever else the check gave.
    pub data: Value,
    /// How long it took.
    pub took_ms: u64,
}

/// What is known of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// What is shown and what is in doubt.
    pub standing: Standing,
    /// Since when that is shown.
    pub since: String,
    /// When it was ok last.
    pub last_ok: Option<String>,
    /// The last run.
    pub last_run: Option<Run>,
}

impl Known {
    /// A check that has not run.
    pub fn new(now: String) -> Self {
        Self { standing: Standing::NEW, since: now, last_ok: None, last_run: None }
    }
}

/// How every check stood last, by name.
pub fn all(read: &Read<'_>) -> Result<Vec<(String, Known)>, Problem> {
    let sql =
        "SELECT name, state, doubt, since, last_ok, last_run FROM check_standing ORDER BY name LIMIT 2000";
    Ok(read.all(sql, params![], |row| {
        let text = |index| row.get::<_, String>(index);
        let state = |name: &str| State::parse(name).unwrap_or(State::Pending);
        let doubt = row.get::<_, Option<String>>(2)?;
        let last_run = row.get::<_, Option<String>>(5)?;
        let known = Known {
            standing: Standing { state: state(&text(1)?), doubt: doubt.as_deref().map(state) },
            since: text(3)?,
            last_ok: row.get(4)?,
            last_run: last_run.and_then(|run| serde_json::from_str(&run).ok()),
        };
        Ok((text(0)?, known))
    })?)
}

/// Keeps a run and how the check stands since.
pub fn keep(tx: &Tx<'_>, name: &str, known: &Known) -> Result<(), Problem> {
    let Some(run) = &known.last_run else { return Ok(()) };
    let Standing { state, doubt } = known.standing;
    let sql = "INSERT INTO check_standing (name, state, doubt, since, last_ok, last_run, ran_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (name) DO UPDATE
               SET state = ?2, doubt = ?3, since = ?4, last_ok = ?5, last_run = ?6, ran_at = ?7";
    let doubt = doubt.map(State::name);
    tx.execute(
        sql,
        params![name, state.name(), doubt, known.since, known.last_ok, json!(run).to_string(), run.at],
    )?;
    let sql = "INSERT INTO check_run (name, at, outcome, state, changed, detail, advice, data, took_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let took = i64::try_from(run.took_ms).unwrap_or(i64::MAX);
    let (outcome, state, data) = (run.outcome.name(), run.state.name(), run.data.to_string());
    tx.execute(sql, params![name, run.at, outcome, state, run.changed, run.detail, run.advice, data, took])?;
    forget(tx, name)
}

/// Drops what is beyond the bounds.
fn forget(tx: &Tx<'_>, name: &str) -> Result<(), Problem> {
    let sql = "DELETE FROM check_run WHERE name = ?1 AND changed = ?2
               AND seq <= (SELECT seq FROM check_run WHERE name = ?1 AND changed >= ?2
                           ORDER BY seq DESC LIMIT 1 OFFSET ?3)";
    tx.execute(sql, params![name, false, KEPT_RUNS])?;
    tx.execute(sql, params![name, true, KEPT_CHANGES])?;
    Ok(())
}

/// Drops checks that have been gone for long.
pub fn forget_gone(tx: &Tx<'_>) -> Result<(), Problem> {
    let before = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now', ?1)";
    let age = format!("-{GONE_AFTER_DAYS} days");
    let gone = format!("SELECT name FROM check_standing WHERE ran_at < {before}");
    tx.execute(&format!("DELETE FROM check_run WHERE name IN ({gone})"), params![age])?;
    tx.execute(&format!("DELETE FROM check_standing WHERE ran_at < {before}"), params![age])?;
    Ok(())
}

/// The newest runs of a check, newest first.
pub fn history(read: &Read<'_>, name: &str, limit: usize) -> Result<Vec<Object>, Problem> {
    let sql = "SELECT at, outcome, state, changed, detail, advice, data, took_ms FROM check_run
               WHERE name = ?1 ORDER BY seq DESC LIMIT ?2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(read.all(sql, params![name, limit], shown)?)
}

fn shown(row: &Row<'_>) -> RowResult<Object> {
    let data = row.get::<_, Option<String>>(6)?.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let run = json!({
        "at": row.get::<_, String>(0)?, "outcome": row.get::<_, String>(1)?, "state": row.get::<_, String>(2)?,
        "changed": row.get::<_, bool>(3)?, "detail": row.get::<_, String>(4)?, "advice": row.get::<_, String>(5)?,
        "data": data, "took_ms": row.get::<_, i64>(7)?,
    });
    Ok(run.as_object().cloned().unwrap_or_default())
}
