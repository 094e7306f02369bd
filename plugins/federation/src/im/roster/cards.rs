//! Whose business card and photo are given to whom: to colleagues, and to contacts who see somebody.

use jackfield_sdk::Failure;
use jid::BareJid;

use super::Roster;
use super::queries::{Answer, broken};
use crate::im::avatar::{self, Part};
use crate::im::effect::Effect;
use crate::im::parcel::Parcel;
use crate::im::site::Site;
use crate::im::vcard;
use crate::s2s::stanza::explained;
use crate::xml::{Element, ns};

/// Why nobody sets a card or a photo.
const DIRECTORYS: &str =
    "names and photos come from the directory of this server; its administrators change them";
/// Bytes that wait for a client that asks for more: many photos at once must not end its session.
const MOST_WAITING: usize = 1024 * 1024;

/// What is wanted of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The card (XEP-0054).
    Card,
    /// The photo alone.
    Avatar(Part),
}

impl Wanted {
    /// From a question or an order; none: it is about something else.
    pub(super) fn of(payload: &Element, kind: &str) -> Option<Self> {
        if payload.is(ns::VCARD, "vCard") {
            return Some(Self::Card);
        }
        avatar::part(payload, kind).map(Self::Avatar)
    }
}

impl Roster {
    /// Id of the contact of a peer whom a client of ours asks about.
    pub(super) fn contact_of(&self, site: &Site, parcel: &Parcel) -> Option<String> {
        let session = site.sessions.get(parcel.session()?)?;
        let user = self.users.get(&session.account)?;
        let directory = self.directories.known(&user.circle)?;
        directory.entries.get(&parcel.target()).map(|entry| entry.account.clone())
    }

    /// Colleagues and contacts who see somebody get card and photo; others learn no more than of somebody who is not
    /// there.
    pub(super) fn of_person(
        &mut self,
        site: &mut Site,
        parcel: &Parcel,
        payload: &Element,
        wanted: Wanted,
    ) -> Answer {
        if parcel.kind() == "set" || wanted == Wanted::Avatar(Part::Other) {
            return Ok(Effect::send(explained(parcel.error("not-allowed"), DIRECTORYS)));
        }
        if parcel
            .session()
            .and_then(|id| site.sessions.get(id))
            .is_some_and(|session| session.out.waiting() > MOST_WAITING)
        {
            return Err("resource-constraint");
        }
        let target = parcel.target();
        let contact = self.contact_of(site, parcel);
        let id = match contact {
            Some(id) => id,
            None => self
                .seen_person(site, parcel, &target)
                .map_err(|failure| broken(&failure))?
                .ok_or("service-unavailable")?,
        };
        let (said, missing) = match wanted {
            Wanted::Card => (vcard::read(&site.host, &id, &target), "service-unavailable"),
            Wanted::Avatar(part) => (avatar::read(&site.host, &id, payload, part), "item-not-found"),
        };
        let said = said.map_err(|failure| broken(&failure))?.ok_or(missing)?;
        Ok(Effect::send(Some(parcel.answer("result").child(said))))
    }

    fn seen_person(
        &mut self,
        site: &mut Site,
        parcel: &Parcel,
        target: &BareJid,
    ) -> Result<Option<String>, Failure> {
        let Some(account) = site.accounts.find(&site.host, target)? else { return Ok(None) };
        let asker = match parcel.session() {
            Some(_) => site.accounts.find(&site.host, &parcel.from.to_bare())?,
            None => None,
        };
        let is_colleague = asker.is_some_and(|asker| asker.enterprise == account.enterprise);
        let is_allowed =
            is_colleague || self.contact(site, &account.id, &parcel.from.to_bare())?.state.is_seen();
        Ok(is_allowed.then(|| account.id.clone()))
    }
}
