//! One outbound link: opened when something waits, tried again with growing pauses, kept alive by pings, closed when
//! idle. A peer that closes an idle stream has done nothing wrong.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jackfield_sdk::log;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::board::{Direction, Link};
use super::dial::{Course, Reached, dial};
use super::hub::{Hub, QUEUE, Queued};
use super::random;
use super::wire::{Input, Wire};
use crate::s2s::{Errand, Initiator, Out, Pair, Rules};
use crate::xml::{AFTER, Element, Piece, ns, written};

/// Longest wait of a stanza for its link.
const OLDEST: Duration = Duration::from_secs(60);
/// Pauses between attempts, doubling from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// Silence after which the peer is asked whether it is there (XEP-0199).
const PING_AFTER: Duration = Duration::from_secs(300);
/// Pings without an answer after which the peer is gone.
const MISSES: u32 = 2;
/// Time without a stanza after which the link is closed.
const IDLE: Duration = Duration::from_secs(3600);
/// Longest wait for the peer to take what is sent.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// Time for the peer to close its side.
const FAREWELL: Duration = Duration::from_secs(2);

/// Runs until nothing has waited for it for a while. `_life` says that it runs.
pub async fn run(hub: Arc<Hub>, pair: Pair, queue: mpsc::Receiver<Queued>, _life: mpsc::Sender<()>) {
    let (backlog, not_before) = (VecDeque::new(), Instant::now());
    let mut task = Task { hub, pair, queue, backlog, failures: 0, not_before };
    while task.wait().await {
        if let Some((wire, machine)) = task.connect().await {
            task.carry(wire, machine).await;
        }
    }
    task.queue.close();
    while let Ok(queued) = task.queue.try_recv() {
        task.hub.left(&queued);
    }
    task.note(|link| link.become_state("down"));
}

struct Task {
    hub: Arc<Hub>,
    pair: Pair,
    queue: mpsc::Receiver<Queued>,
    backlog: VecDeque<Queued>,
    failures: u32,
    not_before: Instant,
}

impl Task {
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
            next = timeout(IDLE, self.queue.recv()) => next.ok().flatten(),
        };
        self.backlog.extend(next);
        !self.backlog.is_empty()
    }

    /// What waits, without what has waited too long; false: nothing is left.
    fn refresh(&mut self) -> bool {
        while self.backlog.len() < QUEUE
            && let Ok(queued) = self.queue.try_recv()
        {
            self.backlog.push_back(queued);
        }
        let hub = &self.hub;
        let before = self.backlog.len();
        self.backlog.retain(|queued| {
            let is_young = queued.since.elapsed() < OLDEST;
            if !is_young {
                hub.left(queued);
            }
            is_young
        });
        let (left, dropped) = (self.backlog.len(), before - self.backlog.len());
        if dropped > 0 {
            log::warn!(
                "{dropped} stanzas to {} were dropped: its server was not reached within a minute",
                self.pair.to
            );
        }
        self.note(|link| link.queued = left);
        left > 0
    }

    async fn connect(&mut self) -> Option<(Wire, Initiator)> {
        while self.refresh() {
            tokio::select! {
                () = self.hub.stopped() => {
                    self.backlog.drain(..).for_each(|queued| self.hub.left(&queued));
                    return None;
                }
                () = sleep_until(self.not_before) => {}
            }
            if !self.refresh() {
                break;
            }
            self.note(|link| link.become_state("connecting"));
            let mut course = Course::default();
            let reached = dial(&self.hub, &self.pair, Errand::Carry, &mut course).await;
            self.note(|link| seen_on(link, &course));
            match reached {
                Ok(Reached::Stream(wire, machine)) => {
                    self.failures = 0;
                    log::info!(
                        "the link to {} is up, by {}",
                        self.pair.to,
                        course.authenticated_by.unwrap_or_default()
                    );
                    return Some((*wire, *machine));
                }
                Ok(Reached::Answer(_)) => {}
                Err(trouble) => {
                    log::warn!("the link to {} does not come up: {}", self.pair.to, trouble.detail);
                    self.note(|link| {
                        link.failed(&trouble.detail);
                        link.become_state("waiting");
                    });
                }
            }
            self.pause();
        }
        self.note(|link| link.become_state("down"));
        None
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
        let ended = self.stream(&mut wire, &mut machine).await;
        if let Err(why) = ended {
            log::warn!("the link to {} broke: {why}", self.pair.to);
            self.note(|link| link.failed(&why));
            self.pause();
        }
        self.note(|link| link.become_state("down"));
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
        let (mut last, mut heard, mut pinged, mut misses) = (Instant::now(), Instant::now(), None, 0);
        loop {
            while let Some(queued) = self.backlog.pop_front() {
                self.hub.left(&queued);
                put(wire, &queued.text).await?;
                (last, heard) = (Instant::now(), Instant::now());
            }
            tokio::select! {
                next = self.queue.recv() => match next {
                    Some(queued) => self.backlog.push_back(queued),
                    None => return Ok(()),
                },
                input = wire.next() => {
                    heard = Instant::now();
                    if hear(machine, input)? {
                        return Ok(());
                    }
                }
                () = sleep_until(heard + PING_AFTER) => {
                    let answered = self.hub.last_pong(&self.pair).map(Instant::from_std);
                    misses = if pinged.is_some_and(|pinged| answered < Some(pinged)) { misses + 1 } else { 0 };
                    if misses >= MISSES {
                        return Err("the server did not answer two pings".to_owned());
                    }
                    if last.elapsed() > IDLE {
                        return Ok(());
                    }
                    put(wire, &ping(&self.pair)).await?;
                    (heard, pinged) = (Instant::now(), Some(Instant::now()));
                }
                () = self.hub.stopped() => return Ok(()),
                _ = changed.changed() => {
                    let present = &self.hub.present;
                    if present.partner(&self.pair.to).is_none() || !present.serves(&self.pair.from) {
                        return Ok(());
                    }
                }
            }
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

fn ping(pair: &Pair) -> String {
    let ping =
        Element::new(ns::SERVER, "iq").with("type", "get").with("from", &pair.from).with("to", &pair.to);
    written(&ping.with("id", &format!("ping-{}", random::id())).child(Element::new(ns::PING, "ping")))
}

fn seen_on(link: &mut Link, course: &Course) {
    link.tls.clone_from(&course.tls);
    link.certificate.clone_from(&course.certificate);
    link.expected.clone_from(&course.expected);
    link.certificate_fault.clone_from(&course.fault);
    link.authenticated_by = course.authenticated_by;
    link.address.clone_from(&course.address);
}
