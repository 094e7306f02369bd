//! Idempotency keys: a POST repeated with the same key gets the first answer again instead of a second
//! effect. The answer is kept in the same transaction as the effect, sealed, because it may hold a token.
//!
//! What a plugin answers is known only after it has written. So its transaction marks the key as used, and the
//! answer takes the mark's place: when the plugin's process ends in between, a repetition is told, not done again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jackfield_db::{Read, Tx, params};

use super::Engine;
use crate::catalog::problems::{KEY_IN_USE, KEY_REUSED, Problem, UNANSWERED};

/// How long answers are kept, in seconds that the appliance has run: a clock that leaps ahead must not have a request
/// done twice.
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
    pub fn find(&self, read: &Read<'_>, engine: &Engine) -> Result<Option<Vec<u8>>, Problem> {
        let found = self.kept(read, engine)?;
        if found.as_ref().is_some_and(Vec::is_empty) {
            return Err(Problem::new(
                UNANSWERED,
                "The first request with this Idempotency-Key changed something, but the plugin failed or ended \
                 before it answered. Look at what is there now, and use a new key for what is still to be done.",
            ));
        }
        Ok(found)
    }

    /// Whether something was done for this key whose answer is not known.
    pub fn is_marked(&self, read: &Read<'_>, engine: &Engine) -> Result<bool, Problem> {
        Ok(self.kept(read, engine)?.is_some_and(|answer| answer.is_empty()))
    }

    fn kept(&self, read: &Read<'_>, engine: &Engine) -> Result<Option<Vec<u8>>, Problem> {
        let sql =
            "SELECT fingerprint, sealed FROM idempotency WHERE principal = ?1 AND key = ?2 AND kept_at > ?3";
        let bound = params![self.principal, self.key, engine.leaps.ran() - KEPT_SECONDS];
        let kept = read.one(sql, bound, |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let Some((fingerprint, sealed)) = kept else { return Ok(None) };
        if fingerprint != self.fingerprint {
            return Err(Problem::new(
                KEY_REUSED,
                "This Idempotency-Key came with another request before. Use a new key for a new request.",
            ));
        }
        engine.keyring.unseal(&self.place(), &sealed).map(Some)
    }

    /// Keeps the answer, and drops those that are too old.
    pub fn keep(&self, tx: &Tx<'_>, engine: &Engine, answer: &[u8]) -> Result<(), Problem> {
        let now = engine.leaps.ran();
        tx.execute("DELETE FROM idempotency WHERE kept_at <= ?1", params![now - KEPT_SECONDS])?;
        let sql = "INSERT OR REPLACE INTO idempotency (principal, key, fingerprint, sealed, kept_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let sealed = engine.keyring.seal(&self.place(), answer)?;
        tx.execute(sql, params![self.principal, self.key, self.fingerprint, sealed, now])?;
        Ok(())
    }
}

/// Requests with a key that plugins are answering now.
#[derive(Default)]
pub struct InHand {
    /// By the request's id, with the plugin that has it.
    open: Mutex<HashMap<String, (String, KeyUse)>>,
}

/// A request in a plugin's hands until this is dropped.
pub struct Held<'a> {
    all: &'a InHand,
    request: String,
}

impl InHand {
    /// Hands a request over. Refused while another one with the same key is being answered.
    pub fn hold(&self, request: &str, plugin: &str, key: &KeyUse) -> Result<Held<'_>, Problem> {
        let mut open = self.lock();
        if open.values().any(|(_, other)| other.principal == key.principal && other.key == key.key) {
            let text =
                "The first request with this Idempotency-Key is still being answered. Repeat it in a moment.";
            return Err(Problem::new(KEY_IN_USE, text).retry_after(1));
        }
        open.insert(request.to_owned(), (plugin.to_owned(), key.clone()));
        Ok(Held { all: self, request: request.to_owned() })
    }

    /// In a transaction that a plugin makes for a request: notes that its key is used up.
    pub fn mark(tx: &Tx<'_>, engine: &Engine, plugin: &str, request: &str) -> Result<(), Problem> {
        let open = engine.in_hand.lock();
        let key = open.get(request).filter(|(holder, _)| holder == plugin).map(|(_, key)| key.clone());
        drop(open);
        key.map_or(Ok(()), |key| key.keep(tx, engine, b""))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (String, KeyUse)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.request);
    }
}
