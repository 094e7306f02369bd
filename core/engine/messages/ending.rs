//! The end of a message's waiting: it has arrived, or it is clear that it will not.

use jackfield_db::params;

use super::numbers::number;
use super::{ENDED_AT_ONCE, REASON_CHARS};
use crate::catalog::problems::Problem;
use crate::engine::{Engine, clock};

/// Notes that messages have arrived; how many of them had been waiting.
pub fn delivered(engine: &Engine, ids: Vec<String>) -> Result<usize, Problem> {
    bounded(&ids)?;
    engine.db.write(move |tx| {
        let sql = "UPDATE message SET delivered_at = ?3
                   WHERE seq = ?1 AND id = ?2 AND delivered_at IS NULL AND failed_at IS NULL";
        let now = clock::millis();
        ids.iter().try_fold(0, |count, id| Ok(count + tx.execute(sql, params![number(id), id, now])?))
    })
}

/// Notes that messages will not arrive, and why; how many of them had been waiting.
pub fn failed(engine: &Engine, ids: Vec<String>, reason: &str) -> Result<usize, Problem> {
    bounded(&ids)?;
    let reason: String = reason.chars().take(REASON_CHARS).collect();
    if reason.trim().is_empty() {
        return Err(Problem::field("reason", "must say why"));
    }
    engine.db.write(move |tx| {
        let sql = "UPDATE message SET failed_at = ?3, failure = ?4
                   WHERE seq = ?1 AND id = ?2 AND delivered_at IS NULL AND failed_at IS NULL";
        let now = clock::millis();
        ids.iter().try_fold(0, |count, id| Ok(count + tx.execute(sql, params![number(id), id, now, reason])?))
    })
}

fn bounded(ids: &[String]) -> Result<(), Problem> {
    if ids.len() <= ENDED_AT_ONCE {
        return Ok(());
    }
    Err(Problem::field("ids", format!("must hold at most {ENDED_AT_ONCE}; there are {}", ids.len())))
}
