//! Messages: kept by the appliance before anything else, then handed to whoever is connected. Here so far: chat between
//! our users and from other servers. To other servers nothing goes yet.

use std::sync::Arc;

use jackfield_sdk::{Code, Event, Failure, NewMessage, log};
use jid::{BareJid, Jid};

use super::accounts::Account;
use super::desk::SessionId;
use super::effect::Effect;
use super::out::Delivery;
use super::parcel::Parcel;
use super::sessions::Session;
use super::site::Site;
use crate::xml::{Element, ns};

/// Origin ids of messages (XEP-0359 section 3.2).
const STABLE_IDS: &str = "urn:xmpp:sid:0";
/// Longest id that the store takes.
const LONGEST_ID: usize = 256;

/// The part that knows of messages.
#[derive(Default)]
pub struct Chat {
    /// What came in this turn and is not stored yet.
    taken: Vec<(Parcel, NewMessage)>,
}

impl Chat {
    /// A message of a client or of a partner. It is stored when the turn is settled.
    pub fn take(&mut self, site: &mut Site, parcel: Parcel) -> Vec<Effect> {
        match judged(site, &parcel) {
            Ok(Some(message)) => {
                self.taken.push((parcel, message));
                vec![]
            }
            Ok(None) => vec![],
            Err(condition) => Effect::send(parcel.error(condition)),
        }
    }

    /// Stores what came in this turn, and hands it on.
    pub fn settle(&mut self, site: &mut Site) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (parcel, message) in self.taken.drain(..) {
            match site.host.chat().accept(&message) {
                Ok(accepted) if accepted.duplicate => {}
                Ok(accepted) => effects.extend(delivered(site, &parcel, &accepted.id)),
                Err(failure) => effects.extend(Effect::send(parcel.error(unavailable(&failure)))),
            }
        }
        effects
    }

    /// A client of ours has sent presence, and may take messages now.
    pub fn present(&mut self, _site: &mut Site, _id: SessionId) -> Vec<Effect> {
        vec![]
    }

    /// Stored messages have reached a client.
    pub fn written(&mut self, site: &mut Site, _id: SessionId, ids: Vec<String>) -> Vec<Effect> {
        if let Err(failure) = site.host.chat().delivered(&ids) {
            log::warn!("messages arrived, but that could not be noted: {failure}");
        }
        vec![]
    }

    /// Stored messages have reached a partner.
    pub fn confirmed(&mut self, site: &mut Site, ids: Vec<String>) -> Vec<Effect> {
        self.written(site, SessionId(0), ids)
    }

    /// A message did not reach its partner.
    pub fn bounced(
        &mut self,
        _site: &mut Site,
        message: &Element,
        _id: Option<String>,
        condition: &str,
        words: &str,
    ) -> Vec<Effect> {
        Effect::send(crate::s2s::stanza::explained(crate::s2s::stanza::error(message, condition), words))
    }

    /// A session is over; it is not among the sessions any more.
    pub fn gone(&mut self, _site: &mut Site, _gone: &Session) -> Vec<Effect> {
        vec![]
    }

    /// Something happened in the appliance.
    pub fn hear(&mut self, _site: &mut Site, _event: &Event) -> Vec<Effect> {
        vec![]
    }
}

/// What is to be stored of a message; none: nothing. The error is the condition that its sender is told.
fn judged(site: &mut Site, parcel: &Parcel) -> Result<Option<NewMessage>, &'static str> {
    match parcel.kind() {
        // Nobody keeps those (RFC 6121 section 8.5.2.2).
        "error" | "headline" => return Ok(None),
        "groupchat" => return Err("service-unavailable"),
        _ => {}
    }
    let to = parcel.target();
    let account = account(site, &to).map_err(|failure| unavailable(&failure))?;
    if account.is_none() || parcel.from.node().is_none() {
        return Err("service-unavailable");
    }
    let body = parcel.stanza.find(ns::SERVER, "body").map(Element::words).unwrap_or_default();
    // Being about to write, having read and the like say nothing later.
    if body.is_empty() {
        return Ok(None);
    }
    let origin = parcel.stanza.find(STABLE_IDS, "origin-id").and_then(|origin| origin.attribute("id"));
    let origin_id = origin.filter(|id| !id.is_empty() && id.len() <= LONGEST_ID).map(str::to_owned);
    Ok(Some(NewMessage { from: parcel.from.to_bare().to_string(), to: to.to_string(), body, origin_id, envelope: None }))
}

fn account(site: &mut Site, to: &BareJid) -> Result<Option<Arc<Account>>, Failure> {
    site.accounts.find(&site.host, to)
}

/// To the client that is meant, or to all that take messages (RFC 6121 section 8.5).
fn delivered(site: &Site, parcel: &Parcel, id: &str) -> Vec<Effect> {
    let exact = parcel.to.as_ref().and_then(|to: &Jid| site.sessions.at(to.try_as_full().ok()?));
    let to: Vec<SessionId> = match exact {
        Some(session) => vec![session.id],
        None => {
            let all = site.sessions.of(&parcel.target());
            all.filter(|session| session.takes_messages()).map(|session| session.id).collect()
        }
    };
    let delivery = Delivery::stored(&parcel.stanza, id);
    to.into_iter().map(|session| Effect::Deliver(session, delivery.clone())).collect()
}

fn unavailable(failure: &Failure) -> &'static str {
    match failure.code {
        Code::NotFound => "service-unavailable",
        Code::Conflict | Code::Busy => "resource-constraint",
        Code::BadRequest => "not-acceptable",
        _ => {
            log::warn!("a message was not kept: {failure}");
            "internal-server-error"
        }
    }
}
