//! Changes of scripts, each one revision in one transaction: put a version, publish one, delete, put back. What
//! must be tried in the scripts' own process was tried before.

use jackfield_db::{Read, Tx, params};
use serde_json::Value;

use super::registers::Registers;
use super::rows::{self, digest, number};
use super::{KIND, MOST_DELETED, MOST_SCRIPTS, MOST_VERSIONS};
use crate::catalog::events::HOOK_CHANGED;
use crate::catalog::problems::{CONFLICT, IF_MATCH_MISSING, NOT_UNDOABLE, Problem, STALE};
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Entry, Precondition};
use crate::engine::{clock, objects};

/// A version to be kept.
pub struct Draft {
    /// Name of the script.
    pub name: String,
    /// The text.
    pub source: String,
    /// What it is for, in the author's words.
    pub note: String,
    /// Who wrote it.
    pub author: String,
    /// What it registers; `None` where it was not loaded yet.
    pub registers: Option<Registers>,
}

/// Keeps a version, which is not active yet. The same text again is the version that it was.
pub fn put(change: &Change<'_>, draft: &Draft, seen: Option<&Precondition>) -> Result<Object, Problem> {
    let before = rows::find(change.tx, &draft.name)?;
    match (&before, seen) {
        (Some(found), Some(seen)) => seen.check(objects::revision(found))?,
        (Some(_), None) => {
            let detail = format!(
                "There is a script {:?} already: send If-Match with its ETag to give it another version.",
                draft.name
            );
            return Err(Problem::new(IF_MATCH_MISSING, detail));
        }
        (None, Some(_)) => {
            let detail =
                format!("There is no script {:?} any more; leave If-Match out to make it.", draft.name);
            return Err(Problem::new(STALE, detail));
        }
        (None, None) => refuse_too_many(change.tx)?,
    }
    let n = keep_version(change.tx, draft)?;
    if before.as_ref().and_then(|found| number(found, "latest")) == Some(n)
        && let Some(found) = before
    {
        return Ok(found);
    }
    point_at_latest(change, &draft.name, n)?;
    drop_old_versions(change.tx, &draft.name)?;
    record(change, &draft.name, before.as_ref())
}

fn refuse_too_many(read: &Read<'_>) -> Result<(), Problem> {
    let sql = "SELECT count(*) FROM script WHERE deleted_at IS NULL";
    let count: i64 = read.one(sql, params![], |row| row.get(0))?.unwrap_or(0);
    if count < MOST_SCRIPTS {
        return Ok(());
    }
    Err(Problem::new(
        CONFLICT,
        format!("There are {MOST_SCRIPTS} scripts, which is the most. Delete one first."),
    ))
}

/// The number of the version with this text, made if there is none.
fn keep_version(tx: &Tx<'_>, draft: &Draft) -> Result<i64, Problem> {
    let Draft { name, source, note, author, registers } = draft;
    let sha256 = digest(source);
    // A deleted script of that name goes on, so that a number never means two texts.
    let script = "INSERT OR IGNORE INTO script (name, latest, revision, created_at, changed_at, deleted_at)
                  VALUES (?1, 0, 0, ?2, ?2, ?2)";
    tx.execute(script, params![name, clock::now()])?;
    let sql = "SELECT n FROM script_version WHERE script = ?1 AND sha256 = ?2";
    let known = tx.one(sql, params![name, sha256], |row| row.get::<_, i64>(0))?;
    let n = match known {
        Some(n) => n,
        None => {
            let sql = "INSERT INTO script_version (script, n, sha256, source, author, note, at)
                       SELECT ?1, coalesce(max(n), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM script_version WHERE script = ?1
                       RETURNING n";
            let row = params![name, sha256, source, author, note, clock::now()];
            tx.one(sql, row, |row| row.get(0))?.unwrap_or(1)
        }
    };
    if let Some(registers) = registers {
        rows::keep_registers(tx, name, n, registers)?;
    }
    Ok(n)
}

fn point_at_latest(change: &Change<'_>, name: &str, n: i64) -> Result<(), Problem> {
    // What was deleted begins anew, but for its versions.
    let sql = "UPDATE script SET latest = ?2, revision = ?3, changed_at = ?4,
               active = iif(deleted_at IS NULL, active, NULL), previous = iif(deleted_at IS NULL, previous, NULL),
               published_at = iif(deleted_at IS NULL, published_at, NULL),
               published_by = iif(deleted_at IS NULL, published_by, NULL),
               created_at = iif(deleted_at IS NULL, created_at, ?4), deleted_at = NULL
               WHERE name = ?1";
    change.tx.execute(sql, params![name, n, change.next_revision()?, clock::now()])?;
    Ok(())
}

/// The last versions stay, and whatever age they have, the ones that run, ran and were put last.
fn drop_old_versions(tx: &Tx<'_>, name: &str) -> Result<(), Problem> {
    let sql = "DELETE FROM script_version WHERE script = ?1
               AND n NOT IN (SELECT n FROM script_version WHERE script = ?1 ORDER BY n DESC LIMIT ?2)
               AND n NOT IN (SELECT v FROM (SELECT active v FROM script WHERE name = ?1
                             UNION SELECT previous FROM script WHERE name = ?1
                             UNION SELECT latest FROM script WHERE name = ?1) WHERE v IS NOT NULL)";
    tx.execute(sql, params![name, MOST_VERSIONS])?;
    Ok(())
}

/// Makes a version the one that runs, if the script is still what the caller and the trial saw.
pub fn publish(
    change: &Change<'_>,
    tried: &Object,
    n: i64,
    registers: &Registers,
    who: &str,
    seen: &Precondition,
) -> Result<Object, Problem> {
    let name = objects::text(tried, "name").to_owned();
    let before = rows::get(change.tx, &name)?;
    seen.check(objects::revision(&before))?;
    Precondition::OneOf(vec![objects::revision(tried)]).check(objects::revision(&before))?;
    rows::keep_registers(change.tx, &name, n, registers)?;
    activate(change, &before, n, who)
}

/// Points at the version that runs.
pub fn activate(change: &Change<'_>, before: &Object, n: i64, who: &str) -> Result<Object, Problem> {
    let name = objects::text(before, "name");
    if number(before, "active") == Some(n) {
        return Ok(before.clone());
    }
    let sql = "UPDATE script SET previous = active, active = ?2, published_at = ?3, published_by = ?4,
               revision = ?5, changed_at = ?3 WHERE name = ?1";
    change.tx.execute(sql, params![name, n, clock::now(), who, change.next_revision()?])?;
    let ran =
        "UPDATE script_version SET published_at = ?3 WHERE script = ?1 AND n = ?2 AND published_at IS NULL";
    change.tx.execute(ran, params![name, n, clock::now()])?;
    record(change, name, Some(before))
}

/// Deletes a script. Its versions are kept for a while, so that this can be undone.
pub fn remove(change: &Change<'_>, name: &str, seen: &Precondition) -> Result<(), Problem> {
    let before = rows::get(change.tx, name)?;
    seen.check(objects::revision(&before))?;
    change.tx.execute("UPDATE script SET deleted_at = ?2 WHERE name = ?1", params![name, clock::now()])?;
    purge(change.tx)?;
    record(change, name, Some(&before)).map(drop)
}

/// Drops what was deleted longest ago. One that came with the appliance stays, so that it is not brought again.
fn purge(tx: &Tx<'_>) -> Result<(), Problem> {
    let sql = "SELECT name FROM script WHERE deleted_at IS NOT NULL AND shipped IS NULL
               ORDER BY deleted_at DESC, seq DESC LIMIT -1 OFFSET ?1";
    for name in tx.all(sql, params![MOST_DELETED], |row| row.get::<_, String>(0))? {
        tx.execute("UPDATE script SET active = NULL, previous = NULL WHERE name = ?1", params![name])?;
        tx.execute("DELETE FROM script_version WHERE script = ?1", params![name])?;
        tx.execute("DELETE FROM script WHERE name = ?1", params![name])?;
    }
    Ok(())
}

/// Undoes one change of a script: a creation deletes, everything else points at the versions it had before.
pub fn put_back(change: &Change<'_>, name: &str, before: Option<&Object>) -> Result<(), Problem> {
    let Some(before) = before else { return remove(change, name, &Precondition::Exists) };
    let current = rows::find(change.tx, name)?;
    let pointers = ["active", "previous", "latest"].map(|field| number(before, field));
    for n in pointers.iter().flatten() {
        let gone =
            |_| Problem::new(NOT_UNDOABLE, format!("Version {n} of the script {name} is not kept any more."));
        rows::one_version(change.tx, name, *n).map_err(gone)?;
    }
    let text = |field: &str| before.get(field).and_then(Value::as_str).map(str::to_owned);
    let sql =
        "UPDATE script SET active = ?2, previous = ?3, latest = ?4, published_at = ?5, published_by = ?6,
               revision = ?7, created_at = ?8, changed_at = ?9, deleted_at = NULL WHERE name = ?1";
    let [active, previous, latest] = pointers;
    let row = params![
        name,
        active,
        previous,
        latest,
        text("published_at"),
        text("published_by"),
        change.next_revision()?,
        text("created_at"),
        clock::now()
    ];
    change.tx.execute(sql, row)?;
    record(change, name, current.as_ref()).map(drop)
}

/// Notes the change as a revision; answers the script as it is now.
fn record(change: &Change<'_>, name: &str, before: Option<&Object>) -> Result<Object, Problem> {
    let after = rows::find(change.tx, name)?;
    change.record(&Entry {
        kind: KIND,
        object: name,
        before,
        after: after.as_ref(),
        event: HOOK_CHANGED.name,
    })?;
    Ok(after.unwrap_or_default())
}
