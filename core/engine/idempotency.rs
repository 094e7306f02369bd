//! Idempotency keys: a POST repeated with the same key gets the first answer again instead of a second
//! effect. The answer is kept in the same transaction as the effect, sealed, because it may hold a token.

use jackfield_db::{Tx, params};

use super::clock;
use super::secrets::Keyring;
use crate::catalog::problems::{KEY_REUSED, Problem};

/// How long answers are kept, in seconds.
const KEPT_SECONDS: i64 = 24 * 3600;

/// One use of a key.
#[derive(Debug, Clone)]
pub struct KeyUse {
    /// Whose key: keys of different callers never meet.
    pub principal: String,
    /// The key as sent.
    pub key: String,
    /// SHA-256 of method, path, query and body.
    pub fingerprint: Vec<u8>,
}

impl KeyUse {
    fn place(&self) -> String {
        format!("idempotency.sealed|{}|{}", self.principal, self.key)
    }

    /// The answer kept for this key, if it was used before for the same request.
    pub fn find(&self, tx: &Tx<'_>, keyring: &Keyring) -> Result<Option<Vec<u8>>, Problem> {
        let sql =
            "SELECT fingerprint, sealed FROM idempotency WHERE principal = ?1 AND key = ?2 AND kept_at > ?3";
        let bound = params![self.principal, self.key, clock::unix() - KEPT_SECONDS];
        let kept = tx.one(sql, bound, |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let Some((fingerprint, sealed)) = kept else { return Ok(None) };
        if fingerprint != self.fingerprint {
            return Err(Problem::new(
                KEY_REUSED,
                "This Idempotency-Key came with another request before. Use a new key for a new request.",
            ));
        }
        keyring.unseal(&self.place(), &sealed).map(Some)
    }

    /// Keeps the answer, and drops those that are too old.
    pub fn keep(&self, tx: &Tx<'_>, keyring: &Keyring, answer: &[u8]) -> Result<(), Problem> {
        let now = clock::unix();
        tx.execute("DELETE FROM idempotency WHERE kept_at <= ?1", params![now - KEPT_SECONDS])?;
        let sql = "INSERT OR REPLACE INTO idempotency (principal, key, fingerprint, sealed, kept_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let sealed = keyring.seal(&self.place(), answer)?;
        tx.execute(sql, params![self.principal, self.key, self.fingerprint, sealed, now])?;
        Ok(())
    }
}
