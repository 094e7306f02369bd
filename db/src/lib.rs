//! Jackfield's storage: one SQLite file, one writer with group commit, many readers.
//!
//! This crate knows rows and transactions; what a row means is the engine's. It is the only place that names
//! `rusqlite`. It does not lock the file against a second process, encrypt secrets, or bundle backups.
//!
//! ```
//! use std::time::Duration;
//! use jackfield_db::{Db, Error, Options, params};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! // Open: creates the file, or migrates it after making a copy. `opened` says which.
//! let (file, copies) = (folder.join("jackfield.db"), folder.join("copies"));
//! let (db, opened) = Db::open(Options { file, copies, readers: 4, queue: 1024 })?;
//! assert_eq!(opened.outcome, jackfield_db::Outcome::Created);
//!
//! // Write: all or nothing, on the disk when it returns. The closure runs on the writer's thread, so it owns what it
//! // uses, and its error can be any type that is made from `jackfield_db::Error`.
//! let city = String::from("Solihull");
//! db.write(move |tx| tx.execute("INSERT INTO meta VALUES ('site', ?1)", params![city]))?;
//!
//! // Read: one consistent state per call, on the caller's thread.
//! let site: Option<String> =
//!     db.read(|read| read.one("SELECT value FROM meta WHERE name = ?1", ["site"], |row| row.get(0)))?;
//! assert_eq!(site.as_deref(), Some("Solihull"));
//!
//! // Rehearse: the same code, the same answer, no change.
//! let gone = db.rehearse(|tx| tx.execute("DELETE FROM meta", []))?;
//! assert_eq!(gone, 1);
//!
//! // A refusal says which rule it was.
//! let twice = db.write(|tx| tx.execute("INSERT INTO meta VALUES ('site', 'Leeds')", []));
//! assert!(matches!(twice, Err(Error::Constraint { kind: jackfield_db::Constraint::Unique, .. })));
//!
//! // Close: finishes what waits, empties the WAL.
//! db.close(Duration::from_secs(10))?;
//! # Ok(())
//! # }
//! ```

mod check;
mod connection;
mod copies;
mod db;
mod error;
mod handle;
mod job;
mod migrations;
mod open;
mod owned;
mod owner;
mod owner_steps;
mod queue;
mod readers;
mod refusal;
mod rules;
mod scope;
mod stats;
mod views;
mod writer;

#[cfg(test)]
mod tests;

pub use db::Db;
pub use error::{Constraint, Error};
pub use handle::{Read, RowResult, Tx};
pub use open::{Opened, Options, Outcome, inspect};
pub use owned::{Changed, OwnerTx, Table};
pub use owner::Owner;
pub use owner_steps::{OwnerMigrated, OwnerStep};
pub use refusal::OpenError;
pub use stats::Stats;

/// SQLite's values, rows and parameters, under this crate's name so that no other crate depends on the driver.
pub use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef};
pub use rusqlite::{Params, Row, ToSql, named_params, params, params_from_iter};
