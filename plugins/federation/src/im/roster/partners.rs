//! Presence that other servers send (RFC 6121 sections 3 and 4). An error is never answered, an unknown type always.

use jackfield_sdk::Failure;
use jid::BareJid;

use super::Roster;
use super::people::Question;
use super::subscriptions::unavailable;
use super::table::Kind;
use super::watch::is_watcher;
use crate::im::accounts::Account;
use crate::im::effect::Effect;
use crate::im::parcel::Parcel;
use crate::im::presence::heard::passed;
use crate::im::site::Site;
use crate::xml::{Element, ns};

/// Types of presence (RFC 6121 section 4.7.1).
const KINDS: [&str; 8] =
    ["", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error"];

impl Roster {
    pub(super) fn partner_says(&mut self, site: &mut Site, parcel: &Parcel) -> Result<Vec<Effect>, Failure> {
        if !KINDS.contains(&parcel.kind()) {
            return Ok(Effect::send(parcel.error("bad-request")));
        }
        let (own, from) = (parcel.target(), parcel.from.to_bare());
        // Servers have no presence.
        if from.node().is_none() {
            return Ok(vec![]);
        }
        if is_watcher(&own) {
            return self.watch_hears(site, parcel);
        }
        let account = site.accounts.known(&site.host, &own)?;
        let Some(account) = account else { return Ok(self.to_nobody(parcel)) };
        match parcel.kind() {
            "" | "unavailable" => Ok(self.hears_presence(site, &account, parcel)),
            "error" => Ok(self.loses(&account.id, &from)),
            "probe" => self.probed(site, &account, parcel),
            kind => match Kind::of(kind) {
                Some(kind) => self.hears(site, (&account.id, &own), kind, &from, &parcel.stanza),
                None => Ok(vec![]),
            },
        }
    }

    /// Whoever asks for somebody who is not there learns as much as of somebody who does not want to be seen: a request
    /// stays open, a question is answered by `unsubscribed`.
    fn to_nobody(&self, parcel: &Parcel) -> Vec<Effect> {
        if parcel.kind() == "probe" { unseen(parcel) } else { vec![] }
    }

    fn hears_presence(&mut self, site: &Site, account: &Account, parcel: &Parcel) -> Vec<Effect> {
        let Some(user) = self.users.get_mut(&account.id) else { return vec![] };
        let from = parcel.from.to_bare();
        let state = user.contacts.get(&from).map(|contact| contact.state).unwrap_or_default();
        if state.sees() {
            let heard = user.heard.entry(from).or_default();
            heard.hear(&parcel.from, &parcel.stanza);
        } else if state.has_asked() && parcel.kind() == "unavailable" {
            // Some servers confirm a request by that (Prosody); it is no refusal.
            return vec![];
        }
        let stanza = passed(&parcel.stanza).with("from", parcel.from.as_str());
        match parcel.to.as_ref().and_then(|to| to.try_as_full().ok()) {
            Some(full) => {
                let session = site.sessions.at(full).map(|session| session.id);
                let delivery = session.map(|id| Effect::Deliver(id, user.delivery(stanza)));
                delivery.into_iter().collect()
            }
            None => user.to_available(stanza),
        }
    }

    /// Another server asks what an account is doing (RFC 6121 section 4.3.2). One that is un-deployed is only away: the
    /// subscription ends with the account.
    fn probed(&mut self, site: &Site, account: &Account, parcel: &Parcel) -> Result<Vec<Effect>, Failure> {
        let (own, from) = (parcel.target(), parcel.from.to_bare());
        if !self.contact(site, &account.id, &from)?.state.is_seen() {
            return Ok(unseen(parcel));
        }
        let (is_deployed, account, to) = (account.deployed, account.id.clone(), parcel.from.clone());
        if !is_deployed {
            return Ok(vec![unavailable(&own, &from)]);
        }
        self.people.ask(Question { account, own, to });
        Ok(vec![])
    }

    /// Nothing is known any more of a contact at another server.
    pub(super) fn loses(&mut self, account: &str, contact: &BareJid) -> Vec<Effect> {
        let Some(user) = self.users.get_mut(account) else { return vec![] };
        let Some(mut heard) = user.heard.remove(contact) else { return vec![] };
        heard.lose().into_iter().flat_map(|gone| user.to_available(gone)).collect()
    }
}

/// "You do not see them", from and to bare addresses (RFC 6121 section 3).
fn unseen(parcel: &Parcel) -> Vec<Effect> {
    let stanza = Element::new(ns::SERVER, "presence").with("type", Kind::Unsubscribed.word());
    let stanza = stanza.with("from", parcel.target().as_str());
    vec![Effect::Send(stanza.with("to", parcel.from.to_bare().as_str()))]
}
