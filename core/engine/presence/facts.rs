//! What the database says of an account that presence needs to know: whether it is there, and whether it shows
//! its presence. The account's own word counts where its enterprise has Presence Privacy Service; elsewhere everybody
//! shows it (Mitel's help on accounts and on privacy).
//!
//! That help has ten seconds between two switches of the same person. Here there are none: who was shown by mistake must
//! be hidden at once, and watchers are protected otherwise, since the news keep one value of each account.

use std::sync::Arc;

use jackfield_db::{Read, params};

use crate::catalog::problems::Problem;

/// An account, and whether it shows its presence.
pub type Answer = (Arc<str>, Option<bool>);

/// Whether an account shows its presence; none: there is no such account.
pub fn is_shown(read: &Read<'_>, account: &str) -> Result<Option<bool>, Problem> {
    let sql = "SELECT a.show_presence = 1 OR e.presence_privacy = 0
               FROM account a JOIN enterprise e ON e.id = a.enterprise WHERE a.id = ?1";
    Ok(read.one(sql, params![account], |row| row.get(0))?)
}

/// The same for many, in their order.
pub fn are_shown(read: &Read<'_>, accounts: &[Arc<str>]) -> Result<Vec<Answer>, Problem> {
    accounts.iter().map(|id| Ok((Arc::clone(id), is_shown(read, id)?))).collect()
}
