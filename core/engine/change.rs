//! One change: the transaction it runs in, who makes it and from where, and the events it causes. Every
//! write of configuration goes through here, so every write leaves a revision.

use std::cell::{Cell, RefCell};

use jackfield_db::{Tx, params};
use serde_json::Value;

use super::clock;
use super::events::Fired;
use crate::catalog::problems::{Problem, STALE};
use crate::catalog::shape::Object;

/// Who makes a change, and how it came in.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The person or token, such as `admin alice`.
    pub who: String,
    /// Network address, or `this machine`.
    pub from: String,
    /// `api`, `console` or `cli`.
    pub via: &'static str,
    /// Id of the request, as the log shows it.
    pub request: String,
}

/// Which versions the caller means to change (RFC 9110 section 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// `If-Match: *`: whatever is there.
    Exists,
    /// One of the versions with these revisions.
    OneOf(Vec<i64>),
}

impl Precondition {
    /// Refuses when the object has moved on.
    pub fn check(&self, current: i64) -> Result<(), Problem> {
        let Self::OneOf(seen) = self else { return Ok(()) };
        if seen.contains(&current) {
            return Ok(());
        }
        let named = match seen.as_slice() {
            [] => "a version that this appliance never gave".to_owned(),
            [one] => format!("version {one}"),
            several => format!("one of the versions {several:?}"),
        };
        let detail = format!(
            "You change {named}, but it is now version {current}. Read it again and repeat your change."
        );
        Err(Problem::new(STALE, detail))
    }
}

/// What a change did to an object.
pub struct Entry<'a> {
    /// Resource name.
    pub kind: &'a str,
    /// Object id.
    pub object: &'a str,
    /// Before; `None` when it was made.
    pub before: Option<&'a Object>,
    /// After; `None` when it was deleted.
    pub after: Option<&'a Object>,
    /// Name of the event to publish once durable.
    pub event: &'a str,
}

/// A change under way, inside its transaction.
pub struct Change<'t> {
    /// The transaction.
    pub tx: &'t Tx<'t>,
    origin: &'t Origin,
    undoes: Cell<Option<i64>>,
    fired: RefCell<Vec<Fired>>,
}

impl<'t> Change<'t> {
    /// Begins a change in a transaction.
    pub fn new(tx: &'t Tx<'t>, origin: &'t Origin) -> Self {
        Self { tx, origin, undoes: Cell::new(None), fired: RefCell::default() }
    }

    /// Marks what is recorded from now on as the undoing of a revision.
    pub fn undoes(&self, revision: i64) {
        self.undoes.set(Some(revision));
    }

    /// The number the next recorded revision will have; the row that it describes carries it too.
    pub fn next_revision(&self) -> Result<i64, Problem> {
        let sql = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'revision'";
        Ok(self.tx.one(sql, params![], |row| row.get(0))?.unwrap_or(1))
    }

    /// Records what was done as a revision and queues its event.
    pub fn record(&self, entry: &Entry<'_>) -> Result<i64, Problem> {
        let action = match (entry.before, entry.after) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "change",
        };
        let text = |object: Option<&Object>| object.map(|o| Value::Object(o.clone()).to_string());
        let sql = "INSERT INTO revision (at, who, origin, via, action, kind, object, before, after, undoes, request)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let Origin { who, from, via, request } = self.origin;
        let (before, after) = (text(entry.before), text(entry.after));
        let row = params![
            clock::now(),
            who,
            from,
            via,
            action,
            entry.kind,
            entry.object,
            before,
            after,
            self.undoes.get(),
            request
        ];
        self.tx.execute(sql, row)?;
        self.fired
            .borrow_mut()
            .push(Fired { event: entry.event.to_owned(), object: entry.object.to_owned() });
        Ok(self.tx.last_insert_rowid())
    }

    /// The events to publish once the transaction is durable.
    pub fn into_events(self) -> Vec<Fired> {
        self.fired.into_inner()
    }
}
