//! What code inside `read`, `write` and `rehearse` can do: run SQL with prepared, cached statements.
//!
//! Transactions are not begun or ended here: a group of writes shares one, and SQL that would end it is refused.

use std::cell::RefCell;
use std::ops::Deref;
use std::time::Instant;

use rusqlite::{CachedStatement, Params, Row};

use crate::error::Error;
use crate::owner::Owner;
use crate::rules::Task;
use crate::scope::{Confined, Scoped};
use crate::stats::Counters;

/// What a row closure answers; its error is what `Row::get` answers, so `?` works.
pub type RowResult<T> = rusqlite::Result<T>;

/// Reads one consistent state of the database.
pub struct Read<'c> {
    conn: &'c Scoped,
    last_error: RefCell<Option<Error>>,
}

/// Reads and changes the database inside one write.
pub struct Tx<'c> {
    read: Read<'c>,
    counters: Option<&'c Counters>,
}

impl<'c> Read<'c> {
    pub(crate) fn new(conn: &'c Scoped) -> Self {
        Self { conn, last_error: RefCell::new(None) }
    }

    /// The first row of the answer, or `None` if it has no rows. Also for `… RETURNING` inside a write.
    ///
    /// # Errors
    /// Whatever SQLite refuses, and SQL that has no answer.
    pub fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> RowResult<T>,
    ) -> Result<Option<T>, Error> {
        self.noted(self.query(sql).and_then(|mut statement| {
            let mut rows = statement.query(params)?;
            let Some(row) = rows.next()? else { return Ok(None) };
            Ok(Some(read(row)?))
        }))
    }

    /// Every row of the answer, in its order. The caller bounds it with `LIMIT`.
    ///
    /// # Errors
    /// Whatever SQLite refuses, and SQL that has no answer.
    pub fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> RowResult<T>,
    ) -> Result<Vec<T>, Error> {
        self.noted(self.query(sql).and_then(|mut statement| {
            let rows = statement.query_map(params, read)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        }))
    }

    /// Why SQLite last refused something here.
    pub(crate) fn last_error(&self) -> Option<Error> {
        self.last_error.borrow().clone()
    }

    fn query(&self, sql: &str) -> Result<CachedStatement<'c>, Error> {
        let statement = self.prepared(sql)?;
        if statement.column_count() == 0 {
            return Err(Error::other(format_args!("this SQL answers no rows, use execute: {sql}")));
        }
        Ok(statement)
    }

    /// After some faults SQLite undoes the whole transaction by itself (<https://sqlite.org/lang_transaction.html>
    /// section 3.1); a statement after that would be saved alone, so there is none.
    fn prepared(&self, sql: &str) -> Result<CachedStatement<'c>, Error> {
        self.require_transaction()?;
        Ok(self.conn.prepare_cached(sql)?)
    }

    fn require_transaction(&self) -> Result<(), Error> {
        if self.conn.is_autocommit() {
            return Err(self.last_error().unwrap_or_else(Error::given_up));
        }
        Ok(())
    }

    /// Keeps why `outcome` failed, for the case that SQLite undoes the transaction because of it.
    pub(crate) fn noted<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &outcome {
            self.last_error.replace(Some(error.clone()));
        }
        outcome
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn new(conn: &'c Scoped, counters: Option<&'c Counters>) -> Self {
        Self { read: Read::new(conn), counters }
    }

    /// Tells the watchdog that a long piece of work gets on: call it every so many rows. What hangs does not.
    pub fn gets_on(&self) {
        if let Some(counters) = self.counters {
            counters.starts();
        }
    }

    /// Makes room in memory for a write of very many rows, so that no page goes to the log more than once; the writer
    /// gives it back when the write is over.
    ///
    /// # Errors
    /// Whatever SQLite refuses.
    pub fn expects_many_rows(&self) -> Result<(), Error> {
        self.read.noted(self.read.conn.make_room().map_err(Error::from))
    }

    /// Runs one INSERT, UPDATE, DELETE or schema change; answers how many rows it touched.
    ///
    /// # Errors
    /// Whatever SQLite refuses, and SQL that changes nothing by nature, such as COMMIT.
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<usize, Error> {
        self.read.noted(self.change(sql).and_then(|mut statement| Ok(statement.execute(params)?)))
    }

    /// The `rowid` of the last row inserted through this handle's connection.
    pub fn last_insert_rowid(&self) -> i64 {
        self.read.conn.last_insert_rowid()
    }

    /// Runs `work` with the connection confined to `owner` until `deadline`.
    pub(crate) fn confined<T>(
        &self,
        owner: &Owner,
        deadline: Instant,
        work: impl FnOnce(&Confined<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outcome = self.read.require_transaction();
        let outcome = outcome.and_then(|()| self.read.conn.confine(owner, Task::Rows, deadline));
        self.read.noted(outcome.and_then(|confined| work(&confined)))
    }

    /// The connection itself, for migrations.
    pub(crate) fn scoped(&self) -> &'c Scoped {
        self.read.conn
    }

    fn change(&self, sql: &str) -> Result<CachedStatement<'c>, Error> {
        let statement = self.read.prepared(sql)?;
        // SQLite counts COMMIT, ROLLBACK, RELEASE and ATTACH as read-only (https://sqlite.org/c3ref/stmt_readonly.html).
        if statement.readonly() {
            return Err(Error::other(format_args!("this SQL cannot change a row: {sql}")));
        }
        Ok(statement)
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Read<'c>;

    fn deref(&self) -> &Self::Target {
        &self.read
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn memory() -> Scoped {
        Scoped::new(rusqlite::Connection::open_in_memory().unwrap(), Arc::default()).unwrap()
    }

    #[test]
    fn sql_that_would_end_the_transaction_is_refused() {
        let conn = memory();
        conn.execute_batch("BEGIN; SAVEPOINT job").unwrap();
        let tx = Tx::new(&conn, None);
        let words =
            ["COMMIT", "END", "ROLLBACK", "ROLLBACK TO job", "RELEASE job", "SAVEPOINT x", "/* */ commit"];
        for sql in words.iter().chain(&["BEGIN", "ATTACH ':memory:' AS x", "PRAGMA defer_foreign_keys=ON"]) {
            assert!(tx.execute(sql, []).is_err(), "execute {sql}");
            assert!(tx.one(sql, [], |_| Ok(())).is_err(), "one {sql}");
            assert!(tx.all(sql, [], |_| Ok(())).is_err(), "all {sql}");
        }
        assert!(!conn.is_autocommit());
    }

    #[test]
    fn a_change_can_answer_its_row() {
        let conn = memory();
        conn.execute_batch("BEGIN").unwrap();
        let tx = Tx::new(&conn, None);
        assert_eq!(tx.execute("CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT) STRICT", []).unwrap(), 0);
        assert_eq!(tx.execute("CREATE TABLE IF NOT EXISTS a (b TEXT) STRICT", []).unwrap(), 0);
        assert_eq!(tx.execute("DELETE FROM a", []).unwrap(), 0);
        let id =
            tx.one("INSERT INTO a (b) VALUES (?1) RETURNING id", ["x"], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(id, Some(tx.last_insert_rowid()));
        assert_eq!(tx.all("SELECT b FROM a", [], |row| row.get::<_, String>(0)).unwrap(), ["x"]);
        assert_eq!(tx.one("SELECT b FROM a WHERE id=9", [], |row| row.get::<_, String>(0)).unwrap(), None);
    }
}
