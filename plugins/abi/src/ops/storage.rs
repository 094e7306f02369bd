//! Reading and writing of a plugin's own tables: `db.query`, `db.tx`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Revision;

/// One SQL statement. Values are bound, never written into the text; texts `?1`, `?2` … in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// SQL with `?1` … for values.
    pub sql: String,
    /// null, numbers, text, truth values (as 0 and 1); blobs as `{"base64": text}`.
    #[serde(default)]
    pub params: Vec<Value>,
    /// Rows that a write must change; another number undoes the whole transaction with `conflict`. So a plugin
    /// refuses a stale edit by `UPDATE … WHERE revision = ?`. None: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<usize>,
}

/// A read. The answer holds at most `limit` rows and says whether there were more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// What to read.
    #[serde(flatten)]
    pub statement: Statement,
    /// Most rows, at most 10,000.
    #[serde(default = "default_limit")]
    pub limit: usize,
}

fn default_limit() -> usize {
    1000
}

/// The answer to a read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values by row.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more than the limit.
    pub more: bool,
}

/// A write: all statements, or none. A revision noted with it is recorded in the same transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statements {
    /// In order.
    pub statements: Vec<Statement>,
    /// Revisions to record in the same transaction. Several become one revision with as many parts.
    #[serde(default)]
    pub revisions: Vec<Revision>,
    /// The API request that it is done for, [`HttpRequest::request`]; empty: none. A caller that repeats a request
    /// with the same idempotency key gets the first answer; by this name the appliance knows, also when the
    /// plugin's process ends before it answers, that the request was carried out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request: String,
}

/// The answer to a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Rows that each statement changed.
    pub changed: Vec<usize>,
    /// Row id that each statement inserted last; of use after an INSERT only.
    pub rowids: Vec<i64>,
    /// Numbers of the recorded revisions.
    pub revisions: Vec<i64>,
}
