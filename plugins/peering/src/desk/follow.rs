//! What changes outside of links: peers that are made, changed and deleted, settings, our own name, our own directory; and
//! what is due by the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jackfield_sdk::{Condition, Failure, State, log};

use super::{Desk, Options, Peer, here, rows, shown};
use crate::conditions::SISTERS;
use crate::sister::frame::Frame;
use crate::sister::link::{Conn, Do};
use crate::sister::people::Say;
use crate::sister::status::{Trouble, Word};

/// How often accounts that changed are looked through.
const ACCOUNTS_EVERY: Duration = Duration::from_millis(700);
/// Most accounts that are looked at one by one; of more, all are looked through.
const SOME_MOST: usize = 5000;
/// How often everything is looked through, whatever was told.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often waiting messages are looked for without having been told.
const LETTERS_EVERY: Duration = Duration::from_secs(5);

/// What is due by the clock.
pub(super) struct Due {
    /// Accounts were changed.
    pub(super) accounts: bool,
    /// Where the news of accounts go on; none: nothing is followed yet.
    news: Option<String>,
    /// Enterprises whose people were all looked through, so that only news of them matter.
    followed: BTreeSet<String>,
    looked_at_accounts: Instant,
    looked: Instant,
    letters: Instant,
    open_invitation: bool,
}

impl Due {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            accounts: true,
            news: None,
            followed: BTreeSet::new(),
            looked_at_accounts: now,
            looked: now,
            letters: now,
            open_invitation: false,
        }
    }
}

#[derive(serde::Deserialize)]
struct Count {
    count: u64,
}

const OPEN: &str = "SELECT count(*) AS count FROM peering_invitation WHERE used_key IS NULL
    AND expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

impl Desk {
    pub(super) fn reload_or_say(&mut self) {
        let had_lack = self.lack.is_some();
        self.look_at_site();
        if let Err(failure) = self.reload() {
            log::warn!("peers could not be read, and stay as they were: {failure}");
        }
        // External peers, which have no word here, count where peering is not supported.
        if had_lack || self.lack.is_some() {
            self.report();
        }
    }

    /// Reads peers anew. One that is gone is taken leave of; one that leads elsewhere begins anew.
    pub(super) fn reload(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let rows = rows::all(&self.host)?;
        let mut before = std::mem::take(&mut self.peers);
        let mut ended: Vec<(Conn, &str)> = Vec::new();
        let mut say: Vec<Say> = Vec::new();
        let mut peers = BTreeMap::new();
        for row in rows {
            let peer = match before.remove(&row.id) {
                Some(mut peer) if is_same_way(&peer, &row) => {
                    peer.row = row;
                    peer
                }
                Some(mut other) => {
                    ended.extend(other.link.conn().map(|conn| (conn, "replaced")));
                    say.extend(other.people.forget());
                    Peer::new(row, now)
                }
                None => Peer::new(row, now),
            };
            peers.insert(peer.row.id.clone(), peer);
        }
        for mut gone in before.into_values() {
            ended.extend(gone.link.conn().map(|conn| (conn, "deleted")));
            say.extend(gone.people.forget());
        }
        self.peers = peers;
        for (conn, reason) in ended {
            self.end(conn, Frame::Bye { reason: reason.to_owned() });
        }
        self.publish(say);
        self.due.accounts = true;
        self.due.open_invitation =
            self.host.db().first::<Count>(OPEN, vec![])?.is_some_and(|found| found.count > 0);
        self.listen();
        Ok(())
    }

    /// Listens only while an invitation is open or there is a peer on another appliance.
    fn listen(&self) {
        let far = self.peers.keys().any(|id| !self.leads_here(id));
        let is_wanted = self.is_on() && (far || self.due.open_invitation);
        self.wire.listen(if is_wanted { self.options.listen.clone() } else { Vec::new() });
    }

    /// Takes new settings.
    pub(super) fn obey(&mut self, options: Options) {
        let was_enabled = std::mem::replace(&mut self.options, options).enabled;
        if was_enabled && !self.options.enabled {
            self.end_all("disabled", "peering was switched off here");
        }
        for peer in self.peers.values_mut() {
            peer.link.hurry(Instant::now());
        }
        self.listen();
    }

    fn end_all(&mut self, reason: &str, why: &str) {
        let up: Vec<(String, Conn)> =
            self.peers.iter().filter_map(|(id, peer)| Some((id.clone(), peer.link.conn()?))).collect();
        for (id, conn) in up {
            self.end(conn, Frame::Bye { reason: reason.to_owned() });
            self.lost(conn, &id, Trouble::new(Word::Unreachable, why));
        }
    }

    /// What is due.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.due.accounts && now.duration_since(self.due.looked_at_accounts) >= ACCOUNTS_EVERY {
            self.due.looked_at_accounts = now;
            self.due.accounts = false;
            self.look_at_accounts();
        }
        if now.duration_since(self.due.looked) >= LOOK_EVERY {
            self.due.looked = now;
            self.look_at_ourselves();
            self.reload_or_say();
        }
        if now.duration_since(self.due.letters) >= LETTERS_EVERY {
            self.due.letters = now;
            self.letters();
        }
        if !self.dirty.people.lock().is_ok_and(|people| people.is_empty()) {
            self.outward();
        }
        let all: Vec<String> = self.peers.keys().cloned().collect();
        for id in all {
            self.tick_peer(&id, now);
        }
    }

    fn tick_peer(&mut self, id: &str, now: Instant) {
        self.watch_sync(id, now);
        if !self.is_on() {
            return;
        }
        let is_here = self.leads_here(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.link.conn().is_some() {
            let say = peer.people.again(now);
            self.publish(say);
        }
        let Some(peer) = self.peers.get_mut(id) else { return };
        let near = peer.link.conn().filter(|conn| *conn >= super::near::FIRST);
        match near {
            Some(conn) => peer.link.heard(conn, now),
            None if is_here => return self.join(id),
            None if peer.row.trusted().is_none() => return,
            None => {}
        }
        match peer.link.tick(now) {
            Some(Do::Dial) => self.dial(id),
            Some(Do::Ping(conn)) => self.send(conn, Frame::Ping { n: 0 }),
            Some(Do::Drop(conn)) => {
                self.cut(conn);
                self.lost(
                    conn,
                    id,
                    Trouble::new(Word::Unreachable, "nothing was heard of the other side for 25 seconds"),
                );
            }
            Some(Do::Forget) => {
                let say = peer.people.forget();
                self.publish(say);
            }
            None => {}
        }
    }

    /// Dials where the peer was last reached. Where that fails, or its name was changed here, its name has a turn.
    fn dial(&mut self, id: &str) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let (hostname, address) = (peer.row.hostname.clone(), peer.row.address.clone().unwrap_or_default());
        let port = address.rsplit_once(':').map_or("8444", |(_, port)| port);
        let by_name = format!("{hostname}:{port}");
        let is_renamed =
            peer.row.known_as.as_deref().is_some_and(|known| !known.eq_ignore_ascii_case(&hostname));
        let turn = peer.dialed % 2 == 1;
        peer.dialed = peer.dialed.wrapping_add(1);
        let place = if is_renamed != turn || address.is_empty() { by_name } else { address };
        self.wire.dial(id, &hostname, &place);
    }

    /// Brings what peers are shown up to date, and tells them where it is another. Of an enterprise that is new here
    /// everybody is looked through; of the others those who were changed.
    fn look_at_accounts(&mut self) {
        let enterprises: BTreeSet<String> =
            self.peers.values().map(|peer| peer.row.enterprise.clone()).collect();
        self.due.followed.retain(|enterprise| enterprises.contains(enterprise));
        let some = match self.news_of_accounts() {
            Ok(some) => some,
            Err(failure) => return log::warn!("which accounts were changed could not be read: {failure}"),
        };
        if some.is_none() {
            self.due.followed.clear();
        }
        let some = some.unwrap_or_default();
        let (mut changed, mut is_new) = (Vec::new(), false);
        for enterprise in enterprises {
            let is_followed = self.due.followed.contains(&enterprise);
            let refreshed = match is_followed {
                true => shown::refresh_some(&self.host, &enterprise, &some),
                false => shown::refresh(&self.host, &enterprise),
            };
            is_new |= !is_followed;
            match refreshed {
                Ok(is_another) => {
                    self.due.followed.insert(enterprise.clone());
                    changed.extend(is_another.then_some(enterprise));
                }
                Err(failure) => {
                    self.due.followed.remove(&enterprise);
                    log::warn!(
                        "what peers of {enterprise} are shown could not be brought up to date: {failure}"
                    );
                }
            }
        }
        match (is_new, changed.is_empty()) {
            (true, _) => self.know_own(),
            (false, false) => self.know_own_of(&some),
            (false, true) => {}
        }
        self.tell_of_directory(&changed);
    }

    /// Accounts that were changed since the last look, each once; none: too many, or nobody has looked yet.
    fn news_of_accounts(&mut self) -> Result<Option<Vec<String>>, Failure> {
        let mut some = self.due.news.as_ref().map(|_| Vec::new());
        loop {
            let news = self.host.directory().since(self.due.news.as_deref())?;
            self.due.news = Some(news.next);
            some = some.filter(|some| some.len() + news.accounts.len() <= SOME_MOST);
            some.iter_mut().for_each(|some| some.extend(news.accounts.iter().cloned()));
            if !news.more {
                return Ok(some);
            }
        }
    }

    fn tell_of_directory(&mut self, enterprises: &[String]) {
        let is_meant = |peer: &&Peer| enterprises.contains(&peer.row.enterprise);
        let told: Vec<Conn> =
            self.peers.values().filter(is_meant).filter_map(|peer| peer.link.conn()).collect();
        told.into_iter().for_each(|conn| self.send(conn, Frame::DirectoryChanged));
    }

    /// Whether there are to be links at all.
    pub(super) fn is_on(&self) -> bool {
        self.options.enabled && self.lack.is_none()
    }

    /// Whether the site is another kind of deployment now.
    pub(super) fn look_at_site(&mut self) {
        let was_on = self.is_on();
        self.lack = here::lack(&self.host);
        if was_on && !self.is_on() {
            self.end_all("disabled", "peering is not supported in this deployment");
        }
    }

    /// Whether our name or certificate is another one; then peers are told by beginning anew.
    fn look_at_ourselves(&mut self) {
        match here::read(&self.host) {
            Ok((here, _)) if here == self.here => {}
            Ok((here, tls)) => {
                log::info!("this appliance is called {} now; its peers are told", here.hostname);
                self.here = here;
                self.wire.show(tls);
                self.end_all("moved", "this appliance has another name");
            }
            Err(failure) => log::warn!("what others know this appliance as could not be read: {failure}"),
        }
    }

    /// Whether there is any peer with a kind, external ones included.
    fn has_peers(&self) -> bool {
        let sql = "SELECT count(*) AS count FROM core_peers WHERE kind IS NOT NULL";
        self.host
            .db()
            .first::<Count>(sql, vec![])
            .is_ok_and(|found| found.is_some_and(|found| found.count > 0))
    }

    /// Tells supervisor and doctor how sister appliances do.
    pub(super) fn report(&self) {
        let all = self.board.all();
        let bad: Vec<String> = all
            .iter()
            .filter(|(_, shown)| {
                !matches!(shown.status, Word::Connected | Word::Syncing | Word::Disabled | Word::NotSupported)
            })
            .map(|(id, shown)| {
                let name = self.peers.get(id).map_or(id.as_str(), |peer| peer.row.description.as_str());
                format!("{name}: {} ({})", shown.status.name().replace('_', " "), shown.reason)
            })
            .collect();
        let first = all.values().find(|shown| !shown.advice.is_empty()).map(|shown| shown.advice.clone());
        let condition = match (all.is_empty(), bad.is_empty()) {
            _ if self.lack.is_some() && self.has_peers() => Condition {
                word: "not_supported",
                reason: self.lack.clone().unwrap_or_default().into(),
                state: State::Degraded,
                finding: "warning",
                advice: Word::NotSupported.advice().into(),
            },
            (true, _) => Condition {
                word: "idle",
                reason: "there is no sister appliance".into(),
                state: State::Up,
                finding: "ok",
                advice: "".into(),
            },
            (_, true) => Condition {
                word: "connected",
                reason: format!("all {} sister appliances are connected", all.len()).into(),
                state: State::Up,
                finding: "ok",
                advice: "".into(),
            },
            _ => Condition {
                word: "not_connected",
                reason: bad.join("; ").into(),
                state: State::Degraded,
                finding: "warning",
                advice: first.unwrap_or_default().into(),
            },
        };
        if let Err(failure) = self.conditions.put(&self.host, SISTERS, condition) {
            log::warn!("how sister appliances do could not be reported: {failure}");
        }
    }
}

/// Whether a peer still leads from and to the same, by the same trust.
fn is_same_way(peer: &Peer, row: &rows::Row) -> bool {
    let old = &peer.row;
    let key = |row: &rows::Row| row.trusted().map(|trusted| trusted.key);
    old.made == row.made
        && old.hostname == row.hostname
        && old.leads(&row.enterprise, &row.peer_enterprise)
        && old.domain == row.domain
        && key(old) == key(row)
}
