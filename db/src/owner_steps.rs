//! A plugin's migrations: forward only, all that are due in one transaction, each confined to the plugin's own tables
//! and looked at afterwards, because SQLite's authorizer is not told everything.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection};

use crate::check;
use crate::error::Error;
use crate::handle::{Read, Tx};
use crate::owner::Owner;
use crate::rules::Task;
use crate::scope::{Confined, Scoped, check_text};

/// How long all steps together may run, while everybody else's writes wait.
const TIME: Duration = Duration::from_secs(60);

/// One step. Its number is its place in the list, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerStep {
    /// Name for messages.
    pub name: String,
    /// Any number of statements, at most 64 KiB, on the owner's tables; none begins or ends a transaction.
    pub sql: String,
}

/// What migrating a plugin's tables did; nothing if both versions are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerMigrated {
    /// Version before; 0 if the plugin had no tables.
    pub from: u32,
    /// Version now.
    pub to: u32,
    /// The copy of the whole database made before.
    pub copy: Option<PathBuf>,
}

/// Everything in the schema that is not the owner's, as text to compare.
type Foreign = Vec<String>;

/// How many steps the owner's tables have behind them.
pub(crate) fn version(read: &Read<'_>, owner: &Owner) -> Result<u32, Error> {
    let sql = "SELECT version FROM owner_schema WHERE owner = ?1";
    Ok(read.one(sql, [owner.id()], |row| row.get(0))?.unwrap_or(0))
}

/// The version that `steps` lead to, unless the tables are beyond it.
pub(crate) fn target(owner: &Owner, from: u32, steps: &[OwnerStep]) -> Result<u32, Error> {
    let to = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if from <= to {
        return Ok(to);
    }
    Err(Error::Migration {
        detail: format!(
            "The tables of {owner} have version {from} and this {owner} knows only versions up to {to}; install its newer release again."
        ),
    })
}

/// Runs every step after number `from`, and notes the new version.
pub(crate) fn run(tx: &Tx<'_>, owner: &Owner, steps: &[OwnerStep], from: u32) -> Result<(), Error> {
    let deadline = Instant::now() + TIME;
    for step in steps.iter().skip(from as usize) {
        let applied = apply(tx.scoped(), owner, step, deadline);
        tx.noted(applied.map_err(|error| named(owner, step, error)))?;
    }
    let sql = "INSERT INTO owner_schema VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) \
               ON CONFLICT (owner) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at";
    tx.execute(sql, (owner.id(), u32::try_from(steps.len()).unwrap_or(u32::MAX))).map(drop)
}

fn apply(conn: &Scoped, owner: &Owner, step: &OwnerStep, deadline: Instant) -> Result<(), Error> {
    let before = foreign(conn, owner)?;
    check_text(&step.sql)?;
    let confined = conn.confine(owner, Task::Schema, deadline)?;
    execute(&confined, conn, &step.sql)?;
    drop(confined);
    if conn.is_autocommit() {
        return Err(Error::other("the step ends the transaction that it runs in"));
    }
    if foreign(conn, owner)? != before {
        return Err(Error::denied(format_args!(
            "{owner} gave a table a name that is not its own; names begin with {owner}_"
        )));
    }
    refuse_loose(conn, owner)?;
    refuse_references(conn, owner)?;
    try_triggers(conn, owner, deadline)?;
    let dangling = check::references(conn)?;
    if dangling.is_empty() { Ok(()) } else { Err(Error::other(dangling.join("; "))) }
}

/// Runs the statements one by one; SQLite finds where each ends.
fn execute<'c>(confined: &Confined<'c>, conn: &'c Scoped, sql: &str) -> Result<(), Error> {
    let mut batch = Batch::new(conn, sql);
    while let Some(mut statement) = next(confined, &mut batch)? {
        let mut rows = statement.raw_query();
        while rows.next().map_err(|error| confined.explain(error))?.is_some() {}
    }
    Ok(())
}

fn next<'c>(
    confined: &Confined<'c>,
    batch: &mut Batch<'c, '_>,
) -> Result<Option<rusqlite::Statement<'c>>, Error> {
    let mut found = None;
    let admitted = confined.admit(|_| {
        found = batch.next()?;
        Ok(found.is_some())
    });
    match (admitted, found) {
        // At the end there is nothing that SQLite could ask about.
        (Err(Error::Denied { .. }), None) if batch.next().is_ok_and(|rest| rest.is_none()) => Ok(None),
        (Err(error), _) => Err(error),
        (Ok(_), found) => Ok(found),
    }
}

fn foreign(conn: &Connection, owner: &Owner) -> Result<Foreign, Error> {
    let sql = "SELECT name, tbl_name, type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema \
               WHERE name <> 'sqlite_sequence' ORDER BY type, name";
    let mut statement = conn.prepare(sql)?;
    let all = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let all: Vec<(String, String, String)> = all.collect::<rusqlite::Result<_>>()?;
    let is_foreign = |name: &str, table: &str| {
        let name = name.strip_prefix("sqlite_autoindex_").unwrap_or(name);
        !(owner.owns(name) && owner.owns(table))
    };
    Ok(all.into_iter().filter(|(name, table, _)| is_foreign(name, table)).map(|(_, _, text)| text).collect())
}

/// The owner's tables, and whether each is STRICT.
fn tables(conn: &Connection, owner: &Owner) -> Result<Vec<(String, bool)>, Error> {
    let sql = "SELECT name, strict FROM pragma_table_list WHERE schema='main' AND type='table'";
    let mut statement = conn.prepare(sql)?;
    let all = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let all: Vec<(String, bool)> = all.collect::<rusqlite::Result<_>>()?;
    Ok(all.into_iter().filter(|(name, _)| owner.owns(name)).collect())
}

fn refuse_loose(conn: &Connection, owner: &Owner) -> Result<(), Error> {
    let loose = tables(conn, owner)?.into_iter().find(|(_, is_strict)| !is_strict);
    loose.map_or(Ok(()), |(name, _)| Err(Error::other(format_args!("the table {name} is not STRICT"))))
}

/// A reference to a foreign table would keep its rows from being deleted, or delete with them.
fn refuse_references(conn: &Connection, owner: &Owner) -> Result<(), Error> {
    for (name, _) in tables(conn, owner)? {
        let mut statement = conn.prepare("SELECT \"table\" FROM pragma_foreign_key_list(?1)")?;
        let parents = statement.query_map([&name], |row| row.get(0))?;
        let parents: Vec<String> = parents.collect::<rusqlite::Result<_>>()?;
        if let Some(parent) = parents.iter().find(|parent| !owner.owns(parent)) {
            return Err(Error::denied(format_args!(
                "{name} refers to {parent}; a plugin's table refers to its own tables only"
            )));
        }
    }
    Ok(())
}

/// SQLite asks about a trigger's body when a statement that fires it is prepared: so one of each kind is.
fn try_triggers(conn: &Scoped, owner: &Owner, deadline: Instant) -> Result<(), Error> {
    for (name, _) in tables(conn, owner)? {
        let table = quoted(&name);
        let mut changes = vec![format!("INSERT INTO {table} DEFAULT VALUES"), format!("DELETE FROM {table}")];
        let mut statement = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let columns = statement.query_map([&name], |row| row.get::<_, String>(0))?;
        let columns: Vec<String> = columns.collect::<rusqlite::Result<_>>()?;
        changes.extend(columns.iter().map(|column| {
            let column = quoted(column);
            format!("UPDATE {table} SET {column} = {column}")
        }));
        let confined = conn.confine(owner, Task::Rows, deadline)?;
        for change in changes {
            confined.prepare(&change)?;
        }
    }
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn named(owner: &Owner, step: &OwnerStep, error: Error) -> Error {
    let name = &step.name;
    match error {
        Error::Denied { detail } => Error::Denied { detail: format!("in the migration {name}, {detail}") },
        Error::Full | Error::Damaged { .. } | Error::TooSlow { .. } => error,
        error => Error::Migration {
            detail: format!(
                "The migration {name} of {owner} failed and nothing was changed ({error}); install the previous release of {owner} and report this message."
            ),
        },
    }
}
