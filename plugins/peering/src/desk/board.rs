//! How peers do, where the API and the doctor read it: put up by the desk whenever it is another.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jackfield_sdk::jiff::Timestamp;
use serde::Serialize;

use super::{Desk, Outcome, Peer};
use crate::guard::Guard;
use crate::sister::status::{Trouble, Word};

/// What to do where two enterprises of this appliance shall be peers and one of them has no peer yet.
const OTHER_HALF: &str = "Add a server in the other enterprise as well, which leads back to this one.";

/// How one peer does, as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The word.
    pub status: Word,
    /// In words.
    pub reason: String,
    /// What somebody can do; empty: nothing.
    pub advice: String,
    /// What should have been, where something was compared.
    pub expected: String,
    /// What was found instead.
    pub found: String,
    /// Since when the word holds, RFC 3339.
    pub since: String,
    /// When the link last stood; null: never.
    pub last_good: Option<String>,
    /// The other appliance's version; null: it has not said so.
    pub version: Option<String>,
    /// The other enterprise's domain; null: it has not said so.
    pub domain: Option<String>,
    /// Where the other appliance is reached; null: there is no trust.
    pub address: Option<String>,
    /// SHA-256 of the certificate that is trusted; null: none is.
    pub fingerprint: Option<String>,
    /// Since when it is trusted; null: it is not.
    pub trusted_at: Option<String>,
    /// Why presence of people with logins in UPN form is hidden; empty: it is shown.
    pub upn_hidden: String,
    /// Why messages are not carried; empty: they are.
    pub messages_held: String,
    /// Messages that the other side will never take, and that wait for an administrator.
    pub messages_refused: usize,
    /// Whether the other enterprise is one of this appliance, which needs no invitation.
    pub within: bool,
    /// Seconds by which the other clock is ahead of ours; null: they agree within a minute.
    pub clock_ahead: Option<i64>,
    /// What a synchronization may remove, and how long who is gone is kept.
    pub guard: Guard,
    /// How far a synchronization is; null: none runs.
    pub progress: Option<Progress>,
    /// How the last one ended; null: there was none.
    pub last_sync: Option<Outcome>,
}

/// How far a synchronization is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// People so far.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// How all peers do.
#[derive(Debug, Default)]
pub struct Board {
    standing: Mutex<Standing>,
    /// Wakes those who wait for what is put up.
    news: Condvar,
}

#[derive(Debug, Default)]
struct Standing {
    peers: BTreeMap<String, Shown>,
    us: Us,
}

/// What others know this appliance as.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Us {
    /// The name to go by.
    pub hostname: String,
    /// All its names.
    pub names: Vec<String>,
    /// Where it is reached, HOST:PORT.
    pub address: String,
    /// SHA-256 of its certificate.
    pub fingerprint: String,
    /// Where it listens.
    pub listens: Vec<String>,
    /// Where it cannot listen, with the reason.
    pub closed: Vec<String>,
}

impl Board {
    /// How one peer does.
    pub fn get(&self, peer: &str) -> Option<Shown> {
        self.lock().peers.get(peer).cloned()
    }

    /// Waits so long at most until one peer is shown as it should be.
    pub fn wait(&self, peer: &str, within: Duration, fits: impl Fn(&Shown) -> bool) {
        let is_other = |standing: &mut Standing| !standing.peers.get(peer).is_some_and(&fits);
        drop(self.news.wait_timeout_while(self.lock(), within, is_other));
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How all do.
    pub fn all(&self) -> BTreeMap<String, Shown> {
        self.lock().peers.clone()
    }

    /// What others know this appliance as.
    pub fn us(&self) -> Us {
        self.lock().us.clone()
    }

    /// Puts up how they do; the ids of those whose word is another, or whose directory was brought anew.
    fn put(&self, us: Us, mut peers: BTreeMap<String, Shown>) -> Vec<String> {
        let mut standing = self.lock();
        let mut changed = Vec::new();
        for (id, shown) in &mut peers {
            match standing.peers.get(id) {
                Some(before) if before.status == shown.status => {
                    shown.since.clone_from(&before.since);
                    if before.last_sync != shown.last_sync {
                        changed.push(id.clone());
                    }
                }
                _ => changed.push(id.clone()),
            }
        }
        let gone = standing.peers.keys().filter(|id| !peers.contains_key(*id)).cloned();
        changed.extend(gone);
        (standing.peers, standing.us) = (peers, us);
        self.news.notify_all();
        changed
    }
}

impl Desk {
    /// Puts up how peers do, and tells who follows where something is another.
    pub(super) fn show(&mut self) {
        let peers = self.peers.iter().map(|(id, peer)| (id.clone(), self.shown(id, peer))).collect();
        let changed = self.board.put(self.us(), peers);
        for id in &changed {
            if let Err(failure) = self.host.event("peering.changed", id) {
                jackfield_sdk::log::debug!("that the peer {id} does otherwise could not be told: {failure}");
            }
        }
        if !changed.is_empty() {
            self.report();
        }
    }

    fn us(&self) -> Us {
        let standing = self.wire.standing();
        Us {
            hostname: self.here.hostname.clone(),
            names: self.here.names.clone(),
            address: if self.here.hostname.is_empty() {
                String::new()
            } else {
                self.options.address(&self.here)
            },
            fingerprint: self.here.fingerprint.clone(),
            listens: standing.open.iter().map(ToString::to_string).collect(),
            closed: standing.closed.into_iter().map(|(_, why)| why).collect(),
        }
    }

    /// The word for a peer, with what is behind it.
    pub(super) fn status(&self, id: &str) -> Option<(Word, Trouble)> {
        self.peers.get(id).map(|peer| self.word(peer))
    }

    fn word(&self, peer: &Peer) -> (Word, Trouble) {
        let plain = |word: Word, detail: &str| (word, Trouble::new(word, detail));
        if let Some(lack) = &self.lack {
            return plain(Word::NotSupported, lack);
        }
        if !self.options.enabled {
            return plain(Word::Disabled, "peering is switched off: the setting peering.enabled");
        }
        if peer.link.conn().is_some() {
            return match peer.share.progress() {
                Some(_) => plain(Word::Syncing, "connected; its directory is being brought"),
                None => plain(Word::Connected, "connected"),
            };
        }
        if let Some(lacks) = &peer.lacks {
            return (lacks.word, lacks.clone());
        }
        if peer.row.trusted().is_none() {
            let detail =
                "the two appliances do not trust each other yet: no invitation was used for this peer";
            return plain(Word::NeverConnected, detail);
        }
        if let Some(ended) = &peer.row.ended {
            return plain(Word::NotTrusted, ended);
        }
        if let Some(trouble) = peer.link.trouble() {
            return (trouble.word, trouble.clone());
        }
        match peer.row.last_good {
            None => plain(Word::NeverConnected, "the first attempt is under way"),
            Some(_) => plain(Word::Unreachable, "an attempt is under way"),
        }
    }

    fn shown(&self, id: &str, peer: &Peer) -> Shown {
        let (status, trouble) = self.word(peer);
        let within = self.leads_here(id);
        let advice = if within && status == Word::NotTrusted { OTHER_HALF } else { status.advice() };
        let row = &peer.row;
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let is_up = peer.link.conn().is_some();
        let now = || Timestamp::now().to_string();
        let upn = peer.agreed.as_ref().map(|agreed| agreed.upn().err().unwrap_or_default());
        Shown {
            status,
            reason: trouble.detail,
            advice: advice.to_owned(),
            expected: trouble.expected,
            found: trouble.found,
            since: now(),
            last_good: if is_up { Some(now()) } else { row.last_good.clone() },
            version: text(&row.version),
            domain: text(&row.their_domain),
            address: row.address.clone(),
            fingerprint: row.trusted().map(|trusted| trusted.fingerprint),
            trusted_at: row.trusted_at.clone(),
            upn_hidden: upn.unwrap_or_default(),
            messages_held: if is_up { peer.mute.clone() } else { String::new() },
            messages_refused: peer.post.parked(),
            within,
            clock_ahead: peer.agreed.as_ref().and_then(|agreed| agreed.clock_ahead),
            guard: row.guard(),
            progress: peer.share.progress().map(|(done, total)| Progress { done, total }),
            last_sync: peer.outcome.clone(),
        }
    }
}
