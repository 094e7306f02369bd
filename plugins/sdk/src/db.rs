//! The plugin's own tables: reads into structures, writes in one transaction. Values are bound, never
//! written into the text.

use jackfield_abi::ops::{self, Changes, Code, Failure, Query, Revision, Rows, Statement, Statements};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::host::Host;
use crate::message::Answer;
use crate::served;

/// Most rows of one read (the treaty's bound).
const MOST_ROWS: usize = 10_000;

/// The tables.
pub struct Db<'a> {
    host: &'a Host,
}

/// Part of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are more.
    pub more: bool,
}

impl<'a> Db<'a> {
    pub(crate) fn new(host: &'a Host) -> Self {
        Self { host }
    }

    /// All rows, each as a structure whose fields are named as the columns. More than 10,000 are an error:
    /// read those by [`Self::page`].
    pub fn query<T: DeserializeOwned>(&self, sql: &str, params: Vec<Value>) -> Result<Vec<T>, Failure> {
        let page = self.page(sql, params, MOST_ROWS)?;
        if page.more {
            let text = format!("`{sql}` finds more than {MOST_ROWS} rows; read them in pages");
            return Err(Failure::new(Code::Internal, text));
        }
        Ok(page.rows)
    }

    /// The first so many rows, at most 10,000.
    pub fn page<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: Vec<Value>,
        limit: usize,
    ) -> Result<Page<T>, Failure> {
        let query = Query { statement: statement(sql, params), limit };
        let answer = self.host.call(ops::DB_QUERY, query)?;
        let Rows { columns, rows, more } = typed(sql, answer)?;
        let rows = rows.into_iter().map(|row| typed(sql, object(&columns, row)));
        Ok(Page { rows: rows.collect::<Result<_, _>>()?, more })
    }

    /// The first row, if there is one.
    pub fn first<T: DeserializeOwned>(&self, sql: &str, params: Vec<Value>) -> Result<Option<T>, Failure> {
        Ok(self.page(sql, params, 1)?.rows.pop())
    }

    /// All statements that the function adds, or none of them; durable when this returns.
    pub fn tx(&self, fill: impl FnOnce(&mut Tx) -> Result<(), Failure>) -> Result<Changes, Failure> {
        let mut tx = Tx::default();
        fill(&mut tx)?;
        let work = Statements { request: served::current(), ..tx.0 };
        typed("a transaction", self.host.call(ops::DB_TX, work)?)
    }
}

/// A transaction being filled. It is run as a whole afterwards, so nothing can be read in between.
#[derive(Debug)]
pub struct Tx(Statements);

impl Default for Tx {
    fn default() -> Self {
        Self(Statements { statements: Vec::new(), revisions: Vec::new(), request: String::new() })
    }
}

impl Tx {
    pub(crate) fn into_answer(self) -> Answer {
        let unwritable = |e| Failure::new(Code::Internal, format!("the statements cannot be written: {e}"));
        serde_json::to_value(self.0).map_err(unwritable)
    }

    /// Adds a statement.
    pub fn run(&mut self, sql: &str, params: Vec<Value>) -> &mut Self {
        self.0.statements.push(statement(sql, params));
        self
    }

    /// Adds a statement that must change exactly one row; otherwise nothing at all is changed and the
    /// transaction fails with `conflict`. So a stale edit is refused: `UPDATE … WHERE id = ?1 AND revision = ?2`.
    pub fn run_one(&mut self, sql: &str, params: Vec<Value>) -> &mut Self {
        self.0.statements.push(Statement { expect: Some(1), ..statement(sql, params) });
        self
    }

    /// Records the change with it: what kind of object, which, by whom ([`crate::HttpRequest::who`]), and
    /// how it was before and is now (`None`: was not, is not).
    pub fn revision<T: Serialize>(
        &mut self,
        object: (&str, &str),
        who: &str,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<&mut Self, Failure> {
        let (kind, object) = (object.0.to_owned(), object.1.to_owned());
        let (before, after) = (shown(before)?, shown(after)?);
        self.0.revisions.push(Revision { kind, object, who: who.to_owned(), before, after });
        Ok(self)
    }
}

/// A truth value as SQLite keeps it, for `#[serde(deserialize_with = "jackfield_sdk::flag")]`.
pub fn flag<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    match i64::deserialize(value)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(D::Error::custom(format!("{other} is neither 0 nor 1"))),
    }
}

fn statement(sql: &str, params: Vec<Value>) -> Statement {
    Statement { sql: sql.to_owned(), params, expect: None }
}

fn shown<T: Serialize>(object: Option<&T>) -> Result<Value, Failure> {
    let unwritable = |e| Failure::new(Code::Internal, format!("a revision cannot be written as JSON: {e}"));
    serde_json::to_value(object).map_err(unwritable)
}

fn object(columns: &[String], row: Vec<Value>) -> Value {
    Value::Object(columns.iter().cloned().zip(row).collect::<Map<_, _>>())
}

fn typed<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(value).map_err(|e| {
        let text = format!("the result of {what} does not fit at `{}`: {}", e.path(), e.inner());
        Failure::new(Code::Internal, text)
    })
}
