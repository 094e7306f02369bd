//! Where passwords are: what proves them sealed in a table of its own, that there is one in the account's row, and in
//! the revisions only that one was set or removed.

use jackfield_db::{Read, Row, RowResult, params};
use serde_json::json;

use super::Verifier;
use crate::catalog::events::ACCOUNT_CHANGED;
use crate::catalog::problems::{CONFLICT, NOT_UNDOABLE, Problem};
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Entry, Precondition};
use crate::engine::objects::{ACCOUNTS, revision, text};
use crate::engine::secrets::Keyring;
use crate::engine::{clock, fault};

/// Kind of a password's revisions. It is not the account's own, so that a password that cannot be put back does not
/// stand in the way of putting back a name.
pub const KIND: &str = "accounts/password";

/// How an account signs in.
pub enum Way {
    /// With a password that was set here.
    Password(Box<Verifier>),
    /// With that of the directory it came from.
    Directory,
    /// Not at all.
    No,
}

/// A deployed account of ours.
pub struct Known {
    /// Its id.
    pub account: String,
    /// How it signs in.
    pub way: Way,
}

/// The account with that login id in the enterprise with that domain, both without regard to case.
pub fn known(
    read: &Read<'_>,
    keyring: &Keyring,
    login: &str,
    domain: &str,
) -> Result<Option<Known>, Problem> {
    let sql = "SELECT a.id, a.can_sign_in, p.sealed FROM enterprise e
               JOIN account a ON a.enterprise = e.id AND a.login_id = ?2 AND a.peer IS NULL AND a.deployed = 1
               LEFT JOIN account_password p ON p.account = a.id WHERE e.domain = ?1";
    let Some((account, way, sealed)) = read.one(sql, params![domain, login], stored)? else {
        return Ok(None);
    };
    let way = match (way.as_str(), sealed) {
        ("password", Some(sealed)) => Way::Password(Box::new(open(keyring, &account, &sealed)?)),
        ("directory", _) => Way::Directory,
        _ => Way::No,
    };
    Ok(Some(Known { account, way }))
}

fn stored(row: &Row<'_>) -> RowResult<(String, String, Option<Vec<u8>>)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn open(keyring: &Keyring, account: &str, sealed: &[u8]) -> Result<Verifier, Problem> {
    let plain = zeroize::Zeroizing::new(keyring.unseal(&place(account), sealed)?);
    serde_json::from_slice(&plain).map_err(|e| fault("read what proves a password", &e.to_string()))
}

/// What is stored for an account's password. It opens for no other account.
pub fn seal(keyring: &Keyring, account: &str, verifier: &Verifier) -> Result<Vec<u8>, Problem> {
    let plain = serde_json::to_vec(verifier).map(zeroize::Zeroizing::new);
    let plain = plain.map_err(|e| fault("keep what proves a password", &e.to_string()))?;
    keyring.seal(&place(account), &plain)
}

fn place(account: &str) -> String {
    format!("account_password.sealed|{account}")
}

/// Gives an account a password, in place of the one it has.
pub fn set(change: &Change<'_>, id: &str, seen: &Precondition, sealed: &[u8]) -> Result<(), Problem> {
    let account = ACCOUNTS.get(change.tx, id)?;
    seen.check(revision(&account))?;
    refuse_contact(&account)?;
    let sql = "INSERT INTO account_password (account, sealed) VALUES (?1, ?2)
               ON CONFLICT (account) DO UPDATE SET sealed = ?2";
    change.tx.execute(sql, params![id, sealed])?;
    note(change, &account, Some(clock::now()))
}

/// Takes an account's password away; one that has none stays as it is.
pub fn remove(change: &Change<'_>, id: &str, seen: &Precondition) -> Result<(), Problem> {
    let account = ACCOUNTS.get(change.tx, id)?;
    seen.check(revision(&account))?;
    match change.tx.execute("DELETE FROM account_password WHERE account = ?1", params![id])? {
        0 => Ok(()),
        _ => note(change, &account, None),
    }
}

/// Undoes the setting of a first password. No other is put back: what was there before is not kept.
pub fn put_back(change: &Change<'_>, id: &str, before: Option<&Object>) -> Result<(), Problem> {
    if before.is_none() {
        return remove(change, id, &Precondition::Exists);
    }
    let text = "The password before is not kept, so that an old one never comes back. Set a new one.";
    Err(Problem::new(NOT_UNDOABLE, text))
}

/// A peer's user signs in at the peer, which alone knows who they are.
fn refuse_contact(account: &Object) -> Result<(), Problem> {
    let (login, peer) = (text(account, "login_id"), text(account, "peer"));
    if peer.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "{login:?} is a user of the peer {peer:?} and signs in there. Only accounts of our own can have a password here."
    );
    Err(Problem::new(CONFLICT, detail))
}

/// Writes into the account since when it has its password, and records that.
fn note(change: &Change<'_>, before: &Object, since: Option<String>) -> Result<(), Problem> {
    let id = text(before, "id");
    let sql = "UPDATE account SET password_changed_at = ?2, revision = ?3, changed_at = ?4 WHERE id = ?1";
    change.tx.execute(sql, params![id, since, change.next_revision()?, clock::now()])?;
    let after = ACCOUNTS.get(change.tx, id)?;
    let (before, after) = (shown(before), shown(&after));
    let (before, after) = (before.as_ref(), after.as_ref());
    change.record(&Entry { kind: KIND, object: id, before, after, event: ACCOUNT_CHANGED.name })?;
    Ok(())
}

/// What revisions say of a password; none: there is none.
fn shown(account: &Object) -> Option<Object> {
    let since = account.get("password_changed_at").filter(|since| !since.is_null())?;
    let shown =
        json!({"login_id": text(account, "login_id"), "password": "set", "password_changed_at": since});
    shown.as_object().cloned()
}
