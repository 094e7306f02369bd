//! Who is told what somebody is doing: colleagues by the directory, contacts here and elsewhere by their subscription.
//! Everything that came up in a turn is asked for and told together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use jackfield_sdk::abi::ops::Presence;
use jackfield_sdk::{Failure, log};
use jid::BareJid;

use super::directory::{Circle, Directories};
use super::people::{People, Question};
use super::store::{self, Watcher};
use super::{RESOURCE, Roster, SWEEP_AFTER};
use crate::im::effect::Effect;
use crate::im::presence::words::{self, Seen, Shown};
use crate::im::roster::contact::Line;
use crate::im::site::Site;
use crate::s2s::address;

/// Most accounts that are looked at together.
const AT_ONCE: usize = 1000;
/// Accounts whose watchers are told after the start in one turn.
const SWEPT_AT_ONCE: usize = 50;

/// What the appliance has of people, as it is shown.
type Found = HashMap<String, Seen>;

impl Roster {
    /// Tells everybody who has to know what came up in this turn.
    pub(super) fn tells(&mut self, site: &Site) -> Vec<Effect> {
        let (dirty, questions) = self.people.waiting();
        if dirty.is_empty() && questions.is_empty() {
            return vec![];
        }
        match self.told(site, &dirty, &questions) {
            Ok(effects) => effects,
            Err(failure) => {
                log::warn!("presence could not be told, trying again: {failure}");
                dirty.iter().for_each(|account| self.people.look_at(account));
                questions.into_iter().for_each(|question| self.people.ask(question));
                vec![]
            }
        }
    }

    fn told(
        &mut self,
        site: &Site,
        dirty: &BTreeSet<String>,
        questions: &[Question],
    ) -> Result<Vec<Effect>, Failure> {
        let watchers = by_account(site, dirty)?;
        let is_shown =
            |account: &&String| watchers.contains_key(*account) || self.directories.place(account).is_some();
        let mut wanted: Vec<String> = dirty.iter().filter(is_shown).cloned().collect();
        wanted.extend(questions.iter().map(|question| question.account.clone()));
        wanted.sort_unstable();
        wanted.dedup();
        let found = self.found(site, &wanted)?;
        let mut effects = Vec::new();
        for account in dirty {
            let Some(seen) = found.get(account) else { continue };
            if self.people.tells(account, seen) {
                effects.extend(self.tells_colleagues(account, seen));
                let watchers = watchers.get(account).map(Vec::as_slice).unwrap_or_default();
                let watchers = watchers.iter().filter(|watcher| !is_barred(site, watcher));
                effects.extend(watchers.flat_map(|watcher| self.tells_watcher(watcher, seen)));
            }
        }
        for Question { account, own, to } in questions {
            let seen = found.get(account).unwrap_or(&None);
            let stanza = words::stanza(seen).with("from", &format!("{own}/{RESOURCE}"));
            effects.push(Effect::Send(stanza.with("to", to.as_str())));
        }
        Ok(effects)
    }

    /// What the appliance has of these; nothing of those that are not there.
    fn found(&self, site: &Site, wanted: &[String]) -> Result<Found, Failure> {
        let mut found: Found = wanted.iter().map(|account| (account.clone(), None)).collect();
        for merged in People::merged(&site.host, wanted)? {
            let seen = self.seen(&merged);
            found.insert(merged.account, seen);
        }
        Ok(found)
    }

    /// What is shown of somebody, with their photo.
    pub(super) fn seen(&self, merged: &Presence) -> Seen {
        let seen = words::seen(merged, self.own_words(&merged.account))?;
        Some(Shown { photo: self.photos.of(&merged.account), ..seen })
    }

    /// Whoever sees somebody with another photo is told.
    pub(super) fn shows_photos(&mut self, read: Result<Vec<String>, Failure>) {
        match read {
            Ok(differs) => differs.iter().for_each(|account| self.people.look_at(account)),
            Err(failure) => log::warn!("photos could not be read again, trying again: {failure}"),
        }
    }

    /// What an account's clients, or a contact's server, said themselves.
    fn own_words(&self, account: &str) -> Option<&Shown> {
        match self.users.get(account) {
            Some(user) => user.best(),
            None => self.watch.best(&self.directories.place(account)?.1),
        }
    }

    /// Everybody of the circle who is connected, if the directory shows the account.
    fn tells_colleagues(&self, account: &str, seen: &Seen) -> Vec<Effect> {
        let Some((circle, address)) = self.directories.place(account) else { return vec![] };
        let stanza = words::stanza(seen).with("from", &format!("{address}/{RESOURCE}"));
        let colleagues = self
            .users
            .values()
            .filter(|user| user.circle == *circle && user.account != account && user.is_available());
        colleagues.flat_map(|user| user.to_available(stanza.clone())).collect()
    }

    /// A contact that has the account's leave; one that is a colleague was told already.
    fn tells_watcher(&self, watcher: &Watcher, seen: &Seen) -> Vec<Effect> {
        let seen = if watcher.is_deployed() { seen } else { &None };
        let stanza = words::stanza(seen).with("from", &format!("{}/{RESOURCE}", watcher.own));
        let is_colleague = self.directories.place(&watcher.account).is_some_and(|(circle, _)| {
            let directory = self.directories.known(circle);
            let address = address::parsed(&watcher.address).map(jid::Jid::into_bare);
            address.is_some_and(|address: BareJid| {
                directory.is_some_and(|known| known.entries.contains_key(&address))
            })
        });
        if is_colleague {
            return vec![];
        }
        vec![Effect::Send(stanza.with("to", &watcher.address))]
    }

    /// After the start: other servers still have what they were told before it. Everybody who is watched is looked at,
    /// a few at a time.
    pub(super) fn sweeps(&mut self, site: &Site, now: Instant) {
        let Some((at, after)) = self.sweep.take() else { return };
        let at = at.unwrap_or_else(|| now + SWEEP_AFTER);
        if now < at {
            self.sweep = Some((Some(at), after));
            return;
        }
        match store::watched(&site.host, &after, SWEPT_AT_ONCE) {
            Ok(accounts) => {
                accounts.iter().for_each(|account| self.people.look_at(account));
                self.sweep = accounts.into_iter().next_back().map(|last| (Some(at), last));
            }
            Err(failure) => {
                log::warn!("watchers could not be told anew after the start, trying again: {failure}");
                self.sweep = Some((Some(now + SWEEP_AFTER), after));
            }
        }
    }

    /// Reads the directories that are shown again, and tells clients what is another.
    pub(super) fn directories_again(&mut self, site: &Site) -> Result<Vec<Effect>, Failure> {
        let mut fresh = Directories::default();
        let mut circles = Vec::new();
        for user in self.users.values() {
            let circle = fresh.circle(&site.host, &user.circle.enterprise, &user.account, self.most)?;
            circles.push((user.account.clone(), circle));
        }
        let old = std::mem::replace(&mut self.directories, fresh);
        let (mut differences, mut effects) = (HashMap::new(), Vec::new());
        for (account, after) in circles {
            let Some(user) = self.users.get_mut(&account) else { continue };
            let before = std::mem::replace(&mut user.circle, after.clone());
            let differs: &BTreeSet<BareJid> = differences
                .entry((before, after))
                .or_insert_with_key(|(before, after)| self.differs(&old, before, after));
            effects.extend(differs.iter().flat_map(|address| self.changed_line(&account, address)));
        }
        Ok(effects)
    }

    /// Addresses whose line is another one; whoever is new in it has to be looked at.
    fn differs(&mut self, old: &Directories, before: &Circle, after: &Circle) -> BTreeSet<BareJid> {
        let known = |all: &Directories, circle| all.known(circle).map(Arc::clone).unwrap_or_default();
        let (before, now) = (known(old, before), known(&self.directories, after));
        let differs = now.differs(&before);
        for entry in differs.iter().filter_map(|address| now.entries.get(address)) {
            self.looked_at.remove(after);
            self.people.forget(&entry.account);
            self.people.look_at(&entry.account);
        }
        differs
    }

    pub(super) fn changed_line(&mut self, account: &str, address: &BareJid) -> Vec<Effect> {
        let Some(user) = self.users.get(account).filter(|user| user.own != *address) else { return vec![] };
        let line = self.line(user, address).unwrap_or_else(|| Line::gone(address));
        self.pushed(account, line)
    }
}

fn by_account(site: &Site, dirty: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<Watcher>>, Failure> {
    let all: Vec<&str> = dirty.iter().map(String::as_str).collect();
    let mut found = BTreeMap::<String, Vec<Watcher>>::new();
    for some in all.chunks(AT_ONCE) {
        for watcher in store::watchers(&site.host, some)? {
            found.entry(watcher.account.clone()).or_default().push(watcher);
        }
    }
    Ok(found)
}

/// Whether an account blocks who may see it (XEP-0191): then nothing is told.
pub(super) fn is_barred(site: &Site, watcher: &Watcher) -> bool {
    !site.blocks.is_empty()
        && address::parsed(&watcher.address).is_some_and(|to| site.blocks.has(&watcher.account, &to))
}
