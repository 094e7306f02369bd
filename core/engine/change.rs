//! One change: the transaction it runs in, who makes it and from where, and the events it causes. Every
//! write of configuration goes through here, so every write leaves a revision.

use std::cell::{Cell, RefCell};

use jackfield_db::{Tx, params};
use serde_json::Value;

use super::clock;
use super::events::Fired;
use crate::catalog::events::{ACCOUNT_CHANGED, ACCOUNTS_CHANGED};
use crate::catalog::problems::{Problem, STALE};
use crate::catalog::shape::Object;

/// Most accounts that one change tells of one by one; of more it tells that there are many.
const MOST_SINGLE: usize = 100;

/// Who makes a change, and how it came in.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The person or token, such as `admin alice`.
    pub who: String,
    /// Network address, or `this machine`.
    pub from: String,
    /// `api`, `console`, `cli`, `plugin`, or `appliance` for what it does by itself.
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
    whole: Cell<Option<i64>>,
    is_bulk: Cell<bool>,
    single: Cell<usize>,
    fired: RefCell<Vec<Fired>>,
}

impl<'t> Change<'t> {
    /// Begins a change in a transaction.
    pub fn new(tx: &'t Tx<'t>, origin: &'t Origin) -> Self {
        let (undoes, whole, is_bulk) = (Cell::new(None), Cell::new(None), Cell::new(false));
        let (single, fired) = (Cell::new(0), RefCell::default());
        Self { tx, origin, undoes, whole, is_bulk, single, fired }
    }

    /// Marks what is recorded from now on as the undoing of a revision.
    pub fn undoes(&self, revision: i64) {
        self.undoes.set(Some(revision));
    }

    /// Whether a revision is being undone: what followed from it is put back with it and need not follow again.
    pub fn is_undo(&self) -> bool {
        self.undoes.get().is_some()
    }

    /// The number the next recorded revision will have; the row that it describes carries it too.
    pub fn next_revision(&self) -> Result<i64, Problem> {
        match self.whole.get() {
            Some(n) => Ok(n),
            None => Ok(self.newest_revision()? + 1),
        }
    }

    /// What is recorded in `work` is part of revision `n`, or of that which `n` is itself a part of.
    pub fn as_part_of<T>(&self, n: i64, work: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
        let before = self.whole.get();
        self.whole.set(before.or(Some(n)));
        let outcome = work();
        self.whole.set(before);
        outcome
    }

    /// Makes one revision of all that is changed in `work`: it tells one event for all, and `work` says in an object
    /// what came of it. `goes_on` names the revision of an earlier transaction that this one continues. Where nothing
    /// was changed there is no revision.
    pub fn in_bulk(
        &self,
        entry: &Entry<'_>,
        goes_on: Option<i64>,
        work: impl FnOnce() -> Result<Object, Problem>,
    ) -> Result<Option<i64>, Problem> {
        let n = match goes_on {
            Some(n) => n,
            None => self.write(entry, "change")?,
        };
        self.is_bulk.set(true);
        let outcome = self.as_part_of(n, work);
        self.is_bulk.set(false);
        let said = Value::Object(outcome?).to_string();
        if self.tx.execute("DELETE FROM revision WHERE n = ?1 AND parts = 0", params![n])? > 0 {
            return Ok(None);
        }
        self.tx.execute("UPDATE revision SET after = ?2 WHERE n = ?1", params![n, said])?;
        self.fire(entry.event, &n.to_string());
        Ok(Some(n))
    }

    fn newest_revision(&self) -> Result<i64, Problem> {
        let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'revision'";
        Ok(self.tx.one(sql, params![], |row| row.get(0))?.unwrap_or(0))
    }

    /// Records what was done as a revision and queues its event.
    pub fn record(&self, entry: &Entry<'_>) -> Result<i64, Problem> {
        let action = match (entry.before, entry.after) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "change",
        };
        let n = match self.whole.get() {
            Some(n) => self.write_part(n, entry, action).map(|()| n)?,
            None => self.write(entry, action)?,
        };
        if !self.is_bulk.get() {
            self.fire_of(n, entry);
        }
        Ok(n)
    }

    /// Records that all objects of a kind beyond number `newest` of its table were made, as parts of the revision under
    /// way; how many. What each was like is not written a second time: the object has it, and later the next change's
    /// `before` (`revisions::parts` reads it there).
    pub fn record_made(&self, kind: &str, table: &str, newest: i64) -> Result<usize, Problem> {
        let n = self.next_revision()?;
        let sql = format!(
            "INSERT INTO revision_part (revision, position, action, kind, object)
             SELECT ?1, ?2, 'create', ?3, id FROM {table} WHERE seq > ?4 ORDER BY seq"
        );
        let made = self.tx.execute(&sql, params![n, self.newest_revision()?, kind, newest])?;
        let parts = i64::try_from(made).unwrap_or(i64::MAX);
        self.tx.execute("UPDATE revision SET parts = parts + ?2 WHERE n = ?1", params![n, parts])?;
        Ok(made)
    }

    /// Queues an event beyond those of the objects that were changed.
    pub fn tell(&self, event: &str, object: &str) {
        self.fire(event, object);
    }

    fn fire(&self, event: &str, object: &str) {
        self.fired.borrow_mut().push(Fired { event: event.to_owned(), object: object.to_owned() });
    }

    /// So that deleting a peer with all its contacts is not news of each of them.
    fn fire_of(&self, n: i64, entry: &Entry<'_>) {
        if entry.event != ACCOUNT_CHANGED.name {
            return self.fire(entry.event, entry.object);
        }
        let single = self.single.get() + 1;
        self.single.set(single);
        if single <= MOST_SINGLE {
            self.fire(entry.event, entry.object);
        } else if single == MOST_SINGLE + 1 {
            self.fired.borrow_mut().retain(|fired| fired.event != ACCOUNT_CHANGED.name);
            self.fire(ACCOUNTS_CHANGED.name, &n.to_string());
        }
    }

    fn write(&self, entry: &Entry<'_>, action: &str) -> Result<i64, Problem> {
        let sql = "INSERT INTO revision (at, who, origin, via, action, kind, object, before, after, undoes, request)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let Origin { who, from, via, request } = self.origin;
        let (before, after) = (written(entry.before), written(entry.after));
        let (kind, object, undoes) = (entry.kind, entry.object, self.undoes.get());
        let row = params![clock::now(), who, from, via, action, kind, object, before, after, undoes, request];
        self.tx.execute(sql, row)?;
        Ok(self.tx.last_insert_rowid())
    }

    fn write_part(&self, n: i64, entry: &Entry<'_>, action: &str) -> Result<(), Problem> {
        let sql = "INSERT INTO revision_part (revision, position, action, kind, object, before, after)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (before, after) = (written(entry.before), written(entry.after));
        let position = self.newest_revision()?;
        self.tx.execute(sql, params![n, position, action, entry.kind, entry.object, before, after])?;
        self.tx.execute("UPDATE revision SET parts = parts + 1 WHERE n = ?1", params![n])?;
        Ok(())
    }

    /// The events to publish once the transaction is durable.
    pub fn into_events(self) -> Vec<Fired> {
        self.fired.into_inner()
    }
}

fn written(object: Option<&Object>) -> Option<String> {
    object.map(|object| Value::Object(object.clone()).to_string())
}
