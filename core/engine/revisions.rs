//! The record of every change, and the way back from a single one. A revision can have parts: the objects of a change
//! in bulk, or what followed from or went with its object.

mod made;
mod parts;
mod sweep;

use jackfield_db::{Read, Row, RowResult, Value as Cell, params, params_from_iter};
use serde_json::{Value, json};

use super::change::{Change, Precondition};
use super::objects::{self, PEERS, Resource};
use super::secrets::Keyring;
use super::{login, scripts, settings};
use crate::catalog::events::DIRECTORY_CHANGED;
use crate::catalog::problems::{NOT_FOUND, NOT_UNDOABLE, Problem, SUPERSEDED};
use crate::catalog::shape::Object;

pub use parts::{kinds_of, list as list_parts, refuse_superseded as refuse_superseded_parts};
pub use sweep::sweep;

/// Kind of the revisions that say whether a plugin is switched off or on.
pub const PLUGINS: &str = "plugins";

const COLUMNS: &str = "n, at, who, origin, via, action, kind, object, before, after, undoes, request,
    (SELECT u.n FROM revision u WHERE u.undoes = revision.n ORDER BY u.n DESC LIMIT 1), parts";

/// Which revisions to list: newest first, before a number, narrowed.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Most revisions to return.
    pub limit: usize,
    /// Only those before this number.
    pub before: Option<i64>,
    /// None of these kinds, nor of those below them (`kind/…`).
    pub hidden: Vec<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only those that changed this object, also as one of many.
    pub object: Option<String>,
    /// Only by them.
    pub who: Option<String>,
    /// Only from this time on, as the appliance writes times.
    pub since: Option<String>,
    /// Only before this time, as the appliance writes times.
    pub until: Option<String>,
}

/// Conditions of a query with the values that they bind, `?` standing for the next one.
#[derive(Default)]
struct Conditions {
    sql: String,
    bound: Vec<Cell>,
}

impl Conditions {
    fn add(&mut self, sql: &str, values: &[&str]) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.bound.extend(values.iter().map(|value| Cell::Text((*value).to_owned())));
    }
}

/// The revision of that number.
pub fn get(read: &Read<'_>, n: i64) -> Result<Object, Problem> {
    let sql = format!("SELECT {COLUMNS} FROM revision WHERE n = ?1");
    let found = read.one(&sql, params![n], shown)?;
    found.ok_or_else(|| Problem::new(NOT_FOUND, format!("There is no revision {n}.")))
}

/// A page of revisions, newest first, and the number to go on before.
pub fn list(read: &Read<'_>, page: &Page) -> Result<(Vec<Object>, Option<i64>), Problem> {
    let Conditions { sql, mut bound } = conditions(page);
    let sql = format!("SELECT {COLUMNS} FROM revision WHERE n < ?{sql} ORDER BY n DESC LIMIT ?");
    bound.insert(0, Cell::Integer(page.before.unwrap_or(i64::MAX)));
    bound.push(Cell::Integer(i64::try_from(page.limit).unwrap_or(i64::MAX - 1) + 1));
    let mut found = read.all(&sql, params_from_iter(bound), shown)?;
    let has_more = found.len() > page.limit;
    found.truncate(page.limit);
    let next = found.last().and_then(number).filter(|_| has_more);
    Ok((found, next))
}

fn conditions(page: &Page) -> Conditions {
    let mut all = Conditions::default();
    match (&page.kind, &page.object) {
        (Some(kind), Some(object)) => all.add(
            "n IN (SELECT n FROM revision WHERE object = ? AND kind = ?
                   UNION SELECT revision FROM revision_part WHERE object = ? AND kind = ?)",
            &[object, kind, object, kind],
        ),
        (None, Some(object)) => all.add(
            "n IN (SELECT n FROM revision WHERE object = ? UNION SELECT revision FROM revision_part WHERE object = ?)",
            &[object, object],
        ),
        (Some(kind), None) => all.add("kind = ?", &[kind]),
        (None, None) => {}
    }
    for (sql, value) in [("who = ?", &page.who), ("at >= ?", &page.since), ("at < ?", &page.until)] {
        value.iter().for_each(|value| all.add(sql, &[value]));
    }
    for kind in &page.hidden {
        all.add("kind <> ? AND substr(kind, 1, length(?) + 1) <> ? || '/'", &[kind, kind, kind]);
    }
    all
}

fn number(revision: &Object) -> Option<i64> {
    revision.get("n").and_then(Value::as_i64)
}

fn shown(row: &Row<'_>) -> RowResult<Object> {
    let (before, after) = (parsed(row.get(8)?), parsed(row.get(9)?));
    let value = json!({
        "n": row.get::<_, i64>(0)?, "at": row.get::<_, String>(1)?, "who": row.get::<_, String>(2)?,
        "from": row.get::<_, String>(3)?, "via": row.get::<_, String>(4)?, "action": row.get::<_, String>(5)?,
        "kind": row.get::<_, String>(6)?, "object": row.get::<_, String>(7)?,
        "changes": changes(before.as_ref(), after.as_ref()), "before": before, "after": after,
        "parts": row.get::<_, i64>(13)?,
        "undoes": row.get::<_, Option<i64>>(10)?, "request": row.get::<_, String>(11)?,
        "undone_by": row.get::<_, Option<i64>>(12)?,
    });
    Ok(value.as_object().cloned().unwrap_or_default())
}

fn parsed(text: Option<String>) -> Option<Value> {
    text.and_then(|text| serde_json::from_str(&text).ok())
}

/// The fields that a change altered; nothing where the object was made or deleted.
fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<Value> {
    let fields = |state: Option<&Value>| state.and_then(Value::as_object).cloned();
    let (Some(before), Some(after)) = (fields(before), fields(after)) else { return Vec::new() };
    let added = after.keys().filter(|name| !before.contains_key(*name));
    let altered =
        before.keys().chain(added).filter(|name| !matches!(name.as_str(), "revision" | "changed_at"));
    let altered = altered.filter(|name| before.get(*name) != after.get(*name));
    altered.map(|name| json!({"field": name, "before": before.get(name), "after": after.get(name)})).collect()
}

/// Puts one change back and returns the revision that does so. Refused when the object was changed again
/// later, because that change would be lost unseen.
pub fn undo(change: &Change<'_>, keyring: &Keyring, n: i64) -> Result<Object, Problem> {
    let revision = get(change.tx, n)?;
    refuse_superseded(change.tx, &revision)?;
    parts::refuse_superseded(change.tx, n)?;
    let undoing = change.next_revision()?;
    change.undoes(n);
    let (kind, id) = (objects::text(&revision, "kind"), objects::text(&revision, "object"));
    let (before, after) = (state(&revision, "before"), state(&revision, "after"));
    match (kind, objects::find(kind)) {
        _ if is_bulk(&revision) => return parts::undo_bulk(change, &revision),
        (settings::KIND, _) => {
            drop(settings::put_back(change, keyring, id, before.unwrap_or(&Object::new()))?)
        }
        (PLUGINS, _) => {
            let detail = format!("Undoing starts and stops no process. Switch the plugin {id} itself.");
            return Err(Problem::new(NOT_UNDOABLE, detail));
        }
        (scripts::KIND, _) => scripts::put_back(change, id, before)?,
        (login::KIND, _) => login::put_back(change, id, before)?,
        (_, Some(resource)) => put_back(change, resource, id, before, after)?,
        _ => return Err(Problem::new(NOT_UNDOABLE, format!("Nothing here knows how to put back {kind}."))),
    }
    let count = change.as_part_of(undoing, || parts::put_back_all(change, n))?;
    if kind == PEERS.name && count > 0 {
        change.tell(DIRECTORY_CHANGED.name, id);
    }
    get(change.tx, undoing)
}

/// Only a change in bulk changes something without an object that was there before.
fn is_bulk(revision: &Object) -> bool {
    objects::text(revision, "action") == "change" && state(revision, "before").is_none()
}

fn state<'a>(revision: &'a Object, field: &str) -> Option<&'a Object> {
    revision.get(field).and_then(Value::as_object)
}

/// Refuses when the object was changed again later.
pub fn refuse_superseded(read: &Read<'_>, revision: &Object) -> Result<(), Problem> {
    let sql = "SELECT n, who FROM revision WHERE kind = ?1 AND object = ?2 AND n > ?3
               UNION SELECT n, who FROM revision JOIN revision_part ON revision = n
                   WHERE revision_part.kind = ?1 AND revision_part.object = ?2 AND position >= ?3 AND n <> ?3
               ORDER BY n DESC LIMIT 1";
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
