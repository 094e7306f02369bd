//! To other servers: what is sent, what they have not taken, and what is taken up again after a restart.

use jackfield_sdk::{ChatMessage, MessagePending, log, params};
use jid::Jid;
use serde::Deserialize;

use super::Chat;
use super::stamped::{delayed, restored};
use crate::im::desk::SessionId;
use crate::im::effect::Effect;
use crate::im::out::Delivery;
use crate::im::site::Site;
use crate::s2s::address;
use crate::s2s::stanza::{error, explained, pair};
use crate::xml::{Element, parsed, written};

/// Messages that are taken up in one turn: as many as a link's queue takes easily.
const TAKEN_UP: usize = 100;
/// Most notices that wait for one person.
const MOST_NOTICES: usize = 100;

const KEEP_NOTICE: &str = "INSERT INTO federation_notice (account, stanza)
    SELECT ?1, ?2 WHERE (SELECT count(*) FROM federation_notice WHERE account = ?1) < ?3";
const NOTICES: &str = "SELECT stanza FROM federation_notice WHERE account = ?1 ORDER BY id";
const FORGET_NOTICES: &str = "DELETE FROM federation_notice WHERE account = ?1";

#[derive(Deserialize)]
struct Notice {
    stanza: String,
}

impl Chat {
    /// Has a message sent to its server. What is stored is under way until it is confirmed or bounced.
    pub(super) fn send_out(&mut self, site: &mut Site, stanza: &Element, id: Option<&str>) -> Vec<Effect> {
        let Some(pair) = pair(stanza) else { return vec![] };
        if let Some(id) = id {
            self.outward.begin(id, stanza, site.outside.turn());
        }
        match site.outside.send(&pair, stanza, id) {
            Ok(()) => vec![],
            Err(unsent) => self.bounced(site, stanza, id.map(str::to_owned), unsent.condition, unsent.words),
        }
    }

    /// A message did not reach its partner: the store is told, and whoever wrote it. What was said only for a moment is
    /// over.
    pub fn bounced(
        &mut self,
        site: &mut Site,
        message: &Element,
        id: Option<String>,
        condition: &str,
        words: &str,
    ) -> Vec<Effect> {
        let Some(id) = id.filter(|id| self.outward.end(id)) else { return vec![] };
        self.failed.push((id, words.to_owned()));
        let Some(answer) = explained(error(message, condition), words) else { return vec![] };
        told(site, answer)
    }

    /// A partner's error about a message of ours that was under way.
    pub(super) fn refused_there(&mut self, stanza: &Element) {
        let Some(id) = self.outward.refused(stanza) else { return };
        let text = stanza.elements().find(|element| element.name == "error").and_then(said);
        let words = text.unwrap_or_else(|| "its server refused it".to_owned());
        self.failed.push((id, words));
    }

    /// Sends on what was under way when this ended the last time, or when federation was switched off.
    pub(super) fn take_up(&mut self, site: &mut Site) -> Vec<Effect> {
        self.outward.follow(site.outside.turn());
        if !site.outside.is_on() {
            return vec![];
        }
        let Some(after) = self.outward.cursor else { return vec![] };
        let asked = MessagePending { elsewhere: true, after, limit: TAKEN_UP, ..MessagePending::default() };
        let found = match site.host.chat().pending(&asked) {
            Ok(found) => found,
            Err(failure) => {
                log::warn!("what was under way to other servers could not be read yet: {failure}");
                return vec![];
            }
        };
        self.outward.cursor = found.next;
        let mut effects = Vec::new();
        for message in self.outward.missing(found.messages) {
            if !self.flights.has(&message.id) {
                effects.extend(self.send_late(site, &message));
            }
        }
        effects
    }

    fn send_late(&mut self, site: &mut Site, message: &ChatMessage) -> Vec<Effect> {
        let (from, to) = (address::parsed(&message.from), address::parsed(&message.to));
        let (Some(from), Some(to)) = (from, to) else { return vec![] };
        let domain = to.domain().as_str();
        if site.serves(domain) || self.sisters.contains(domain) || !site.serves(from.domain().as_str()) {
            return vec![];
        }
        let stanza = delayed(restored(message), from.domain().as_str(), &message.at);
        self.send_out(site, &stanza, Some(&message.id))
    }
}

/// To the client that wrote, to its person's others when it has gone, else as soon as one is there.
fn told(site: &mut Site, answer: Element) -> Vec<Effect> {
    let Some(to) = answer.attribute("to").and_then(address::parsed) else { return vec![] };
    let exact = to.try_as_full().ok().and_then(|full| site.sessions.at(full)).map(|session| session.id);
    let all = || site.sessions.of(&to.to_bare()).map(|session| session.id).collect::<Vec<_>>();
    let sessions = exact.map_or_else(all, |exact| vec![exact]);
    if sessions.is_empty() {
        keep(site, &to, &answer);
    }
    let delivery = Delivery::new(&answer);
    sessions.into_iter().map(|session| Effect::Deliver(session, delivery.clone())).collect()
}

fn keep(site: &mut Site, to: &Jid, answer: &Element) {
    let account = match site.accounts.find(&site.host, &to.to_bare()) {
        Ok(Some(account)) => account,
        Ok(None) => return,
        Err(failure) => return log::warn!("who is to be told of a message could not be read: {failure}"),
    };
    let kept = site.host.db().tx(|tx| {
        tx.run(KEEP_NOTICE, params![account.id, written(answer), MOST_NOTICES]);
        Ok(())
    });
    if let Err(failure) = kept {
        log::warn!("a notice that a message did not arrive could not be kept: {failure}");
    }
}

/// Notices that waited for this client's person; they are forgotten.
pub(super) fn notices(site: &Site, id: SessionId) -> Vec<Effect> {
    let Some(account) = site.sessions.get(id).map(|session| session.account.clone()) else { return vec![] };
    let found: Vec<Notice> = match site.host.db().query(NOTICES, params![account]) {
        Ok(found) => found,
        Err(failure) => {
            log::warn!("notices of messages that did not arrive could not be read: {failure}");
            return vec![];
        }
    };
    if found.is_empty() {
        return vec![];
    }
    let forgotten = site.host.db().tx(|tx| {
        tx.run(FORGET_NOTICES, params![account]);
        Ok(())
    });
    if let Err(failure) = forgotten {
        log::warn!("notices of messages that did not arrive will be shown again: {failure}");
    }
    let all = found.iter().filter_map(|notice| parsed(&notice.stanza));
    all.map(|stanza| Effect::Deliver(id, Delivery::new(&stanza))).collect()
}

/// The words of an error, or its condition.
fn said(error: &Element) -> Option<String> {
    let text = error.elements().find(|element| element.name == "text").map(Element::words);
    let condition = || error.elements().next().map(|condition| condition.name.clone());
    text.filter(|text| !text.is_empty()).or_else(condition).map(|why| format!("its server refused it: {why}"))
}
