//! The office: its thread, its turns, and who of its parts gets what. It carries out what they decide.

use std::time::{Duration, Instant};

use jackfield_sdk::{Event, Failure, Host, log};
use jid::Jid;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::access::Access;
use super::chat::{Chat, is_about_blocking};
use super::desk::{Call, Desk, Inbox, Keys, SessionId, desk};
use super::effect::Effect;
use super::out::Delivery;
use super::outside::Outside;
use super::parcel::{Origin, Parcel};
use super::roster::Roster;
use super::search::{Search, is_for_directory};
use super::services::Services;
use super::site::Site;
use crate::former::Sweep;
use crate::s2s::stanza::{error, explained, pair};
use crate::s2s::{Pair, address};
use crate::xml::Element;

/// Most calls of one turn.
const TURN: usize = 256;
/// Longest time between two turns, so that parts can see what time it is.
const TICK: Duration = Duration::from_secs(1);
/// Calls of a turn after which the next one waits a moment for more: what comes together shares a trip to the disk, and
/// wakes fewer threads.
const BUSY: usize = 8;
/// That moment, which nobody who reads a chat notices.
const MOMENT: Duration = Duration::from_millis(10);

/// Opens the office on a thread of its own; it closes by the keys.
pub fn open(host: &Host, outside: Outside) -> Result<(Desk, Keys), Failure> {
    let (desk, inbox, keys) = desk();
    let mut office = Office::new(host.clone(), outside);
    office.site.read_domains()?;
    office.chat.begin(&mut office.site)?;
    office.roster.begin(&office.site)?;
    host.spawn("office", move || office.run(inbox))?;
    Ok((desk, keys))
}

/// Everything about our users, on one thread.
struct Office {
    site: Site,
    access: Access,
    roster: Roster,
    chat: Chat,
    services: Services,
    search: Search,
    sweep: Sweep,
    /// Who waits for the turn to be done.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Office {
    fn new(host: Host, outside: Outside) -> Self {
        Self {
            site: Site::new(host, outside),
            access: Access::default(),
            roster: Roster::default(),
            chat: Chat::default(),
            services: Services,
            search: Search::default(),
            sweep: Sweep::default(),
            waiting: Vec::new(),
        }
    }

    fn run(mut self, mut inbox: Inbox) {
        // Waits with an end to them need one; nothing else runs on it.
        let runtime = match Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime,
            Err(error) => return log::error!("the office does not open: {error}"),
        };
        let mut calls = Vec::new();
        let mut is_busy = false;
        while runtime.block_on(gather(&mut inbox, &mut calls, is_busy)) {
            is_busy = calls.len() >= BUSY;
            self.turn(calls.drain(..), Instant::now());
        }
    }

    /// Takes what came in together, and does what follows from it.
    fn turn(&mut self, calls: impl Iterator<Item = Call>, now: Instant) {
        for call in calls {
            // Who gets an answer knows that what it said before has been kept.
            if is_other_stanza(&call) {
                self.settle_chat();
            }
            let effects = self.take(call, now);
            self.perform(effects);
        }
        // First of all: who may not be in gets nothing more.
        let effects = self.access.settle(&self.site);
        self.perform(effects);
        let effects = self.chat.settle(&mut self.site, now);
        self.perform(effects);
        let effects = self.roster.settle(&mut self.site, now);
        self.perform(effects);
        self.sweep.turn(&self.site.host, now);
        for waiting in self.waiting.drain(..) {
            // Who waited may have gone.
            let _ = waiting.send(());
        }
    }

    fn settle_chat(&mut self) {
        let effects = self.chat.flush(&mut self.site);
        self.perform(effects);
    }

    fn take(&mut self, call: Call, now: Instant) -> Vec<Effect> {
        let site = &mut self.site;
        match call {
            Call::Bound(new) => {
                let id = new.id;
                self.access.bound(&new.account);
                site.sessions.insert(new);
                self.roster.bound(site, id)
            }
            Call::Stanza { session, stanza } => self.by_client(session, stanza, now),
            Call::Gone { session } => {
                let Some(gone) = site.sessions.remove(session) else { return vec![] };
                let mut effects = self.roster.gone(site, &gone, now);
                effects.extend(self.chat.gone(site, &gone));
                effects
            }
            Call::Asleep { session } => {
                site.sessions.sleeps(session, true);
                vec![]
            }
            Call::Awake { session } => {
                site.sessions.sleeps(session, false);
                vec![]
            }
            Call::Written { session, ids } => self.chat.written(site, session, ids, now),
            Call::Federated { pair, stanza } => {
                let parcel = Parcel::new(Origin::Partner(pair), stanza);
                parcel.map(|parcel| self.deal_with(parcel, now)).unwrap_or_default()
            }
            Call::Confirmed { ids } => {
                self.chat.confirmed(ids, now);
                vec![]
            }
            Call::Bounced { pair, stanza, id, condition, words } => {
                log::debug!("a stanza from {} to {} did not go: {words}", pair.from, pair.to);
                if stanza.name == "message" {
                    return self.chat.bounced(site, &stanza, id, condition, &words);
                }
                let answer = explained(error(&stanza, condition), &words);
                if stanza.name == "presence" {
                    return self.roster.bounced(site, &pair, &stanza, answer);
                }
                Effect::send(answer)
            }
            Call::DirectoryBound(most) => {
                self.roster.bound_directory(most);
                vec![]
            }
            Call::LinkUp { pair } => self.roster.link(site, &pair, true),
            Call::LinkDown { pair } => self.roster.link(site, &pair, false),
            Call::Event(event) => self.hear(&event),
            Call::Settled(waiting) => {
                self.waiting.push(waiting);
                vec![]
            }
        }
    }

    fn hear(&mut self, event: &Event) -> Vec<Effect> {
        self.site.accounts.hear(event);
        self.access.hear(&self.site, event);
        if event.event == "enterprise.changed"
            && let Err(failure) = self.site.read_domains()
        {
            log::warn!("the enterprises' domains could not be read again: {failure}");
        }
        let mut effects = self.roster.hear(&mut self.site, event);
        effects.extend(self.chat.hear(&mut self.site, event));
        effects
    }

    /// A client says who it is only to be wrong: its address is known (RFC 6120 section 8.1.2.1).
    fn by_client(&mut self, id: SessionId, mut stanza: Element, now: Instant) -> Vec<Effect> {
        let Some(session) = self.site.sessions.get(id) else { return vec![] };
        stanza.set("from", session.address.as_str());
        match Parcel::of(Origin::Session(id), session.address.clone().into(), stanza) {
            Ok(parcel) => self.deal_with(parcel, now),
            Err(stanza) => Effect::send(error(&stanza, "jid-malformed")),
        }
    }

    fn deal_with(&mut self, parcel: Parcel, now: Instant) -> Vec<Effect> {
        let site = &mut self.site;
        if let Some(effects) = self.chat.barred(site, &parcel) {
            return effects;
        }
        if parcel.stanza.name == "message" {
            return self.chat.take(site, parcel);
        }
        match parcel.stanza.name.as_str() {
            "iq" if is_for_directory(site, &parcel) => self.search.take(site, &parcel, now),
            "iq" if self.roster.answers(site, &parcel) => self.roster.query(site, &parcel),
            "iq" => {
                let Some(mut effects) = self.chat.asked(site, &parcel) else {
                    return self.services.take(site, &parcel);
                };
                if let Some(id) = parcel.session().filter(|_| is_about_blocking(&parcel)) {
                    effects.extend(self.roster.blocked(site, id));
                }
                effects
            }
            _ => {
                let mut effects = self.roster.take(site, &parcel, now);
                effects.extend(parcel.session().map(|id| self.chat.present(site, id)).unwrap_or_default());
                effects
            }
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(stanza) => self.send(&stanza),
                Effect::Deliver(id, delivery) => {
                    if let Some(session) = self.site.sessions.get(id) {
                        // One that takes no more is ended by the way to it.
                        let _ = session.out.send(delivery);
                    }
                }
                Effect::End(id, condition, words) => {
                    if let Some(session) = self.site.sessions.get(id) {
                        session.out.end(condition, &words);
                    }
                }
            }
        }
    }

    fn send(&mut self, stanza: &Element) {
        let refused = match stanza.attribute("to").and_then(address::parsed) {
            None => return,
            Some(to) if self.site.serves(to.domain().as_str()) => self.send_home(stanza, &to),
            Some(_) => pair(stanza)
                .ok_or("an address of it is none")
                .map_err(|why| ("remote-server-not-found", why))
                .and_then(|pair: Pair| {
                    let sent = self.site.outside.send(&pair, stanza, None);
                    if sent.is_err() && stanza.name == "presence" {
                        self.roster.missed(&pair);
                    }
                    sent.map_err(|unsent| (unsent.condition, unsent.words))
                }),
        };
        let Err((condition, why)) = refused else { return };
        log::debug!("a stanza was not sent: {why}");
        // A question of ours about a contact's presence, not of the user's: nobody waits for the answer.
        if stanza.name == "presence" && stanza.attribute("type") == Some("probe") {
            return;
        }
        // Only to a client of ours: a partner is never answered for what it did not send.
        if let Some(answer) = explained(error(stanza, condition), why)
            && let Some(to) = answer.attribute("to").and_then(address::parsed)
            && self.site.serves(to.domain().as_str())
        {
            let _ = self.send_home(&answer, &to);
        }
    }

    fn send_home(&self, stanza: &Element, to: &Jid) -> Result<(), (&'static str, &'static str)> {
        let delivery = Delivery::new(stanza);
        match to.try_as_full() {
            Ok(full) => {
                let nobody = ("service-unavailable", "nobody is there");
                let session = self.site.sessions.at(full).ok_or(nobody)?;
                let _ = session.out.send(delivery);
            }
            Err(bare) => {
                for session in self.site.sessions.of(bare) {
                    let _ = session.out.send(delivery.clone());
                }
            }
        }
        Ok(())
    }
}

/// Takes what has come in for a turn, which may be nothing; false: the office closes.
async fn gather(inbox: &mut Inbox, calls: &mut Vec<Call>, is_busy: bool) -> bool {
    if timeout(TICK, inbox.take(calls, TURN)).await == Ok(false) {
        return false;
    }
    if is_busy && !calls.is_empty() && calls.len() < TURN / 2 {
        sleep(MOMENT).await;
        inbox.take_more(calls, TURN);
    }
    true
}

/// A stanza that is no message, so that it is done at once.
fn is_other_stanza(call: &Call) -> bool {
    match call {
        Call::Stanza { stanza, .. } | Call::Federated { stanza, .. } => stanza.name != "message",
        _ => false,
    }
}
