//! The parts of a revision: what a change in bulk did to each object, or what followed from a change and what went with
//! a deletion. They are looked at and put back here.

use jackfield_db::{Read, Row, RowResult, params};
use serde_json::{Value, json};

use super::made::as_made;
use super::{changes, get, number, parsed, put_back};
use crate::catalog::events::{ACCOUNTS_CHANGED, DIRECTORY_CHANGED};
use crate::catalog::problems::{CONFLICT, INVALID, NOT_UNDOABLE, Problem, SUPERSEDED};
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Entry};
use crate::engine::objects::{self, ACCOUNTS, Hidden, text};

/// Parts that are read at a time, so that undoing a large change takes bounded memory.
const AT_ONCE: i64 = 500;
/// Parts that stand in each other's way, at most.
const MOST_KNOTS: usize = 10_000;
const COLUMNS: &str = "id, action, kind, object, before, after";

/// Parts of a revision in the order they were made, after one of them; and the one to go on after.
pub fn list(
    read: &Read<'_>,
    n: i64,
    after: i64,
    limit: usize,
    hidden: &[String],
) -> Result<(Vec<Object>, Option<i64>), Problem> {
    get(read, n)?;
    let sql =
        format!("SELECT {COLUMNS} FROM revision_part WHERE revision = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let mut found = read.all(&sql, params![n, after, one_more], shown)?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().map(|(id, _)| *id).filter(|_| has_more);
    for (id, part) in &mut found {
        if text(part, "action") == "create" && part["after"].is_null() {
            let made = as_made(read, n, *id, text(part, "kind"), text(part, "object"))?;
            part.insert("after".to_owned(), made);
        }
    }
    let seen = found.into_iter().map(|(_, part)| part);
    Ok((seen.filter(|part| !hidden.iter().any(|kind| kind == text(part, "kind"))).collect(), next))
}

fn shown(row: &Row<'_>) -> RowResult<(i64, Object)> {
    let (before, after) = (parsed(row.get(4)?), parsed(row.get(5)?));
    let part = json!({
        "action": row.get::<_, String>(1)?, "kind": row.get::<_, String>(2)?, "object": row.get::<_, String>(3)?,
        "changes": changes(before.as_ref(), after.as_ref()), "before": before, "after": after,
    });
    Ok((row.get(0)?, part.as_object().cloned().unwrap_or_default()))
}

/// The kinds of objects that a revision's parts are about.
pub fn kinds_of(read: &Read<'_>, n: i64) -> Result<Vec<String>, Problem> {
    let sql = "SELECT DISTINCT kind FROM revision_part WHERE revision = ?1";
    Ok(read.all(sql, params![n], |row| row.get(0))?)
}

/// Refuses when any object of the parts was changed again, because that change would be lost unseen.
pub fn refuse_superseded(read: &Read<'_>, n: i64) -> Result<(), Problem> {
    let sql = "SELECT p.kind, p.object, r.n, r.who FROM revision_part p
                   JOIN revision r ON r.object = p.object AND r.kind = p.kind AND r.n > p.position
                   WHERE p.revision = ?1
               UNION ALL SELECT p.kind, p.object, q.revision, r.who FROM revision_part p
                   JOIN revision_part q ON q.object = p.object AND q.kind = p.kind AND q.id > p.id AND q.revision <> ?1
                   JOIN revision r ON r.n = q.revision
                   WHERE p.revision = ?1
               LIMIT 1";
    let later = read.one(sql, params![n], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, i64>(2)?,
            row.get::<_, String>(3)?,
        ))
    })?;
    let Some((kind, object, later, who)) = later else { return Ok(()) };
    let detail = format!(
        "Of what it changed, {kind} {object} was changed again by {who} in revision {later}. Undo that one first."
    );
    Err(Problem::new(SUPERSEDED, detail))
}

/// Puts back a change in bulk: one revision again.
pub fn undo_bulk(change: &Change<'_>, revision: &Object) -> Result<Object, Problem> {
    let n = number(revision).unwrap_or_default();
    let entry = Entry {
        kind: text(revision, "kind"),
        object: text(revision, "object"),
        before: None,
        after: None,
        event: ACCOUNTS_CHANGED.name,
    };
    let undoing = change.in_bulk(&entry, None, || {
        let count = put_back_all(change, n)?;
        Ok(json!({"put_back": count, "places": places(revision)}).as_object().cloned().unwrap_or_default())
    })?;
    places(revision)
        .iter()
        .filter_map(Value::as_str)
        .for_each(|place| change.tell(DIRECTORY_CHANGED.name, place));
    let nothing =
        || Problem::new(NOT_UNDOABLE, format!("Everything that revision {n} changed is already as it was."));
    get(change.tx, undoing.ok_or_else(nothing)?)
}

/// Whose directory a change in bulk was about.
fn places(revision: &Object) -> Vec<Value> {
    revision.get("after").and_then(|after| after["places"].as_array().cloned()).unwrap_or_default()
}

/// Puts back every part, the last one first, because earlier ones may be what it rests on. Accounts that stand in each
/// other's way, as two do that got each other's login, are put back once the others are.
pub fn put_back_all(change: &Change<'_>, n: i64) -> Result<usize, Problem> {
    let sql = format!(
        "SELECT {COLUMNS} FROM revision_part WHERE revision = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    );
    let (mut count, mut before, mut knots) = (0, i64::MAX, Vec::new());
    loop {
        let found = change.tx.all(&sql, params![n, before, AT_ONCE], shown)?;
        let Some((last, _)) = found.last() else { break };
        before = *last;
        change.tx.gets_on();
        for (_, part) in found {
            match put_back_one(change, &part) {
                Ok(is_new) => count += usize::from(is_new),
                Err(problem) => knots.push(Knot::of(change, part, problem)?),
            }
            if knots.len() > MOST_KNOTS {
                let detail = format!("More than {MOST_KNOTS} objects stand in each other's way.");
                return Err(Problem::new(NOT_UNDOABLE, detail));
            }
        }
    }
    knots.iter().try_for_each(|knot| knot.untie(change))?;
    Ok(count + knots.len())
}

/// An account that could not be put back because another one has its login.
struct Knot {
    before: Object,
    current: Option<Object>,
}

impl Knot {
    /// Frees the login that the account has now, for whoever had it before.
    fn of(change: &Change<'_>, part: Object, problem: Problem) -> Result<Self, Problem> {
        let may_wait = text(&part, "kind") == ACCOUNTS.name && [CONFLICT, INVALID].contains(&problem.kind);
        let before = part.get("before").and_then(Value::as_object).cloned();
        let (true, Some(before)) = (may_wait, before) else { return Err(problem) };
        let current = ACCOUNTS.find(change.tx, text(&part, "object"))?;
        if current.is_some() {
            objects::set_login_aside(change.tx, text(&part, "object"))?;
        }
        Ok(Self { before, current })
    }

    fn untie(&self, change: &Change<'_>) -> Result<(), Problem> {
        let before = self.before.clone();
        match &self.current {
            None => ACCOUNTS.restore(change, before).map(drop),
            Some(current) => ACCOUNTS.replace(change, current, before, &Hidden::default()).map(drop),
        }
    }
}

/// Whether there was something to put back: what followed from the main change has followed it back already.
fn put_back_one(change: &Change<'_>, part: &Object) -> Result<bool, Problem> {
    let (kind, id) = (text(part, "kind"), text(part, "object"));
    let Some(resource) = objects::find(kind) else {
        return Err(Problem::new(NOT_UNDOABLE, format!("Nothing here knows how to put back {kind}.")));
    };
    let state = |field: &str| part.get(field).and_then(Value::as_object);
    let (before, current) = (state("before"), resource.find(change.tx, id)?);
    let is_back = match (before, &current) {
        (None, None) => true,
        (Some(before), Some(current)) => objects::is_same(before, current),
        _ => false,
    };
    if !is_back {
        put_back(change, resource, id, before, current.as_ref())?;
    }
    Ok(!is_back)
}
