//! A plugin's statements: run past the cache, confined to its own tables, bounded in rows, bytes and time.

use std::cell::Cell;
use std::ops::Deref;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Row, Statement, params_from_iter};

use crate::error::Error;
use crate::handle::Tx;
use crate::owner::Owner;
use crate::rules::Task;
use crate::scope::{Confined, Scoped};

/// Bytes of all values in one answer, at most.
const ANSWER: usize = 8 * 1024 * 1024;

/// Parameters of one statement, at most.
const PARAMS: usize = 250;

/// An answer to a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values by row.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows than asked for.
    pub more: bool,
}

/// What a plugin's statement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Rows that it changed.
    pub rows: usize,
    /// Row id that the connection inserted last; of use after an INSERT only.
    pub rowid: i64,
}

/// A write that belongs to a plugin: its own statements by `execute_as` and `query_as`, core's by everything of [`Tx`].
pub struct OwnerTx<'t> {
    tx: &'t Tx<'t>,
    owner: &'t Owner,
    left: Cell<Duration>,
}

impl<'t> OwnerTx<'t> {
    pub(crate) fn new(tx: &'t Tx<'t>, owner: &'t Owner, time: Duration) -> Self {
        Self { tx, owner, left: Cell::new(time) }
    }

    /// Runs one INSERT, UPDATE or DELETE of the plugin's.
    ///
    /// # Errors
    /// `Denied`, `TooLarge`, `TooSlow` (which undoes the whole write), and whatever SQLite refuses.
    pub fn execute_as(&self, sql: &str, params: Vec<Value>) -> Result<Changed, Error> {
        self.timed(|confined| execute(confined, sql, params))
            .map(|rows| Changed { rows, rowid: self.tx.last_insert_rowid() })
    }

    /// Runs one statement of the plugin's that answers rows: SELECT, or a change with RETURNING.
    ///
    /// # Errors
    /// As for `execute_as`.
    pub fn query_as(&self, sql: &str, params: Vec<Value>, limit: usize) -> Result<Table, Error> {
        self.timed(|confined| {
            let mut statement = confined.prepare(sql)?;
            fetch(confined, &mut statement, params, limit)
        })
    }

    fn timed<T>(&self, work: impl FnOnce(&Confined<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let start = Instant::now();
        let outcome = self.tx.confined(self.owner, start + self.left.get(), work);
        self.left.set(self.left.get().saturating_sub(start.elapsed()));
        outcome
    }
}

impl<'t> Deref for OwnerTx<'t> {
    type Target = Tx<'t>;

    fn deref(&self) -> &Self::Target {
        self.tx
    }
}

/// Reads as `owner` on a reader's connection.
pub(crate) fn read(
    conn: &Scoped,
    owner: &Owner,
    deadline: Instant,
    sql: &str,
    params: Vec<Value>,
    limit: usize,
) -> Result<Table, Error> {
    let confined = conn.confine(owner, Task::Rows, deadline)?;
    let mut statement = confined.prepare(sql)?;
    if !statement.readonly() {
        return Err(Error::denied(format_args!("{owner} tried to change rows in a read; use a write")));
    }
    fetch(&confined, &mut statement, params, limit)
}

fn execute(confined: &Confined<'_>, sql: &str, params: Vec<Value>) -> Result<usize, Error> {
    let mut statement = confined.prepare(sql)?;
    if statement.column_count() > 0 {
        return Err(Error::other(format_args!("this SQL answers rows, use a query: {sql}")));
    }
    check_params(&params)?;
    statement.execute(params_from_iter(params)).map_err(|error| confined.explain(error))
}

fn fetch(
    confined: &Confined<'_>,
    statement: &mut Statement<'_>,
    params: Vec<Value>,
    limit: usize,
) -> Result<Table, Error> {
    check_params(&params)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    if columns.is_empty() {
        return Err(Error::other("this SQL answers no rows, use execute"));
    }
    let explain = |error| confined.explain(error);
    let mut table = Table { columns, rows: Vec::new(), more: false };
    let mut bytes = 0;
    let mut rows = statement.query(params_from_iter(params)).map_err(explain)?;
    while let Some(row) = rows.next().map_err(explain)? {
        if table.rows.len() == limit {
            table.more = true;
            break;
        }
        let values = values(row, table.columns.len())?;
        bytes += values.iter().map(size).sum::<usize>();
        if bytes > ANSWER {
            return Err(Error::too_large("the answer has more than 8 MiB; ask for fewer rows or columns"));
        }
        table.rows.push(values);
    }
    Ok(table)
}

fn values(row: &Row<'_>, count: usize) -> Result<Vec<Value>, Error> {
    Ok((0..count).map(|index| row.get(index)).collect::<rusqlite::Result<_>>()?)
}

/// What a value takes in memory.
fn size(value: &Value) -> usize {
    let content = match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        _ => 0,
    };
    content + size_of::<Value>()
}

fn check_params(params: &[Value]) -> Result<(), Error> {
    if params.len() <= PARAMS {
        return Ok(());
    }
    Err(Error::too_large(format_args!("{} parameters were given and {PARAMS} are allowed", params.len())))
}
