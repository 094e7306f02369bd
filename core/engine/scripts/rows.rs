//! Scripts and their versions as rows. A version never changes once it is there; what runs is a number.

use jackfield_db::{Read, Row, RowResult, Tx, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::registers::Registers;
use crate::catalog::problems::{NOT_FOUND, Problem};
use crate::catalog::shape::Object;
use crate::engine::fault;

/// Columns of a script, in the order of [`script`].
const SCRIPT: &str =
    "name, active, previous, latest, published_at, published_by, revision, created_at, changed_at";
/// Columns of a version, in the order of [`version`].
const VERSION: &str = "n, sha256, author, note, at, published_at, registers, octet_length(source)";

/// SHA-256 of a source, in hexadecimal digits.
pub fn digest(source: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(source))
}

/// One number of an object, where it has one.
pub fn number(object: &Object, field: &str) -> Option<i64> {
    object.get(field).and_then(Value::as_i64)
}

fn script(row: &Row<'_>) -> RowResult<Object> {
    let value = json!({
        "name": row.get::<_, String>(0)?, "active": row.get::<_, Option<i64>>(1)?,
        "previous": row.get::<_, Option<i64>>(2)?, "latest": row.get::<_, i64>(3)?,
        "published_at": row.get::<_, Option<String>>(4)?, "published_by": row.get::<_, Option<String>>(5)?,
        "revision": row.get::<_, i64>(6)?, "created_at": row.get::<_, String>(7)?,
        "changed_at": row.get::<_, String>(8)?,
    });
    Ok(value.as_object().cloned().unwrap_or_default())
}

fn version(row: &Row<'_>) -> RowResult<Object> {
    let value = json!({
        "version": row.get::<_, i64>(0)?, "sha256": row.get::<_, String>(1)?, "author": row.get::<_, String>(2)?,
        "note": row.get::<_, String>(3)?, "at": row.get::<_, String>(4)?,
        "published_at": row.get::<_, Option<String>>(5)?,
        "registers": registers(row.get(6)?).unwrap_or_default().to_json(), "bytes": row.get::<_, i64>(7)?,
    });
    Ok(value.as_object().cloned().unwrap_or_default())
}

/// What was stored as registrations; `None` while the version was not loaded yet.
pub fn registers(stored: Option<String>) -> Option<Registers> {
    serde_json::from_str(&stored?).ok()
}

/// The script of that name, unless it was deleted.
pub fn find(read: &Read<'_>, name: &str) -> Result<Option<Object>, Problem> {
    let sql = format!("SELECT {SCRIPT} FROM script WHERE name = ?1 AND deleted_at IS NULL");
    Ok(read.one(&sql, params![name], script)?)
}

/// The script of that name, or a problem that says there is none.
pub fn get(read: &Read<'_>, name: &str) -> Result<Object, Problem> {
    find(read, name)?.ok_or_else(|| missing(name))
}

/// What is said of a script that is not there.
pub fn missing(name: &str) -> Problem {
    Problem::new(NOT_FOUND, format!("There is no script {name:?}. `jackfield hook list` shows them all."))
}

/// Every script that was not deleted, by name.
pub fn all(read: &Read<'_>) -> Result<Vec<Object>, Problem> {
    let sql = format!("SELECT {SCRIPT} FROM script WHERE deleted_at IS NULL ORDER BY name");
    Ok(read.all(&sql, params![], script)?)
}

/// The versions of a script, newest first.
pub fn versions(read: &Read<'_>, name: &str) -> Result<Vec<Object>, Problem> {
    let sql = format!("SELECT {VERSION} FROM script_version WHERE script = ?1 ORDER BY n DESC");
    Ok(read.all(&sql, params![name], version)?)
}

/// One version of a script.
pub fn one_version(read: &Read<'_>, name: &str, n: i64) -> Result<Object, Problem> {
    let sql = format!("SELECT {VERSION} FROM script_version WHERE script = ?1 AND n = ?2");
    read.one(&sql, params![name, n], version)?.ok_or_else(|| no_version(name, n))
}

fn no_version(name: &str, n: i64) -> Problem {
    let detail =
        format!("The script {name} has no version {n}. `jackfield hook versions {name}` shows them.");
    Problem::new(NOT_FOUND, detail)
}

/// The source of a version. One that does not match its SHA-256 is damage and is never run.
pub fn source(read: &Read<'_>, name: &str, n: i64) -> Result<String, Problem> {
    let sql = "SELECT source, sha256 FROM script_version WHERE script = ?1 AND n = ?2";
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let found = read.one(sql, params![name, n], row)?;
    let (source, sha256) = found.ok_or_else(|| no_version(name, n))?;
    match digest(&source) == sha256 {
        true => Ok(source),
        false => Err(fault("read a script", &format!("version {n} of {name} does not have its SHA-256"))),
    }
}

/// Keeps what a version registers, once it is known.
pub fn keep_registers(tx: &Tx<'_>, name: &str, n: i64, registers: &Registers) -> Result<(), Problem> {
    let text = json!(registers).to_string();
    let sql = "UPDATE script_version SET registers = ?3
               WHERE script = ?1 AND n = ?2 AND (registers IS NULL OR registers <> ?3)";
    tx.execute(sql, params![name, n, text])?;
    Ok(())
}

/// Every active version with what it registers, by name.
pub fn active(read: &Read<'_>) -> Result<Vec<(String, i64, Option<Registers>)>, Problem> {
    let sql = "SELECT s.name, s.active, v.registers FROM script s
               JOIN script_version v ON v.script = s.name AND v.n = s.active
               WHERE s.deleted_at IS NULL ORDER BY s.name";
    Ok(read.all(sql, params![], |row| Ok((row.get(0)?, row.get(1)?, registers(row.get(2)?))))?)
}

/// The other versions of a script that ran before, newest first.
pub fn proven(read: &Read<'_>, name: &str, besides: i64) -> Result<Vec<i64>, Problem> {
    let sql = "SELECT n FROM script_version WHERE script = ?1 AND n <> ?2 AND published_at IS NOT NULL ORDER BY n DESC";
    Ok(read.all(sql, params![name, besides], |row| row.get(0))?)
}
