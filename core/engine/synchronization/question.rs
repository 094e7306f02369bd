//! The question of a run that was held, until a run of the same synchronizer goes through. It is answered by running
//! again with a confirmation.

use jackfield_abi::ops::DirectoryClosed;
use jackfield_db::{Read, Tx, params};

use super::order::Order;
use crate::catalog::problems::Problem;
use crate::engine::{Engine, clock};

/// Asks, instead of what was asked before.
pub fn ask(engine: &Engine, order: &Order, closed: &DirectoryClosed) -> Result<(), Problem> {
    let Some(held) = closed.held.clone() else { return Ok(()) };
    let Order { synchronizer, enterprise, peer, who, .. } = order.clone();
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let counts = [closed.adds, closed.changes, closed.removals, closed.refused, closed.unchanged].map(count);
    let [adds, changes, removals, refused, unchanged] = counts;
    engine.db.write(move |tx| {
        let sql = "INSERT OR REPLACE INTO directory_question (synchronizer, enterprise, peer, at, who, reason, what,
                       adds, changes, removals, refused, unchanged)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let (now, reason, what) = (clock::now(), held.reason, held.what);
        let row = params![
            synchronizer, enterprise, peer, now, who, reason, what, adds, changes, removals, refused, unchanged
        ];
        Ok::<_, Problem>(tx.execute(sql, row).map(drop)?)
    })
}

/// Whether there is one.
pub fn is_open(read: &Read<'_>, synchronizer: &str) -> Result<bool, Problem> {
    let sql = "SELECT 1 FROM directory_question WHERE synchronizer = ?1";
    Ok(read.one(sql, params![synchronizer], |_| Ok(()))?.is_some())
}

/// Drops it in a change.
pub fn forget(tx: &Tx<'_>, synchronizer: &str) -> Result<(), Problem> {
    tx.execute("DELETE FROM directory_question WHERE synchronizer = ?1", params![synchronizer])?;
    Ok(())
}

/// Drops it by itself.
pub fn withdraw(engine: &Engine, synchronizer: &str) -> Result<(), Problem> {
    let synchronizer = synchronizer.to_owned();
    engine.db.write(move |tx| forget(tx, &synchronizer))
}
