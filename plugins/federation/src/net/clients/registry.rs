//! Who has bound which resource, and which sessions can be resumed.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jackfield_sdk::Words;
use jackfield_sdk::jiff::Timestamp;
use jid::{BareJid, FullJid};

use super::handover::Handover;
use super::shown::{self, Client};
use crate::im::{Out, SessionId};
use crate::net::random;
use crate::s2s::Condition;

/// Most sessions of one account.
const MOST_OF_ACCOUNT: usize = 16;

/// A resource that is bound.
pub struct Entry {
    /// What the API calls the session: numbers begin anew with each process, and nobody must end another one's.
    pub name: String,
    /// Id of the account.
    pub account: String,
    /// Its address.
    pub address: FullJid,
    /// The way to its client.
    pub out: Out,
    /// Since when it is bound.
    pub since: Timestamp,
    /// How far the client acknowledges stanzas.
    pub acknowledges: Acknowledges,
    /// Until when it waits to be resumed, where its connection broke.
    pub asleep_until: Option<Timestamp>,
    /// How it is connected, or was.
    pub at: At,
}

/// Whether a client acknowledges stanzas (XEP-0198).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledges {
    /// It has not asked for that.
    No,
    /// It does.
    Yes,
    /// It does, and may resume the session.
    Resumes,
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
            name: random::id()[..16].to_owned(),
            account: account.to_owned(),
            address: address.clone(),
            out,
            since: Timestamp::now(),
            acknowledges: Acknowledges::No,
            asleep_until: None,
            at,
        };
        inside.all.insert(id, entry);
        inside.by_address.entry(bare).or_default().push(id);
        Ok((id, address))
    }

    /// The client acknowledges stanzas from now on; with a name, under which the session can be resumed.
    pub fn acknowledged(&self, id: SessionId, name: Option<&str>, handover: &Arc<Handover>) {
        let mut inside = self.lock();
        let Inside { all, resumable, .. } = &mut *inside;
        let Some(entry) = all.get_mut(&id) else { return };
        entry.acknowledges = if name.is_some() { Acknowledges::Resumes } else { Acknowledges::Yes };
        if let Some(name) = name {
            resumable.insert(name.to_owned(), (entry.address.to_bare(), Arc::clone(handover)));
        }
    }

    /// Where a connection is handed over to the session of that name, if it is that user's.
    pub fn handover(&self, name: &str, address: &BareJid) -> Option<Arc<Handover>> {
        let inside = self.lock();
        let (owner, handover) = inside.resumable.get(name)?;
        (owner == address).then(|| Arc::clone(handover))
    }

    /// The connection of a session broke; it waits that long to be resumed.
    pub fn asleep(&self, id: SessionId, within: Duration) {
        if let Some(entry) = self.lock().all.get_mut(&id) {
            entry.asleep_until = Timestamp::now().checked_add(within).ok();
        }
    }

    /// It goes on there.
    pub fn awake(&self, id: SessionId, at: At) {
        if let Some(entry) = self.lock().all.get_mut(&id) {
            (entry.asleep_until, entry.at) = (None, at);
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

    /// The first ones by address after that one in which each of these words is found, and whether there are more.
    pub fn page(&self, after: &str, words: &Words, limit: usize) -> (Vec<Client>, bool) {
        let inside = self.lock();
        let fits = |entry: &&Entry| entry.address.as_str() > after && words.fit(&shown::searched(entry));
        let sorted: BTreeMap<_, _> =
            inside.all.values().filter(fits).map(|entry| (entry.address.as_str(), entry)).collect();
        let is_more = sorted.len() > limit;
        (sorted.into_values().take(limit).map(Client::of).collect(), is_more)
    }

    /// Ends the session that the API calls so; its address, or none: there is none.
    pub fn end(&self, name: &str, condition: Condition, words: &str) -> Option<String> {
        let inside = self.lock();
        let entry = inside.all.values().find(|entry| entry.name == name)?;
        entry.out.end(condition, words);
        Some(entry.address.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::im::{End, Next, Outs};

    fn at(client: &str) -> At {
        At { tls: "TLS 1.3", mechanism: "PLAIN", client: client.parse().unwrap() }
    }

    fn bare(address: &str) -> BareJid {
        BareJid::new(address).unwrap()
    }

    #[test]
    fn a_resource_is_there_once_and_the_newest_has_it() {
        let (registry, outs, ann) = (Registry::default(), Outs::default(), bare("ann@home.example"));
        let (old, new) = (outs.open(), outs.open());
        let bind = |out: &Out| registry.bind("a1", &ann, Some("desk"), out.clone(), at("127.0.0.1:1"));
        let (first, address) = bind(&old).unwrap();
        assert_eq!(address.as_str(), "ann@home.example/desk");
        let (second, _) = bind(&new).unwrap();
        assert!(matches!(old.take(), Some(Next::End(End { condition: Condition::Conflict, .. }))));
        assert!(new.take().is_none());
        registry.remove(first, None);
        assert_eq!(registry.len(), 1);
        registry.remove(second, None);
        let inside = registry.lock();
        assert_eq!((inside.all.len(), inside.by_address.len(), inside.resumable.len()), (0, 0, 0));
    }

    #[test]
    fn resources_of_an_account_are_bounded_and_one_that_is_none_is_refused() {
        let (registry, out) = (Registry::default(), Outs::default().open());
        let ann = bare("ann@home.example");
        for _ in 0..MOST_OF_ACCOUNT {
            registry.bind("a1", &ann, None, out.clone(), at("127.0.0.1:1")).unwrap();
        }
        let refused = registry.bind("a1", &ann, None, out.clone(), at("127.0.0.1:1"));
        assert_eq!(refused.unwrap_err(), "resource-constraint");
        let ben = bare("ben@home.example");
        assert!(registry.bind("a2", &ben, None, out.clone(), at("127.0.0.1:1")).is_ok());
        let strange = registry.bind("a2", &ben, Some("a\u{0}b"), out, at("127.0.0.1:1"));
        assert_eq!(strange.unwrap_err(), "bad-request");
        let (some, is_more) = registry.page("", &Words::default(), 10);
        assert_eq!((some.len(), is_more), (10, true));
        let last = some.last().map(|client| format!("{}/{}", client.address, client.resource));
        let (rest, is_more) = registry.page(&last.unwrap(), &Words::default(), 10);
        assert_eq!((rest.len(), is_more), (MOST_OF_ACCOUNT + 1 - 10, false));
    }

    #[test]
    fn only_its_own_user_resumes_a_session_and_only_while_it_is_there() {
        let (registry, out) = (Registry::default(), Outs::default().open());
        let ann = bare("ann@home.example");
        let (id, _) = registry.bind("a1", &ann, None, out, at("127.0.0.1:1")).unwrap();
        registry.acknowledged(id, Some("name"), &Arc::default());
        assert!(registry.handover("name", &ann).is_some());
        assert!(registry.handover("name", &bare("ben@home.example")).is_none());
        assert!(registry.handover("other", &ann).is_none());
        registry.asleep(id, Duration::from_secs(60));
        let shown = &registry.page("", &Words::default(), 1).0[0];
        assert!(shown.state == "asleep" && shown.asleep_until.is_some(), "{shown:?}");
        registry.awake(id, at("127.0.0.2:2"));
        let shown = &registry.page("", &Words::default(), 1).0[0];
        assert_eq!((shown.state, shown.client.as_str()), ("connected", "127.0.0.2:2"));
        assert_eq!((shown.stream_management, &shown.asleep_until), ("resumable", &None));
        registry.remove(id, Some("name"));
        assert!(registry.handover("name", &ann).is_none());
    }

    #[test]
    fn sessions_are_found_by_words_and_ended_by_name() {
        let (registry, outs) = (Registry::default(), Outs::default());
        let desk = outs.open();
        for (address, resource, out) in [
            ("ann@home.example", "desk", desk.clone()),
            ("ann@home.example", "phone", outs.open()),
            ("ben@home.example", "desk", outs.open()),
        ] {
            registry.bind("a1", &bare(address), Some(resource), out, at("127.0.0.1:1")).unwrap();
        }
        let found = |words: &str| {
            let page = registry.page("", &words.into(), 10).0;
            page.iter().map(|client| format!("{}/{}", client.login, client.resource)).collect::<Vec<_>>()
        };
        assert_eq!(found("desk"), ["ann/desk", "ben/desk"]);
        assert_eq!(found("desk ann@"), ["ann/desk"]);
        assert_eq!(found("127.0.0.1").len(), 3);
        assert_eq!(found("127.0.0.2"), [""; 0]);
        let name = registry.page("", &"ann desk".into(), 1).0[0].id.clone();
        assert_eq!(
            registry.end(&name, Condition::PolicyViolation, "x").as_deref(),
            Some("ann@home.example/desk")
        );
        assert!(matches!(desk.take(), Some(Next::End(End { condition: Condition::PolicyViolation, .. }))));
        assert_eq!(registry.end("another", Condition::PolicyViolation, "x"), None);
    }
}
