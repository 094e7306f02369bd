//! One client connection: what it has sent, what it shall get, what it is doing and since when. Leaves out
//! the decisions, which `visit` and `relay` make.

use std::sync::Arc;
use std::time::Instant;

use super::answer::{Asked, Length};
use super::buffer::Buffer;
use super::caps::Origin;
use super::head::Scan;
use super::pool::Lane;
use super::stream::Stream;
use crate::http::limits::Wait;
use crate::http::message::{Client, Feed};
use crate::http::stats::{Counters, Phase};

/// Most bytes kept for a client in each direction.
pub const KEPT: usize = 64 * 1024;

/// One request on its way.
#[derive(Debug)]
pub struct Exchange {
    /// Canonical head without its closing empty line.
    pub canonical: Vec<u8>,
    /// Declared body length in bytes.
    pub declared: u64,
    /// Body bytes not yet passed to the worker.
    pub body_left: u64,
    /// The client waits for `100 Continue`.
    pub wants_continue: bool,
    /// The client understands interim answers.
    pub understands_interim: bool,
    /// What the framing of the answer depends on.
    pub asked: Asked,
    /// Which queue it belongs to.
    pub lane: Lane,
    /// The private connection and the ticket on it, once joined.
    pub joined: Option<Joined>,
    /// How far the answer is.
    pub answer: Progress,
}

/// The private connection a request travels on.
#[derive(Debug, Clone, Copy)]
pub struct Joined {
    /// Id of the private connection.
    pub backend: u64,
    /// Its ticket.
    pub ticket: u64,
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Its head has not arrived.
    Head,
    /// That much body is still to come.
    Body(Length),
}

/// One client connection.
#[derive(Debug)]
pub struct Connection {
    /// Rises from connection to connection.
    pub id: u64,
    /// The bytes' way in and out.
    pub stream: Stream,
    /// Who it is.
    pub client: Client,
    /// How it is counted.
    pub origin: Origin,
    /// Received and not yet passed on.
    pub inbox: Buffer,
    /// To be sent.
    pub outbox: Buffer,
    /// Search for the end of the head.
    pub scan: Scan,
    /// The request on its way, if there is one.
    pub exchange: Option<Exchange>,
    /// The rest of an answer that goes on.
    pub feed: Option<Box<dyn Feed>>,
    /// Its turn to be told news is to come.
    pub awaits_news: bool,
    /// The connection ends after what is being sent.
    pub last: bool,
    /// Bytes thrown away, after the farewell or while an answer goes on.
    pub drained: usize,
    /// The farewell has been said.
    pub has_said_goodbye: bool,
    phase: Phase,
    wait: Wait,
    since: Instant,
    taken: usize,
    counters: Arc<Counters>,
}

impl Connection {
    /// A connection that has just been accepted and is in `phase`.
    pub fn new(
        id: u64,
        stream: Stream,
        client: Client,
        origin: Origin,
        phase: Phase,
        counters: Arc<Counters>,
    ) -> Self {
        counters.enter(phase);
        Self {
            id,
            stream,
            client,
            origin,
            inbox: Buffer::default(),
            outbox: Buffer::default(),
            scan: Scan::default(),
            exchange: None,
            feed: None,
            awaits_news: false,
            last: false,
            drained: 0,
            has_said_goodbye: false,
            phase,
            wait: Wait::Head,
            since: Instant::now(),
            taken: 0,
            counters,
        }
    }

    /// What it is doing.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Goes on to the next phase.
    pub fn enter(&mut self, phase: Phase) {
        self.counters.leave(self.phase);
        self.counters.enter(phase);
        self.phase = phase;
    }

    /// Whether everything for the client has reached the kernel.
    pub fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && self.stream.is_flushed()
    }

    /// Takes in what the client sent, as far as this phase wants it.
    pub fn receive(&mut self) -> std::io::Result<bool> {
        match self.phase {
            Phase::Silent | Phase::Flushing | Phase::Closing => Ok(false),
            _ => self.stream.receive(&mut self.inbox, KEPT),
        }
    }

    /// Sends what the client takes; a full window's worth taken starts its time anew.
    pub fn send(&mut self) -> std::io::Result<bool> {
        let count = self.stream.send(&mut self.outbox)?;
        self.taken += count;
        if self.wait == Wait::Client && self.taken >= KEPT {
            self.taken = 0;
            self.since = Instant::now();
        }
        Ok(count > 0)
    }

    /// The worker has sent something: its time starts anew.
    pub fn worker_moved(&mut self) {
        if self.wait == Wait::Answer {
            self.since = Instant::now();
        }
    }

    /// It has been told something: the silence begins anew.
    pub fn was_told(&mut self) {
        if self.wait == Wait::News {
            self.since = Instant::now();
        }
    }

    /// What it waits for now and since when; called after each visit.
    pub fn settle(&mut self) -> (Wait, Instant) {
        let wait = self.current_wait();
        if wait != self.wait {
            self.wait = wait;
            self.since = Instant::now();
            self.taken = 0;
        }
        (self.wait, self.since)
    }

    fn current_wait(&self) -> Wait {
        let is_answering =
            matches!(self.phase, Phase::Collecting | Phase::Serving | Phase::Flushing | Phase::Streaming);
        if is_answering && !self.is_flushed() {
            return Wait::Client;
        }
        match (self.phase, &self.exchange) {
            (Phase::Silent | Phase::Head, _) => Wait::Head,
            (Phase::Collecting, Some(x)) => Wait::Body(x.declared),
            (Phase::Serving, Some(x)) if x.body_left > 0 => Wait::Body(x.declared),
            (Phase::Waiting, _) => Wait::Worker,
            (Phase::Idle, _) => Wait::Idle,
            (Phase::Streaming, _) => Wait::News,
            (Phase::Closing | Phase::Draining, _) => Wait::Farewell,
            _ => Wait::Answer,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.counters.leave(self.phase);
    }
}
