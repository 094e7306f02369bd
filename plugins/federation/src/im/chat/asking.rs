//! What clients ask of the part that knows of messages: copies (XEP-0280), the archive (XEP-0313) and whom they want to
//! hear nothing from (XEP-0191). And the gate where what is blocked ends.

use jackfield_sdk::{Code, Failure, log};
use jid::{BareJid, Jid};

use super::Chat;
use super::archive::{Asked, fin, form, preferences};
use super::blocks::MOST;
use super::letter::Refusal;
use super::names::{ARCHIVE, BLOCKING, BLOCKING_ERRORS, CARBONS};
use crate::im::desk::SessionId;
use crate::im::effect::Effect;
use crate::im::out::Delivery;
use crate::im::parcel::{Origin, Parcel};
use crate::im::site::Site;
use crate::net::random_id;
use crate::s2s::address;
use crate::s2s::stanza::explained;
use crate::xml::{Element, Node, ns};

/// The answer to a question: what comes before it, and what is in it.
type Answer = Result<(Vec<Effect>, Option<Element>), Refusal>;

/// Whether a question is about whom somebody blocks, or an order to.
pub fn is_about_blocking(parcel: &Parcel) -> bool {
    parcel.stanza.elements().next().is_some_and(|payload| payload.ns == BLOCKING)
}

impl Chat {
    /// Answers a question of a client to its own account; none: it is not for this part.
    pub fn asked(&mut self, site: &mut Site, parcel: &Parcel) -> Option<Vec<Effect>> {
        let (id, payload) = (parcel.session()?, parcel.stanza.elements().next()?);
        let owner = parcel.from.to_bare();
        if parcel.to.as_ref().is_some_and(|to| to.resource().is_some() || to.to_bare() != owner) {
            return None;
        }
        let answer = match (payload.ns.as_str(), payload.name.as_str(), parcel.kind()) {
            (CARBONS, "enable", "set") => self.copies_to(id, true),
            (CARBONS, "disable", "set") => self.copies_to(id, false),
            (ARCHIVE, "query", "set") => found(site, id, &owner, payload),
            (ARCHIVE, "query", "get") => Ok((vec![], Some(form()))),
            (ARCHIVE, "prefs", "get" | "set") => Ok((vec![], Some(preferences()))),
            (BLOCKING, "blocklist", "get") => self.blocked(site, id),
            (BLOCKING, "block", "set") => self.block(site, id, payload),
            (BLOCKING, "unblock", "set") => self.unblock(site, id, payload),
            _ => return None,
        };
        Some(match answer {
            Ok((mut effects, inside)) => {
                let mut result = parcel.answer("result");
                result.children.extend(inside.map(Node::Element));
                effects.push(Effect::Send(result));
                effects
            }
            Err(Refusal { condition, words }) if words.is_empty() => Effect::send(parcel.error(condition)),
            Err(Refusal { condition, words }) => Effect::send(explained(parcel.error(condition), &words)),
        })
    }

    fn copies_to(&mut self, id: SessionId, is_wanted: bool) -> Answer {
        if is_wanted {
            self.carbons.insert(id);
        } else {
            self.carbons.remove(&id);
        }
        Ok((vec![], None))
    }

    fn blocked(&mut self, site: &Site, id: SessionId) -> Answer {
        self.listening.insert(id);
        let account = site.sessions.get(id).map(|session| session.account.clone()).unwrap_or_default();
        let list = Element::new(BLOCKING, "blocklist");
        Ok((vec![], Some(site.blocks.of(&account).fold(list, |list, address| list.child(item(address))))))
    }

    fn block(&mut self, site: &mut Site, id: SessionId, payload: &Element) -> Answer {
        let addresses = items(payload)?;
        if addresses.is_empty() {
            return Err(Refusal::new("bad-request", "nobody is named"));
        }
        let account = site.sessions.get(id).map(|session| session.account.clone()).unwrap_or_default();
        if site.blocks.of(&account).count() + addresses.len() > MOST {
            return Err(Refusal::new("resource-constraint", format!("{MOST} addresses are the most")));
        }
        site.blocks.add(&site.host, &account, &addresses).map_err(|failure| unsaved(&failure))?;
        Ok((self.pushed(site, id, payload), None))
    }

    fn unblock(&mut self, site: &mut Site, id: SessionId, payload: &Element) -> Answer {
        let addresses = items(payload)?;
        let account = site.sessions.get(id).map(|session| session.account.clone()).unwrap_or_default();
        site.blocks.remove(&site.host, &account, &addresses).map_err(|failure| unsaved(&failure))?;
        Ok((self.pushed(site, id, payload), None))
    }

    /// Tells the person's clients that have asked for the list (XEP-0191 section 3.3).
    fn pushed(&self, site: &Site, id: SessionId, payload: &Element) -> Vec<Effect> {
        let Some(session) = site.sessions.get(id) else { return vec![] };
        let all = site.sessions.of_account(&session.account).filter(|one| self.listening.contains(&one.id));
        let push = |to: &str| {
            let push = Element::new(ns::SERVER, "iq").with("type", "set").with("to", to);
            push.with("id", &format!("push-{}", random_id())).child(payload.clone())
        };
        all.map(|one| Effect::Deliver(one.id, Delivery::new(&push(one.address.as_str())))).collect()
    }

    /// What ends here because somebody wants to hear nothing; none: it goes on.
    pub fn barred(&self, site: &mut Site, parcel: &Parcel) -> Option<Vec<Effect>> {
        if site.blocks.is_empty() {
            return None;
        }
        let to = parcel.to.as_ref()?;
        if let Origin::Session(id) = parcel.origin
            && let Some(session) = site.sessions.get(id)
            && session.address.to_bare() != to.to_bare()
            && site.blocks.has(&session.account, to)
        {
            return own_fault(parcel);
        }
        if to.to_bare() == parcel.from.to_bare() || !blocks(site, to, &parcel.from) {
            return None;
        }
        Some(match (parcel.stanza.name.as_str(), parcel.kind()) {
            // Presence tells nothing, and is not answered.
            ("presence", _) => vec![],
            _ => Effect::send(parcel.error("service-unavailable")),
        })
    }
}

/// Whether that account of ours wants to hear nothing from there.
fn blocks(site: &mut Site, to: &Jid, from: &Jid) -> bool {
    site.serves(to.domain().as_str())
        && site
            .accounts
            .find(&site.host, &to.to_bare())
            .ok()
            .flatten()
            .is_some_and(|account| site.blocks.has(&account.id, from))
}

/// Somebody writes to whom they have blocked (XEP-0191 section 3.4). What only ends something goes on.
fn own_fault(parcel: &Parcel) -> Option<Vec<Effect>> {
    if matches!(parcel.kind(), "unavailable" | "unsubscribe" | "unsubscribed" | "result" | "error") {
        return None;
    }
    let mut answer = parcel.error("not-acceptable");
    if let Some(answer) = &mut answer {
        for child in &mut answer.children {
            if let Node::Element(error) = child
                && error.is(ns::SERVER, "error")
            {
                *error = std::mem::take(error).child(Element::new(BLOCKING_ERRORS, "blocked"));
            }
        }
    }
    Some(Effect::send(answer))
}

/// The messages of a part, and its end.
fn found(site: &Site, id: SessionId, owner: &BareJid, query: &Element) -> Answer {
    let asked = Asked::read(owner, query)?;
    let Some(session) = site.sessions.get(id) else { return Ok((vec![], None)) };
    let found = site.host.chat().search(&asked.search).map_err(|failure| unfound(&failure))?;
    let to = session.address.as_str();
    let results = found.messages.iter().map(|message| asked.result(owner, to, message));
    let effects = results.map(|result| Effect::Deliver(id, Delivery::new(&result))).collect();
    Ok((effects, Some(fin(&found))))
}

fn unfound(failure: &Failure) -> Refusal {
    match failure.code {
        Code::NotFound => Refusal::new("item-not-found", failure.msg.clone()),
        Code::BadRequest => Refusal::new("bad-request", failure.msg.clone()),
        _ => {
            log::warn!("an archive could not be read: {failure}");
            Refusal::new("internal-server-error", "The archive cannot be read just now. Try again later.")
        }
    }
}

fn unsaved(failure: &Failure) -> Refusal {
    log::warn!("a list of blocked addresses could not be kept: {failure}");
    Refusal::new("internal-server-error", "That could not be kept just now. Try again later.")
}

fn item(address: &str) -> Element {
    Element::new(BLOCKING, "item").with("jid", address)
}

/// The addresses that are named, as they are compared.
fn items(payload: &Element) -> Result<Vec<String>, Refusal> {
    let all = payload.elements().filter(|element| element.is(BLOCKING, "item"));
    let wrong = || Refusal::new("jid-malformed", "an address of the list is none");
    let one = |item: &Element| {
        item.attribute("jid").and_then(address::parsed).map(|address| address.to_string()).ok_or_else(wrong)
    };
    all.map(one).collect()
}
