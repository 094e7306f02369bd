//! What is stored of a synchronizer, beside what its run has told: how many are there, and which of them would go. Read
//! from an index alone, so that a run without changes costs little.

use jackfield_db::{Read, params};

use super::run::Run;
use super::seen::Seen;
use crate::catalog::problems::Problem;

/// Rows that are read at a time.
const AT_ONCE: i64 = 5000;

/// How many are there that are not removed.
pub fn present(read: &Read<'_>, synchronizer: &str) -> Result<u64, Problem> {
    let sql = "SELECT (SELECT count(*) FROM account WHERE synchronizer = ?1)
                    - (SELECT count(*) FROM account WHERE synchronizer = ?1 AND removed_at IS NOT NULL)";
    let count: i64 = read.one(sql, params![synchronizer], |row| row.get(0))?.unwrap_or(0);
    Ok(count.unsigned_abs())
}

/// Those that the source has no longer and that are not removed yet.
pub fn missing(read: &Read<'_>, run: &Run) -> Result<Vec<i64>, Problem> {
    let removed = removed(read, &run.order.synchronizer)?;
    let is_missing = |seq: &i64| !run.kept.contains(*seq) && !removed.contains(*seq);
    if !run.order.full {
        return Ok(run.gone.iter().filter(is_missing).collect());
    }
    let sql = "SELECT directory_key, seq FROM account WHERE synchronizer = ?1 AND directory_key > ?2
               ORDER BY directory_key LIMIT ?3";
    let (mut missing, mut after) = (Vec::new(), String::new());
    loop {
        let bound = params![run.order.synchronizer, after, AT_ONCE];
        let found = read.all(sql, bound, |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
        missing.extend(found.iter().map(|(_, seq)| *seq).filter(is_missing));
        match found.into_iter().last() {
            Some((key, _)) => after = key,
            None => return Ok(missing),
        }
    }
}

fn removed(read: &Read<'_>, synchronizer: &str) -> Result<Seen, Problem> {
    let sql = "SELECT seq FROM account WHERE synchronizer = ?1 AND removed_at IS NOT NULL AND seq > ?2
               ORDER BY seq LIMIT ?3";
    let mut removed = Seen::default();
    let mut after = 0;
    loop {
        let found = read.all(sql, params![synchronizer, after, AT_ONCE], |row| row.get::<_, i64>(0))?;
        let Some(last) = found.last() else { return Ok(removed) };
        after = *last;
        for seq in found {
            removed.insert(seq);
        }
    }
}
