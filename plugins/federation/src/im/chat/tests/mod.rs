//! The part that knows of messages, with a store in memory under it: who gets what, and that nothing is lost.

mod keeping;
mod routing;
mod store;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use jackfield_sdk::bench::{Bench, FakeHost};
use jackfield_sdk::{Config, Failure, Host, Plugin, Routes};
use jid::FullJid;

use super::*;
use crate::im::desk::NewSession;
use crate::im::out::{Delivery, Outs};
use crate::im::outside::Outside;
use crate::xml::parsed;
use store::Store;

const ANN: &str = "ann@home.example";
const BOB: &str = "bob@home.example";
const ZOE: &str = "zoe@far.example";

thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

/// Only there to have a host.
struct Holder;

impl Plugin for Holder {
    const ID: &'static str = "federation";
    const VERSION: &'static str = "1.0.0";
    const OPS: &'static [&'static str] = &[];

    fn start(host: Host, _: Config) -> Result<Self, Failure> {
        HOST.with(|place| *place.borrow_mut() = Some(host));
        Ok(Self)
    }

    fn routes() -> Routes<Self> {
        Routes::new()
    }
}

/// An office with nothing but this part, and what its clients were given.
struct Room {
    chat: Chat,
    site: Site,
    store: Store,
    given: Vec<(SessionId, Delivery)>,
    /// Stanzas that are sent as errors and answers are.
    sent: Vec<Element>,
    now: Instant,
    _bench: Bench,
}

impl Room {
    fn new() -> Self {
        Self::over(Store::default())
    }

    /// With a store that was there before.
    fn over(store: Store) -> Self {
        let bench = store.under(FakeHost::new()).start::<Holder>().unwrap();
        let host = HOST.with(|place| place.borrow_mut().take()).unwrap();
        let mut site = Site::new(host, Outside::default());
        site.read_domains().unwrap();
        let (mut chat, now) = (Chat::default(), Instant::now());
        chat.begin(&mut site).unwrap();
        let mut room = Self { chat, site, store, given: vec![], sent: vec![], now, _bench: bench };
        room.settle();
        room
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Deliver(id, delivery) => self.given.push((id, delivery)),
                Effect::Send(stanza) => self.sent.push(stanza),
                Effect::End(..) => {}
            }
        }
    }

    /// A client that has sent no presence.
    fn bind(&mut self, id: u64, address: &str) -> SessionId {
        let (id, address) = (SessionId(id), FullJid::new(address).unwrap());
        let account = format!("acc-{}", address.node().unwrap());
        let out = Outs::default().open();
        self.site.sessions.insert(NewSession { id, account, password_at: None, address, out });
        id
    }

    /// A client that takes messages.
    fn log_in(&mut self, id: u64, address: &str) -> SessionId {
        let id = self.bind(id, address);
        self.present(id, Some(0));
        id
    }

    fn present(&mut self, id: SessionId, priority: Option<i8>) {
        let presence = priority.map(|priority| {
            let priority = Element::new(ns::SERVER, "priority").text(&priority.to_string());
            Element::new(ns::SERVER, "presence").child(priority)
        });
        self.site.sessions.present(id, presence);
        let effects = self.chat.present(&mut self.site, id);
        self.perform(effects);
    }

    fn log_out(&mut self, id: SessionId) {
        let Some(gone) = self.site.sessions.remove(id) else { return };
        let effects = self.chat.gone(&mut self.site, &gone);
        self.perform(effects);
    }

    /// A client says that.
    fn say(&mut self, id: SessionId, text: &str) {
        let mut stanza = parsed(text).unwrap();
        stanza.set("from", self.site.sessions.get(id).unwrap().address.as_str());
        self.hand_in(Origin::Session(id), stanza);
    }

    /// A partner says that.
    fn hear(&mut self, text: &str) {
        let stanza = parsed(text).unwrap();
        self.hand_in(Origin::Partner(crate::s2s::stanza::pair(&stanza).unwrap()), stanza);
    }

    fn hand_in(&mut self, origin: Origin, stanza: Element) {
        let parcel = Parcel::new(origin, stanza).unwrap();
        let effects = match self.chat.barred(&mut self.site, &parcel) {
            Some(effects) => effects,
            None if parcel.stanza.name == "message" => self.chat.take(&mut self.site, parcel),
            None => self.chat.asked(&mut self.site, &parcel).unwrap_or_default(),
        };
        self.perform(effects);
    }

    fn settle(&mut self) {
        let effects = self.chat.settle(&mut self.site, self.now);
        self.perform(effects);
    }

    fn later(&mut self) {
        self.now += Duration::from_secs(2);
        self.settle();
    }

    /// A client has taken everything that it was given.
    fn written(&mut self, id: SessionId) {
        loop {
            let ids = self.chat.flights.of(id);
            if ids.is_empty() {
                return;
            }
            let effects = self.chat.written(&mut self.site, id, ids, self.now);
            self.perform(effects);
        }
    }

    /// What a client was given since the last time.
    fn taken(&mut self, id: SessionId) -> Vec<String> {
        let (mine, others) = std::mem::take(&mut self.given).into_iter().partition(|(to, _)| *to == id);
        self.given = others;
        let mine: Vec<(SessionId, Delivery)> = mine;
        mine.into_iter().map(|(_, delivery)| delivery.text.to_string()).collect()
    }

    /// Texts of what a client was given.
    fn bodies(&mut self, id: SessionId) -> Vec<String> {
        let body = |text: String| Some(text.split_once("<body>")?.1.split_once("</body>")?.0.to_owned());
        self.taken(id).into_iter().filter_map(body).collect()
    }

    /// The condition and the words of the only error that was sent.
    #[track_caller]
    fn error(&mut self) -> (String, String) {
        assert_eq!(self.sent.len(), 1, "{:?}", self.sent);
        let answer = self.sent.remove(0);
        assert_eq!(answer.attribute("type"), Some("error"));
        let error = answer.find(ns::SERVER, "error").unwrap();
        let words = error.find(ns::STANZA_ERRORS, "text").map(Element::words).unwrap_or_default();
        (error.elements().next().unwrap().name.clone(), words)
    }
}

fn chat(to: &str, body: &str) -> String {
    format!("<message type='chat' id='i1' to='{to}'><body>{body}</body></message>")
}

fn from(sender: &str, to: &str, body: &str) -> String {
    format!("<message type='chat' id='i1' from='{sender}' to='{to}'><body>{body}</body></message>")
}
