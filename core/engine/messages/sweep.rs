//! Dropping messages that are old enough, a few at a time, so that nobody waits for it.

use std::collections::BTreeSet;

use jackfield_db::{Tx, params};

use crate::catalog::problems::Problem;
use crate::catalog::settings::MESSAGES_RETENTION_DAYS;
use crate::engine::{Engine, clock};

/// Messages in one write.
const BATCH: i64 = 500;
/// Writes in one go; the rest is for the next.
const BATCHES: usize = 100;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Drops what is older than the setting says, whether or not it has arrived, unless the clock has leapt; how many.
pub fn sweep(engine: &Engine) -> Result<usize, Problem> {
    let days = i64::try_from(engine.settings.number(MESSAGES_RETENTION_DAYS)).unwrap_or(0);
    if days == 0 {
        return Ok(0);
    }
    engine.leaps.refuse()?;
    let before = clock::millis() - days.saturating_mul(DAY_MS);
    let mut dropped = 0;
    for _ in 0..BATCHES {
        let batch = engine.db.write(move |tx| drop_some(tx, before))?;
        dropped += batch;
        if batch < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            break;
        }
    }
    if dropped > 0 {
        log::info!("dropped {dropped} messages that were older than {days} days");
    }
    Ok(dropped)
}

fn drop_some(tx: &Tx<'_>, before: i64) -> Result<usize, Problem> {
    let sql = "DELETE FROM message WHERE seq IN (SELECT seq FROM message WHERE at < ?1 ORDER BY at LIMIT ?2)
               RETURNING seq, conversation";
    let of = tx.all(sql, params![before, BATCH], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    let highest = of.iter().map(|(seq, _)| *seq).max().unwrap_or_default();
    tx.execute("UPDATE message_dropped SET seq = ?1 WHERE seq < ?1", params![highest])?;
    for conversation in of.iter().map(|(_, conversation)| *conversation).collect::<BTreeSet<_>>() {
        let sql = "DELETE FROM conversation WHERE seq = ?1
                   AND NOT EXISTS (SELECT 1 FROM message WHERE conversation = ?1)";
        tx.execute(sql, params![conversation])?;
    }
    Ok(of.len())
}
