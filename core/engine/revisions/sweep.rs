//! Forgetting revisions that are older than the site keeps them, in batches that let others write in between.

use jackfield_db::params;
use jiff::{Timestamp, ToSpan};

use crate::catalog::problems::Problem;
use crate::catalog::settings::REVISIONS_KEPT_DAYS;
use crate::engine::Engine;

/// Rows that go in one write.
const BATCH: i64 = 500;
/// Most writes of one sweep; what is left goes with the next one.
const BATCHES: usize = 400;

/// Forgets old revisions, unless the clock has leapt; answers how many. `asked` is told how many rows went so far and answers whether to end.
pub fn sweep(engine: &Engine, mut asked: impl FnMut(u64) -> bool) -> Result<u64, Problem> {
    let days = engine.settings.number(REVISIONS_KEPT_DAYS);
    let hours = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(24);
    let Ok(limit) = Timestamp::now().checked_sub(hours.hours()) else { return Ok(0) };
    let (limit, mut revisions, mut rows) = (format!("{limit:.3}"), 0, 0);
    if days == 0 {
        return Ok(0);
    }
    engine.leaps.refuse()?;
    for _ in 0..BATCHES {
        let (parts, whole) = batch(engine, limit.clone())?;
        (revisions, rows) = (revisions + whole, rows + parts + whole);
        if parts + whole == 0 || asked(rows) {
            break;
        }
    }
    Ok(revisions)
}

/// Parts first, so that no single write takes a revision with all of its thousands of parts.
fn batch(engine: &Engine, limit: String) -> Result<(u64, u64), Problem> {
    engine.db.write(move |tx| {
        let parts = "DELETE FROM revision_part WHERE id IN (SELECT p.id FROM revision r
                         JOIN revision_part p ON p.revision = r.n WHERE r.at < ?1 AND r.parts > 0 LIMIT ?2)";
        let parts = tx.execute(parts, params![limit, BATCH])?;
        if parts > 0 {
            return Ok((parts as u64, 0));
        }
        let whole = "DELETE FROM revision WHERE n IN (SELECT n FROM revision WHERE at < ?1 LIMIT ?2)";
        Ok((0, tx.execute(whole, params![limit, BATCH])? as u64))
    })
}
