//! Streams that others begin: one task for each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jackfield_sdk::log;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::board::Direction;
use super::door::{Caps, Door, Guest};
use super::hub::Hub;
use super::known::Present;
use super::random;
use super::tls::seen;
use super::wire::{Input, Wire};
use crate::im::Call;
use crate::s2s::{Condition, Judge, Out, Pair, Question, Responder, Rules, Verified};
use crate::xml::{AFTER, BEFORE, Broken, Piece};

/// Most connections.
pub const CAPS: Caps = Caps { of_address: 16, strangers: 256, all: 2000 };
/// Longest way to a proof.
const NEGOTIATE: Duration = Duration::from_secs(30);
/// Silence after which a stream is given up.
const SILENCE: Duration = Duration::from_secs(2 * 3600);
/// Longest wait for the peer to take what is sent.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// Time for the peer to close its side.
const FAREWELL: Duration = Duration::from_secs(2);
/// Pause after the system gave no connection, for want of descriptors mostly.
const BREATHER: Duration = Duration::from_millis(200);

/// Takes connections until everything ends.
pub async fn listen(hub: Arc<Hub>, listener: TcpListener, is_direct: bool, door: Arc<Door>) {
    loop {
        let accepted = tokio::select! {
            () = hub.stopped() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((socket, from)) = accepted else {
            sleep(BREATHER).await;
            continue;
        };
        let (Some(guest), Some(life)) = (door.enter(from.ip()), hub.life()) else { continue };
        tokio::spawn(Stream::new(&hub, socket, from, guest).run(is_direct, life));
    }
}

/// A question about a key, and what came of it.
type Answered = (Question, Verified);

/// One inbound stream.
struct Stream {
    hub: Arc<Hub>,
    wire: Wire,
    machine: Responder<Present>,
    address: SocketAddr,
    guest: Guest,
    changed: watch::Receiver<u64>,
    answers: (mpsc::Sender<Answered>, mpsc::Receiver<Answered>),
    deadline: Instant,
    last_words: String,
}

impl Stream {
    fn new(hub: &Arc<Hub>, socket: TcpStream, address: SocketAddr, guest: Guest) -> Self {
        Self {
            wire: Wire::new(socket, BEFORE),
            machine: Responder::new(hub.present.clone(), Arc::clone(&hub.secret), random::id),
            hub: Arc::clone(hub),
            address,
            guest,
            changed: hub.changed.clone(),
            answers: mpsc::channel(8),
            deadline: Instant::now() + NEGOTIATE,
            last_words: String::new(),
        }
    }

    async fn run(mut self, is_direct: bool, _life: mpsc::Sender<()>) {
        if !is_direct || self.begin_tls().await {
            while !self.turn().await {}
        }
        let farewell = async {
            self.wire.finish().await;
            while let Input::Piece(Piece::Child(_)) = self.wire.next().await {}
        };
        let _ = timeout(FAREWELL, farewell).await;
        for pair in self.machine.verified() {
            self.hub.board.note(Direction::In, pair, |link| {
                link.closed();
                if !self.last_words.is_empty() {
                    link.failed(&self.last_words);
                }
            });
        }
        self.tell_refused();
    }

    /// Somebody who says that it is a partner was not let in: the reason is what its row needs.
    fn tell_refused(&self) {
        let (true, Some(from), Some(to)) =
            (self.machine.verified().is_empty(), self.machine.peer(), self.machine.own())
        else {
            return;
        };
        if self.last_words.is_empty() {
            return;
        }
        let (pair, words) = (Pair { from: from.to_owned(), to: to.to_owned() }, &self.last_words);
        log::warn!("a connection from {} that says it is {from} was refused: {words}", self.address);
        self.hub.board.note(Direction::In, &pair, |link| {
            link.address = self.address.to_string();
            link.certificate = self.wire.chain().first().and_then(|leaf| seen(leaf));
            link.failed(words);
        });
    }

    /// Waits for one thing and does what it asks for; whether the stream is over.
    async fn turn(&mut self) -> bool {
        let outs = tokio::select! {
            input = self.wire.next() => {
                if !self.guest.is_stranger() {
                    self.deadline = Instant::now() + SILENCE;
                }
                self.heard(input)
            }
            Some((question, verified)) = self.answers.1.recv() => self.machine.answered(&question, &verified),
            () = sleep_until(self.deadline) => {
                self.end(Condition::ConnectionTimeout, "nothing came for too long")
            }
            () = self.hub.stopped() => self.machine.end(Condition::SystemShutdown, ""),
            _ = self.changed.changed() => self.still_allowed(),
        };
        self.perform(outs).await
    }

    fn end(&mut self, condition: Condition, words: &str) -> Vec<Out> {
        self.last_words = format!("{words} ({condition})");
        self.machine.end(condition, words)
    }

    fn heard(&mut self, input: Input) -> Vec<Out> {
        match input {
            Input::Piece(Piece::Open { root, default_ns }) => self.machine.opened(&root, &default_ns),
            Input::Piece(Piece::Child(element)) => self.machine.element(element),
            Input::Piece(Piece::Close) | Input::Gone(None) => self.machine.closed(),
            Input::Broken(Broken::Malformed(why)) => self.end(Condition::NotWellFormed, &why),
            Input::Broken(Broken::Restricted(why)) => self.end(Condition::RestrictedXml, &why),
            Input::Broken(Broken::TooMuch(why)) => self.end(Condition::PolicyViolation, &why),
            Input::Gone(Some(error)) => {
                self.last_words = format!("the connection broke: {error}");
                self.machine.closed()
            }
        }
    }

    /// Rows and enterprises may have gone, and certificates need no longer be trusted.
    fn still_allowed(&mut self) -> Vec<Out> {
        let present = &self.hub.present;
        let gone = |pair: &&Pair| present.partner(&pair.from).is_none() || !present.serves(&pair.to);
        if self.machine.verified().iter().any(|pair| gone(&pair)) {
            return self
                .machine
                .end(Condition::PolicyViolation, "this domain is not federated here any more");
        }
        vec![]
    }

    async fn perform(&mut self, outs: Vec<Out>) -> bool {
        for out in outs {
            match out {
                Out::Send(text) => {
                    self.remember(&text);
                    if !matches!(timeout(TAKEN_WITHIN, self.wire.send(&text)).await, Ok(Ok(()))) {
                        return true;
                    }
                }
                Out::StartTls if !self.wire.is_drained() => return true,
                Out::StartTls => {
                    if !self.begin_tls().await {
                        return true;
                    }
                }
                Out::Restart => self.wire.restart(),
                Out::Verify(question) => self.ask(question),
                Out::Ready(pair) => self.ready(&pair),
                Out::Stanza(pair, stanza) => self.pass_on(pair, stanza).await,
                Out::Answer(_) => {}
                Out::Close => return true,
            }
        }
        false
    }

    /// Words of a stream error that we send are what is told of the link.
    fn remember(&mut self, text: &str) {
        let Some((_, error)) = text.split_once("<stream:error><") else { return };
        let condition = error.split([' ', '/']).next().unwrap_or_default();
        if condition != Condition::SystemShutdown.word() && self.last_words.is_empty() {
            let words = error.split_once("<text").and_then(|(_, rest)| rest.split_once('>'));
            let words =
                words.and_then(|(_, rest)| rest.split_once('<')).map(|(words, _)| words).unwrap_or_default();
            self.last_words = format!("{} ({condition})", words.replace("&apos;", "'"));
        }
    }

    async fn begin_tls(&mut self) -> bool {
        let acceptor = self.hub.present.get().tls.acceptor(self.machine.own()).clone();
        match timeout(NEGOTIATE, self.wire.accept_tls(&acceptor)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.last_words = format!("TLS does not begin: {error}");
                return false;
            }
            Err(_) => return false,
        }
        let (chain, present) = (self.wire.chain(), self.hub.present.clone());
        let judge: Judge = Box::new(move |domain| {
            let known = present.get();
            let tls_name = known.partner(domain).and_then(|partner| partner.tls_name);
            let names: Vec<&str> = std::iter::once(domain).chain(tls_name.as_deref()).collect();
            known.tls.judge(&chain, &names)
        });
        self.machine.secured(judge);
        true
    }

    fn ask(&self, question: Question) {
        let (hub, answers, life) = (Arc::clone(&self.hub), self.answers.0.clone(), self.hub.life());
        tokio::spawn(async move {
            let verified = hub.ask(question.clone()).await;
            // The stream may have gone meanwhile.
            let _ = answers.send((question, verified)).await;
            drop(life);
        });
    }

    fn ready(&mut self, pair: &Pair) {
        self.wire.limit(AFTER);
        self.guest.become_known();
        self.deadline = Instant::now() + SILENCE;
        let by = if self.machine.has_external() { "external" } else { "dialback" };
        log::info!("{} sends to {} now, known by {by}", pair.from, pair.to);
        let chain = self.wire.chain();
        let tls_name = self.hub.present.get().partner(&pair.from).and_then(|partner| partner.tls_name);
        let expected: Vec<String> = std::iter::once(pair.from.clone()).chain(tls_name).collect();
        let names: Vec<&str> = expected.iter().map(String::as_str).collect();
        let fault = self
            .wire
            .tls()
            .map(|_| self.hub.present.get().tls.judge(&chain, &names).err().unwrap_or_default());
        self.hub.board.note(Direction::In, pair, |link| {
            link.opened();
            link.tls = self.wire.tls();
            link.certificate = chain.first().and_then(|leaf| seen(leaf));
            link.certificate_fault = fault.unwrap_or_default();
            link.authenticated_by = Some(by);
            link.address = self.address.to_string();
            link.expected.clone_from(&expected);
        });
    }

    /// Stanzas of a stream are handed in one after the other (RFC 6120 section 10.1). While there is no room nothing more
    /// is read, so the peer waits.
    async fn pass_on(&self, pair: Pair, stanza: crate::xml::Element) {
        tokio::select! {
            () = self.hub.desk.hand(Call::Federated { pair, stanza }) => {}
            () = self.hub.stopped() => {}
        }
    }
}
