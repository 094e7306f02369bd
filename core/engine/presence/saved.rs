//! What was set by hand, kept over a restart: a person who is away for a week must not seem to be back because
//! the appliance was updated. Written behind, all changes of some seconds in one transaction; every other input
//! is told anew by its source and lives in memory alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_db::{Db, Read, Row, RowResult, params};

use super::state::{Input, Source, State};
use super::table::{Table, Told};
use crate::catalog::problems::Problem;
use crate::engine::clock::{self, Now};

/// Most accounts in one transaction.
const AT_ONCE: usize = 2000;

/// A state by hand as the disk has it; none: there is none.
type Saved = (Arc<str>, Option<(&'static str, String, i64, Option<i64>)>);

/// One that was read back.
pub struct Kept {
    /// Account.
    pub account: String,
    /// What was said.
    pub told: Told,
    /// When it was said, milliseconds of Unix time.
    pub since: i64,
}

/// Takes out what is to be saved next. Whoever takes it says when it has been written.
pub fn take(table: &mut Table, now: Now) -> Vec<Saved> {
    let next: Vec<_> = table.unsaved.iter().take(AT_ONCE).cloned().collect();
    let mut taken = Vec::with_capacity(next.len());
    for account in next {
        table.unsaved.remove(&account);
        let person = table.person(&account);
        let input = person.and_then(|person| person.inputs[Source::Manual as usize].as_deref());
        taken.push((account, input.map(|input| row(input, now))));
    }
    table.saving += taken.len();
    taken
}

fn row(input: &Input, now: Now) -> (&'static str, String, i64, Option<i64>) {
    let ends = input.expires.map(|at| now.unix + millis(at.saturating_duration_since(now.instant)));
    (input.state.name(), input.note.to_string(), input.since, ends)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Writes them.
pub fn write(db: &Db, saved: Vec<Saved>) -> Result<(), Problem> {
    db.write(move |tx| {
        for (account, input) in saved {
            let Some((state, note, since, ends)) = input else {
                tx.execute("DELETE FROM presence_by_hand WHERE account = ?1", params![&*account])?;
                continue;
            };
            // The account may have been deleted meanwhile.
            let sql = "INSERT INTO presence_by_hand (account, state, note, since, ends)
                       SELECT id, ?2, ?3, ?4, ?5 FROM account WHERE id = ?1
                       ON CONFLICT (account) DO UPDATE SET state = ?2, note = ?3, since = ?4, ends = ?5";
            tx.execute(sql, params![&*account, state, note, since, ends])?;
        }
        Ok(())
    })
}

/// Reads all that is not over by the clock.
pub fn read(read: &Read<'_>) -> Result<Vec<Kept>, Problem> {
    let sql = "SELECT account, state, note, since, ends FROM presence_by_hand
               WHERE ends IS NULL OR ends > ?1 ORDER BY since";
    Ok(read.all(sql, params![clock::millis()], kept)?)
}

fn kept(row: &Row<'_>) -> RowResult<Kept> {
    let (state, ends): (String, Option<i64>) = (row.get(1)?, row.get(4)?);
    let left = ends.map(|ends| Duration::from_millis((ends - clock::millis()).max(0).unsigned_abs()));
    let state = State::parse(&state).unwrap_or_default();
    let told = Told { state, note: row.get(2)?, lasts: left };
    Ok(Kept { account: row.get(0)?, told, since: row.get(3)? })
}

/// This moment, as if it were the one at which something was said.
pub fn at(since: i64) -> Now {
    Now { instant: Instant::now(), unix: since }
}
