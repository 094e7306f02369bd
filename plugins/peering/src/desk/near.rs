//! Peers that are two enterprises of this appliance (seed 001): the same link with the same frames, handed over here
//! instead of over a network.

use std::time::Instant;

use jackfield_sdk::params;
use serde::Deserialize;

use super::{Desk, Line, Stage, Way};
use crate::sister::certificate::Seen;
use crate::sister::frame::LEVEL;
use crate::sister::hello::Agreed;
use crate::sister::link::Conn;
use crate::sister::status::{Trouble, Word};

/// Numbers of links within the appliance begin here; those of sockets stay below.
pub const FIRST: Conn = 1 << 62;
/// Most frames that are carried before something else gets a turn.
const AT_ONCE: usize = 256;

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "id")]
    _id: String,
}

impl Desk {
    /// Whether a connection stays within the appliance.
    pub(super) fn is_near(&self, conn: Conn) -> bool {
        conn >= FIRST
    }

    /// Whether a peer leads to this appliance itself.
    pub(super) fn leads_here(&self, id: &str) -> bool {
        self.peers.get(id).is_some_and(|peer| self.here.names.contains(&peer.row.hostname))
    }

    /// Joins a peer with its other half, or says what is lacking.
    pub(super) fn join(&mut self, id: &str) {
        let Some(peer) = self.peers.get(id).filter(|peer| peer.link.conn().is_none()) else { return };
        let (here, there) = (peer.row.enterprise.clone(), peer.row.peer_enterprise.clone());
        let half = self.peers.values().find(|other| {
            other.row.id != id && other.row.leads(&there, &here) && self.leads_here(&other.row.id)
        });
        let Some(half) = half.map(|half| half.row.id.clone()) else {
            let lacks = self.lacking(&here, &there);
            if let Some(peer) = self.peers.get_mut(id) {
                peer.lacks = Some(lacks);
            }
            return;
        };
        self.numbers += 2;
        let (one, other) = (self.numbers, self.numbers + 1);
        self.attach(one, id, other, &half);
        self.attach(other, &half, one, id);
        self.set_up(id, &half);
        self.set_up(&half, id);
    }

    fn lacking(&self, here: &str, there: &str) -> Trouble {
        let sql = "SELECT id FROM core_enterprises WHERE id = ?1";
        match self.host.db().first::<Found>(sql, params![there]) {
            Ok(None) => {
                Trouble::new(Word::EnterpriseNotFound, format!("there is no enterprise {there:?} here"))
            }
            _ => {
                let detail = format!(
                    "the enterprise {there:?} of this appliance has no peer that leads to {here:?}; add it there"
                );
                Trouble::new(Word::NotTrusted, detail)
            }
        }
    }

    fn attach(&mut self, conn: Conn, id: &str, other: Conn, _half: &str) {
        let seen = Seen {
            fingerprint: self.here.fingerprint.clone(),
            key: self.here.key.clone(),
            names: self.here.names.clone(),
        };
        self.lines.insert(conn, Line { way: Way::Near(other), stage: Stage::Up(id.to_owned()), seen });
        if let Some(peer) = self.peers.get_mut(id) {
            // Nothing else can be the link of such a peer.
            let _ = peer.link.offered(conn, true, true, Instant::now());
            peer.lacks = None;
        }
    }

    fn set_up(&mut self, id: &str, half: &str) {
        let Some(domain) = self.peers.get(half).map(|half| half.row.domain.clone()) else { return };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let told = jackfield_sdk::json!({"peer": id, "domain": domain, "version": version});
        if let Err(failure) = self.host.call("peer.domain", told) {
            jackfield_sdk::log::debug!("the domain of the peer {id} was not taken: {failure}");
        }
        if let Some(peer) = self.peers.get_mut(id) {
            (peer.row.their_domain, peer.row.version) = (domain.clone(), version.clone());
        }
        let agreed = Agreed { level: LEVEL, version, domain, clock_ahead: None, moved_to: None };
        self.begin(id, agreed);
    }

    /// Carries what waits between links of this appliance.
    pub(super) fn carry_near(&mut self) {
        for _ in 0..AT_ONCE {
            let Some((conn, frame)) = self.near.pop_front() else { return };
            self.frame(conn, frame);
        }
    }
}
