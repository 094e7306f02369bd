//! The one way to make a change that all routes share: durably or as a dry run, with its origin, and once for each
//! idempotency key, however often the request is repeated.

use std::fs::File;
use std::io::{Read, Seek};
use std::sync::Arc;

use jackfield_db::{OwnerTx, Tx};
use sha2::{Digest, Sha256};

use super::call::{Call, Reply};
use crate::catalog::problems::{HEADER, Problem};
use crate::engine::change::Change;
use crate::engine::events::Fired;
use crate::engine::idempotency::KeyUse;
use crate::engine::{Engine, Mode, fault};
use crate::http::Request;

const KEY_LENGTH: usize = 128;

impl Call<'_> {
    /// Makes a change: once per idempotency key, durably or as a dry run, recorded with its origin.
    pub fn change(
        &self,
        work: impl FnOnce(&Change<'_>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        self.change_in(self.mode, work)
    }

    /// Makes a change durably although it may only prepare a dry run.
    pub fn commit(
        &self,
        work: impl FnOnce(&Change<'_>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        self.change_in(Mode::Commit, work)
    }

    fn change_in(
        &self,
        mode: Mode,
        work: impl FnOnce(&Change<'_>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let (key, engine) = (self.key_use()?, Arc::clone(self.engine()));
        self.engine().change(self.origin(), mode, move |change| {
            once(key.as_ref(), change.tx, &engine, || work(change))
        })
    }

    /// The same with a plugin's statements in it; `work` gives the events besides the answer.
    pub fn change_as(
        &self,
        plugin: &str,
        work: impl FnOnce(&OwnerTx<'_>) -> Result<(Reply, Vec<Fired>), Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let (key, engine) = (self.key_use()?, Arc::clone(self.engine()));
        self.engine().change_as(plugin, self.mode, move |tx| {
            let mut fired = Vec::new();
            let reply = once(key.as_ref(), tx, &engine, || {
                let (reply, events) = work(tx)?;
                fired = events;
                Ok(reply)
            });
            Ok((reply?, fired))
        })
    }

    /// Asks something outside the database and its transactions for the answer: once per idempotency key. What
    /// fails is asked again, unless it changed something.
    pub fn once_outside(
        &self,
        plugin: &str,
        ask: impl FnOnce() -> Result<Reply, Problem>,
    ) -> Result<Reply, Problem> {
        let Some(key) = self.key_use()? else { return ask() };
        // Held before looking, so that an answer that is being kept right now is found.
        let _held = self.engine().in_hand.hold(self.id(), plugin, &key)?;
        if let Some(reply) = self.kept(&key)? {
            return Ok(reply);
        }
        let answered = ask();
        if self.is_rehearsal() {
            return answered;
        }
        let engine = Arc::clone(self.engine());
        let kept = match &answered {
            Ok(reply) => reply.clone(),
            Err(problem) if problem.kind.status >= 500 => return answered,
            Err(problem) if engine.db.read(|read| key.is_marked(read, &engine))? => Reply::problem(problem),
            Err(_) => return answered,
        };
        self.engine().db.write(move |tx| keep(&key, tx, &engine, &kept))?;
        answered
    }

    /// The answer that was kept for the call's idempotency key, if it has one that was used before.
    pub fn replayed(&self) -> Result<Option<Reply>, Problem> {
        self.key_use()?.map_or(Ok(None), |key| self.kept(&key))
    }

    fn kept(&self, key: &KeyUse) -> Result<Option<Reply>, Problem> {
        let engine = self.engine();
        engine.db.read(|read| key.find(read, engine))?.map(|kept| repeated(&kept)).transpose()
    }

    /// The idempotency key of a POST. Callers who are not signed in have none of their own to use.
    fn key_use(&self) -> Result<Option<KeyUse>, Problem> {
        let Some(key) = self.request.header("idempotency-key").filter(|_| self.is_keyed()) else {
            return Ok(None);
        };
        let Some(principal) = self.caller() else { return Ok(None) };
        if key.is_empty() || key.len() > KEY_LENGTH {
            return Err(Problem::new(
                HEADER,
                format!("The Idempotency-Key must be 1 to {KEY_LENGTH} characters long."),
            ));
        }
        let Request { method, path, query, body, .. } = self.request;
        let mut hash = Sha256::new();
        [method.as_bytes(), path.as_bytes(), query.as_bytes(), body].iter().for_each(|part| {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        });
        if let Some(upload) = &self.request.upload {
            hash_upload(&mut hash, upload).map_err(|e| fault("read the body again", &e.to_string()))?;
        }
        let fingerprint = hash.finalize().to_vec();
        Ok(Some(KeyUse { principal: principal.key.clone(), key: key.to_owned(), fingerprint }))
    }
}

/// Does it, unless the key was used before; then the first answer is given again.
fn once(
    key: Option<&KeyUse>,
    tx: &Tx<'_>,
    engine: &Engine,
    work: impl FnOnce() -> Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    let Some(key) = key else { return work() };
    if let Some(kept) = key.find(tx, engine)? {
        return repeated(&kept);
    }
    let reply = work()?;
    keep(key, tx, engine, &reply)?;
    Ok(reply)
}

fn keep(key: &KeyUse, tx: &Tx<'_>, engine: &Engine, reply: &Reply) -> Result<(), Problem> {
    let kept = serde_json::to_vec(reply).map_err(|e| fault("keep an answer", &e.to_string()))?;
    key.keep(tx, engine, &kept)
}

fn repeated(kept: &[u8]) -> Result<Reply, Problem> {
    let reply: Reply = serde_json::from_slice(kept).map_err(|e| fault("repeat an answer", &e.to_string()))?;
    Ok(reply.header("Idempotency-Replayed", "true".to_owned()))
}

/// The same body must be told from another one although it is not in memory.
fn hash_upload(hash: &mut Sha256, mut upload: &File) -> std::io::Result<()> {
    upload.rewind()?;
    let mut gulp = vec![0; 64 * 1024];
    loop {
        match upload.read(&mut gulp)? {
            0 => return upload.rewind(),
            count => hash.update(&gulp[..count]),
        }
    }
}
