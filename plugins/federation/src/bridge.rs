//! Between stanzas and the appliance: whom a stanza is for, what is kept of it, and what is answered. The only place
//! that knows both. Our users have no client connection yet, so messages wait in the appliance's store.

use std::sync::Arc;

use jackfield_sdk::{Code, Failure, Host, NewMessage, log, params};
use jid::Jid;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::net::{Hub, Inbound};
use crate::s2s::stanza::{answer, error};
use crate::s2s::{Pair, address};
use crate::xml::{Element, ns};

/// Deployed accounts by login and domain; only they are reached.
const ACCOUNT: &str = "SELECT a.id FROM core_accounts a JOIN core_enterprises e ON e.id = a.enterprise
    WHERE lower(a.login_id) = ?1 AND lower(e.domain) = ?2 AND a.deployed = 1";
/// Origin ids of messages (XEP-0359 section 3.2).
const STABLE_IDS: &str = "urn:xmpp:sid:0";
/// Longest id that the store takes.
const LONGEST_ID: usize = 256;

#[derive(Deserialize)]
struct Account {
    #[serde(rename = "id")]
    _id: String,
}

/// Answers every stanza, one after the other, until the sockets have gone.
pub fn run(host: &Host, hub: &Arc<Hub>, mut stanzas: mpsc::Receiver<Inbound>) {
    while let Some(Inbound { pair, stanza, reply }) = stanzas.blocking_recv() {
        let answer = Bridge { host, hub }.take(&pair, &stanza);
        // Who waited may have gone.
        let _ = reply.send(answer);
    }
}

struct Bridge<'a> {
    host: &'a Host,
    hub: &'a Hub,
}

impl Bridge<'_> {
    fn take(&self, pair: &Pair, stanza: &Element) -> Option<Element> {
        let to = address::parsed(stanza.attribute("to")?)?;
        let from = address::parsed(stanza.attribute("from")?)?;
        let taken = match stanza.name.as_str() {
            "message" => self.message(stanza, &from, &to, pair),
            "iq" => return self.question(stanza, &from, &to, pair),
            _ => presence(stanza),
        };
        taken.err().and_then(|condition| error(stanza, condition))
    }

    /// Keeps a chat message; the error is the condition that its sender is told.
    fn message(&self, message: &Element, from: &Jid, to: &Jid, pair: &Pair) -> Result<(), &'static str> {
        match message.attribute("type").unwrap_or("normal") {
            // Nobody is online who could see them (RFC 6121 section 8.5.2.2).
            "error" | "headline" => return Ok(()),
            "groupchat" => return Err("service-unavailable"),
            _ => {}
        }
        let known = self.account(to, &pair.to).map_err(|failure| unavailable(&failure))?;
        let (true, Some(node), Some(sender)) = (known, to.node(), from.node()) else {
            return Err("service-unavailable");
        };
        let body = message.find(ns::SERVER, "body").map(Element::words).unwrap_or_default();
        // Being about to write, having read and the like say nothing later.
        if body.is_empty() {
            return Ok(());
        }
        let origin = message.find(STABLE_IDS, "origin-id").and_then(|origin| origin.attribute("id"));
        let origin_id = origin.filter(|id| !id.is_empty() && id.len() <= LONGEST_ID).map(str::to_owned);
        let kept = NewMessage {
            from: format!("{sender}@{}", pair.from),
            to: format!("{node}@{}", pair.to),
            body,
            origin_id,
            envelope: None,
        };
        match self.host.chat().accept(&kept) {
            Ok(_) => Ok(()),
            Err(failure) => Err(unavailable(&failure)),
        }
    }

    fn account(&self, to: &Jid, domain: &str) -> Result<bool, Failure> {
        let Some(node) = to.node() else { return Ok(false) };
        // A login in UPN form is escaped in addresses (XEP-0106).
        let Ok(login) = node.unescape() else { return Ok(false) };
        let found: Option<Account> = self.host.db().first(ACCOUNT, params![login.to_lowercase(), domain])?;
        Ok(found.is_some())
    }

    /// Every question gets one answer, an answer gets none (RFC 6120 section 8.2.3).
    fn question(&self, iq: &Element, from: &Jid, to: &Jid, pair: &Pair) -> Option<Element> {
        let kind = iq.attribute("type").unwrap_or_default();
        if matches!(kind, "result" | "error") {
            let is_ping = iq.attribute("id").is_some_and(|id| id.starts_with("ping-"));
            if is_ping && from.node().is_none() {
                self.hub.pong(&Pair { from: pair.to.clone(), to: pair.from.clone() });
            }
            return None;
        }
        let mut payloads = iq.elements();
        let (Some(payload), None, true, Some(_)) =
            (payloads.next(), payloads.next(), matches!(kind, "get" | "set"), iq.attribute("id"))
        else {
            return error(iq, "bad-request");
        };
        let is_ours = to.node().is_none() && to.resource().is_none();
        match (kind, payload.ns.as_str(), payload.name.as_str()) {
            ("get", ns::PING, "ping") if is_ours => Some(answer(iq, "result")),
            ("get", ns::DISCO_INFO, "query") if is_ours => match payload.attribute("node") {
                None | Some("") => Some(answer(iq, "result").child(features())),
                Some(_) => error(iq, "item-not-found"),
            },
            _ => error(iq, "service-unavailable"),
        }
    }
}

/// What our domain can do (XEP-0030 section 3.1).
fn features() -> Element {
    let identity = Element::new(ns::DISCO_INFO, "identity").with("category", "server").with("type", "im");
    let query = Element::new(ns::DISCO_INFO, "query").child(identity.with("name", "Jackfield"));
    [ns::DISCO_INFO, ns::PING].into_iter().fold(query, |query, feature| {
        query.child(Element::new(ns::DISCO_INFO, "feature").with("var", feature))
    })
}

/// Nobody of ours watches another domain or lets it watch yet, so presence is heard and not answered. A request to
/// subscribe stays open on its own server, which repeats it.
fn presence(presence: &Element) -> Result<(), &'static str> {
    const KINDS: [&str; 8] =
        ["", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error"];
    let kind = presence.attribute("type").unwrap_or_default();
    if KINDS.contains(&kind) { Ok(()) } else { Err("bad-request") }
}

fn unavailable(failure: &Failure) -> &'static str {
    match failure.code {
        Code::NotFound => "service-unavailable",
        Code::Conflict | Code::Busy => "resource-constraint",
        Code::BadRequest => "not-acceptable",
        _ => {
            log::warn!("a message from another server was not kept: {failure}");
            "internal-server-error"
        }
    }
}
