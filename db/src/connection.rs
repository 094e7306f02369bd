//! How a connection to the file is made and set up: one kind for the writer, one for the readers, one for rare
//! long work (checks and copies) that must not occupy a reader.
//!
//! Settings and their reasons: <https://sqlite.org/pragma.html>, <https://sqlite.org/wal.html>.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
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

/// What the writer's connection keeps of the file in memory while a write of very many rows is under way: 64 MiB. With
/// SQLite's usual 2000 KiB it would write pages to the WAL only to change them again in the same transaction.
pub(crate) const ROOMY: &str = "PRAGMA cache_size=-65536";

/// The usual again, and the rest given back.
pub(crate) const USUAL: &str = "PRAGMA cache_size=-2000; PRAGMA shrink_memory";

/// Opens an existing file for reading and writing, and changes nothing in it.
pub(crate) fn plain(file: &Path) -> rusqlite::Result<Connection> {
    open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Opens an existing file to look at it, and leaves it and every file beside it as they were. Without a log beside it
/// the file is whole and nobody has it open; with one, the log is neither folded in nor removed, and the shared index
/// is used only if another process has the file open.
pub(crate) fn onlooker(file: &Path) -> rusqlite::Result<Connection> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    if !Path::new(&log).exists() {
        return immutable(file);
    }
    beside_a_log(file, "EXCLUSIVE").or_else(|_| beside_a_log(file, "NORMAL"))
}

/// <https://sqlite.org/uri.html#uriimmutable>
fn immutable(file: &Path) -> rusqlite::Result<Connection> {
    let text = file.to_string_lossy();
    let escaped = text.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)
}

fn beside_a_log(file: &Path, locking: &str) -> rusqlite::Result<Connection> {
    let conn = plain(file)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.busy_timeout(Duration::ZERO)?;
    let look =
        format!("PRAGMA locking_mode={locking}; SELECT count(*) FROM sqlite_schema; PRAGMA query_only=ON;");
    conn.execute_batch(&look)?;
    Ok(conn)
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
