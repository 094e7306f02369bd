//! The steps that lead from an empty file to today's schema, and how they are run: forward only, all that are due in
//! one transaction, all or nothing.
//!
//! The copy that must exist before is `copies.rs`; when to migrate is decided in `open.rs`.

use rusqlite::Connection;

use crate::check;
use crate::connection::APPLICATION_ID;
use crate::error::Error;

/// One step. Its number is its place in the list, counted from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// File name below `migrations/core`.
    pub(crate) name: &'static str,
    /// The file's content: any number of statements, none of which begins or ends a transaction.
    pub(crate) sql: &'static str,
}

macro_rules! core {
    ($($name:literal),+ $(,)?) => {
        &[$(Migration { name: $name, sql: include_str!(concat!("../migrations/core/", $name)) }),+]
    };
}

/// Every step, in order. Add a line for a new file; never change a file that was released.
pub(crate) const CORE: &[Migration] = core![
    "0001_first.sql",
    "0002_core_views.sql",
    "0003_plugins.sql",
    "0004_peers.sql",
    "0005_scripts.sql",
    "0006_checks.sql",
    "0007_accounts.sql",
    "0008_revision_parts.sql",
    "0009_schedules.sql",
    "0010_presence_messages.sql",
    "0011_directory.sql",
    "0012_login.sql",
    "0013_site_and_voice_mail.sql",
    "0014_plans.sql",
    "0015_chat.sql",
    "0016_message_numbers.sql",
    "0017_photos.sql",
];

/// Which step failed, and why.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) name: String,
    pub(crate) error: Error,
}

/// Runs every step after number `done`, then stamps the file. On error the file is as it was.
pub(crate) fn run(conn: &Connection, list: &[Migration], done: usize) -> Result<(), Failed> {
    // Rebuilding a table needs enforcement off, and it cannot be switched inside a transaction
    // (https://sqlite.org/lang_altertable.html section 7); the references are checked before the commit instead.
    let outcome = sql(conn, "PRAGMA foreign_keys=OFF; BEGIN IMMEDIATE", "start")
        .and_then(|()| steps(conn, list, done))
        .and_then(|()| sql(conn, "COMMIT", "commit"));
    if outcome.is_err() {
        undo(conn);
    }
    outcome.and_then(|()| sql(conn, "PRAGMA foreign_keys=ON", "end"))
}

fn steps(conn: &Connection, list: &[Migration], done: usize) -> Result<(), Failed> {
    for step in list.iter().skip(done) {
        apply(conn, step)?;
    }
    let stamp = format!("PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={};", list.len());
    sql(conn, &stamp, "stamp")
}

fn apply(conn: &Connection, step: &Migration) -> Result<(), Failed> {
    sql(conn, step.sql, step.name)?;
    let fail = |error| Failed { name: step.name.to_owned(), error };
    if conn.is_autocommit() {
        return Err(fail(Error::other("the step ends the transaction that it runs in")));
    }
    let dangling = check::references(conn).map_err(fail)?;
    if dangling.is_empty() {
        return Ok(());
    }
    Err(fail(Error::other(dangling.join("; "))))
}

fn sql(conn: &Connection, text: &str, name: &str) -> Result<(), Failed> {
    conn.execute_batch(text).map_err(|error| Failed { name: name.to_owned(), error: error.into() })
}

fn undo(conn: &Connection) {
    if conn.is_autocommit() {
        return;
    }
    if let Err(error) = conn.execute_batch("ROLLBACK") {
        log::error!(
            "Undoing a failed migration was refused ({error}); the next start undoes it from the journal."
        );
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn migrated() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        run(&conn, CORE, 0).unwrap();
        conn
    }

    #[test]
    fn the_list_names_every_file_in_the_folder_in_order() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/core");
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<_> = CORE.iter().map(|step| step.name).collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn the_numbers_follow_each_other_from_one() {
        for (index, step) in CORE.iter().enumerate() {
            assert!(step.name.starts_with(&format!("{:04}_", index + 1)), "{}", step.name);
        }
    }

    #[test]
    fn every_table_is_strict() {
        let conn = migrated();
        let sql = "SELECT name, strict FROM pragma_table_list WHERE schema='main' AND type='table' AND name NOT LIKE 'sqlite_%'";
        let mut statement = conn.prepare(sql).unwrap();
        let tables = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let tables: Vec<(String, bool)> = tables.map(Result::unwrap).collect();
        let loose: Vec<_> = tables.iter().filter(|(_, is_strict)| !is_strict).collect();
        assert!(!tables.is_empty() && loose.is_empty(), "not STRICT: {loose:?}");
    }

    /// A deferred rule would be checked at the group's commit and punish the neighbours of the guilty write.
    #[test]
    fn no_rule_waits_for_the_commit() {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%DEFERRABLE%'";
        assert_eq!(migrated().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }

    #[test]
    fn peers_of_the_earlier_schema_keep_their_prefix_and_get_no_kind() {
        let conn = Connection::open_in_memory().unwrap();
        run(&conn, &CORE[..3], 0).unwrap();
        let old = "INSERT INTO enterprise VALUES (1, 'acme', '', 'acme.example', 1, '', '');
            INSERT INTO peer VALUES (7, 'peer-1', 'acme', 'Lyon', '-77', 1, 'then', 'then');";
        conn.execute_batch(old).unwrap();
        run(&conn, CORE, 3).unwrap();
        let sql = "SELECT seq || id || description || dialing_prefix, kind, hostname, peer_enterprise,
            sync_every_days || ' ' || sync_hour || ':' || sync_minute || ' ' || sync_half FROM peer";
        let read =
            |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
        type Peer = (String, Option<String>, Option<String>, Option<String>, String);
        let peer: Peer = conn.query_row(sql, [], read).unwrap();
        assert_eq!(peer, ("7peer-1Lyon-77".to_owned(), None, None, None, "0 2:0 AM".to_owned()));
    }

    #[test]
    fn a_step_that_leaves_dangling_references_is_undone() {
        let steps = [Migration {
            name: "0001_bad.sql",
            sql: "CREATE TABLE a (id INTEGER PRIMARY KEY, up INTEGER REFERENCES a (id)) STRICT; INSERT INTO a VALUES (1, 9);",
        }];
        let conn = Connection::open_in_memory().unwrap();
        let failed = run(&conn, &steps, 0).unwrap_err();
        assert_eq!(failed.name, "0001_bad.sql");
        assert!(failed.error.to_string().contains("missing row of a"), "{}", failed.error);
        assert!(conn.query_row("SELECT 1 FROM sqlite_schema", [], |_| Ok(())).is_err());
    }

    #[test]
    fn a_step_that_ends_the_transaction_is_refused() {
        let steps = [Migration { name: "0001_bad.sql", sql: "COMMIT;" }];
        let failed = run(&Connection::open_in_memory().unwrap(), &steps, 0).unwrap_err();
        assert!(failed.error.to_string().contains("ends the transaction"), "{}", failed.error);
    }
}
