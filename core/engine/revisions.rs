//! The record of every change, and the way back from a single one.

use jackfield_db::{Read, Row, RowResult, Value as Cell, params, params_from_iter};
use serde_json::{Value, json};

use super::change::{Change, Precondition};
use super::objects::{self, Resource};
use super::{scripts, settings};
use crate::catalog::problems::{NOT_FOUND, NOT_UNDOABLE, Problem, SUPERSEDED};
use crate::catalog::shape::Object;

const COLUMNS: &str = "n, at, who, origin, via, action, kind, object, before, after, undoes, request,
    (SELECT u.n FROM revision u WHERE u.undoes = revision.n ORDER BY u.n DESC LIMIT 1)";

/// Which revisions to list: newest first, before a number, narrowed by equality.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Most revisions to return.
    pub limit: usize,
    /// Only those before this number.
    pub before: Option<i64>,
    /// None of these kinds, nor of those below them (`kind/…`).
    pub hidden: Vec<String>,
    /// Only those whose column has this value; names come from the route's declaration.
    pub filters: Vec<(&'static str, String)>,
}

/// The revision of that number.
pub fn get(read: &Read<'_>, n: i64) -> Result<Object, Problem> {
    let sql = format!("SELECT {COLUMNS} FROM revision WHERE n = ?1");
    let found = read.one(&sql, params![n], shown)?;
    found.ok_or_else(|| Problem::new(NOT_FOUND, format!("There is no revision {n}.")))
}

/// A page of revisions, newest first, and the number to go on before.
pub fn list(read: &Read<'_>, page: &Page) -> Result<(Vec<Object>, Option<i64>), Problem> {
    let narrowed: String = page
        .filters
        .iter()
        .enumerate()
        .map(|(i, (column, _))| format!(" AND {column} = ?{}", i + 3))
        .collect();
    let first = page.filters.len() + 3;
    let hidden: String = (first..first + page.hidden.len())
        .map(|n| format!(" AND kind <> ?{n} AND substr(kind, 1, length(?{n}) + 1) <> ?{n} || '/'"))
        .collect();
    let sql =
        format!("SELECT {COLUMNS} FROM revision WHERE n < ?1{narrowed}{hidden} ORDER BY n DESC LIMIT ?2");
    let one_more = i64::try_from(page.limit).unwrap_or(i64::MAX - 1) + 1;
    let mut bound = vec![Cell::Integer(page.before.unwrap_or(i64::MAX)), Cell::Integer(one_more)];
    bound.extend(page.filters.iter().map(|(_, value)| Cell::Text(value.clone())));
    bound.extend(page.hidden.iter().map(|kind| Cell::Text(kind.clone())));
    let mut found = read.all(&sql, params_from_iter(bound), shown)?;
    let has_more = found.len() > page.limit;
    found.truncate(page.limit);
    let next = found.last().and_then(number).filter(|_| has_more);
    Ok((found, next))
}

fn number(revision: &Object) -> Option<i64> {
    revision.get("n").and_then(Value::as_i64)
}

fn shown(row: &Row<'_>) -> RowResult<Object> {
    let state = |text: Option<String>| text.and_then(|t| serde_json::from_str::<Value>(&t).ok());
    let value = json!({
        "n": row.get::<_, i64>(0)?, "at": row.get::<_, String>(1)?, "who": row.get::<_, String>(2)?,
        "from": row.get::<_, String>(3)?, "via": row.get::<_, String>(4)?, "action": row.get::<_, String>(5)?,
        "kind": row.get::<_, String>(6)?, "object": row.get::<_, String>(7)?,
        "before": state(row.get(8)?), "after": state(row.get(9)?),
        "undoes": row.get::<_, Option<i64>>(10)?, "request": row.get::<_, String>(11)?,
        "undone_by": row.get::<_, Option<i64>>(12)?,
    });
    Ok(value.as_object().cloned().unwrap_or_default())
}

/// Puts one change back and returns the revision that does so. Refused when the object was changed again
/// later, because that change would be lost unseen.
pub fn undo(change: &Change<'_>, n: i64) -> Result<Object, Problem> {
    let revision = get(change.tx, n)?;
    refuse_superseded(change.tx, &revision)?;
    change.undoes(n);
    let (kind, id) = (objects::text(&revision, "kind"), objects::text(&revision, "object"));
    let (before, after) = (state(&revision, "before"), state(&revision, "after"));
    match (kind, objects::find(kind)) {
        (settings::KIND, _) => drop(settings::put_back(change, id, before.unwrap_or(&Object::new()))?),
        (scripts::KIND, _) => scripts::put_back(change, id, before)?,
        (_, Some(resource)) => put_back(change, resource, id, before, after)?,
        _ => return Err(Problem::new(NOT_UNDOABLE, format!("Nothing here knows how to put back {kind}."))),
    }
    get(change.tx, change.next_revision()? - 1)
}

fn state<'a>(revision: &'a Object, field: &str) -> Option<&'a Object> {
    revision.get(field).and_then(Value::as_object)
}

/// Refuses when the object was changed again later.
pub fn refuse_superseded(read: &Read<'_>, revision: &Object) -> Result<(), Problem> {
    let sql =
        "SELECT n, who FROM revision WHERE kind = ?1 AND object = ?2 AND n > ?3 ORDER BY n DESC LIMIT 1";
    let bound = params![objects::text(revision, "kind"), objects::text(revision, "object"), number(revision)];
    let later = read.one(sql, bound, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    let Some((n, who)) = later else { return Ok(()) };
    Err(Problem::new(SUPERSEDED, format!("{who} changed it again in revision {n}. Undo that one first.")))
}

fn put_back(
    change: &Change<'_>,
    resource: &Resource,
    id: &str,
    before: Option<&Object>,
    after: Option<&Object>,
) -> Result<(), Problem> {
    if let Some(reason) = resource.no_undo {
        return Err(Problem::new(NOT_UNDOABLE, format!("This change stays: {reason}.")));
    }
    match (before, after) {
        (None, _) => resource.remove(change, id, &Precondition::Exists),
        (Some(before), None) => resource.restore(change, before.clone()).map(drop),
        (Some(before), Some(_)) => {
            let current = resource.get(change.tx, id)?;
            resource.replace(change, &current, before.clone(), &objects::Hidden::default()).map(drop)
        }
    }
}
