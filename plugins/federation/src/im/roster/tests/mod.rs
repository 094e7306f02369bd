//! The part as a whole, on the appliance's real storage: what clients and partners say, and everything that follows from
//! it, as text. Sockets and streams are left out.

mod moving;
mod photos;
mod presence;
mod rosters;
mod subscribing;
mod watching;

use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use jackfield_sdk::{Config, Event, Failure, Host, Plugin};
use jid::FullJid;

use super::*;
use crate::im::desk::NewSession;
use crate::im::out::Outs;
use crate::im::outside::Outside;
use crate::s2s::Pair;
use crate::xml::{parsed, written};

const MANIFEST: &str = include_str!("../../../../plugin.toml");

/// A plugin that only gives its host away.
pub struct Witness;

static HOSTS: Mutex<Option<mpsc::Sender<Host>>> = Mutex::new(None);

impl Plugin for Witness {
    const ID: &'static str = "federation";
    const VERSION: &'static str = "1.0.0";
    const OPS: &'static [&'static str] = &[];

    fn start(host: Host, _: Config) -> Result<Self, Failure> {
        HOSTS.lock().unwrap().take().unwrap().send(host).unwrap();
        Ok(Self)
    }
}

/// An appliance with users of home.example who log in.
pub struct World {
    pub appliance: jackfield_bench::Appliance<Witness>,
    pub site: Site,
    pub roster: Roster,
    pub now: Instant,
    sessions: u64,
}

impl World {
    /// With accounts a-NAME of those logins.
    pub fn new(logins: &[&str]) -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let (appliance, host) = {
            let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let (give, taken) = mpsc::channel();
            *HOSTS.lock().unwrap() = Some(give);
            let appliance = jackfield_bench::Appliance::<Witness>::new(MANIFEST);
            (appliance, taken.recv().unwrap())
        };
        for login in logins {
            appliance.account([&format!("a-{login}"), login], [login, "Test"], "", true);
        }
        let mut site = Site::new(host, Outside::default());
        site.read_domains().unwrap();
        Self { appliance, site, roster: Roster::default(), now: Instant::now(), sessions: 0 }
    }

    /// Logs somebody in.
    pub fn login(&mut self, login: &str, resource: &str) -> SessionId {
        self.sessions += 1;
        let address = FullJid::new(&format!("{login}@home.example/{resource}")).unwrap();
        let id = SessionId(self.sessions);
        let account = format!("a-{login}");
        let new = NewSession { id, account, address, out: Outs::default().open(), password_at: None };
        self.site.sessions.insert(new);
        id
    }

    /// Logs somebody in who asks for the roster and is available.
    pub fn arrive(&mut self, login: &str, resource: &str) -> SessionId {
        let id = self.login(login, resource);
        self.client(id, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
        self.client(id, "<presence/>");
        id
    }

    /// A client says something; everything that follows until the turn is settled.
    pub fn client(&mut self, id: SessionId, text: &str) -> String {
        let mut stanza = parsed(text).unwrap();
        stanza.set("from", &self.site.sessions.get(id).unwrap().address.to_string());
        self.deal(Parcel::new(Origin::Session(id), stanza).unwrap())
    }

    /// A partner says something.
    pub fn partner(&mut self, text: &str) -> String {
        let pair = Pair { from: "far.example".to_owned(), to: "home.example".to_owned() };
        self.deal(Parcel::new(Origin::Partner(pair), parsed(text).unwrap()).unwrap())
    }

    fn deal(&mut self, parcel: Parcel) -> String {
        let effects = match parcel.stanza.name.as_str() {
            "iq" if self.roster.answers(&self.site, &parcel) => self.roster.query(&mut self.site, &parcel),
            "iq" => panic!("{parcel:?} is not for this part"),
            _ => self.roster.take(&mut self.site, &parcel, self.now),
        };
        self.text(effects) + &self.settle()
    }

    /// Something happens in the appliance.
    pub fn event(&mut self, name: &str, object: &str) -> String {
        let event = Event { event: name.to_owned(), object: object.to_owned() };
        self.site.accounts.hear(&event);
        let effects = self.roster.hear(&mut self.site, &event);
        self.text(effects) + &self.settle()
    }

    /// The end of a turn.
    pub fn settle(&mut self) -> String {
        let effects = self.roster.settle(&mut self.site, self.now);
        self.text(effects)
    }

    /// So much later.
    pub fn later(&mut self, seconds: u64) -> String {
        self.now += Duration::from_secs(seconds);
        self.settle()
    }

    /// Somebody logs out without a word.
    pub fn vanish(&mut self, id: SessionId) -> String {
        let gone = self.site.sessions.remove(id).unwrap();
        let effects = self.roster.gone(&mut self.site, &gone, self.now);
        self.text(effects) + &self.settle()
    }

    /// The link to far.example.
    pub fn link(&mut self, is_up: bool) -> String {
        let pair = Pair { from: "home.example".to_owned(), to: "far.example".to_owned() };
        let effects = self.roster.link(&mut self.site, &pair, is_up);
        self.text(effects) + &self.settle()
    }

    /// One line for each effect: `> stanza` for what is sent, `N: stanza` for what session N gets.
    #[allow(clippy::needless_pass_by_value, reason = "effects are used up")]
    pub fn text(&self, effects: Vec<Effect>) -> String {
        let line = |effect: &Effect| match effect {
            Effect::Send(stanza) => format!("> {}\n", written(stanza)),
            Effect::Deliver(id, delivery) => format!("{id}: {}\n", delivery.text),
            Effect::End(id, ..) => format!("{id} ends\n"),
        };
        effects.iter().map(line).collect()
    }
}

/// A presence stanza.
pub fn presence(kind: &str, from: &str, to: &str) -> String {
    format!("<presence type='{kind}' from='{from}' to='{to}'/>")
}

/// Lines of a text that have all these words.
pub fn lines<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    text.lines().filter(|line| words.iter().all(|word| line.contains(word))).collect()
}

/// Holds that there is exactly one such line.
#[track_caller]
pub fn one<'a>(text: &'a str, words: &[&str]) -> &'a str {
    let found = lines(text, words);
    assert_eq!(found.len(), 1, "{words:?} in:\n{text}");
    found[0]
}

/// Holds that there is no such line.
#[track_caller]
pub fn none(text: &str, words: &[&str]) {
    assert_eq!(lines(text, words), Vec::<&str>::new(), "{words:?} in:\n{text}");
}
