//! What ends: accounts that are gone, and links to other servers that are lost.

use std::time::Instant;

use jackfield_sdk::Failure;
use jid::BareJid;

use super::subscriptions::unavailable;
use super::table::{Kind, State};
use super::watch::is_watcher;
use super::{FOLLOWED, Roster, store};
use crate::im::effect::Effect;
use crate::im::site::Site;
use crate::s2s::{Pair, address};
use crate::xml::{Element, ns};

impl Roster {
    /// Accounts that are gone: whoever saw them, or was seen by them, is told, and their rosters are forgotten.
    pub(super) fn lets_go(&mut self, site: &mut Site) -> Result<Vec<Effect>, Failure> {
        let mut effects = Vec::new();
        for orphan in store::orphans(&site.host)? {
            // There may be more than one reading brings.
            self.has_orphans = true;
            let contacts = store::all(&site.host, &orphan.account)?;
            store::forget(&site.host, &orphan.account)?;
            let Some(own) = address::parsed(&orphan.own).map(jid::Jid::into_bare) else { continue };
            for (address, contact) in contacts {
                effects.extend(self.takes_leave(site, &own, &address, contact.state)?);
            }
        }
        Ok(effects)
    }

    /// A contact is told that an address of ours sees it no more and is seen no more.
    pub(super) fn takes_leave(
        &mut self,
        site: &mut Site,
        own: &BareJid,
        contact: &BareJid,
        state: State,
    ) -> Result<Vec<Effect>, Failure> {
        let mut effects = Vec::new();
        if state.is_seen() {
            effects.push(unavailable(own, contact));
        }
        if state.is_seen() || state.is_asked() {
            effects.extend(self.carries(site, own, Kind::Unsubscribed, contact, None)?);
        }
        if state.sees() || state.has_asked() {
            effects.extend(self.carries(site, own, Kind::Unsubscribe, contact, None)?);
        }
        Ok(effects)
    }

    /// The link of that pair stands, or does not any more. When it is lost, nothing is known of the contacts behind it;
    /// when it is back, they are asked for.
    pub fn link(&mut self, site: &mut Site, pair: &Pair, is_up: bool) -> Vec<Effect> {
        if is_up {
            if self.probes.finds(pair) {
                self.anew.begin(pair);
                self.watch_found();
                self.behind(pair).into_iter().for_each(|account| self.probes_contacts(site, &account));
            }
            return vec![];
        }
        if !site.outside.talks_to(&pair.to) {
            self.anew.misses(pair);
        }
        self.lost(pair, Instant::now())
    }

    fn lost(&mut self, pair: &Pair, now: Instant) -> Vec<Effect> {
        self.probes.loses(pair, now);
        self.watch_lost(pair);
        let mut effects = Vec::new();
        for account in self.behind(pair) {
            let Some(user) = self.users.get(&account) else { continue };
            let gone: Vec<_> =
                user.heard.keys().filter(|address| address.domain().as_str() == pair.to).cloned().collect();
            effects.extend(gone.iter().flat_map(|contact| self.loses(&account, contact)));
        }
        effects
    }

    /// A presence stanza of ours did not reach another server. Only a request is worth a word to whoever made it.
    pub fn bounced(
        &mut self,
        site: &Site,
        pair: &Pair,
        stanza: &Element,
        answer: Option<Element>,
    ) -> Vec<Effect> {
        let mut effects = self.lost(pair, Instant::now());
        let from = stanza.attribute("from").and_then(address::parsed);
        if from.is_some_and(|from| is_watcher(&from.into_bare())) {
            self.watch_bounced(site, stanza);
            return effects;
        }
        if stanza.attribute("type") == Some(Kind::Subscribe.word()) {
            effects.extend(Effect::send(answer));
        }
        effects
    }

    /// Somebody has switched federation, or changed its table: nothing is known of contacts at domains that are no partners
    /// any more, and the others are asked.
    pub(super) fn partners_changed(&mut self, site: &Site, now: Instant) -> Vec<Effect> {
        if std::mem::take(&mut self.are_partners_stale) {
            self.partners_at = Some(now + FOLLOWED);
        }
        if self.partners_at.is_none_or(|at| now < at) {
            return vec![];
        }
        self.partners_at = None;
        self.anew.partners_changed(|domain| site.outside.talks_to(domain));
        self.watch_hurries(site);
        let mut effects = Vec::new();
        let users: Vec<String> = self.users.keys().cloned().collect();
        for account in users {
            let Some(user) = self.users.get(&account) else { continue };
            let is_partner = |address: &&BareJid| site.outside.talks_to(address.domain().as_str());
            let gone: Vec<BareJid> =
                user.heard.keys().filter(|address| !is_partner(address)).cloned().collect();
            if user.is_available() {
                self.probes_contacts(site, &account);
            }
            effects.extend(gone.iter().flat_map(|contact| self.loses(&account, contact)));
        }
        effects
    }

    /// Links that are lost, and that somebody waits for: one question is enough to have them tried again.
    pub(super) fn retries(&mut self, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        for pair in self.probes.retries(now) {
            let waits = self.users.values().filter(|user| user.own.domain().as_str() == pair.from);
            let question = waits.filter(|user| user.is_available()).find_map(|user| {
                let mut seen = user.contacts.iter().filter(|(_, contact)| contact.state.sees());
                let (address, _) = seen.find(|(address, _)| address.domain().as_str() == pair.to)?;
                let probe = Element::new(ns::SERVER, "presence").with("type", "probe");
                Some(probe.with("from", user.own.as_str()).with("to", address.as_str()))
            });
            match question {
                Some(question) => effects.push(Effect::Send(question)),
                None => self.probes.forget(&pair),
            }
        }
        effects
    }

    /// Users of the near domain who see or have asked somebody of the far one.
    fn behind(&self, pair: &Pair) -> Vec<String> {
        let near = self.users.values().filter(|user| user.own.domain().as_str() == pair.from);
        let behind = near.filter(|user| {
            user.is_available() && user.contacts.keys().any(|address| address.domain().as_str() == pair.to)
        });
        behind.map(|user| user.account.clone()).collect()
    }
}
