//! Who wants to see whom (RFC 6121 section 3): what one side says is kept durably, then carried. A contact of ours is
//! told as a contact elsewhere is, by the same table. In the directory everybody sees everybody, so there nothing is asked.

use jackfield_sdk::{Failure, log};
use jid::BareJid;

use super::contact::Contact;
use super::people::Question;
use super::store;
use super::table::{Does, Kind, Who, step};
use super::{RESOURCE, Roster};
use crate::im::effect::Effect;
use crate::im::parcel::Parcel;
use crate::im::presence::words;
use crate::im::site::Site;
use crate::xml::{Element, ns, written};

/// Most contacts in a roster, the directory's left out.
pub const MOST_CONTACTS: usize = 1000;
/// Most who have asked to see a user and were not answered.
const MOST_STRANGERS: usize = 200;
/// Longest request that is kept as it came; of a longer one only who asks.
const LONGEST_REQUEST: usize = 4 * 1024;

impl Roster {
    /// Our user says something of a subscription.
    pub(super) fn says(
        &mut self,
        site: &mut Site,
        account: &str,
        kind: Kind,
        to: &BareJid,
        parcel: &Parcel,
    ) -> Result<Vec<Effect>, Failure> {
        let Some(user) = self.users.get(account) else { return Ok(vec![]) };
        let own = user.own.clone();
        if *to == own {
            return Ok(vec![]);
        }
        if let Some(user) = self.users.get(account).filter(|user| self.is_colleague(user, to)) {
            return Ok(self.says_to_colleague(&user.account.clone(), kind, to));
        }
        if site.serves(to.domain().as_str()) && site.accounts.known(&site.host, to)?.is_none() {
            return Ok(Effect::send(parcel.error("item-not-found")));
        }
        let before = self.contact(site, account, to)?;
        let (state, does) = step(before.state, Who::We, kind);
        if does != Does::Route {
            return Ok(vec![]);
        }
        let is_listed = before.is_listed || kind == Kind::Subscribe || state.is_seen();
        if is_listed && !before.is_listed && self.is_full(account) {
            return Ok(Effect::send(parcel.error("resource-constraint")));
        }
        let request = if state.is_asked() { before.request.clone() } else { String::new() };
        let after = Contact { state, is_listed, request, ..before.clone() };
        let mut effects = if after == before { vec![] } else { self.keep(site, (account, &own), to, after)? };
        // Who was seen is gone before it is said why (RFC 6121 section 3.2.1).
        if kind == Kind::Unsubscribed && before.state.is_seen() {
            effects.push(unavailable(&own, to));
        }
        effects.extend(self.carries(site, &own, kind, to, Some(&parcel.stanza))?);
        if kind == Kind::Unsubscribe && before.state.sees() {
            effects.extend(self.sees_no_more(site, account, to));
        }
        if kind == Kind::Subscribed {
            let account = account.to_owned();
            self.people.ask(Question { account, own, to: to.clone().into() });
        }
        Ok(effects)
    }

    /// Whether the user's roster is full.
    pub(super) fn is_full(&self, account: &str) -> bool {
        let Some(user) = self.users.get(account) else { return false };
        user.contacts.values().filter(|contact| contact.is_listed).count() >= MOST_CONTACTS
    }

    /// In the directory everybody sees everybody: the client hears so at once, and nobody else is bothered.
    fn says_to_colleague(&mut self, account: &str, kind: Kind, to: &BareJid) -> Vec<Effect> {
        let Some(user) = self.users.get(account) else { return vec![] };
        let mut effects = Vec::new();
        if let (Kind::Subscribe, Some(line)) = (kind, self.directories.known(&user.circle)) {
            effects.extend(user.to_available(plain(Kind::Subscribed).with("from", to.as_str())));
            let told = line.entries.get(to).and_then(|entry| self.people.told(&entry.account));
            let from = format!("{to}/{RESOURCE}");
            effects.extend(
                told.map(|seen| user.to_available(words::stanza(seen).with("from", &from)))
                    .into_iter()
                    .flatten(),
            );
        }
        // A client that thinks that something has changed is told what the roster has.
        if let Some(line) = self.line(user, to) {
            effects.extend(self.pushed(account, line));
        }
        effects
    }

    /// A contact says something of a subscription to an account of ours.
    pub(super) fn hears(
        &mut self,
        site: &mut Site,
        (account, own): (&str, &BareJid),
        kind: Kind,
        from: &BareJid,
        stanza: &Element,
    ) -> Result<Vec<Effect>, Failure> {
        let before = self.contact(site, account, from)?;
        let (state, does) = step(before.state, Who::They, kind);
        match does {
            Does::Nothing | Does::Route => return Ok(vec![]),
            Does::Answer => {
                self.people.ask(Question {
                    account: account.to_owned(),
                    own: own.clone(),
                    to: from.clone().into(),
                });
                return self.carries(site, own, Kind::Subscribed, from, None);
            }
            Does::Deliver => {}
        }
        if before.is_empty() && store::counts(&site.host, account)?.strangers >= MOST_STRANGERS {
            log::warn!("a request to see {own} was dropped: {MOST_STRANGERS} others wait for an answer");
            return Ok(vec![]);
        }
        let mut delivered = stanza.clone();
        delivered.set("from", from.as_str());
        delivered.set("to", own.as_str());
        let request = match (state.is_asked(), kind) {
            (true, Kind::Subscribe) => bounded(&delivered, from),
            (true, _) => before.request.clone(),
            (false, _) => String::new(),
        };
        let after = Contact { state, request, ..before.clone() };
        let mut effects = self.keep(site, (account, own), from, after)?;
        if let Some(user) = self.users.get(account) {
            effects.extend(user.to_available(delivered));
        }
        if kind == Kind::Unsubscribe && before.state.is_seen() {
            effects.push(unavailable(own, from));
        }
        if kind == Kind::Unsubscribed && before.state.sees() {
            effects.extend(self.sees_no_more(site, account, from));
        }
        Ok(effects)
    }

    /// A user does not see a contact any more.
    pub(super) fn sees_no_more(&mut self, site: &Site, account: &str, contact: &BareJid) -> Vec<Effect> {
        if !site.serves(contact.domain().as_str()) {
            return self.loses(account, contact);
        }
        let Some(user) = self.users.get(account) else { return vec![] };
        user.to_available(words::stanza(&None).with("from", &format!("{contact}/{RESOURCE}")))
    }

    /// Takes what one of ours says to the contact: over to another server, or to an account of ours.
    pub(super) fn carries(
        &mut self,
        site: &mut Site,
        own: &BareJid,
        kind: Kind,
        to: &BareJid,
        stanza: Option<&Element>,
    ) -> Result<Vec<Effect>, Failure> {
        let mut stanza = stanza.cloned().unwrap_or_else(|| plain(kind));
        stanza.set("from", own.as_str());
        stanza.set("to", to.as_str());
        if !site.serves(to.domain().as_str()) {
            return Ok(vec![Effect::Send(stanza)]);
        }
        match site.accounts.known(&site.host, to)? {
            Some(account) => self.hears(site, (&account.id, to), kind, own, &stanza),
            None => Ok(vec![]),
        }
    }
}

pub(super) fn plain(kind: Kind) -> Element {
    Element::new(ns::SERVER, "presence").with("type", kind.word())
}

/// A contact that saw an account does so no more.
pub fn unavailable(own: &BareJid, to: &BareJid) -> Effect {
    let stanza = words::stanza(&None).with("from", &format!("{own}/{RESOURCE}"));
    Effect::Send(stanza.with("to", to.as_str()))
}

/// A request as it is kept.
fn bounded(request: &Element, from: &BareJid) -> String {
    let text = written(request);
    if text.len() <= LONGEST_REQUEST {
        return text;
    }
    written(&plain(Kind::Subscribe).with("from", from.as_str()))
}
