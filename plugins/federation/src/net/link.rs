//! One outbound link: opened when something waits, tried again with growing pauses, kept alive by pings, closed when
//! idle. A peer that closes an idle stream has done nothing wrong.
//!
//! Messages that are stored count as arrived once the peer has answered a ping that was sent after them: it deals with a
//! stream in order (RFC 6120 section 10.1). Whoever wrote one that is not confirmed is told, by [`Call::Bounced`].

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jackfield_sdk::log;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::board::{Direction, Link};
use super::confirming::Confirming;
use super::dial::{Course, Reached, dial};
use super::hub::{Hub, QUEUE, Queued};
use super::random;
use super::trouble::{Step, Trouble};
use super::wire::{Input, Wire};
use crate::im::Call;
use crate::s2s::{Errand, Initiator, Out, Pair, Rules};
use crate::xml::{AFTER, Element, Piece, ns, written};

/// Longest wait of a stanza for its link.
const OLDEST: Duration = Duration::from_secs(60);
/// Pauses between attempts, doubling from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// Longest wait for the peer to take what is sent.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// Time for the peer to close its side.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes that are written at once, unless one stanza is longer.
const AT_ONCE: usize = 64 * 1024;

/// What a link goes by.
pub struct Line {
    /// What waits for it.
    pub queue: mpsc::Receiver<Queued>,
    /// The last ping of ours that the peer has answered.
    pub pongs: watch::Receiver<u64>,
}

/// Runs until nothing has waited for it for a while. `_life` says that it runs.
pub async fn run(hub: Arc<Hub>, pair: Pair, line: Line, _life: mpsc::Sender<()>) {
    let Line { queue, pongs } = line;
    let mut task = Task {
        hub,
        pair,
        queue,
        pongs,
        backlog: VecDeque::new(),
        confirming: Confirming::default(),
        failures: 0,
        not_before: Instant::now(),
        last_trouble: None,
        has_vanished: false,
    };
    while task.wait().await {
        if let Some((wire, machine)) = task.connect().await {
            task.carry(wire, machine).await;
        }
    }
    task.queue.close();
    while let Ok(queued) = task.queue.try_recv() {
        task.backlog.push_back(queued);
    }
    // Only what came at the very moment; when everything ends, the store has it.
    let left = task.backlog.drain(..).collect();
    task.bounce(left, "remote-server-timeout", "the link to its server was just closed").await;
    task.note(|link| link.become_state("down"));
}

struct Task {
    hub: Arc<Hub>,
    pair: Pair,
    queue: mpsc::Receiver<Queued>,
    pongs: watch::Receiver<u64>,
    backlog: VecDeque<Queued>,
    confirming: Confirming,
    failures: u32,
    not_before: Instant,
    last_trouble: Option<Trouble>,
    /// Whether the peer went without closing its stream, as one that was killed.
    has_vanished: bool,
}

/// How long something waits for something else.
enum Waited<T> {
    /// It has come.
    Done(T),
    /// Everything ends, or nothing waits any more.
    Over,
}

impl Task {
    /// Time without a stanza after which the link is closed.
    fn idle_after(&self) -> Duration {
        self.hub.present.get().pace.idle_after
    }

    fn note(&self, change: impl FnOnce(&mut Link)) {
        self.hub.board.note(Direction::Out, &self.pair, change);
    }

    /// Until something waits; false: nothing did, or everything ends.
    async fn wait(&mut self) -> bool {
        if !self.backlog.is_empty() {
            return true;
        }
        let next = tokio::select! {
            () = self.hub.stopped() => None,
            next = timeout(self.idle_after(), self.queue.recv()) => next.ok().flatten(),
        };
        self.backlog.extend(next);
        !self.backlog.is_empty()
    }

    /// What waits, without what has waited too long; false: nothing is left.
    async fn refresh(&mut self) -> bool {
        while self.backlog.len() < QUEUE
            && let Ok(queued) = self.queue.try_recv()
        {
            self.backlog.push_back(queued);
        }
        // They came in order.
        let mut expired = Vec::new();
        while self.backlog.front().is_some_and(|queued| queued.since.elapsed() >= OLDEST) {
            expired.extend(self.backlog.pop_front());
        }
        if !expired.is_empty() {
            let why = self.last_trouble.as_ref().map_or("it does not answer", |trouble| &trouble.detail);
            let words = format!("its server was not reached within a minute: {why}");
            log::warn!("{} stanzas to {} did not go: {words}", expired.len(), self.pair.to);
            self.bounce(expired, "remote-server-timeout", &words).await;
        }
        let left = self.backlog.len();
        self.note(|link| link.queued = left);
        left > 0
    }

    /// Gives stanzas back to whoever wrote them. When everything ends nobody is told: what is stored goes later.
    async fn bounce(&self, stanzas: Vec<Queued>, condition: &'static str, words: &str) {
        for queued in stanzas {
            self.hub.left(&queued);
            let Queued { shell, id, .. } = queued;
            self.give_back(shell, id, condition, words).await;
        }
    }

    async fn give_back(&self, stanza: Element, id: Option<String>, condition: &'static str, words: &str) {
        if self.hub.is_stopped() {
            return;
        }
        let words = format!("This was not delivered to {}: {words}.", self.pair.to);
        let (pair, desk) = (self.pair.clone(), &self.hub.desk);
        desk.hand(Call::Bounced { pair, stanza, id, condition, words }).await;
    }

    /// Waits for something, and meanwhile gives back what has waited too long.
    async fn meanwhile<T>(&mut self, what: impl Future<Output = T>) -> Waited<T> {
        let mut what = std::pin::pin!(what);
        loop {
            if !self.refresh().await {
                return Waited::Over;
            }
            let oldest = self.backlog.front().map_or_else(Instant::now, |queued| queued.since.into());
            let (hub, full) = (Arc::clone(&self.hub), self.backlog.len() >= QUEUE);
            tokio::select! {
                () = hub.stopped() => {
                    self.backlog.drain(..).for_each(|queued| hub.left(&queued));
                    return Waited::Over;
                }
                done = &mut what => return Waited::Done(done),
                () = sleep_until(oldest + OLDEST) => {}
                Some(queued) = self.queue.recv(), if !full => self.backlog.push_back(queued),
            }
        }
    }

    async fn connect(&mut self) -> Option<(Wire, Initiator)> {
        loop {
            let not_before = self.not_before;
            let Waited::Done(()) = self.meanwhile(sleep_until(not_before)).await else { break };
            self.note(|link| link.become_state("connecting"));
            let (hub, pair) = (Arc::clone(&self.hub), self.pair.clone());
            let mut course = Course::default();
            let dialed = self.meanwhile(dial(&hub, &pair, Errand::Carry, &mut course)).await;
            self.note(|link| seen_on(link, &course));
            match dialed {
                Waited::Done(Ok(Reached::Stream(wire, machine))) => {
                    (self.failures, self.last_trouble) = (0, None);
                    let by = course.authenticated_by.unwrap_or_default();
                    log::info!("the link to {} is up, by {by}", self.pair.to);
                    return Some((*wire, *machine));
                }
                Waited::Done(Ok(Reached::Answer(_))) => {}
                Waited::Done(Err(trouble)) => self.failed(trouble).await,
                Waited::Over => break,
            }
            self.pause();
        }
        self.note(|link| link.become_state("down"));
        None
    }

    async fn failed(&mut self, trouble: Trouble) {
        log::warn!("the link to {} does not come up: {}", self.pair.to, trouble.detail);
        self.note(|link| {
            link.failed(&trouble.detail);
            link.become_state("waiting");
        });
        if self.failures == 0 {
            self.hub.desk.hand(Call::LinkDown { pair: self.pair.clone() }).await;
        }
        if trouble.is_final {
            let is_unknown = trouble.step == Step::Dns;
            let condition = if is_unknown { "remote-server-not-found" } else { "remote-server-timeout" };
            let all = self.backlog.drain(..).collect();
            self.bounce(all, condition, &trouble.detail).await;
        }
        self.last_trouble = Some(trouble);
    }

    fn pause(&mut self) {
        let (first, last) = PAUSES;
        let pause = first.saturating_mul(1 << self.failures.min(9)).min(last);
        self.failures += 1;
        // Up to a quarter more, so that not all links come at once.
        self.not_before = Instant::now() + pause + pause.mul_f64(f64::from(random::below(250)) / 1000.0);
    }

    async fn carry(&mut self, mut wire: Wire, mut machine: Initiator) {
        wire.limit(AFTER);
        self.note(|link| {
            link.become_state("up");
            link.queued = 0;
        });
        self.hub.desk.hand(Call::LinkUp { pair: self.pair.clone() }).await;
        let ended = self.stream(&mut wire, &mut machine).await;
        if let Err(why) = &ended {
            log::warn!("the link to {} broke: {why}", self.pair.to);
            self.note(|link| link.failed(why));
            self.pause();
        }
        self.note(|link| link.become_state("down"));
        let is_broken = ended.is_err();
        let why = ended.err().unwrap_or_else(|| "its server closed the connection".to_owned());
        let words = format!("{why}, and did not confirm the message, which may have arrived all the same");
        for (id, shell) in self.confirming.take_all() {
            self.give_back(shell, Some(id), "remote-server-timeout", &words).await;
        }
        // A peer that closes an idle stream is still there, and so are its people.
        if is_broken || std::mem::take(&mut self.has_vanished) {
            self.hub.desk.hand(Call::LinkDown { pair: self.pair.clone() }).await;
        }
        let farewell = async {
            // The peer may have gone already.
            let _ = wire.send("</stream:stream>").await;
            wire.finish().await;
            while let Input::Piece(Piece::Child(_)) = wire.next().await {}
        };
        let _ = timeout(FAREWELL, farewell).await;
    }

    /// Until the stream ends; the error is why it should not have.
    async fn stream(&mut self, wire: &mut Wire, machine: &mut Initiator) -> Result<(), String> {
        let mut changed = self.hub.changed.clone();
        let (mut last, mut heard) = (Instant::now(), Instant::now());
        loop {
            if self.write(wire).await? {
                (last, heard) = (Instant::now(), Instant::now());
            }
            let look_at = self.confirming.due(heard, self.hub.present.get().pace.ping_after);
            tokio::select! {
                next = self.queue.recv() => match next {
                    Some(queued) => self.backlog.push_back(queued),
                    None => return Ok(()),
                },
                input = wire.next() => {
                    heard = Instant::now();
                    self.has_vanished = matches!(input, Input::Gone(_));
                    if hear(machine, input)? {
                        return Ok(());
                    }
                }
                _ = self.pongs.changed() => {
                    heard = Instant::now();
                    let number = *self.pongs.borrow_and_update();
                    let ids = self.confirming.answered(number);
                    if !ids.is_empty() {
                        self.hub.desk.hand(Call::Confirmed { ids }).await;
                    }
                }
                () = sleep_until(look_at) => {
                    if last.elapsed() >= self.idle_after() && self.confirming.is_empty() {
                        return Ok(());
                    }
                    self.confirming.overdue(Instant::now())?;
                }
                () = self.hub.stopped() => return Ok(()),
                _ = changed.changed() => {
                    let present = &self.hub.present;
                    if present.partner(&self.pair.to).is_none() || !present.speaks_for(&self.pair.from) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Writes what waits, several stanzas at once, with a ping behind them where one is due; whether anything was.
    async fn write(&mut self, wire: &mut Wire) -> Result<bool, String> {
        let mut is_written = false;
        loop {
            let mut text = String::new();
            while text.len() < AT_ONCE
                && let Some(queued) = self.backlog.pop_front().or_else(|| self.queue.try_recv().ok())
            {
                self.hub.left(&queued);
                text.push_str(&queued.text);
                if let Some(id) = queued.id {
                    self.confirming.sent(id, queued.shell);
                }
            }
            is_written |= !text.is_empty();
            if let Some(number) = self.confirming.ping(Instant::now()) {
                text.push_str(&ping(&self.pair, &self.hub.ping_id(number)));
            }
            if text.is_empty() {
                return Ok(is_written);
            }
            put(wire, &text).await?;
        }
    }
}

/// Whether the stream has ended in peace.
fn hear(machine: &mut Initiator, input: Input) -> Result<bool, String> {
    let outs = match input {
        Input::Piece(Piece::Child(element)) => machine.element(&element),
        Input::Piece(Piece::Close) | Input::Gone(None) => machine.closed(),
        Input::Piece(Piece::Open { .. }) => return Err("the server began a second stream".to_owned()),
        Input::Broken(broken) => return Err(format!("the server sends what no stream may have: {broken:?}")),
        Input::Gone(Some(error)) => return Err(error.to_string()),
    };
    if !outs.contains(&Out::Close) {
        return Ok(false);
    }
    machine.lost().map_or(Ok(true), |lost| Err(lost.to_string()))
}

async fn put(wire: &mut Wire, text: &str) -> Result<(), String> {
    match timeout(TAKEN_WITHIN, wire.send(text)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the server takes nothing any more".to_owned()),
    }
}

fn ping(pair: &Pair, id: &str) -> String {
    let ping =
        Element::new(ns::SERVER, "iq").with("type", "get").with("from", &pair.from).with("to", &pair.to);
    written(&ping.with("id", id).child(Element::new(ns::PING, "ping")))
}

fn seen_on(link: &mut Link, course: &Course) {
    link.tls.clone_from(&course.tls);
    link.certificate.clone_from(&course.certificate);
    link.expected.clone_from(&course.expected);
    link.certificate_fault.clone_from(&course.fault);
    link.authenticated_by = course.authenticated_by;
    link.address.clone_from(&course.address);
}
