//! Settings: the declared ones with their current values. Only values that somebody set are stored; the
//! rest follow the declaration's default. Reading one costs no query.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jackfield_db::{Db, Read, Tx, params};
use serde_json::{Value, json};

use super::change::{Change, Entry, Precondition};
use super::clock;
use super::secrets::{self, Keyring, Secret};
use crate::catalog::problems::{FieldError, NOT_FOUND, NOT_UNDOABLE, Problem};
use crate::catalog::settings::{Setting, all, find};
use crate::catalog::shape::{self, Object};
use crate::catalog::{events, nearest};

/// Kind of a setting's revisions.
pub const KIND: &str = "settings";

/// Current values.
pub struct Settings {
    values: RwLock<HashMap<String, Value>>,
}

impl Settings {
    /// Reads all stored values.
    pub fn load(db: &Db) -> Result<Self, Problem> {
        let settings = Self { values: RwLock::default() };
        settings.reload(db)?;
        Ok(settings)
    }

    /// Reads all stored values anew. The lock is held while reading, so that of two reloads the later wins.
    pub fn reload(&self, db: &Db) -> Result<(), Problem> {
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        *values = db.read(|read| {
            let rows = read.all("SELECT name, value FROM setting", params![], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?))
            })?;
            Ok::<_, Problem>(rows.into_iter().map(|(name, text)| (name, parsed(&text))).collect())
        })?;
        Ok(())
    }

    /// The current value of a declared setting.
    pub fn value(&self, name: &str) -> Value {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        values.get(name).cloned().or_else(|| Some(find(name)?.default_value())).unwrap_or_default()
    }

    /// The current value of a declared number.
    pub fn number(&self, name: &str) -> u64 {
        self.value(name).as_u64().unwrap_or_default()
    }

    /// The current value of a declared number of seconds.
    pub fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(self.number(name))
    }

    /// The current value of a declared text.
    pub fn text(&self, name: &str) -> String {
        self.value(name).as_str().unwrap_or_default().to_owned()
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// The declaration of that name, or a problem that names the nearest one.
pub fn declared(name: &str) -> Result<&'static Setting, Problem> {
    find(name).ok_or_else(|| {
        let meant = nearest(name, all().iter().map(|s| s.name))
            .map(|m| format!(" Did you mean {m:?}?"))
            .unwrap_or_default();
        Problem::new(NOT_FOUND, format!("There is no setting {name:?}.{meant}"))
    })
}

/// One setting as the API shows it.
pub fn get(read: &Read<'_>, setting: &Setting) -> Result<Object, Problem> {
    let sql = "SELECT value, revision, changed_at FROM setting WHERE name = ?1";
    let stored = read.one(sql, params![setting.name], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
    })?;
    let (value, revision, changed_at) = match stored {
        Some((value, revision, at)) => (parsed(&value), revision, Some(at)),
        None => (setting.default_value(), 0, None),
    };
    // A version of a plugin may have made a secret of what was none; the value is hidden all the same.
    let value = if setting.is_secret() { Value::Null } else { value };
    let shown = json!({
        "name": setting.name, "value": value, "is_secret": setting.is_secret(), "is_set": revision != 0, "default": setting.default_value(), "help": setting.help,
        "revision": revision, "changed_at": changed_at,
    });
    Ok(shown.as_object().cloned().unwrap_or_default())
}

/// Gives a setting a value. A secret is kept sealed, beside the setting.
pub fn set(
    change: &Change<'_>,
    keyring: &Keyring,
    setting: &Setting,
    value: &Value,
    seen: &Precondition,
) -> Result<Object, Problem> {
    shape::check(setting.kind, value, "/value").map_err(|errors| named(setting, errors))?;
    let sql = "INSERT INTO setting (name, value, revision, changed_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (name) DO UPDATE SET value = ?2, revision = ?3, changed_at = ?4";
    rewrite(change, setting, seen, |revision| {
        let kept =
            if setting.is_secret() { seal(change, keyring, setting, value)? } else { value.to_string() };
        Ok(change.tx.execute(sql, params![setting.name, kept, revision, clock::now()])?)
    })
}

/// Seals a secret away; what stands in its setting's place.
fn seal(change: &Change<'_>, keyring: &Keyring, setting: &Setting, value: &Value) -> Result<String, Problem> {
    let name = place(setting.name);
    let sealed = keyring.seal_named(&name, &Secret::new(value.as_str().unwrap_or_default()))?;
    secrets::store(change.tx, &name, &sealed)?;
    Ok(Value::Null.to_string())
}

/// Seals away what stands in clear for a setting that has become a secret, and takes it out of the revisions.
/// Nothing else of it changes: who set it has no part in this.
pub fn hide(tx: &Tx<'_>, keyring: &Keyring, name: &str) -> Result<(), Problem> {
    let sql = "SELECT value FROM setting WHERE name = ?1 AND value <> 'null'";
    if let Some(text) = tx.one(sql, params![name], |row| row.get::<_, String>(0))? {
        let value = parsed(&text);
        let place = place(name);
        let sealed = keyring.seal_named(&place, &Secret::new(value.as_str().unwrap_or(&text)))?;
        secrets::store(tx, &place, &sealed)?;
        tx.execute("UPDATE setting SET value = 'null' WHERE name = ?1", params![name])?;
    }
    for table in ["revision", "revision_part"] {
        let sql = format!(
            "UPDATE {table} SET before = json_replace(before, '$.value', NULL, '$.default', NULL),
                after = json_replace(after, '$.value', NULL, '$.default', NULL)
            WHERE kind = ?1 AND object = ?2
                AND (before ->> 'value' IS NOT NULL OR after ->> 'value' IS NOT NULL)"
        );
        tx.execute(&sql, params![KIND, name])?;
    }
    Ok(())
}

/// The value of a secret setting, for the plugin that it belongs to.
pub fn secret(read: &Read<'_>, keyring: &Keyring, name: &str) -> Result<Option<Secret>, Problem> {
    keyring.load(read, &place(name))
}

fn place(name: &str) -> String {
    format!("setting.{name}")
}

/// Lets a setting follow its default again.
pub fn unset(change: &Change<'_>, setting: &Setting, seen: &Precondition) -> Result<Object, Problem> {
    rewrite(change, setting, seen, |_| {
        secrets::forget(change.tx, &place(setting.name))?;
        Ok(change.tx.execute("DELETE FROM setting WHERE name = ?1", params![setting.name])?)
    })
}

/// Undoes one change of a setting by what it was before.
pub fn put_back(
    change: &Change<'_>,
    keyring: &Keyring,
    name: &str,
    before: &Object,
) -> Result<Object, Problem> {
    let setting = declared(name)?;
    match before.get("revision").and_then(Value::as_i64) {
        Some(0) => unset(change, setting, &Precondition::Exists),
        _ if setting.is_secret() => {
            let text =
                format!("The value of {name} before is a secret, and no old one is kept. Set it again.");
            Err(Problem::new(NOT_UNDOABLE, text))
        }
        _ => {
            set(change, keyring, setting, before.get("value").unwrap_or(&Value::Null), &Precondition::Exists)
        }
    }
}

fn rewrite(
    change: &Change<'_>,
    setting: &Setting,
    seen: &Precondition,
    write: impl FnOnce(i64) -> Result<usize, Problem>,
) -> Result<Object, Problem> {
    let before = get(change.tx, setting)?;
    seen.check(super::objects::revision(&before))?;
    write(change.next_revision()?)?;
    let after = get(change.tx, setting)?;
    let (before, after) = (Some(&before), Some(&after));
    change.record(&Entry {
        kind: KIND,
        object: setting.name,
        before,
        after,
        event: events::SETTINGS_CHANGED.name,
    })?;
    get(change.tx, setting)
}

fn named(setting: &Setting, errors: Vec<FieldError>) -> Problem {
    let mut problem = Problem::invalid(errors);
    problem.detail = format!("{}: {}", setting.name, problem.detail.trim_start_matches("/value "));
    problem
}
