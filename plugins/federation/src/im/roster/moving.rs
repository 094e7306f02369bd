//! Accounts whose address has become another one: somebody changed the login, or the enterprise's domain. Rosters here
//! move along. Elsewhere a subscription belongs to an address and cannot be carried over (RFC 6121 section 3): whoever
//! knew the old one is told that it is over, and is asked anew where the user had them in the roster to see them.

use std::collections::BTreeSet;

use jackfield_sdk::{Failure, Host};
use jid::BareJid;

use super::contact::Contact;
use super::store::{self, Place};
use super::subscriptions::plain;
use super::table::{Kind, State};
use super::{RESOURCE, Roster};
use crate::im::chat::Blocks;
use crate::im::effect::Effect;
use crate::im::presence::words;
use crate::im::site::Site;
use crate::s2s::address;
use crate::xml::{Element, ns};

/// Accounts that are looked at together, and so move together at most.
const AT_ONCE: usize = 200;

/// Accounts that may have moved.
#[derive(Debug)]
pub struct Moves {
    some: BTreeSet<String>,
    /// All after that one; none: no others.
    after: Option<String>,
}

/// An account that has.
struct Moved {
    account: String,
    old: BareJid,
    new: BareJid,
}

impl Default for Moves {
    /// Before the start anybody may have.
    fn default() -> Self {
        Self { some: BTreeSet::new(), after: Some(String::new()) }
    }
}

impl Moves {
    /// That one may have.
    pub fn look_at(&mut self, account: &str) {
        self.some.insert(account.to_owned());
    }

    /// Anybody may have.
    pub fn look_at_all(&mut self) {
        self.after = Some(String::new());
    }

    /// Whether somebody has to be looked at.
    pub fn are_due(&self) -> bool {
        !self.some.is_empty() || self.after.is_some()
    }

    /// The next that have moved; none: nobody is left.
    fn next(&mut self, host: &Host) -> Result<Vec<Moved>, Failure> {
        while !self.some.is_empty() {
            let some: Vec<String> = self.some.iter().take(AT_ONCE).cloned().collect();
            let moved = moved(store::places_of(host, &some)?);
            self.some.retain(|account| !some.contains(account));
            if !moved.is_empty() {
                return Ok(moved);
            }
        }
        while let Some(after) = &self.after {
            let places = store::places(host, after, AT_ONCE)?;
            let is_last = places.len() < AT_ONCE;
            self.after = places.last().filter(|_| !is_last).map(|place| place.account.clone());
            let moved = moved(places);
            if !moved.is_empty() {
                return Ok(moved);
            }
        }
        Ok(vec![])
    }
}

fn moved(places: Vec<Place>) -> Vec<Moved> {
    let moved = places.into_iter().filter_map(|place| {
        let old = address::parsed(&place.own)?.into_bare();
        let new = address::of_login(&place.login_id, &address::domain(&place.domain)?)?;
        (new != old).then_some(Moved { account: place.account, old, new })
    });
    moved.collect()
}

impl Roster {
    /// Accounts that have moved since they were last looked at.
    pub(super) fn moves(&mut self, site: &mut Site) -> Result<Vec<Effect>, Failure> {
        let mut effects = Vec::new();
        for Moved { account, old, new } in self.moves.next(&site.host)? {
            effects.extend(self.moves_one(site, &account, &old, &new)?);
        }
        Ok(effects)
    }

    fn moves_one(
        &mut self,
        site: &mut Site,
        account: &str,
        old: &BareJid,
        new: &BareJid,
    ) -> Result<Vec<Effect>, Failure> {
        let mut elsewhere = store::all(&site.host, account)?;
        elsewhere.retain(|(address, _)| !site.serves(address.domain().as_str()));
        let after: Vec<_> =
            elsewhere.iter().map(|(address, before)| (address.clone(), anew(before))).collect();
        store::moved(&site.host, account, (old.as_str(), new), &after)?;
        if !site.blocks.is_empty() {
            site.blocks = Blocks::read(&site.host)?;
        }
        let mut effects = Vec::new();
        for ((address, before), (_, after)) in elsewhere.iter().zip(&after) {
            effects.extend(self.takes_leave(site, old, address, before.state)?);
            if after.state.has_asked() {
                let words = format!("{new} was {old} until now");
                let status = Element::new(ns::SERVER, "status").text(&words);
                let request = plain(Kind::Subscribe).child(status);
                effects.extend(self.carries(site, new, Kind::Subscribe, address, Some(&request))?);
            }
        }
        if let Some(user) = self.users.get_mut(account) {
            user.contacts = store::all(&site.host, account)?.into_iter().collect();
            user.version += 1;
        }
        effects.extend(self.moves_here(old, new));
        // Those who may see the new address are told.
        self.people.forget(account);
        self.people.look_at(account);
        Ok(effects)
    }

    /// Users who are connected and have the old address in their roster have the new one.
    fn moves_here(&mut self, old: &BareJid, new: &BareJid) -> Vec<Effect> {
        let mut effects = Vec::new();
        let holders: Vec<String> = self
            .users
            .values()
            .filter(|user| user.contacts.contains_key(old))
            .map(|user| user.account.clone())
            .collect();
        for holder in holders {
            let Some(user) = self.users.get_mut(&holder) else { continue };
            let Some(contact) = user.contacts.remove(old) else { continue };
            if contact.state.sees() {
                effects.extend(
                    user.to_available(words::stanza(&None).with("from", &format!("{old}/{RESOURCE}"))),
                );
            }
            user.contacts.insert(new.clone(), contact);
            user.version += 1;
            effects.extend(self.changed_line(&holder, old));
            effects.extend(self.changed_line(&holder, new));
        }
        effects
    }
}

/// What is left of a subscription elsewhere: a contact that the user saw, or had asked to see, is asked anew.
fn anew(before: &Contact) -> Contact {
    let wants = before.is_listed && (before.state.sees() || before.state.has_asked());
    let state = if wants { State::NoneOut } else { State::None };
    Contact { state, request: String::new(), ..before.clone() }
}
