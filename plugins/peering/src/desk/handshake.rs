//! First frames: who is there, whose link it is, and what is said to somebody who is not taken.

use std::time::Instant;

use jackfield_sdk::jiff::Timestamp;
use jackfield_sdk::{Failure, json, log, params};
use serde::Deserialize;

use super::{Desk, Line, Stage, Way, rows};
use crate::random;
use crate::sister::certificate::Seen;
use crate::sister::frame::{ENTERPRISES, Enterprise, Frame, Hello, LEVEL, PROTOCOLS, Reason, Refuse};
use crate::sister::hello::{self, Agreed, Trusted};
use crate::sister::link::Conn;
use crate::sister::status::{Trouble, Word};
use crate::wire::{Out, split};

const ENTERPRISE: &str =
    "SELECT id, coalesce(description, '') AS description FROM core_enterprises WHERE id = ?1";
const ALL_ENTERPRISES: &str =
    "SELECT id, coalesce(description, '') AS description FROM core_enterprises ORDER BY id";
/// Other places where a domain stands already.
const DOMAIN: &str = "SELECT id FROM core_enterprises WHERE lower(domain) = ?1
    UNION ALL SELECT peer FROM peering_trust WHERE domain = ?1 AND key <> ?2 AND gone_at IS NULL";

#[derive(Deserialize)]
struct Named {
    id: String,
    description: String,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl Desk {
    /// A connection that was dialed for a peer stands.
    pub(super) fn reached(&mut self, conn: Conn, out: Out, seen: Seen, id: &str) {
        let trusted = self.peers.get(id).and_then(|peer| peer.row.trusted());
        let Some(trusted) = trusted.filter(|_| self.is_on()) else { return out.cut() };
        if let Err(trouble) = hello::same_key(&trusted, &seen) {
            out.cut();
            return self.failed(id, trouble);
        }
        let Some(hello) = self.hello(id) else { return out.cut() };
        self.lines.insert(conn, Line { way: Way::Far(out), stage: Stage::Greeting(id.to_owned()), seen });
        self.send(conn, hello);
    }

    fn hello(&self, id: &str) -> Option<Frame> {
        let row = &self.peers.get(id)?.row;
        Some(Frame::Hello(Box::new(Hello {
            protocols: PROTOCOLS,
            level: LEVEL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            hostname: self.here.hostname.clone(),
            formerly: self.here.formerly.clone(),
            address: self.options.address(&self.here),
            from: row.enterprise.clone(),
            to: row.peer_enterprise.clone(),
            domain: row.domain.clone(),
            clock: Timestamp::now().as_second(),
        })))
    }

    /// The first frame of somebody who has dialed.
    pub(super) fn first(&mut self, conn: Conn, frame: Frame) {
        let Some(seen) = self.lines.get(&conn).map(|line| line.seen.clone()) else { return };
        let refused = match frame {
            _ if !self.is_on() => Err(refuse(Reason::Disabled, "peering is switched off here")),
            Frame::Hello(said) => return self.answer(conn, &seen, &said),
            Frame::Redeem(asked) => self.redeem(&asked, &seen),
            Frame::Enterprises => self.enterprises(&seen),
            _ => Err(refuse(Reason::BadFrame, "a connection begins with hello, redeem or enterprises")),
        };
        match refused {
            Ok(answer) => self.end(conn, answer),
            Err(refuse) => self.end(conn, Frame::Refuse(refuse)),
        }
    }

    fn answer(&mut self, conn: Conn, seen: &Seen, said: &Hello) {
        let id = match self.meant(seen, said) {
            Ok(id) => id,
            Err(refuse) => return self.end(conn, Frame::Refuse(refuse)),
        };
        match self.judged(&id, seen, said) {
            Ok(agreed) => self.become_link(conn, &id, agreed, said, false),
            Err(trouble) => {
                self.end(conn, Frame::Refuse(hello::refusal(&trouble)));
                self.noted(&id, trouble);
            }
        }
    }

    /// The peer that somebody who says hello is; or why there is none.
    fn meant(&mut self, seen: &Seen, said: &Hello) -> Result<String, Refuse> {
        let leads = |row: &rows::Row| row.leads(&said.to, &said.from);
        let key = |row: &rows::Row| row.trusted().map(|trusted| trusted.key);
        let found =
            self.peers.values().find(|peer| leads(&peer.row) && key(&peer.row).as_ref() == Some(&seen.key));
        if let Some(peer) = found {
            return Ok(peer.row.id.clone());
        }
        let is_known = self.peers.values().any(|peer| key(&peer.row).as_ref() == Some(&seen.key));
        if is_known {
            return Err(self.no_peer(said));
        }
        // Somebody who has the name of a peer and another key: each side is told what was compared.
        let named = self
            .peers
            .values()
            .find(|peer| leads(&peer.row) && peer.row.hostname.eq_ignore_ascii_case(&said.hostname));
        let Some((id, trusted)) = named.and_then(|peer| Some((peer.row.id.clone(), peer.row.trusted()?)))
        else {
            return Err(refuse(
                Reason::NotTrusted,
                "its certificate is not trusted here; it must be invited first",
            ));
        };
        let trouble =
            hello::same_key(&trusted, seen).err().unwrap_or_else(|| Trouble::new(Word::NotTrusted, ""));
        let told = hello::refusal(&trouble);
        self.noted(&id, trouble);
        Err(told)
    }

    fn no_peer(&self, said: &Hello) -> Refuse {
        let (to, from) = (&said.to, &said.from);
        match self.host.db().first::<Named>(ENTERPRISE, params![to]) {
            Ok(None) => refuse(Reason::EnterpriseNotFound, format!("there is no enterprise {to:?} here")),
            Ok(Some(_)) => {
                let detail =
                    format!("the enterprise {to:?} here has no peer that leads to {from:?} over there");
                refuse(Reason::NotTrusted, detail)
            }
            Err(failure) => broken(&failure),
        }
    }

    fn judged(&self, id: &str, seen: &Seen, said: &Hello) -> Result<Agreed, Trouble> {
        let trusted = self.peers.get(id).and_then(|peer| peer.row.trusted());
        let trusted: Trusted =
            trusted.ok_or_else(|| Trouble::new(Word::NotTrusted, "there is no trust any more"))?;
        hello::judge(&trusted, seen, said, LEVEL, Timestamp::now().as_second())
    }

    /// The other side has answered our hello.
    pub(super) fn greeted(&mut self, conn: Conn, id: &str, frame: Frame) {
        let Some(seen) = self.lines.get(&conn).map(|line| line.seen.clone()) else { return };
        match frame {
            Frame::Hello(said) => match self.judged(id, &seen, &said) {
                Ok(agreed) => self.become_link(conn, id, agreed, &said, true),
                Err(trouble) => {
                    self.end(conn, Frame::Refuse(hello::refusal(&trouble)));
                    self.failed(id, trouble);
                }
            },
            Frame::Refuse(refuse) if refuse.code == Reason::Duplicate => {
                self.cut(conn);
                if let Some(peer) = self.peers.get_mut(id) {
                    peer.link.yielded(Instant::now());
                }
            }
            Frame::Refuse(refuse) => {
                self.cut(conn);
                self.failed(id, Trouble::of(&refuse));
            }
            _ => {
                self.end(conn, Frame::Refuse(refuse(Reason::BadFrame, "hello is answered by hello")));
                self.failed(
                    id,
                    Trouble::new(Word::Unreachable, "the other side does not answer as it should"),
                );
            }
        }
    }

    /// A connection whose hello was good becomes the peer's link, unless there is a better one.
    fn become_link(&mut self, conn: Conn, id: &str, agreed: Agreed, said: &Hello, is_ours: bool) {
        let (now, our_key) = (Instant::now(), self.here.key.clone());
        let Some(seen) = self.lines.get(&conn).map(|line| line.seen.clone()) else { return };
        let Some(peer) = self.peers.get_mut(id) else { return self.cut(conn) };
        let before = match peer.link.offered(conn, is_ours, our_key < seen.key, now) {
            Ok(before) => before,
            Err(()) => {
                peer.link.yielded(now);
                self.end(conn, Frame::Refuse(refuse(Reason::Duplicate, "there is a link already")));
                return;
            }
        };
        if let Some(before) = before {
            self.end(before, Frame::Bye { reason: "replaced".to_owned() });
            // What was asked for on it is not answered any more.
            self.break_sync(id, "another connection took the link's place");
        }
        if let Some(line) = self.lines.get_mut(&conn) {
            line.stage = Stage::Up(id.to_owned());
            if let Way::Far(out) = &line.way {
                out.know();
            }
        }
        // Only who becomes the link is answered by hello.
        if let (false, Some(hello)) = (is_ours, self.hello(id)) {
            self.send(conn, hello);
        }
        log::info!("the peer {id} is connected: version {}, level {}", agreed.version, agreed.level);
        self.learn(id, &agreed, said, &seen);
        self.begin(id, agreed);
    }

    /// Keeps what the handshake told: domain and version, a new name, the address.
    fn learn(&mut self, id: &str, agreed: &Agreed, said: &Hello, seen: &Seen) {
        let mute = self.why_mute(agreed, seen);
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.mute = mute;
        let hostname = agreed.moved_to.clone().unwrap_or_else(|| peer.row.hostname.clone());
        let told = Some(&said.address).filter(|address| split(address).is_ok());
        let address = told.or(peer.row.address.as_ref()).cloned().unwrap_or_default();
        let known = (hostname.as_str(), address.as_str(), seen.fingerprint.as_str());
        if let Err(failure) = rows::good(&self.host, id, agreed, known) {
            log::warn!("what the peer {id} said of itself could not be kept: {failure}");
        }
        peer.row.known_as = Some(hostname.clone());
        peer.row.address = Some(address);
        (peer.row.their_domain, peer.row.version) = (agreed.domain.clone(), agreed.version.clone());
        (peer.row.level, peer.row.ended) = (agreed.level, None);
        if agreed.moved_to.is_some() {
            log::info!("the peer {id} is called {hostname} now; its certificate says so");
            peer.row.hostname.clone_from(&hostname);
            let moved = json!({"peer": id, "hostname": hostname, "who": "plugin peering"});
            if let Err(failure) = self.host.call("peer.move", moved) {
                log::warn!("the new name of the peer {id} could not be kept: {failure}");
            }
        }
        let domain = json!({"peer": id, "domain": agreed.domain, "version": agreed.version});
        if let Err(failure) = self.host.call("peer.domain", domain) {
            log::warn!("the domain of the peer {id} could not be told to the appliance: {failure}");
        }
    }

    /// Addresses of one domain must lead to one place.
    fn why_mute(&self, agreed: &Agreed, seen: &Seen) -> String {
        if agreed.domain.is_empty() {
            return "messages are not carried: the enterprise over there has no domain".to_owned();
        }
        match self.host.db().first::<Id>(DOMAIN, params![agreed.domain, seen.key]) {
            Ok(None) => String::new(),
            Ok(Some(Id { id })) => {
                format!("messages are not carried: its domain {} is also that of {id}", agreed.domain)
            }
            Err(failure) => format!("messages are not carried: {failure}"),
        }
    }

    /// The enterprises there are, for somebody who is trusted for one of them.
    fn enterprises(&self, seen: &Seen) -> Result<Frame, Refuse> {
        let key = |row: &rows::Row| row.trusted().map(|trusted| trusted.key);
        if !self.peers.values().any(|peer| key(&peer.row).as_ref() == Some(&seen.key)) {
            return Err(refuse(
                Reason::NotTrusted,
                "its certificate is not trusted here; it must be invited first",
            ));
        }
        let all = self.host.db().page::<Named>(ALL_ENTERPRISES, params![], ENTERPRISES);
        let all = all.map_err(|failure| broken(&failure))?.rows;
        let items = all.into_iter().map(|Named { id, description }| Enterprise { id, description });
        Ok(Frame::EnterpriseList { items: items.collect() })
    }

    /// An attempt came to nothing.
    pub(super) fn failed(&mut self, id: &str, trouble: Trouble) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.link.failed(trouble, Instant::now(), random::fraction());
        }
    }

    /// Something is wrong with somebody who has dialed; a link that stands is not touched.
    fn noted(&mut self, id: &str, trouble: Trouble) {
        if let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.link.conn().is_none()) {
            peer.link.failed(trouble, Instant::now(), random::fraction());
        }
    }
}

/// A refusal without a comparison.
pub(super) fn refuse(code: Reason, detail: impl Into<String>) -> Refuse {
    Refuse { code, detail: detail.into(), expected: String::new(), found: String::new() }
}

/// What a stranger is told when something breaks here; the log has the rest.
pub(super) fn broken(failure: &Failure) -> Refuse {
    log::warn!("a sister appliance could not be answered: {failure}");
    refuse(Reason::Internal, "something broke here; the log over here says more")
}
