//! The host's storage on the appliance's real one: what a plugin asks and writes goes through SQLite's authorizer, and
//! its revisions are in the same transaction as its change.

use data_encoding::BASE64;
use jackfield_db::{Db, Error, Owner, OwnerTx, Value as Cell, params};
use jackfield_sdk::abi::ops::{Changes, Query, Rows, Statements};
use jackfield_sdk::{Code, Failure, Revision, Value, json};

/// Answers `db.query`.
pub fn query(owner: &Owner, db: &Db, args: Value) -> Result<Value, Failure> {
    let Query { statement, limit } = read(args);
    let table = db.query_as(owner, &statement.sql, cells(&statement.params), limit);
    let table = table.map_err(|error| Undone::from(error).0)?;
    let rows = table.rows.into_iter().map(|row| row.into_iter().map(shown).collect()).collect();
    Ok(json!(Rows { columns: table.columns, rows, more: table.more }))
}

/// A failure on its way out of a transaction.
struct Undone(Failure);

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Constraint { .. } => Code::Conflict,
            Error::Denied { .. } => Code::Denied,
            _ => Code::BadRequest,
        };
        Self(Failure::new(code, error.to_string()))
    }
}

/// Answers `db.tx`.
pub fn write(owner: &Owner, db: &Db, args: Value) -> Result<Value, Failure> {
    let work: Statements = read(args);
    db.write_as(owner, move |tx| run(tx, &work))
        .map(|changes| json!(changes))
        .map_err(|Undone(failure)| failure)
}

fn run(tx: &OwnerTx<'_>, work: &Statements) -> Result<Changes, Undone> {
    let mut changes = Changes { changed: Vec::new(), rowids: Vec::new(), revisions: Vec::new() };
    for statement in &work.statements {
        let done = tx.execute_as(&statement.sql, cells(&statement.params))?;
        if statement.expect.is_some_and(|wanted| wanted != done.rows) {
            return Err(Undone(Failure::new(Code::Conflict, "another number of rows")));
        }
        changes.changed.push(done.rows);
        changes.rowids.push(done.rowid);
    }
    for revision in &work.revisions {
        changes.revisions.push(note(tx, revision)?);
    }
    Ok(changes)
}

fn note(tx: &OwnerTx<'_>, revision: &Revision) -> Result<i64, Error> {
    let text = |value: &Value| (!value.is_null()).then(|| value.to_string());
    let (before, after) = (text(&revision.before), text(&revision.after));
    let sql = "INSERT INTO revision (at, who, origin, via, action, kind, object, before, after, request)
        VALUES ('', ?1, '', 'plugin', 'change', ?2, ?3, ?4, ?5, '')";
    tx.execute(sql, params![revision.who, revision.kind, revision.object, before, after])?;
    Ok(tx.last_insert_rowid())
}

fn read<T: serde::de::DeserializeOwned>(args: Value) -> T {
    serde::Deserialize::deserialize(args).unwrap()
}

fn cells(values: &[Value]) -> Vec<Cell> {
    values.iter().map(cell).collect()
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Integer((*flag).into()),
        Value::Number(number) => Cell::Integer(number.as_i64().unwrap()),
        Value::String(text) => Cell::Text(text.clone()),
        other => panic!("{other} cannot be bound"),
    }
}

fn shown(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => json!(number),
        Cell::Text(text) => json!(text),
        Cell::Blob(bytes) => json!({"base64": BASE64.encode(&bytes)}),
        other => panic!("{other:?} is not in these tables"),
    }
}
