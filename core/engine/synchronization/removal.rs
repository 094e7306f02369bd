//! How an account or a contact goes that its source has no longer: first it is hidden for a while, un-deployed and out of
//! the directory, so that one who is back in time finds everything as it was; then it is deleted.

use jackfield_db::params;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Precondition};
use crate::engine::objects::{ACCOUNTS, Hidden, text};
use crate::engine::{clock, fault};

/// What a removed one gets back.
const RETURNS: [&str; 2] = ["deployed", "in_directory"];

/// Removes one that is not removed yet.
pub fn remove(change: &Change<'_>, before: &Object, grace_days: i64) -> Result<(), Problem> {
    if grace_days == 0 {
        return ACCOUNTS.remove(change, text(before, "id"), &Precondition::Exists);
    }
    let mut after = before.clone();
    let kept =
        RETURNS.iter().map(|field| ((*field).to_owned(), before.get(*field).cloned().unwrap_or_default()));
    after.insert("before_removal".to_owned(), Value::Object(kept.collect()));
    for field in RETURNS {
        after.insert(field.to_owned(), false.into());
    }
    after.insert("removed_at".to_owned(), clock::now().into());
    after.insert("kept_until".to_owned(), until(grace_days)?.into());
    ACCOUNTS.replace(change, before, after, &Hidden::default()).map(drop)
}

fn until(days: i64) -> Result<String, Problem> {
    let until = Timestamp::now().checked_add((days * 24).hours());
    until.map(|at| format!("{at:.3}")).map_err(|e| fault("tell when a grace period ends", &e.to_string()))
}

/// Makes one that was removed as it was before.
pub fn take_back(account: &mut Object) {
    let before = account.remove("before_removal").unwrap_or_default();
    if is_removed(account) {
        for field in RETURNS {
            account.insert(field.to_owned(), json!(before[field] == true));
        }
    }
    for field in ["before_removal", "removed_at", "kept_until"] {
        account.insert(field.to_owned(), Value::Null);
    }
}

/// Whether one is hidden because its source has it no longer.
pub fn is_removed(account: &Object) -> bool {
    !text(account, "removed_at").is_empty()
}

/// Ids of those whose time is over. Whoever was put back after that is left alone: somebody wanted them.
pub fn overdue(change: &Change<'_>, limit: i64) -> Result<Vec<String>, Problem> {
    let sql = "SELECT id FROM account WHERE kept_until < ?1 AND changed_at < kept_until LIMIT ?2";
    Ok(change.tx.all(sql, params![clock::now(), limit], |row| row.get(0))?)
}
