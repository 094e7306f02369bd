//! Presence that our clients send (RFC 6121 section 4): to everybody who may see their user, to one address, and the
//! stanzas of subscriptions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_sdk::{Failure, log};
use jid::Jid;

use super::directory::Circle;
use super::people::{People, Question};
use super::table::Kind;
use super::{RESOURCE, Roster};
use crate::im::desk::SessionId;
use crate::im::effect::Effect;
use crate::im::parcel::Parcel;
use crate::im::presence::heard::{Heard, passed};
use crate::im::presence::words::{self, Shown};
use crate::im::site::Site;
use crate::xml::{Element, ns, parsed};

/// For how long what is known of a directory's presence is shown to whoever logs in, without asking for all of it again.
const FRESH: Duration = Duration::from_secs(60);

impl Roster {
    pub(super) fn client_says(
        &mut self,
        site: &mut Site,
        id: SessionId,
        parcel: &Parcel,
        now: Instant,
    ) -> Result<Vec<Effect>, Failure> {
        let Some(user) = self.user(site, id)? else { return Ok(vec![]) };
        let account = user.account.clone();
        match (&parcel.to, parcel.kind()) {
            (None, "") => self.arrives(site, id, &parcel.stanza, now),
            (None, "unavailable") => {
                site.sessions.present(id, None);
                Ok(self.leaves(&account, id, &parcel.from, Some(&parcel.stanza)))
            }
            (Some(to), kind @ ("" | "unavailable")) => Ok(self.directs(&account, id, to, kind, parcel)),
            // Nobody answers an error.
            (_, "error") => Ok(vec![]),
            (Some(to), kind) => match Kind::of(kind) {
                Some(kind) => self.says(site, &account, kind, &to.to_bare(), parcel),
                None => Ok(Effect::send(parcel.error("bad-request"))),
            },
            (None, _) => Ok(Effect::send(parcel.error("bad-request"))),
        }
    }

    /// A client is available, or shows something else of itself.
    fn arrives(
        &mut self,
        site: &mut Site,
        id: SessionId,
        presence: &Element,
        now: Instant,
    ) -> Result<Vec<Effect>, Failure> {
        site.sessions.present(id, Some(presence.clone()));
        let Some(user) = self.user(site, id)? else { return Ok(vec![]) };
        let (account, is_first) = (user.account.clone(), !user.is_available());
        let seat = user.seat(id);
        let is_new = seat.shown.is_none();
        seat.shown = Some(Shown::of(presence));
        let own = passed(presence).with_some("from", presence.attribute("from"));
        let mut effects = user.to_available(own);
        let best = user.best().cloned();
        self.people.says(&account, best.as_ref());
        if is_new {
            effects.extend(self.greets(site, &account, id, now)?);
        }
        if is_first {
            self.probes_contacts(site, &account);
        }
        Ok(effects)
    }

    /// What a client that has become available has to know.
    fn greets(
        &mut self,
        site: &mut Site,
        account: &str,
        id: SessionId,
        now: Instant,
    ) -> Result<Vec<Effect>, Failure> {
        let Some(user) = self.users.get(account) else { return Ok(vec![]) };
        let circle = user.circle.clone();
        self.refreshes(site, &circle, now)?;
        let Some(directory) = self.directories.known(&circle).map(Arc::clone) else { return Ok(vec![]) };
        let Some(user) = self.users.get(account) else { return Ok(vec![]) };
        let mut stanzas = shown_by_others(site, account, id);
        for (address, entry) in directory.entries.iter().filter(|(address, _)| **address != user.own) {
            if let Some(seen @ Some(_)) = self.people.told(&entry.account) {
                stanzas.push(words::stanza(seen).with("from", &format!("{address}/{RESOURCE}")));
            }
        }
        stanzas.extend(user.heard.values().flat_map(Heard::stanzas));
        let asked = user.contacts.values().filter(|contact| contact.state.is_asked());
        stanzas.extend(asked.filter_map(|contact| parsed(&contact.request)));
        let deliver = |stanza| Effect::Deliver(id, user.delivery(stanza));
        let effects = stanzas.into_iter().map(deliver).collect();
        self.asks_here(site, account, id)?;
        Ok(effects)
    }

    /// Asks for the presence of contacts who are users of ours as well.
    fn asks_here(&mut self, site: &mut Site, account: &str, id: SessionId) -> Result<(), Failure> {
        let Some(user) = self.users.get(account) else { return Ok(()) };
        let Some(session) = site.sessions.get(id) else { return Ok(()) };
        let to = Jid::from(session.address.clone());
        let seen = user.contacts.iter().filter(|(_, contact)| contact.state.sees());
        let here = seen.map(|(address, _)| address).filter(|address| site.serves(address.domain().as_str()));
        for own in here.cloned().collect::<Vec<_>>() {
            if let Some(contact) = site.accounts.find(&site.host, &own)? {
                self.people.ask(Question { account: contact.id.clone(), own, to: to.clone() });
            }
        }
        Ok(())
    }

    /// Asks the appliance for the presence of a whole directory, unless that was done a moment ago.
    fn refreshes(&mut self, site: &Site, circle: &Circle, now: Instant) -> Result<(), Failure> {
        let Some(directory) = self.directories.known(circle) else { return Ok(()) };
        let is_fresh = |at: &Instant| now.duration_since(*at) < FRESH;
        if self.looked_at.get(circle).is_some_and(is_fresh) {
            return Ok(());
        }
        self.looked_at.insert(circle.clone(), now);
        let accounts: Vec<String> = directory.entries.values().map(|entry| entry.account.clone()).collect();
        for merged in People::merged(&site.host, &accounts)? {
            let seen = self.seen(&merged);
            self.people.sees(&merged.account, &seen);
        }
        Ok(())
    }

    /// A user has become available: asks the servers of their contacts, and repeats what may have been lost.
    pub(super) fn probes_contacts(&mut self, site: &Site, account: &str) {
        let Some(user) = self.users.get(account) else { return };
        let away = user.contacts.iter().filter(|(address, _)| !site.serves(address.domain().as_str()));
        let mut is_full = false;
        for (address, contact) in away {
            let ask = |kind: &str| {
                Element::new(ns::SERVER, "presence")
                    .with("type", kind)
                    .with("from", user.own.as_str())
                    .with("to", address.as_str())
            };
            if contact.state.sees() {
                is_full |= !self.probes.push(ask("probe"));
            } else if contact.state.has_asked() {
                is_full |= !self.probes.push(ask("subscribe"));
            }
        }
        if is_full {
            log::warn!(
                "too many contacts wait to be asked for their presence; some of {account} are not asked"
            );
        }
    }

    /// A client is not available any more: whoever it showed itself to is told.
    pub(super) fn leaves(
        &mut self,
        account: &str,
        id: SessionId,
        from: &Jid,
        presence: Option<&Element>,
    ) -> Vec<Effect> {
        let Some(user) = self.users.get_mut(account) else { return vec![] };
        let Some(seat) = user.seats.get_mut(&id) else { return vec![] };
        let was_available = seat.shown.take().is_some();
        let directed = std::mem::take(&mut seat.directed);
        let gone = presence.map_or_else(|| words::stanza(&None), passed).with("from", from.as_str());
        let mut effects: Vec<Effect> =
            directed.into_iter().map(|to| Effect::Send(gone.clone().with("to", to.as_str()))).collect();
        if was_available {
            self.people.says(account, user.best());
            effects.extend(user.to_available(gone));
        }
        effects
    }

    /// Presence to one address, which need not be a contact's (RFC 6121 section 4.6).
    fn directs(
        &mut self,
        account: &str,
        id: SessionId,
        to: &Jid,
        kind: &str,
        parcel: &Parcel,
    ) -> Vec<Effect> {
        let Some(user) = self.users.get_mut(account) else { return vec![] };
        if !user.seat(id).directs(to, kind.is_empty()) {
            return Effect::send(parcel.error("resource-constraint"));
        }
        let mut stanza = parcel.stanza.clone();
        stanza.set("to", to.as_str());
        vec![Effect::Send(stanza)]
    }
}

/// What the user's other clients show.
fn shown_by_others(site: &Site, account: &str, id: SessionId) -> Vec<Element> {
    let others = site.sessions.of_account(account).filter(|session| session.id != id);
    let shown =
        others.filter_map(|other| Some(passed(other.presence()?).with("from", other.address.as_str())));
    shown.collect()
}
