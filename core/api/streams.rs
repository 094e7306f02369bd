//! Who follows the events: how many at most, and until when. Leaves out what they are told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::texts::Texts;
use crate::catalog::problems::{Problem, TOO_MANY_STREAMS};
use crate::catalog::settings::{STREAMS_PER_ADDRESS, STREAMS_TOTAL};
use crate::engine::Engine;
use crate::engine::access::Principal;
use crate::engine::access::credential::Credential;

/// Seconds after which somebody who found no room may try again.
const RETRY_AFTER: u64 = 10;

/// All open streams.
#[derive(Debug, Default)]
pub struct Streams {
    texts: Texts,
    next: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Reader>>>,
}

/// Who reads a stream.
#[derive(Debug)]
pub struct Reader {
    /// Who it is, with their rights when the stream began.
    pub who: Principal,
    credential: Credential,
    from: String,
    is_over: AtomicBool,
}

/// One stream's place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    streams: Arc<Streams>,
    id: u64,
    reader: Arc<Reader>,
}

impl Streams {
    /// A place for one more stream, if the bounds leave one.
    pub fn enter(
        self: &Arc<Self>,
        engine: &Engine,
        who: Principal,
        credential: Credential,
        from: String,
    ) -> Result<Place, Problem> {
        let bound = |name| usize::try_from(engine.settings.number(name)).unwrap_or(usize::MAX);
        let (total, each) = (bound(STREAMS_TOTAL), bound(STREAMS_PER_ADDRESS));
        let mut open = self.lock();
        if open.len() >= total {
            return Err(full(&format!("{total} event streams are open"), STREAMS_TOTAL));
        }
        if open.values().filter(|reader| reader.from == from).count() >= each {
            return Err(full(
                &format!("{each} event streams from your address are open"),
                STREAMS_PER_ADDRESS,
            ));
        }
        let id = self.next.fetch_add(1, Relaxed);
        let reader = Arc::new(Reader { who, credential, from, is_over: AtomicBool::new(false) });
        open.insert(id, Arc::clone(&reader));
        Ok(Place { streams: Arc::clone(self), id, reader })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Ends the streams of those who may not read them any more: revoked, expired, signed out, or with other
    /// rights than they began with. Whether there were any.
    pub fn end_unwelcome(&self, engine: &Engine) -> Result<bool, Problem> {
        let open: Vec<_> = self.lock().values().cloned().collect();
        let mut has_ended = false;
        for reader in open.into_iter().filter(|reader| !reader.is_over.load(Relaxed)) {
            let now = reader.credential.holder(engine)?;
            if !now.is_some_and(|now| now.role == reader.who.role && now.scopes == reader.who.scopes) {
                reader.is_over.store(true, Relaxed);
                has_ended = true;
            }
        }
        Ok(has_ended)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Reader>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Who reads here.
    pub fn who(&self) -> &Principal {
        &self.reader.who
    }

    /// What all streams tell alike.
    pub fn texts(&self) -> &Texts {
        &self.streams.texts
    }

    /// Whether the stream shall end.
    pub fn is_over(&self) -> bool {
        self.reader.is_over.load(Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.id);
    }
}

fn full(what: &str, setting: &str) -> Problem {
    let detail = format!("{what}, which is the most (setting {setting}). Close some, or try again later.");
    Problem::new(TOO_MANY_STREAMS, detail).retry_after(RETRY_AFTER)
}
