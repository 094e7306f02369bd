//! API tokens: text beginning `jf_` whose hash is stored.

use jackfield_db::{Row, RowResult, params};

use super::{Principal, digest};
use crate::catalog::problems::Problem;
use crate::catalog::rights::Role;
use crate::engine::Engine;
use crate::engine::secrets::{Secret, random_text};

const PREFIX: &str = "jf_";

/// A new token, and the hash that remembers it.
pub fn mint() -> Result<(Secret, Vec<u8>), Problem> {
    let token = Secret::new(format!("{PREFIX}{}", random_text()?));
    let hash = digest(token.reveal());
    Ok((token, hash))
}

struct Found {
    principal: Principal,
    expires_at: Option<String>,
}

fn found(row: &Row<'_>) -> RowResult<Found> {
    let (id, name, role): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let scopes: Option<String> = row.get(3)?;
    let principal = Principal {
        label: format!("token {name}"),
        key: format!("token:{id}"),
        role: Role::parse(&role).unwrap_or(Role::Viewer),
        // Scopes that cannot be read must not widen the token: they become none at all.
        scopes: scopes.map(|text| serde_json::from_str(&text).unwrap_or_default()),
        csrf: None,
    };
    Ok(Found { principal, expires_at: row.get(4)? })
}

/// Whose token it is, if it is one and has not expired.
pub fn authenticate(engine: &Engine, token: &str) -> Result<Option<Principal>, Problem> {
    holder(engine, digest(token))
}

/// The same by its hash.
pub fn holder(engine: &Engine, hash: Vec<u8>) -> Result<Option<Principal>, Problem> {
    let sql = "SELECT id, name, role, scopes, expires_at FROM token WHERE hash = ?1";
    let known = engine.db.read(|read| Ok::<_, Problem>(read.one(sql, params![hash], found)?))?;
    Ok(known.filter(|f| !has_expired(f.expires_at.as_deref())).map(|f| f.principal))
}

/// Whether that instant is over; none never is.
pub fn has_expired(expires_at: Option<&str>) -> bool {
    let Some(text) = expires_at else { return false };
    text.parse::<jiff::Timestamp>().is_ok_and(|expiry| expiry <= jiff::Timestamp::now())
}
