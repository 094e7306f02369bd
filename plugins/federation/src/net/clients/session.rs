//! A client that is in: what it sends goes to the office, what the office has for it goes out. When its connection breaks,
//! a session that can be resumed waits for another one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jackfield_sdk::log;
use jid::FullJid;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Shared;
use super::handover::Handover;
use super::login::{Entrance, farewell};
use super::registry::At;
use crate::c2s::{Account, Act, Session};
use crate::im::{Call, End, NewSession, Next, Out, SessionId};
use crate::net::door::Guest;
use crate::net::random;
use crate::net::wire::{Input, Wire};
use crate::s2s::Condition;
use crate::xml::{Broken, Piece};

/// Longest wait for the client to take what is sent.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// Takes a connection from its beginning to the end of its session. `_life` says that it runs.
pub async fn run(
    shared: Arc<Shared>,
    socket: TcpStream,
    client: SocketAddr,
    guest: Guest,
    is_direct: bool,
    _life: mpsc::Sender<()>,
) {
    // Boxed, so that what only a login needs is given back when it is over.
    let entered = Box::pin(Entrance::new(shared, socket, client, guest).go(is_direct)).await;
    if let Some(stream) = entered {
        stream.run().await;
    }
}

/// A connection that a session has.
pub struct Line {
    /// The stream.
    pub wire: Wire,
    /// Its place among those who are in.
    pub _guest: Guest,
    /// How it is connected.
    pub at: At,
}

/// How a connection's part of a session ends.
enum Ended {
    /// With the session.
    Over,
    /// The connection is broken.
    Broken,
}

/// What happens to a session.
enum Event {
    Heard(Input),
    Out(Next),
    Taken(Box<Line>, u32),
    Silence,
    Stopped,
}

/// One session.
pub struct Stream {
    shared: Arc<Shared>,
    line: Option<Box<Line>>,
    session: Session,
    new: Option<NewSession>,
    greeting: String,
    id: SessionId,
    address: FullJid,
    out: Out,
    handover: Arc<Handover>,
    /// The name by which it can be resumed.
    name: Option<String>,
    stop: watch::Receiver<bool>,
}

impl Stream {
    /// A session that was just bound; `greeting` says so to its client.
    pub fn new(
        shared: Arc<Shared>,
        line: Box<Line>,
        account: Account,
        (id, address): (SessionId, FullJid),
        out: Out,
        greeting: String,
    ) -> Self {
        let Account { id: account, password_at } = account;
        let new = NewSession { id, account, password_at, address: address.clone(), out: out.clone() };
        let stop = shared.stop.clone();
        let session = Session::new(shared.present.get().waits.resume);
        Self {
            shared,
            line: Some(line),
            session,
            new: Some(new),
            greeting,
            id,
            address,
            out,
            handover: Arc::default(),
            name: None,
            stop,
        }
    }

    /// Until it is over for good.
    pub async fn run(mut self: Box<Self>) {
        if let Some(new) = self.new.take() {
            self.shared.desk.hand(Call::Bound(new)).await;
        }
        let mut acts = vec![Act::Send(std::mem::take(&mut self.greeting))];
        while let Ended::Broken = self.connected(acts).await {
            // Boxed, as all that is rare: with thousands of clients the room of what waits mostly is what counts.
            let Some((line, h)) = Box::pin(self.asleep()).await else { break };
            self.shared.registry.awake(self.id, line.at);
            self.line = Some(line);
            self.shared.desk.hand(Call::Awake { session: self.id }).await;
            acts = Box::pin(self.resumed(h)).await;
        }
        self.shared.registry.remove(self.id, self.name.as_deref());
        self.shared.desk.hand(Call::Gone { session: self.id }).await;
        if let Some(line) = self.line.take() {
            Box::pin(farewell(line.wire)).await;
        }
    }

    /// Waits for another connection; none: nothing came of it.
    async fn asleep(&mut self) -> Option<(Box<Line>, u32)> {
        self.line = None;
        let within = self.session.resume_within()?;
        self.shared.registry.asleep(self.id, within);
        self.shared.desk.hand(Call::Asleep { session: self.id }).await;
        tokio::select! {
            handed = self.handover.taken() => Some(handed),
            () = sleep(within) => None,
            _ = self.out.ended() => None,
            _ = self.stop.wait_for(|stop| *stop) => None,
        }
    }

    /// As long as there is a connection, or several in turn.
    async fn connected(&mut self, acts: Vec<Act>) -> Ended {
        let mut acts = acts;
        let (mut heard, mut is_poked) = (Instant::now(), false);
        loop {
            if let Some(ended) = self.perform(acts).await {
                return ended;
            }
            self.out.note_unacknowledged(self.session.unacknowledged());
            let waits = self.shared.present.get().waits;
            let deadline = heard + if is_poked { waits.answer } else { waits.silence };
            acts = match self.event(deadline).await {
                None => return Ended::Broken,
                Some(Event::Heard(Input::Gone(_))) => return Ended::Broken,
                Some(Event::Heard(input)) => {
                    (heard, is_poked) = (Instant::now(), false);
                    self.heard(input)
                }
                Some(Event::Out(Next::Deliveries(deliveries))) => {
                    let (text, ids) = self.session.deliver(deliveries);
                    match ids.is_empty() {
                        true => vec![Act::Send(text)],
                        false => vec![Act::Send(text), Act::Written(ids)],
                    }
                }
                Some(Event::Out(Next::End(End { condition, words }))) => {
                    log::info!("the session of {} ends: {words}", self.address);
                    ending(condition, &words)
                }
                Some(Event::Taken(line, h)) => {
                    (heard, is_poked) = (Instant::now(), false);
                    self.shared.registry.awake(self.id, line.at);
                    if let Some(old) = self.line.replace(line) {
                        let words = "the session goes on on another connection";
                        tokio::spawn(parted(old, Condition::Conflict, words));
                    }
                    Box::pin(self.resumed(h)).await
                }
                Some(Event::Silence) if is_poked => {
                    if let Some(old) = self.line.take() {
                        let words = "nothing was heard of this client for too long";
                        tokio::spawn(parted(old, Condition::ConnectionTimeout, words));
                    }
                    return Ended::Broken;
                }
                Some(Event::Silence) => {
                    (heard, is_poked) = (Instant::now(), true);
                    let domain = self.address.domain().as_str();
                    vec![Act::Send(self.session.poke(domain, self.address.as_str(), &random::id()))]
                }
                Some(Event::Stopped) => ending(Condition::SystemShutdown, ""),
            };
        }
    }

    /// Waits for one thing; none: there is no connection.
    async fn event(&mut self, deadline: Instant) -> Option<Event> {
        let has_room = self.session.has_room();
        let Self { line, out, handover, stop, .. } = self;
        let wire = &mut line.as_mut()?.wire;
        Some(tokio::select! {
            input = wire.next() => Event::Heard(input),
            next = out.next(), if has_room => Event::Out(next),
            end = out.ended(), if !has_room => Event::Out(Next::End(end)),
            (line, h) = handover.taken() => Event::Taken(line, h),
            () = sleep_until(deadline) => Event::Silence,
            _ = stop.wait_for(|stop| *stop) => Event::Stopped,
        })
    }

    /// The client is told how many of its stanzas were taken: of those that have been kept.
    async fn resumed(&mut self, h: u32) -> Vec<Act> {
        match self.shared.desk.settled().await {
            true => self.session.resumed(h),
            false => ending(Condition::SystemShutdown, ""),
        }
    }

    fn heard(&mut self, input: Input) -> Vec<Act> {
        match input {
            Input::Piece(Piece::Child(element)) => self.session.element(element, random::id),
            Input::Piece(Piece::Open { .. }) => {
                ending(Condition::NotWellFormed, "a stream within the stream")
            }
            Input::Piece(Piece::Close) | Input::Gone(_) => {
                vec![Act::Send("</stream:stream>".to_owned()), Act::Close]
            }
            Input::Broken(Broken::Malformed(why)) => ending(Condition::NotWellFormed, &why),
            Input::Broken(Broken::Restricted(why)) => ending(Condition::RestrictedXml, &why),
            Input::Broken(Broken::TooMuch(why)) => ending(Condition::PolicyViolation, &why),
        }
    }

    async fn send(&mut self, text: &str) -> bool {
        let Some(line) = &mut self.line else { return false };
        matches!(timeout(TAKEN_WITHIN, line.wire.send(text)).await, Ok(Ok(())))
    }

    /// Does that; some: the connection's part is over.
    async fn perform(&mut self, acts: Vec<Act>) -> Option<Ended> {
        for act in acts {
            match act {
                Act::Send(text) => {
                    if !self.send(&text).await {
                        return Some(Ended::Broken);
                    }
                }
                Act::Ack => {
                    // Where nobody knows what was kept, the client hears nothing and sends it again.
                    if self.shared.desk.settled().await && !self.send(&self.session.ack()).await {
                        return Some(Ended::Broken);
                    }
                }
                Act::Stanza(stanza) => {
                    self.shared.desk.hand(Call::Stanza { session: self.id, stanza }).await;
                }
                Act::Written(ids) => {
                    self.shared.desk.hand(Call::Written { session: self.id, ids }).await;
                }
                Act::Acknowledged(name) => {
                    self.shared.registry.acknowledged(self.id, name.as_deref(), &self.handover);
                    self.name = name;
                }
                Act::Close => return Some(Ended::Over),
            }
        }
        None
    }
}

fn ending(condition: Condition, words: &str) -> Vec<Act> {
    vec![Act::Send(condition.ending(words)), Act::Close]
}

/// Ends a connection whose session does without it from now on.
async fn parted(mut line: Box<Line>, condition: Condition, words: &'static str) {
    let text = condition.ending(words);
    // It is mostly dead already.
    let _ = timeout(Duration::from_secs(2), line.wire.send(&text)).await;
    farewell(line.wire).await;
}
