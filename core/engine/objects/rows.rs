//! Objects as rows: SQL made from a resource's declaration. Column names come from declarations only,
//! values are always bound.

use jackfield_db::{Error, Read, Row, RowResult, Tx, Value as Cell, params, params_from_iter};
use serde_json::Value;

use super::search::{Question, question};
use super::{Hidden, Resource, text};
use crate::catalog::problems::Problem;
use crate::catalog::shape::{Access, Field, Kind, Object};
use crate::engine::fault;

/// Which part of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Most objects to return.
    pub limit: usize,
    /// Only those made after this one.
    pub after: i64,
    /// Only those whose field has this value.
    pub filters: Vec<(&'static str, String)>,
    /// Only those with each of these words somewhere, for kinds that can be searched; empty: all.
    pub words: String,
}

/// The fields that are columns.
pub fn columns(resource: &Resource) -> impl Iterator<Item = &'static Field> + use<> {
    resource.shape.fields.iter().filter(|field| !matches!(field.access, Access::Secret | Access::Once))
}

fn column_names(resource: &Resource) -> String {
    columns(resource).map(|field| field.name).collect::<Vec<_>>().join(", ")
}

/// The object of that id.
pub fn find(read: &Read<'_>, resource: &Resource, id: &str) -> Result<Option<Object>, Problem> {
    let sql = format!("SELECT {} FROM {} WHERE id = ?1", column_names(resource), resource.table);
    Ok(read.one(&sql, params![id], |row| object(resource, row, 0))?)
}

/// The id of an object as it spells itself, if there is one.
pub fn spelling(read: &Read<'_>, resource: &Resource, id: &str) -> Result<Option<String>, Problem> {
    let sql = format!("SELECT id FROM {} WHERE id = ?1", resource.table);
    Ok(read.one(&sql, params![id], |row| row.get(0))?)
}

/// A page of objects, and the cursor of the next page if there is one.
pub fn list(
    read: &Read<'_>,
    resource: &Resource,
    page: &Page,
) -> Result<(Vec<Object>, Option<i64>), Problem> {
    let asked = match resource.is_searchable() {
        true => question(&page.words),
        false => Question { from: resource.table, ..Question::default() },
    };
    let narrowed: String = page.filters.iter().map(|(field, _)| format!(" AND {field} = ?")).collect();
    let sql = format!(
        "SELECT seq, {} FROM {} WHERE seq > ?{}{narrowed} ORDER BY seq LIMIT ?",
        column_names(resource),
        asked.from,
        asked.conditions
    );
    let mut bound = vec![Cell::Integer(page.after)];
    bound.extend(asked.bound);
    bound.extend(page.filters.iter().map(|(_, value)| Cell::Text(value.clone())));
    bound.push(Cell::Integer(i64::try_from(page.limit).unwrap_or(i64::MAX - 1) + 1));
    let mut found = read
        .all(&sql, params_from_iter(bound), |row| Ok((row.get::<_, i64>(0)?, object(resource, row, 1)?)))?;
    let has_more = found.len() > page.limit;
    found.truncate(page.limit);
    let next = found.last().map(|(seq, _)| *seq).filter(|_| has_more);
    Ok((found.into_iter().map(|(_, object)| object).collect(), next))
}

/// How many objects have that value in a field.
pub fn count(read: &Read<'_>, resource: &Resource, field: &str, value: &str) -> Result<i64, Problem> {
    let sql = format!("SELECT count(*) FROM {} WHERE {field} = ?1", resource.table);
    Ok(read.one(&sql, params![value], |row| row.get(0))?.unwrap_or(0))
}

/// Writes a new row.
pub fn insert(tx: &Tx<'_>, resource: &Resource, object: &Object, hidden: &Hidden) -> Result<(), Error> {
    let (names, cells) = assignments(resource, object, hidden);
    let marks = (1..=names.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
    let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", resource.table, names.join(", "));
    tx.execute(&sql, params_from_iter(cells)).map(drop)
}

/// Writes an existing row anew.
pub fn update(tx: &Tx<'_>, resource: &Resource, object: &Object, hidden: &Hidden) -> Result<(), Error> {
    let (names, mut cells) = assignments(resource, object, hidden);
    let set = names
        .iter()
        .enumerate()
        .map(|(i, name)| format!("{name} = ?{}", i + 1))
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!("UPDATE {} SET {set} WHERE id = ?{}", resource.table, names.len() + 1);
    cells.push(Cell::Text(text(object, "id").to_owned()));
    tx.execute(&sql, params_from_iter(cells)).map(drop)
}

/// Deletes a row.
pub fn delete(tx: &Tx<'_>, resource: &Resource, id: &str) -> Result<(), Problem> {
    let sql = format!("DELETE FROM {} WHERE id = ?1", resource.table);
    match tx.execute(&sql, params![id])? {
        1 => Ok(()),
        deleted => {
            Err(fault("delete a row", &format!("{deleted} rows of {} have the id {id:?}", resource.table)))
        }
    }
}

fn assignments(resource: &Resource, object: &Object, hidden: &Hidden) -> (Vec<&'static str>, Vec<Cell>) {
    let written = columns(resource).filter(|field| field.access != Access::Derived);
    let shown = written.map(|field| (field.name, to_cell(object.get(field.name).unwrap_or(&Value::Null))));
    shown.chain(hidden.columns.iter().map(|(name, cell)| (*name, cell.clone()))).unzip()
}

/// A field's value as the database keeps it.
pub fn to_cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Integer((*flag).into()),
        Value::Number(number) => number.as_i64().map_or(Cell::Null, Cell::Integer),
        Value::String(text) => Cell::Text(text.clone()),
        structured => Cell::Text(structured.to_string()),
    }
}

fn object(resource: &Resource, row: &Row<'_>, first: usize) -> RowResult<Object> {
    let mut object = Object::new();
    for (index, field) in columns(resource).enumerate() {
        object.insert(field.name.to_owned(), from_cell(field.kind, row.get(first + index)?));
    }
    Ok(object)
}

fn is_structured(kind: Kind) -> bool {
    matches!(kind, Kind::List { .. } | Kind::Object(_) | Kind::Objects(_) | Kind::Any)
}

/// The schema's CHECKs keep structured text valid JSON, so a parse failure can only be damage; it shows as
/// null rather than taking the list down.
fn from_cell(kind: Kind, cell: Cell) -> Value {
    match (kind, cell) {
        (Kind::Boolean, Cell::Integer(flag)) => (flag != 0).into(),
        (kind, Cell::Text(text)) if is_structured(kind) => serde_json::from_str(&text).unwrap_or_default(),
        (_, Cell::Integer(number)) => number.into(),
        (_, Cell::Text(text)) => text.into(),
        _ => Value::Null,
    }
}
