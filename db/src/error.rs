//! What can go wrong once the file is open, in words an administrator can act on.
//!
//! Refusals to open a file live in `refusal.rs`. Nothing here knows what a row means: a broken uniqueness rule is
//! reported with SQLite's table and column names, and the engine turns that into the admin's words.

use std::fmt;

use rusqlite::ffi;

/// Why a read or a write did not happen. Cheap to clone, because one failed commit answers many callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A rule of the schema refused the change.
    Constraint {
        /// Which sort of rule.
        kind: Constraint,
        /// SQLite's message, e.g. `UNIQUE constraint failed: account.login`.
        detail: String,
    },
    /// A bounded wait ran out: queue, readers, another process or shutdown.
    Busy {
        /// A whole sentence naming what was awaited and for how long.
        detail: String,
    },
    /// The file system has no room for the change or the copy.
    Full,
    /// SQLite met content that cannot be right.
    Damaged {
        /// What SQLite found.
        detail: String,
    },
    /// The code given to `read`, `write` or `rehearse` panicked; its changes were undone.
    Panicked {
        /// The panic's message.
        detail: String,
    },
    /// `Db::close` was called, or the writer has ended.
    Closed,
    /// A plugin's SQL tried what it may not do.
    Denied {
        /// What was tried, and what is allowed.
        detail: String,
    },
    /// A plugin's SQL ran longer than it may.
    TooSlow {
        /// A whole sentence.
        detail: String,
    },
    /// A plugin's SQL, one of its values or its answer is too large.
    TooLarge {
        /// What is too large, and how large it may be.
        detail: String,
    },
    /// A plugin's migration was not done; its tables are as they were.
    Migration {
        /// Which step, what was wrong, what to do.
        detail: String,
    },
    /// Anything else, with its cause.
    Other {
        /// A whole sentence, or SQLite's message.
        detail: String,
    },
}

/// The sort of schema rule that refused a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// UNIQUE or PRIMARY KEY.
    Unique,
    /// A reference to a row that does not exist, or is still needed.
    ForeignKey,
    /// A CHECK clause.
    Check,
    /// A missing value.
    NotNull,
    /// Trigger, STRICT column type, or a rule SQLite adds later.
    Other,
}

/// Extended result codes, <https://sqlite.org/rescode.html>.
const KINDS: &[(i32, Constraint)] = &[
    (ffi::SQLITE_CONSTRAINT_UNIQUE, Constraint::Unique),
    (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, Constraint::Unique),
    (ffi::SQLITE_CONSTRAINT_ROWID, Constraint::Unique),
    (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, Constraint::ForeignKey),
    (ffi::SQLITE_CONSTRAINT_CHECK, Constraint::Check),
    (ffi::SQLITE_CONSTRAINT_NOTNULL, Constraint::NotNull),
];

impl Error {
    pub(crate) fn other(detail: impl fmt::Display) -> Self {
        Self::Other { detail: detail.to_string() }
    }

    pub(crate) fn busy(detail: impl fmt::Display) -> Self {
        Self::Busy { detail: detail.to_string() }
    }

    pub(crate) fn denied(detail: impl fmt::Display) -> Self {
        Self::Denied { detail: detail.to_string() }
    }

    pub(crate) fn too_large(detail: impl fmt::Display) -> Self {
        Self::TooLarge { detail: detail.to_string() }
    }

    /// SQLite undid a transaction without saying why.
    pub(crate) fn given_up() -> Self {
        Self::other(
            "SQLite undid the whole group of changes; look for disk errors in the system log and try again",
        )
    }

    /// Reads the message out of what `catch_unwind` caught.
    pub(crate) fn panicked(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self::Panicked { detail: text.unwrap_or_else(|| "no message".to_owned()) }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let detail = error.to_string();
        let Some(cause) = error.sqlite_error() else { return Self::Other { detail } };
        // SQLite reports a full disk in its own code, except while it enlarges the WAL's index.
        if cause.extended_code == ffi::SQLITE_IOERR_SHMSIZE {
            return Self::Full;
        }
        match cause.code {
            Code::ConstraintViolation => Self::Constraint { kind: kind_of(cause.extended_code), detail },
            Code::DatabaseBusy | Code::DatabaseLocked => Self::busy(format_args!(
                "The database stayed locked by another connection ({detail}); look for another program that has the file open."
            )),
            Code::DiskFull => Self::Full,
            Code::DatabaseCorrupt | Code::NotADatabase => Self::Damaged { detail },
            _ => Self::Other { detail },
        }
    }
}

fn kind_of(extended_code: i32) -> Constraint {
    let found = KINDS.iter().find(|(code, _)| *code == extended_code);
    found.map_or(Constraint::Other, |(_, kind)| *kind)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constraint { detail, .. } => {
                write!(f, "The change breaks a rule of the database and was not saved: {detail}.")
            }
            Self::Busy { detail } | Self::TooSlow { detail } | Self::Migration { detail } => {
                f.write_str(detail)
            }
            Self::Denied { detail } => write!(f, "The plugin's SQL was refused: {detail}."),
            Self::TooLarge { detail } => write!(f, "The plugin's SQL was not done: {detail}."),
            Self::Full => {
                f.write_str("Nothing was saved because the disk is full; free some space and try again.")
            }
            Self::Damaged { detail } => {
                write!(
                    f,
                    "The database is damaged ({detail}); stop the service and restore the latest backup."
                )
            }
            Self::Panicked { detail } => {
                write!(
                    f,
                    "The work stopped at a fault in the program and was undone: {detail}; please report it."
                )
            }
            Self::Closed => {
                f.write_str("The database is closed because the service is stopping; try again once it runs.")
            }
            Self::Other { detail } => write!(f, "The database did not do what was asked: {detail}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_by(schema: &str, change: &str) -> Error {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(schema).unwrap();
        conn.execute_batch(change).unwrap_err().into()
    }

    #[test]
    fn each_rule_of_the_schema_is_told_apart() {
        let schema = "PRAGMA foreign_keys=ON; CREATE TABLE a (id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE, \
             c INTEGER CHECK (c > 0), p INTEGER REFERENCES a (id)) STRICT; INSERT INTO a VALUES (1, 'x', 1, NULL);";
        let cases = [
            ("INSERT INTO a VALUES (1, 'y', 1, NULL)", Constraint::Unique),
            ("INSERT INTO a VALUES (2, 'x', 1, NULL)", Constraint::Unique),
            ("INSERT INTO a VALUES (2, NULL, 1, NULL)", Constraint::NotNull),
            ("INSERT INTO a VALUES (2, 'y', 0, NULL)", Constraint::Check),
            ("INSERT INTO a VALUES (2, 'y', 1, 9)", Constraint::ForeignKey),
            ("INSERT INTO a VALUES (2, 'y', 'text', NULL)", Constraint::Other),
        ];
        for (change, expected) in cases {
            let error = refused_by(schema, change);
            assert!(
                matches!(error, Error::Constraint { kind, .. } if kind == expected),
                "{change}: {error:?}"
            );
        }
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let schema = "CREATE TABLE a (b BLOB); PRAGMA max_page_count=4;";
        assert_eq!(refused_by(schema, "INSERT INTO a VALUES (zeroblob(1000000))"), Error::Full);
    }
}
