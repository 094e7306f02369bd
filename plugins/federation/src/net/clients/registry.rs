//! Who has bound which resource, and which sessions can be resumed.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jackfield_sdk::jiff::Timestamp;
use jid::{BareJid, FullJid};
use serde::Serialize;
use tokio::sync::Notify;

use super::session::Line;
use crate::im::{Out, SessionId};
use crate::net::random;
use crate::s2s::Condition;

/// Most sessions of one account.
const MOST_OF_ACCOUNT: usize = 16;

/// A session as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    /// Id of the account.
    pub account: String,
    /// Its address without resource.
    pub address: String,
    /// The resource.
    pub resource: String,
    /// `connected`, or `asleep`: its connection broke, and it may be resumed.
    pub state: &'static str,
    /// Since when there is this session, RFC 3339.
    pub since: String,
    /// Version of TLS.
    pub tls: &'static str,
    /// By which mechanism its user signed in.
    pub mechanism: &'static str,
    /// Address and port of the client.
    pub client: String,
}

/// A resource that is bound.
struct Entry {
    account: String,
    address: FullJid,
    out: Out,
    since: Timestamp,
    is_asleep: bool,
    at: At,
}

/// How a client is connected.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// Version of TLS.
    pub tls: &'static str,
    /// By which mechanism its user signed in.
    pub mechanism: &'static str,
    /// Where it is.
    pub client: SocketAddr,
}

/// Where another connection is handed over to a session.
#[derive(Default)]
pub struct Handover {
    slot: Mutex<Option<(Box<Line>, u32)>>,
    news: Notify,
}

impl Handover {
    /// Hands it over, with how many stanzas the client has handled. One that waits there already is dropped: the client
    /// has given it up.
    pub fn put(&self, line: Box<Line>, h: u32) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((line, h));
        self.news.notify_one();
    }

    /// Waits for one.
    pub async fn taken(&self) -> (Box<Line>, u32) {
        loop {
            if let Some(handed) = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return handed;
            }
            self.news.notified().await;
        }
    }
}

/// All of them.
#[derive(Default)]
pub struct Registry(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    last: u64,
    all: HashMap<SessionId, Entry>,
    by_address: HashMap<BareJid, Vec<SessionId>>,
    resumable: HashMap<String, (BareJid, Arc<Handover>)>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Binds a resource. Who has it already makes room, because mostly that is the same client before its line broke. The
    /// error is a condition of RFC 6120 section 7.
    pub fn bind(
        &self,
        account: &str,
        address: &BareJid,
        resource: Option<&str>,
        out: Out,
        at: At,
    ) -> Result<(SessionId, FullJid), &'static str> {
        let any = || random::id()[..12].to_owned();
        let resource = resource.map_or_else(any, str::to_owned);
        let address = address.with_resource_str(&resource).map_err(|_| "bad-request")?;
        let mut inside = self.lock();
        let bare = address.to_bare();
        let others = inside.by_address.get(&bare).cloned().unwrap_or_default();
        let (same, others): (Vec<_>, Vec<_>) =
            others.iter().filter_map(|id| inside.all.get(id)).partition(|entry| entry.address == address);
        if others.len() >= MOST_OF_ACCOUNT {
            return Err("resource-constraint");
        }
        for entry in same {
            entry.out.end(Condition::Conflict, "another client has taken this resource");
        }
        inside.last += 1;
        let id = SessionId(inside.last);
        let entry = Entry {
            account: account.to_owned(),
            address: address.clone(),
            out,
            since: Timestamp::now(),
            is_asleep: false,
            at,
        };
        inside.all.insert(id, entry);
        inside.by_address.entry(bare).or_default().push(id);
        Ok((id, address))
    }

    /// The session can be resumed under that name from now on.
    pub fn resumable(&self, name: &str, address: &FullJid, handover: &Arc<Handover>) {
        self.lock().resumable.insert(name.to_owned(), (address.to_bare(), Arc::clone(handover)));
    }

    /// Where a connection is handed over to the session of that name, if it is that user's.
    pub fn handover(&self, name: &str, address: &BareJid) -> Option<Arc<Handover>> {
        let inside = self.lock();
        let (owner, handover) = inside.resumable.get(name)?;
        (owner == address).then(|| Arc::clone(handover))
    }

    /// The connection of a session broke.
    pub fn asleep(&self, id: SessionId) {
        if let Some(entry) = self.lock().all.get_mut(&id) {
            entry.is_asleep = true;
        }
    }

    /// It goes on there.
    pub fn awake(&self, id: SessionId, at: At) {
        if let Some(entry) = self.lock().all.get_mut(&id) {
            (entry.is_asleep, entry.at) = (false, at);
        }
    }

    /// A session is over. What was handed over and not taken is dropped with it.
    pub fn remove(&self, id: SessionId, name: Option<&str>) {
        let mut inside = self.lock();
        if let Some(name) = name {
            inside.resumable.remove(name);
        }
        let Some(gone) = inside.all.remove(&id) else { return };
        let bare = gone.address.to_bare();
        if let Some(ids) = inside.by_address.get_mut(&bare) {
            ids.retain(|known| *known != id);
            if ids.is_empty() {
                inside.by_address.remove(&bare);
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().all.len()
    }

    /// The first ones by address after that one, and whether there are more.
    pub fn page(&self, after: &str, limit: usize) -> (Vec<Client>, bool) {
        let inside = self.lock();
        let later = inside.all.values().filter(|entry| entry.address.as_str() > after);
        let sorted: BTreeMap<_, _> = later.map(|entry| (entry.address.as_str(), entry)).collect();
        let is_more = sorted.len() > limit;
        (sorted.into_values().take(limit).map(Entry::shown).collect(), is_more)
    }
}

impl Entry {
    fn shown(&self) -> Client {
        Client {
            account: self.account.clone(),
            address: self.address.to_bare().to_string(),
            resource: self.address.resource().to_string(),
            state: if self.is_asleep { "asleep" } else { "connected" },
            since: self.since.to_string(),
            tls: self.at.tls,
            mechanism: self.at.mechanism,
            client: self.at.client.to_string(),
        }
    }
}
