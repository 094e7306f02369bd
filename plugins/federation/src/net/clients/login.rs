//! A connection on its way in: TLS, proof of a password, and a session of its own or one that goes on.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jackfield_sdk::log;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::Shared;
use super::handover::Handover;
use super::registry::At;
use super::session::{Line, Stream};
use crate::c2s::{Ask, Binding, Login, Out, Wish};
use crate::net::door::Guest;
use crate::net::wire::{Input, Wire};
use crate::s2s::Condition;
use crate::xml::{AFTER, BEFORE, Broken, Element, Piece, ns};

/// Longest way in.
const NEGOTIATE: Duration = Duration::from_secs(60);
/// Longest wait for the client to take what is sent.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// Time for the client to close its side.
const FAREWELL: Duration = Duration::from_secs(2);

/// One connection before its login is over.
pub struct Entrance {
    shared: Arc<Shared>,
    wire: Wire,
    guest: Guest,
    client: SocketAddr,
    login: Login,
    /// The login that is being tried, as its attempts are counted.
    tried: String,
}

/// How it goes on.
enum Way {
    /// The next piece.
    On,
    /// It is over.
    Over,
    /// A resource is wanted.
    Bind(Wish),
    /// Another session takes the connection over.
    Resume(Arc<Handover>, u32),
}

impl Entrance {
    /// Before anything came.
    pub fn new(shared: Arc<Shared>, socket: TcpStream, client: SocketAddr, guest: Guest) -> Self {
        let login = Login::new(Arc::clone(&shared.rules));
        Self { shared, wire: Wire::new(socket, BEFORE), guest, client, login, tried: String::new() }
    }

    /// All the way; none: it has no session of its own.
    pub async fn go(mut self, is_direct: bool) -> Option<Box<Stream>> {
        let deadline = Instant::now() + NEGOTIATE;
        let mut outs = Vec::new();
        let mut begins_tls = is_direct;
        loop {
            let shared = Arc::clone(&self.shared);
            let way = tokio::select! {
                way = timeout_at(deadline, self.way(std::mem::take(&mut begins_tls), outs)) => match way {
                    Ok(way) => way,
                    Err(_) => self.end(Condition::ConnectionTimeout, "the sign-in took too long").await,
                },
                () = shared.stopped() => self.end(Condition::SystemShutdown, "").await,
            };
            match way {
                Way::On => outs = vec![],
                Way::Over => {
                    farewell(self.wire).await;
                    return None;
                }
                Way::Resume(handover, h) => {
                    handover.put(self.into_line()?, h);
                    return None;
                }
                Way::Bind(wish) => match self.bind(&wish) {
                    Ok(bound) => return Some(bound(self)),
                    Err(condition) => outs = self.login.not_bound(&wish, condition),
                },
            }
        }
    }

    fn at(&self) -> Option<At> {
        let mechanism = self.login.who()?.mechanism;
        Some(At { tls: self.wire.tls_version()?, mechanism, client: self.client })
    }

    fn into_line(self) -> Option<Box<Line>> {
        let at = self.at()?;
        Some(Box::new(Line { wire: self.wire, _guest: self.guest, at }))
    }

    /// Does that, and then reads on until something more is wanted.
    async fn way(&mut self, begins_tls: bool, outs: Vec<Out>) -> Way {
        if begins_tls && !self.begin_tls().await {
            return Way::Over;
        }
        let mut outs = outs;
        loop {
            match self.perform(outs).await {
                Way::On => {}
                other => return other,
            }
            outs = match self.wire.next().await {
                Input::Piece(Piece::Open { root, default_ns }) => self.login.opened(&root, &default_ns),
                Input::Piece(Piece::Child(element)) => self.heard(&element),
                Input::Piece(Piece::Close) | Input::Gone(_) => self.login.closed(),
                Input::Broken(Broken::Malformed(why)) => self.login.end(Condition::NotWellFormed, &why),
                Input::Broken(Broken::Restricted(why)) => self.login.end(Condition::RestrictedXml, &why),
                Input::Broken(Broken::TooMuch(why)) => self.login.end(Condition::PolicyViolation, &why),
            };
        }
    }

    async fn end(&mut self, condition: Condition, words: &str) -> Way {
        let outs = self.login.end(condition, words);
        self.perform(outs).await;
        Way::Over
    }

    async fn perform(&mut self, outs: Vec<Out>) -> Way {
        let mut outs = VecDeque::from(outs);
        while let Some(out) = outs.pop_front() {
            match out {
                Out::Send(text) => {
                    if !matches!(timeout(TAKEN_WITHIN, self.wire.send(&text)).await, Ok(Ok(()))) {
                        return Way::Over;
                    }
                }
                Out::StartTls => {
                    // What came in clear behind the word for it would be taken for something said inside TLS.
                    if !self.wire.is_drained() || !self.begin_tls().await {
                        return Way::Over;
                    }
                }
                Out::Restart => {
                    self.shared.attempts.right(&self.tried, self.client.ip());
                    self.guest.become_known();
                    self.wire.limit(AFTER);
                    self.wire.restart();
                }
                Out::Ask(ask) => outs.extend(self.ask(ask).await),
                Out::Failed { login, is_uncounted } => self.wrong(&login, is_uncounted),
                Out::Bind(wish) => return Way::Bind(wish),
                Out::Resume { id, h } => {
                    let who = self.login.who();
                    match who.and_then(|who| self.shared.registry.handover(&id, &who.address)) {
                        Some(handover) => return Way::Resume(handover, h),
                        None => outs.extend(self.login.not_resumed()),
                    }
                }
                Out::Close => return Way::Over,
            }
        }
        Way::On
    }

    fn heard(&mut self, element: &Element) -> Vec<Out> {
        // Others may have been wrong since the keys were asked for.
        let is_proof = element.is(ns::SASL, "response");
        self.turned_away().filter(|_| is_proof).unwrap_or_else(|| self.login.element(element))
    }

    async fn ask(&mut self, ask: Ask) -> Vec<Out> {
        let (Ask::Keys { login, domain, .. } | Ask::Check { login, domain, .. }) = &ask;
        self.tried = format!("{login}@{domain}").to_lowercase();
        if let Some(outs) = self.turned_away() {
            return outs;
        }
        let told = self.shared.keys.ask(ask).await;
        self.login.told(told)
    }

    /// What is said while what is tried here must wait.
    fn turned_away(&mut self) -> Option<Vec<Out>> {
        let wait =
            self.shared.attempts.must_wait(&self.tried, self.client.ip(), Instant::now().into_std())?;
        let (of, seconds) = (wait.of, wait.left.as_secs() + 1);
        Some(
            self.login.turned_away(&format!("too many wrong passwords {of}; try again in {seconds} seconds")),
        )
    }

    fn wrong(&self, login: &str, is_uncounted: bool) {
        let ip = self.client.ip();
        self.shared.attempts.wrong(&self.tried, ip, Instant::now().into_std());
        log::info!("a sign-in from {ip} failed");
        if let (true, Some(domain)) = (is_uncounted, self.login.domain()) {
            self.shared.keys.wrong(login, domain);
        }
    }

    async fn begin_tls(&mut self) -> bool {
        let tls = self.shared.present.get().tls.clone();
        if self.wire.accept_tls(&tls.clients).await.is_err() {
            return false;
        }
        let exporter = self.wire.exporter().map(|data| Binding { kind: "tls-exporter", data: data.to_vec() });
        let end_point =
            tls.end_point(self.wire.asked_for()).map(|data| Binding { kind: "tls-server-end-point", data });
        self.login.secured(exporter.into_iter().chain(end_point).collect());
        true
    }

    /// Binds a resource; what is given makes the session's stream of the connection.
    fn bind(&mut self, wish: &Wish) -> Result<impl FnOnce(Self) -> Box<Stream> + use<>, &'static str> {
        let (Some(who), Some(at)) = (self.login.who().cloned(), self.at()) else {
            return Err("not-authorized");
        };
        let out = self.shared.outs.open();
        let bound = self.shared.registry.bind(
            &who.account.id,
            &who.address,
            wish.resource.as_deref(),
            out.clone(),
            at,
        );
        let (id, address) = bound?;
        let greeting = self.login.bound(wish, address.as_str());
        Ok(move |this: Self| {
            let line = Box::new(Line { wire: this.wire, _guest: this.guest, at });
            Box::new(Stream::new(this.shared, line, who.account, (id, address), out, greeting))
        })
    }
}

/// Ends our side, and gives the client a moment for its own.
pub async fn farewell(mut wire: Wire) {
    let parting = async {
        wire.finish().await;
        while let Input::Piece(Piece::Child(_)) = wire.next().await {}
    };
    let _ = timeout(FAREWELL, parting).await;
}
