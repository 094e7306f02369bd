//! What clients ask of their roster and set in it (RFC 6121 section 2). Questions about people go on to `cards`.

use jackfield_sdk::{Failure, log};
use jid::BareJid;

use super::cards::Wanted;
use super::contact::{self, Line, Wish};
use super::subscriptions::unavailable;
use super::table::Kind;
use super::{Contact, Roster};
use crate::im::desk::SessionId;
use crate::im::effect::Effect;
use crate::im::parcel::Parcel;
use crate::im::presence::words::Photo;
use crate::im::site::Site;
use crate::xml::{Element, ns};

/// An answer, or a condition of RFC 6120 section 8.3.3.
pub(super) type Answer = Result<Vec<Effect>, &'static str>;

impl Roster {
    /// Whether this part answers that question: of rosters, and of cards of people that are ours to answer for.
    pub fn answers(&self, site: &Site, parcel: &Parcel) -> bool {
        let mut payloads = parcel.stanza.elements();
        let (Some(payload), None) = (payloads.next(), payloads.next()) else { return false };
        let is_asked = matches!(parcel.kind(), "get" | "set") && parcel.stanza.attribute("id").is_some();
        let target = parcel.target();
        let is_person = target.node().is_some();
        let is_ours = site.serves(target.domain().as_str());
        if !is_asked || payload.is(ns::ROSTER, "query") {
            return is_asked && (is_ours || parcel.session().is_some());
        }
        let has_photo = |contact: String| self.photos.of(&contact) != Photo::Unsaid;
        is_person
            && match Wanted::of(payload, parcel.kind()) {
                None => false,
                Some(_) if is_ours => true,
                Some(Wanted::Card) => self.contact_of(site, parcel).is_some(),
                // Who has no photo here may have one over there.
                Some(Wanted::Avatar(_)) => self.contact_of(site, parcel).is_some_and(has_photo),
            }
    }

    /// Answers it.
    pub fn query(&mut self, site: &mut Site, parcel: &Parcel) -> Vec<Effect> {
        let Some(payload) = parcel.stanza.elements().next() else { return vec![] };
        let done = match (Wanted::of(payload, parcel.kind()), parcel.session()) {
            (Some(wanted), _) => self.of_person(site, parcel, payload, wanted),
            (None, Some(id)) => self.roster(site, id, parcel, payload),
            // Nobody else's is anybody's business.
            (None, None) => Err("service-unavailable"),
        };
        done.unwrap_or_else(|condition| Effect::send(parcel.error(condition)))
    }

    fn roster(&mut self, site: &mut Site, id: SessionId, parcel: &Parcel, query: &Element) -> Answer {
        let user = self.user(site, id).map_err(|failure| broken(&failure))?;
        let user = user.ok_or("service-unavailable")?;
        if parcel.to.as_ref().is_some_and(|to| *to != user.own) {
            return Err("forbidden");
        }
        let account = user.account.clone();
        if parcel.kind() == "get" {
            return self.shows(&account, id, parcel, query);
        }
        match contact::wish(query)? {
            Wish::Put(address, name, groups) => self.puts(site, &account, parcel, address, name, groups),
            Wish::Remove(address) => self.removes(site, &account, parcel, &address),
        }
    }

    /// The whole roster; a client that has it already hears nothing more than that (RFC 6121 section 2.6.3).
    fn shows(&mut self, account: &str, id: SessionId, parcel: &Parcel, query: &Element) -> Answer {
        if let Some(user) = self.users.get_mut(account) {
            user.seat(id).is_interested = true;
        }
        let user = self.users.get(account).ok_or("service-unavailable")?;
        let directory = self.directories.known(&user.circle);
        let tag = user.tag(directory.map_or(0, |known| known.tag));
        let answer = parcel.answer("result");
        if query.attribute("ver") == Some(tag.as_str()) {
            return Ok(Effect::send(Some(answer)));
        }
        let colleagues = directory.into_iter().flat_map(|known| known.entries.keys());
        let colleagues = colleagues.filter(|address| **address != user.own);
        let others = user.contacts.keys().filter(|address| !self.is_colleague(user, address));
        let lines: Vec<Line> =
            colleagues.chain(others).filter_map(|address| self.line(user, address)).collect();
        Ok(Effect::send(Some(answer.child(contact::query(&lines, &tag)))))
    }

    fn puts(
        &mut self,
        site: &mut Site,
        account: &str,
        parcel: &Parcel,
        address: BareJid,
        name: String,
        groups: Vec<String>,
    ) -> Answer {
        let user = self.users.get(account).ok_or("service-unavailable")?;
        let own = user.own.clone();
        if address == own {
            return Err("not-allowed");
        }
        let before = user.contacts.get(&address).cloned().unwrap_or_default();
        if !before.is_listed && self.is_full(account) {
            return Err("resource-constraint");
        }
        let after = Contact { name, groups, is_listed: true, ..before.clone() };
        let mut effects = if after == before {
            vec![]
        } else {
            self.keep(site, (account, &own), &address, after).map_err(|failure| broken(&failure))?
        };
        effects.extend(Effect::send(Some(parcel.answer("result"))));
        Ok(effects)
    }

    /// With its subscription, both ways (RFC 6121 section 2.5.2). What the directory shows stays.
    fn removes(&mut self, site: &mut Site, account: &str, parcel: &Parcel, address: &BareJid) -> Answer {
        let user = self.users.get(account).ok_or("service-unavailable")?;
        let (own, before) = (user.own.clone(), user.contacts.get(address).cloned().unwrap_or_default());
        if !before.is_listed {
            return Err(if self.is_colleague(user, address) { "not-allowed" } else { "item-not-found" });
        }
        let done = self.removed(site, (account, &own), address, &before);
        let mut effects = done.map_err(|failure| broken(&failure))?;
        effects.extend(Effect::send(Some(parcel.answer("result"))));
        Ok(effects)
    }

    fn removed(
        &mut self,
        site: &mut Site,
        (account, own): (&str, &BareJid),
        address: &BareJid,
        before: &Contact,
    ) -> Result<Vec<Effect>, Failure> {
        let mut effects = self.keep(site, (account, own), address, Contact::default())?;
        let state = before.state;
        if state.is_seen() {
            effects.push(unavailable(own, address));
        }
        if state.sees() || state.has_asked() {
            effects.extend(self.carries(site, own, Kind::Unsubscribe, address, None)?);
        }
        if state.is_seen() || state.is_asked() {
            effects.extend(self.carries(site, own, Kind::Unsubscribed, address, None)?);
        }
        if state.sees() {
            effects.extend(self.sees_no_more(site, account, address));
        }
        Ok(effects)
    }
}

pub(super) fn broken(failure: &Failure) -> &'static str {
    log::warn!("a roster could not be read or written: {failure}");
    "internal-server-error"
}
