//! To clients of our own: who of them gets a message (RFC 6121 section 8.5), and who gets a copy (XEP-0280).

use jid::{BareJid, Jid};

use super::letter::{Letter, Sort};
use super::stamped::{copy, stable_id};
use super::{Chat, addressed};
use crate::im::desk::SessionId;
use crate::im::effect::Effect;
use crate::im::out::Delivery;
use crate::im::sessions::Session;
use crate::im::site::Site;
use crate::xml::Element;

impl Chat {
    /// Hands a message to the clients that it is for, and says which.
    pub(super) fn deliver(
        &mut self,
        site: &Site,
        letter: &Letter,
        id: Option<&str>,
        effects: &mut Vec<Effect>,
    ) -> Vec<SessionId> {
        let mut to = receivers(site, letter.parcel.to.as_ref(), &letter.target, letter.sort);
        // One that still gets what had waited gets this in its turn, if nobody else takes it meanwhile.
        if let ([only], Some(_)) = (to.as_slice(), id)
            && self.catching_up.contains_key(only)
        {
            to.clear();
        }
        if !to.is_empty() {
            let delivery = delivery(&letter.parcel.stanza, &letter.target, id);
            effects.extend(self.hand_over(&to, &delivery));
        }
        to
    }

    /// To each of these clients; what is stored is under way from now on.
    pub(super) fn hand_over(&mut self, to: &[SessionId], delivery: &Delivery) -> Vec<Effect> {
        let one = |session: &SessionId| {
            if let Some(id) = &delivery.id {
                self.flights.begin(id, *session);
            }
            Effect::Deliver(*session, delivery.clone())
        };
        to.iter().map(one).collect()
    }

    /// Copies for those of the receiver's clients that did not get it, if one did.
    pub(super) fn copy_received(
        &self,
        site: &Site,
        letter: &Letter,
        id: Option<&str>,
        reached: &[SessionId],
        effects: &mut Vec<Effect>,
    ) {
        if !reached.is_empty() && letter.is_copied() {
            effects.extend(self.copies(site, "received", &letter.target, &letter.parcel.stanza, id, reached));
        }
    }

    /// Copies for the sender's other clients.
    pub(super) fn copy_sent(
        &self,
        site: &Site,
        letter: &Letter,
        id: Option<&str>,
        reached: &[SessionId],
        effects: &mut Vec<Effect>,
    ) {
        let Some(own) = letter.parcel.session().filter(|_| letter.is_copied()) else { return };
        let without = [reached, &[own]].concat();
        let sender = letter.parcel.from.to_bare();
        effects.extend(self.copies(site, "sent", &sender, &letter.parcel.stanza, id, &without));
    }

    pub(super) fn copies(
        &self,
        site: &Site,
        way: &str,
        owner: &BareJid,
        stanza: &Element,
        id: Option<&str>,
        without: &[SessionId],
    ) -> Vec<Effect> {
        if self.carbons.is_empty() {
            return vec![];
        }
        let wants = |session: &&Session| self.carbons.contains(&session.id) && !without.contains(&session.id);
        let copied = |session: &Session| {
            let inner = match id {
                Some(id) => stanza.clone().child(stable_id(owner, id)),
                None => stanza.clone(),
            };
            let copy = copy(inner, way, owner, session.address.as_str());
            Effect::Deliver(session.id, Delivery::new(&copy))
        };
        site.sessions.of(owner).filter(wants).map(copied).collect()
    }
}

/// The clients that a message is for: the one that is named, else all that take messages. What is only for a client that
/// is not there is for nobody.
fn receivers(site: &Site, to: Option<&Jid>, target: &BareJid, sort: Sort) -> Vec<SessionId> {
    if let Some(full) = to.and_then(|to| to.try_as_full().ok()) {
        match (site.sessions.at(full), sort) {
            (Some(session), _) => return vec![session.id],
            (None, Sort::Chat | Sort::Normal) => {}
            (None, _) => return vec![],
        }
    }
    if sort == Sort::Error {
        return vec![];
    }
    let all = site.sessions.of(target).filter(|session| session.takes_messages());
    all.map(|session| session.id).collect()
}

/// A message for clients of that person. The address is the person's where the sender named a client that has gone.
pub(super) fn delivery(stanza: &Element, owner: &BareJid, id: Option<&str>) -> Delivery {
    if stanza.attribute("to").is_none() {
        return delivery(&addressed(stanza.clone(), owner.as_str()), owner, id);
    }
    match id {
        Some(id) => Delivery::stored(stanza, &stable_id(owner, id), id),
        None => Delivery::new(stanza),
    }
}
