//! Sessions of the console: a cookie whose hash is stored, and a CSRF value that writes must repeat.

use jackfield_db::{Read, Row, RowResult, Tx, params};

use super::{Principal, digest};
use crate::catalog::problems::Problem;
use crate::catalog::rights::Role;
use crate::catalog::settings::{SESSION_IDLE_MINUTES, SESSION_MAX_HOURS};
use crate::engine::secrets::{Secret, random_text};
use crate::engine::{Engine, clock};

/// How stale `seen_at` may be before a request pays for writing it, in seconds.
const SEEN_STEP: i64 = 60;
/// Most sessions of one administrator; the oldest ends when another begins.
const MOST_SESSIONS: i64 = 16;

/// An administrator as signing in needs it.
pub struct Known {
    /// Row.
    pub seq: i64,
    /// Stored hash of the password.
    pub hash: String,
}

/// The administrator of that name.
pub fn known(read: &Read<'_>, name: &str) -> Result<Option<Known>, Problem> {
    let sql = "SELECT seq, password FROM admin WHERE name = ?1";
    Ok(read.one(sql, params![name], |row| Ok(Known { seq: row.get(0)?, hash: row.get(1)? }))?)
}

/// Begins a session and returns the value of its cookie.
pub fn begin(tx: &Tx<'_>, admin: i64, from: &str) -> Result<Secret, Problem> {
    let cookie = Secret::new(random_text()?);
    let now = clock::unix();
    let sql = "INSERT INTO session (hash, admin, csrf, origin, created_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
    tx.execute(sql, params![digest(cookie.reveal()), admin, random_text()?, from, now])?;
    let surplus = "DELETE FROM session WHERE admin = ?1 AND hash NOT IN
        (SELECT hash FROM session WHERE admin = ?1 ORDER BY created_at DESC, rowid DESC LIMIT ?2)";
    tx.execute(surplus, params![admin, MOST_SESSIONS])?;
    Ok(cookie)
}

/// Ends a session; ending one that is over already is no error.
pub fn end(tx: &Tx<'_>, cookie: &str) -> Result<(), Problem> {
    tx.execute("DELETE FROM session WHERE hash = ?1", params![digest(cookie)])?;
    Ok(())
}

/// Ends all sessions of an administrator, after a change of password or role.
pub fn end_all(tx: &Tx<'_>, admin_id: &str) -> Result<(), Problem> {
    tx.execute("DELETE FROM session WHERE admin = (SELECT seq FROM admin WHERE id = ?1)", params![admin_id])?;
    Ok(())
}

/// Drops sessions that are over, unless the clock has leapt: they are not over then once it is right again.
pub fn sweep(engine: &Engine) -> Result<usize, Problem> {
    engine.leaps.refuse()?;
    let (idle_since, begun_since) = limits(engine);
    let sql = "DELETE FROM session WHERE seen_at < ?1 OR created_at < ?2";
    engine.db.write(move |tx| Ok::<_, Problem>(tx.execute(sql, params![idle_since, begun_since])?))
}

fn limits(engine: &Engine) -> (i64, i64) {
    let ago = |seconds: u64| clock::unix() - i64::try_from(seconds).unwrap_or(i64::MAX);
    (
        ago(engine.settings.number(SESSION_IDLE_MINUTES) * 60),
        ago(engine.settings.number(SESSION_MAX_HOURS) * 3600),
    )
}

struct Session {
    principal: Principal,
    created_at: i64,
    seen_at: i64,
}

fn session(row: &Row<'_>) -> RowResult<Session> {
    let (id, name, role): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let principal = Principal {
        label: format!("admin {name}"),
        key: format!("admin:{id}"),
        role: Role::parse(&role).unwrap_or(Role::Viewer),
        scopes: None,
        csrf: Some(row.get(3)?),
    };
    Ok(Session { principal, created_at: row.get(4)?, seen_at: row.get(5)? })
}

/// The administrator whose session a cookie is, if it is not over.
pub fn authenticate(engine: &Engine, cookie: &str) -> Result<Option<Principal>, Problem> {
    let hash = digest(cookie);
    let Some(session) = living(engine, &hash)? else { return Ok(None) };
    if clock::unix() - session.seen_at >= SEEN_STEP {
        note_seen(engine, hash);
    }
    Ok(Some(session.principal))
}

/// The same by its hash, without counting as a use of the session.
pub fn holder(engine: &Engine, hash: Vec<u8>) -> Result<Option<Principal>, Problem> {
    Ok(living(engine, &hash)?.map(|session| session.principal))
}

fn living(engine: &Engine, hash: &[u8]) -> Result<Option<Session>, Problem> {
    let sql = "SELECT a.id, a.name, a.role, s.csrf, s.created_at, s.seen_at
               FROM session s JOIN admin a ON a.seq = s.admin WHERE s.hash = ?1";
    let found = engine.db.read(|read| Ok::<_, Problem>(read.one(sql, params![hash], session)?))?;
    let (idle_since, begun_since) = limits(engine);
    Ok(found.filter(|s| s.seen_at >= idle_since && s.created_at >= begun_since))
}

/// A request must not fail because this could not be noted, say on a full disk; the session then ends earlier.
fn note_seen(engine: &Engine, hash: Vec<u8>) {
    let sql = "UPDATE session SET seen_at = ?2 WHERE hash = ?1";
    let noted = engine.db.write(move |tx| tx.execute(sql, params![hash, clock::unix()]));
    if let Err(cause) = noted {
        log::warn!("could not note that a session is in use: {cause}");
    }
}
