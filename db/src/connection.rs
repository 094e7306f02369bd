//! How a connection to the file is made and set up: one kind for the writer, one for the readers, one for rare
//! long work (checks and copies) that must not occupy a reader.
//!
//! Settings and their reasons: <https://sqlite.org/pragma.html>, <https://sqlite.org/wal.html>.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// `application_id` of every Jackfield database: the letters `JACK`.
pub(crate) const APPLICATION_ID: i32 = 0x4A41_434B;

/// How long SQLite waits for a lock that another process holds.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Distinct SQL texts kept prepared per connection.
const STATEMENTS: usize = 128;

/// On every connection: distrust what a prepared file could smuggle in, and look twice at each page.
const CAUTION: &str = "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON;";

/// `synchronous=FULL` makes an acknowledged commit survive a power cut; `secure_delete` keeps replaced secrets from
/// lingering in free pages; 1000 pages and 8 MiB keep the WAL short while it is used and after a burst.
const WRITING: &str = "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA wal_autocheckpoint=1000; \
     PRAGMA journal_size_limit=8388608;";

/// Opens an existing file for reading and writing, and changes nothing in it.
pub(crate) fn plain(file: &Path) -> rusqlite::Result<Connection> {
    open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Opens an existing file for reading alone, without `query_only`, which would forbid `VACUUM INTO` too.
pub(crate) fn side(file: &Path) -> rusqlite::Result<Connection> {
    open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens one connection for the readers' pool.
pub(crate) fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let conn = side(file)?;
    conn.execute_batch("PRAGMA query_only=ON;")?;
    Ok(conn)
}

/// Turns a plain connection into the writer's; answers the journal mode that SQLite really set.
pub(crate) fn prepare_writer(conn: &Connection) -> rusqlite::Result<String> {
    let mode = conn.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    conn.execute_batch(WRITING)?;
    Ok(mode)
}

fn open(file: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection is used by one thread at a time, which Rust proves; SQLite's own mutexes would only cost.
    let conn = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(LOCK_PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.execute_batch(CAUTION)?;
    Ok(conn)
}
