//! What the database says of an account that presence needs to know: whether it is there, whether it shows its
//! presence, and whether its calendar has a say. The account's own word on showing counts where its enterprise has
//! Presence Privacy Service; elsewhere everybody shows it (Mitel's help on accounts and on privacy). The calendar has a
//! say where both enterprise and profile have calendar integration (Mitel's help on user profiles).
//!
//! That help has ten seconds between two switches of the same person. Here there are none: who was shown by mistake must
//! be hidden at once, and watchers are protected otherwise, since the news keep one value of each account.

use std::sync::Arc;

use jackfield_db::{Read, Row, params};

use crate::catalog::problems::Problem;

/// What is set for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Whether its presence may be shown.
    pub is_shown: bool,
    /// Whether its calendar has a say.
    pub has_calendar: bool,
}

/// An account with what is known of it; none: there is no such account.
pub type Answer = (Arc<str>, Option<Known>);

fn of(read: &Read<'_>, account: &str) -> Result<Option<Known>, Problem> {
    let sql = "SELECT a.show_presence = 1 OR e.presence_privacy = 0,
                   e.calendar_integration = 1 AND coalesce(p.calendar_integration, 1) = 1
               FROM account a JOIN enterprise e ON e.id = a.enterprise LEFT JOIN profile p ON p.id = a.profile
               WHERE a.id = ?1";
    let known = |row: &Row<'_>| Ok(Known { is_shown: row.get(0)?, has_calendar: row.get(1)? });
    Ok(read.one(sql, params![account], known)?)
}

/// What is known of accounts, in their order.
pub fn of_all(read: &Read<'_>, accounts: &[Arc<str>]) -> Result<Vec<Answer>, Problem> {
    accounts.iter().map(|id| Ok((Arc::clone(id), of(read, id)?))).collect()
}
