//! The loop: waits for sockets and deadlines, and gives each its turn. Leaves out what is done in a turn.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token, Waker};
use rustls::ServerConfig;

use super::caps::{Caps, Origin};
use super::connection::Connection;
use super::deadlines::Deadlines;
use super::entrance::Entrances;
use super::pool::Pool;
use super::{Orders, Plan, lock};
use crate::http::limits::{Limits, Wait};
use crate::http::server::Private;
use crate::http::stats::{Counters, Phase};
use crate::http::tickets::Tickets;

/// The loop turns at least this often, so that a watchdog sees it alive.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
const EVENTS: usize = 512;

/// What an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {
    /// Orders from outside.
    Orders,
    /// A listener, by index.
    Entrance(usize),
    /// A client connection.
    Client(u64),
    /// A private connection.
    Backend(u64),
}

impl Id {
    /// The number by which the poller knows it. Ids are never used twice, so a late event finds nobody.
    pub fn token(self) -> Token {
        let (kind, id) = match self {
            Self::Orders => (0, 0),
            Self::Entrance(index) => (1, index),
            Self::Client(id) => (2, id as usize),
            Self::Backend(id) => (3, id as usize),
        };
        Token(id << 2 | kind)
    }

    fn from_token(token: Token) -> Self {
        let id = token.0 >> 2;
        match token.0 & 3 {
            0 => Self::Orders,
            1 => Self::Entrance(id),
            2 => Self::Client(id as u64),
            _ => Self::Backend(id as u64),
        }
    }
}

/// What a deadline belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// A client connection has waited long enough.
    Client(u64),
    /// A private connection has not given a sign of life.
    Backend(u64),
    /// Accepting may be tried again.
    Accept,
    /// Opening a private connection may be tried again.
    Reopen,
    /// There is news for answers that go on.
    News,
}

/// Everything the loop owns.
#[derive(Debug)]
pub struct Reactor {
    pub(super) poll: Poll,
    pub(super) entrances: Entrances,
    pub(super) clients: HashMap<u64, Box<Connection>>,
    pub(super) pool: Pool,
    pub(super) caps: Caps,
    pub(super) local_caps: Caps,
    pub(super) deadlines: Deadlines<Timer>,
    pub(super) limits: Arc<Limits>,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) body_limit: fn(&str, &str) -> u64,
    pub(super) private: Arc<Private>,
    pub(super) tickets: Arc<Tickets>,
    pub(super) counters: Arc<Counters>,
    pub(super) visit_again: Vec<u64>,
    pub(super) accept_again: Vec<usize>,
    pub(super) stop_by: Option<Instant>,
    pub(super) has_news: Arc<AtomicBool>,
    pub(super) is_news_due: bool,
    /// Answers that go on whose turn is to come; each is in it once.
    pub(super) to_tell: VecDeque<u64>,
    orders: Arc<Mutex<Orders>>,
    last_id: u64,
}

impl Reactor {
    /// A loop ready to run, and the means to wake it.
    pub fn new(
        plan: Plan,
        mut entrances: Entrances,
        orders: Arc<Mutex<Orders>>,
    ) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), Id::Orders.token())?);
        entrances.register(poll.registry())?;
        let reactor = Self {
            poll,
            entrances,
            clients: HashMap::new(),
            pool: Pool::new(plan.workers),
            caps: Caps::default(),
            local_caps: Caps::default(),
            deadlines: Deadlines::new(),
            limits: Arc::new(plan.limits),
            tls: plan.tls,
            body_limit: plan.body_limit,
            private: plan.private,
            tickets: plan.tickets,
            counters: plan.counters,
            visit_again: Vec::new(),
            accept_again: Vec::new(),
            stop_by: None,
            has_news: plan.has_news,
            is_news_due: false,
            to_tell: VecDeque::new(),
            orders,
            last_id: 0,
        };
        Ok((reactor, waker))
    }

    /// Runs until it is told to stop and has stopped.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        self.open_backend();
        while !self.is_finished() {
            match self.poll.poll(&mut events, Some(self.sleep())) {
                Err(cause) if cause.kind() != io::ErrorKind::Interrupted => {
                    log::error!(
                        "the door cannot wait for its sockets: {cause}; it closes, restart the appliance"
                    );
                    return;
                }
                _ => self.turn(&events),
            }
        }
    }

    fn turn(&mut self, events: &Events) {
        self.counters.turned();
        for event in events {
            self.handle(event);
        }
        for id in std::mem::take(&mut self.visit_again) {
            self.visit(id);
        }
        for index in std::mem::take(&mut self.accept_again) {
            self.accept(index);
        }
        self.expire();
        self.tell_some();
        self.dispatch();
    }

    fn handle(&mut self, event: &Event) {
        match Id::from_token(event.token()) {
            Id::Orders => self.obey(),
            Id::Entrance(index) => self.accept(index),
            Id::Client(id) => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.stream.note(event);
                    self.visit(id);
                }
            }
            Id::Backend(id) => self.backend_event(id, event),
        }
    }

    fn sleep(&self) -> Duration {
        if !self.visit_again.is_empty() || !self.accept_again.is_empty() || !self.to_tell.is_empty() {
            return Duration::ZERO;
        }
        let next = [self.deadlines.next(), self.stop_by].into_iter().flatten().min();
        let until = next.map(|when| when.saturating_duration_since(Instant::now()));
        // One millisecond more, because the kernel's clock of whole milliseconds would wake us just before.
        until.map_or(LONGEST_SLEEP, |d| (d + Duration::from_millis(1)).min(LONGEST_SLEEP))
    }

    fn expire(&mut self) {
        let now = Instant::now();
        while let Some(timer) = self.deadlines.take_due(now) {
            match timer {
                Timer::Client(id) => self.client_is_late(id),
                Timer::Backend(id) => self.backend_is_late(id),
                Timer::Accept => self.accept_everywhere(),
                Timer::Reopen => self.open_backend(),
                Timer::News => self.tell_news(),
            }
        }
    }

    fn obey(&mut self) {
        let (limits, stop_by) = {
            let orders = lock(&self.orders);
            (orders.limits.clone(), orders.stop_by)
        };
        self.expect_news();
        if limits != self.limits {
            self.limits = limits;
            self.reschedule();
        }
        if stop_by.is_some() && self.stop_by.is_none() {
            self.stop_by = stop_by;
            self.begin_to_stop();
        }
    }

    fn reschedule(&mut self) {
        for (id, client) in &mut self.clients {
            let (wait, since) = client.settle();
            self.deadlines.set(Timer::Client(*id), since + self.limits.patience(wait));
        }
    }

    fn begin_to_stop(&mut self) {
        self.entrances.close();
        let is_done = |c: &Connection| {
            matches!(c.phase(), Phase::Silent | Phase::Head | Phase::Idle | Phase::Streaming)
        };
        let done: Vec<u64> = self.clients.values().filter(|c| is_done(c)).map(|c| c.id).collect();
        for id in done {
            if let Some(mut connection) = self.clients.remove(&id) {
                let last_words = connection.say_last_news();
                // A TLS end without a farewell looks like an attack (RFC 8446 section 6.1).
                connection.stream.say_goodbye();
                if let Err(cause) = last_words.and_then(|()| connection.send().map(drop)) {
                    log::debug!("a connection ended before the farewell: {cause}");
                }
                self.dismiss(connection);
            }
        }
    }

    fn is_finished(&self) -> bool {
        self.stop_by.is_some_and(|by| self.clients.is_empty() || Instant::now() >= by)
    }

    /// A number never used before in this process.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The caps a connection counts against.
    pub(super) fn caps_of(&mut self, origin: Origin) -> &mut Caps {
        match origin {
            Origin::ThisMachine => &mut self.local_caps,
            Origin::Network(_) => &mut self.caps,
        }
    }

    /// Keeps a connection until its next turn or deadline.
    pub(super) fn keep(&mut self, mut connection: Box<Connection>) {
        let (wait, since) = connection.settle();
        self.deadlines.set(Timer::Client(connection.id), since + self.limits.patience(wait));
        self.clients.insert(connection.id, connection);
    }

    /// Closes a connection and forgets it.
    pub(super) fn dismiss(&mut self, mut connection: Box<Connection>) {
        self.abandon(&mut connection);
        self.deadlines.clear(Timer::Client(connection.id));
        self.caps_of(connection.origin).leave(connection.id, connection.origin);
    }

    fn client_is_late(&mut self, id: u64) {
        let Some(mut connection) = self.clients.remove(&id) else { return };
        let (wait, _) = connection.settle();
        if wait == Wait::News {
            return self.beat(connection);
        }
        if wait != Wait::Farewell {
            self.counters.timed_out(wait);
        }
        match self.give_up(&mut connection, wait).and_then(|()| self.advance(&mut connection)) {
            Ok(()) => self.keep(connection),
            Err(_) => self.dismiss(connection),
        }
    }
}
