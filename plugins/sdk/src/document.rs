//! Configuration that is kept as whole objects: one row with the object as JSON, changed under the version
//! that it was worked out from, with one revision each. For configuration of which there is one or few, and
//! for secrets that belong to it. Left out: tables with columns to search in, which a plugin writes itself.
//!
//! The plugin's migration makes the table:
//! ```sql
//! CREATE TABLE hello_document (
//!     name TEXT PRIMARY KEY, value TEXT NOT NULL CHECK (json_valid(value)),
//!     revision INTEGER NOT NULL, changed_at TEXT NOT NULL
//! ) STRICT;
//! ```

use jackfield_abi::ops::{Code, Failure, Undo};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::db::Tx;
use crate::form::SecretEdit;
use crate::host::{Host, Secret};
use crate::http::{Call, Outcome, Reply};
use crate::params;
use crate::problem::Problem;

/// Where an object is kept, and how its revisions name it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The plugin's table of documents.
    pub table: &'static str,
    /// Key of the row, and the revisions' object.
    pub name: &'a str,
    /// The revisions' kind, as in the API's paths.
    pub kind: &'static str,
}

/// An object as it is kept. One that was never written is `T::default()` with version 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<T> {
    /// The object.
    pub value: T,
    /// Its version.
    pub revision: i64,
    /// When it was last changed, RFC 3339; none: never.
    pub changed_at: Option<String>,
    /// The time of reading, RFC 3339.
    pub now: String,
}

/// Whether a secret is there, and since when. The secret itself is kept by the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretState {
    /// Whether there is one.
    pub set: bool,
    /// Since when, RFC 3339.
    pub since: Option<String>,
}

/// A secret on its way from one state to the next.
#[derive(Debug)]
pub struct SecretMove {
    name: &'static str,
    old: SecretState,
    new: SecretState,
    secret: Option<Secret>,
}

#[derive(Deserialize)]
struct Row {
    value: Option<String>,
    revision: i64,
    changed_at: Option<String>,
    now: String,
}

impl Place<'_> {
    /// Reads the object.
    pub fn read<T: Default + DeserializeOwned>(&self, host: &Host) -> Result<Document<T>, Failure> {
        let sql = format!(
            "SELECT d.value, coalesce(d.revision, 0) AS revision, d.changed_at,
                strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now
            FROM (SELECT 1) LEFT JOIN {} AS d ON d.name = ?1",
            self.table
        );
        let row = host.db().first::<Row>(&sql, params![self.name])?;
        let row = row.ok_or_else(|| Failure::new(Code::Internal, "a read of one row gave none"))?;
        let unreadable = |e| {
            let text = format!("{} of {} cannot be read: {e}; restore a backup", self.name, self.table);
            Failure::new(Code::Internal, text)
        };
        let value = row.value.as_deref().map(serde_json::from_str).transpose().map_err(unreadable)?;
        let Row { revision, changed_at, now, .. } = row;
        Ok(Document { value: value.unwrap_or_default(), revision, changed_at, now })
    }

    /// Makes `next` of what was read, unless it is the same or the call is a dry run: secrets first, then the
    /// object with its revision in one transaction. A conflict: somebody else was faster.
    pub fn change<T: Clone + PartialEq + Serialize>(
        &self,
        host: &Host,
        call: &Call<'_>,
        read: &Document<T>,
        next: T,
        secrets: &[SecretMove],
    ) -> Result<Document<T>, Problem> {
        if next == read.value {
            return Ok(read.clone());
        }
        let changed_at = Some(read.now.clone());
        let changed =
            Document { value: next, revision: read.revision + 1, changed_at, now: read.now.clone() };
        if call.is_dry_run() {
            return Ok(changed);
        }
        for secret in secrets {
            secret.put(host)?;
        }
        let written = self.write(host, call.who(), read, &changed);
        // What is left behind by a power cut here is a secret that nothing refers to.
        secrets.iter().for_each(|secret| secret.tidy(host, written.is_ok()));
        written.map(|()| changed).map_err(|failure| call.refused(failure))
    }

    fn write<T: Serialize>(
        &self,
        host: &Host,
        who: &str,
        read: &Document<T>,
        next: &Document<T>,
    ) -> Result<(), Failure> {
        host.db().tx(|tx| self.fill(tx, who, read, next)).map(drop)
    }

    /// Fills a transaction with what makes `next` of what was read, and its revision.
    fn fill<T: Serialize>(
        &self,
        tx: &mut Tx,
        who: &str,
        read: &Document<T>,
        next: &Document<T>,
    ) -> Result<(), Failure> {
        let table = self.table;
        let sql = format!(
            "INSERT INTO {table} (name, value, revision, changed_at) VALUES (?1, ?2, ?3 + 1, ?4)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value, revision = excluded.revision,
                changed_at = excluded.changed_at WHERE {table}.revision = ?3"
        );
        let unwritable = |e| Failure::new(Code::Internal, format!("{} cannot be written: {e}", self.name));
        let value = serde_json::to_string(&next.value).map_err(unwritable)?;
        let before = (read.revision > 0).then_some(&read.value);
        tx.run_one(&sql, params![self.name, value, read.revision, next.changed_at]);
        tx.revision((self.kind, self.name), who, before, Some(&next.value)).map(drop)
    }

    /// Fills the transaction that puts a change back, for [`crate::Plugin::undo`]. `back` is what the object's
    /// own rules make of the revision's state; a change of which nothing can be put back is refused.
    pub fn put_back<T: PartialEq + Serialize>(
        &self,
        undo: &Undo,
        tx: &mut Tx,
        read: &Document<T>,
        back: T,
    ) -> Result<(), Problem> {
        if back == read.value {
            return Err(Problem::conflict(
                "the change was of a secret only, and a secret that was replaced is not kept; enter it again",
            ));
        }
        Ok(self.fill(tx, &undo.who, read, &read.followed_by(back))?)
    }
}

impl<T> Document<T> {
    fn followed_by(&self, value: T) -> Self {
        let (changed_at, now) = (Some(self.now.clone()), self.now.clone());
        Self { value, revision: self.revision + 1, changed_at, now }
    }
}

impl<T: Serialize> Document<T> {
    /// The object with `more`, its version and its time of change, and an ETag for all of it: the version,
    /// and a part that changes with whatever else is shown.
    pub fn reply(&self, more: &impl Serialize) -> Outcome {
        let mut shown = object(&self.value)?;
        shown.extend(object(more)?);
        shown.insert("revision".to_owned(), self.revision.into());
        shown.insert("changed_at".to_owned(), self.changed_at.clone().into());
        let tag = format!("{}-{:08x}", self.revision, digest(&shown));
        Ok(Reply::ok(&shown)?.version(tag))
    }
}

impl SecretState {
    /// What an edit makes of it at that time.
    #[must_use]
    pub fn edited(&self, name: &'static str, edit: SecretEdit, now: &str) -> SecretMove {
        let (new, secret) = match edit {
            SecretEdit::Keep => (self.clone(), None),
            SecretEdit::Forget => (Self::default(), None),
            SecretEdit::Set(secret) => (Self { set: true, since: Some(now.to_owned()) }, Some(secret)),
        };
        SecretMove { name, old: self.clone(), new, secret }
    }

    /// The host's name for it. Each has its own, so that a change that fails leaves the old one as it was.
    fn slot(&self, name: &str) -> Option<String> {
        let since = self.since.as_deref().filter(|_| self.set)?;
        let digits: String = since.chars().filter(char::is_ascii_digit).collect();
        Some(format!("{name}.{digits}"))
    }
}

impl SecretMove {
    /// How it will be.
    pub fn state(&self) -> SecretState {
        self.new.clone()
    }

    /// Whether there is a new one.
    pub fn is_set(&self) -> bool {
        self.secret.is_some()
    }

    fn put(&self, host: &Host) -> Result<(), Failure> {
        let Some((secret, slot)) = self.secret.as_ref().zip(self.new.slot(self.name)) else { return Ok(()) };
        host.secret().put(&slot, secret)
    }

    /// Forgets the one that is not referred to any more.
    fn tidy(&self, host: &Host, is_changed: bool) {
        let unused = if is_changed { &self.old } else { &self.new };
        let Some(slot) = unused.slot(self.name).filter(|_| self.old != self.new) else { return };
        if let Err(failure) = host.secret().delete(&slot) {
            log::warn!("the secret {slot} is not needed any more, but could not be deleted: {failure}");
        }
    }
}

fn object(value: &impl Serialize) -> Result<Map<String, Value>, Problem> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Problem::new(500, "the answer is no JSON object")),
        Err(e) => Err(Problem::new(500, format!("the answer cannot be written as JSON: {e}"))),
    }
}

/// FNV-1a of the answer; enough to tell two answers with the same version apart.
fn digest(shown: &Map<String, Value>) -> u32 {
    let text = Value::Object(shown.clone()).to_string();
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
