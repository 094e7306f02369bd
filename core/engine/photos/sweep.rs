//! Forgetting photos that nobody has. One that was given up is kept for as long as revisions are, so that what named it
//! can be undone; one that nobody ever had, as of a synchronization that was held, for a day.

use jackfield_db::{Read, params};
use jiff::{Timestamp, ToSpan};

use crate::catalog::problems::Problem;
use crate::catalog::settings::REVISIONS_KEPT_DAYS;
use crate::engine::Engine;

/// Longer than any synchronization takes.
const NEVER_HAD_HOURS: i64 = 24;
/// Photos that go in one write.
const BATCH: i64 = 100;
/// Most writes of one sweep; what is left goes with the next one.
const BATCHES: usize = 100;

/// Photos that nobody has and that are old enough.
const DUE: &str = "SELECT hash FROM photo INDEXED BY photo_age
    WHERE added_at < ?1 AND (released_at IS NULL OR released_at < ?2)
        AND NOT EXISTS (SELECT 1 FROM account WHERE account.photo = photo.hash) LIMIT ?3";

/// Forgets them, unless the clock has leapt; how many.
pub fn sweep(engine: &Engine) -> Result<usize, Problem> {
    engine.leaps.refuse()?;
    let days = i64::try_from(engine.settings.number(REVISIONS_KEPT_DAYS)).unwrap_or(i64::MAX);
    let unused = before(NEVER_HAD_HOURS);
    // Nothing comes before an empty text.
    let given_up = if days == 0 { String::new() } else { before(days.saturating_mul(24)) };
    let mut forgotten = 0;
    for _ in 0..BATCHES {
        // Looking costs others nothing, and mostly nothing is due.
        let due =
            |read: &Read<'_>| read.one(DUE, params![unused, given_up, 1], |row| row.get::<_, String>(0));
        if engine.db.read(due)?.is_none() {
            break;
        }
        let (unused, given_up) = (unused.clone(), given_up.clone());
        forgotten += engine.db.write(move |tx| {
            let sql = format!("DELETE FROM photo WHERE hash IN ({DUE})");
            tx.execute(&sql, params![unused, given_up, BATCH])
        })?;
    }
    Ok(forgotten)
}

fn before(hours: i64) -> String {
    let at = Timestamp::now().checked_sub(hours.hours()).unwrap_or(Timestamp::MIN);
    format!("{at:.3}")
}
