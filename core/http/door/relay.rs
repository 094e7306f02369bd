//! Joining a request to a private connection and moving bytes both ways, never more than the buffers hold.
//! Leaves out which request is next, which the pool decides, and opening those connections.

use super::answer::{self, Answer, Broken, Length};
use super::buffer::Buffer;
use super::connection::{Connection, Exchange, Joined, KEPT, Progress};
use super::pool::Backend;
use super::reactor::Reactor;
use super::visit::{Gone, invite_body};
use crate::catalog::problems::{INTERNAL, Problem};
use crate::http::stats::{Counters, Phase};
use crate::http::tickets::{HEADER, Pass, Tickets};

/// How one round of relaying went.
enum Round {
    Moved(bool),
    Answered,
}

impl Reactor {
    /// Joins waiting requests to free connections and gives them their turn.
    pub(super) fn dispatch(&mut self) {
        if self.pool.waiting() > 0 {
            self.drop_outdated();
        }
        while let Some((client, backend)) = self.pool.pair() {
            self.join(client, backend);
            self.visit(client);
        }
    }

    fn join(&mut self, client: u64, backend: u64) {
        let c = self.clients.get_mut(&client);
        let waiting = c.and_then(|c| c.exchange.take().map(|exchange| (c, exchange)));
        let (Some((c, mut exchange)), Some(b)) = (waiting, self.pool.get_mut(backend)) else {
            return self.pool.release(backend);
        };
        Counters::count(&self.counters.requests);
        let ticket = self.tickets.issue(b.port, Pass::From(c.client));
        b.outbox.push(&exchange.canonical);
        b.outbox.push(format!("{HEADER}: {ticket}\r\n\r\n").as_bytes());
        exchange.canonical = Vec::new();
        exchange.joined = Some(Joined { backend, ticket });
        if exchange.declared > KEPT as u64 {
            invite_body(c, &exchange);
        }
        c.exchange = Some(exchange);
        c.enter(Phase::Serving);
    }

    /// One round of an exchange.
    pub(super) fn relay(&mut self, c: &mut Connection) -> Result<bool, Gone> {
        let Some(joined) = c.exchange.as_ref().and_then(|x| x.joined) else { return Err(Gone) };
        let Some(b) = self.pool.get_mut(joined.backend) else { return Err(Gone) };
        let had_body_left = c.exchange.as_ref().is_some_and(|x| x.body_left > 0);
        let outcome = exchange_round(c, b, &self.tickets);
        let has_body_left = c.exchange.as_ref().is_some_and(|x| x.body_left > 0);
        if had_body_left && !has_body_left {
            self.caps_of(c.origin).delivered(c.id, c.origin);
        }
        match outcome {
            Ok(Round::Moved(false)) if has_body_left && c.stream.has_ended() && c.inbox.is_empty() => {
                Err(Gone)
            }
            Ok(Round::Moved(moved)) => Ok(moved),
            Ok(Round::Answered) => Ok(self.finish(c)),
            Err(cause) => self.worker_failed(c, &cause).map(|()| true),
        }
    }

    fn worker_failed(&mut self, c: &mut Connection, cause: &Broken) -> Result<(), Gone> {
        log::error!("a worker's answer could not be passed on: {}", cause.0);
        self.refuse(
            c,
            &Problem::new(
                INTERNAL,
                "The request was handed on, but its answer was lost inside the appliance. It may have been \
                 carried out: look before you repeat it. The appliance's log has the cause.",
            ),
        )
    }

    fn finish(&mut self, c: &mut Connection) -> bool {
        let Some(exchange) = c.exchange.take() else { return false };
        c.last = exchange.asked.last || exchange.body_left > 0;
        if let Some(joined) = exchange.joined {
            c.feed = self.tickets.take_rest(joined.ticket).filter(|_| exchange.asked.goes_on);
            self.tickets.withdraw(joined.ticket);
            self.give_back(joined.backend, exchange.body_left);
        }
        c.enter(if c.feed.is_some() { Phase::Streaming } else { Phase::Flushing });
        true
    }

    fn give_back(&mut self, id: u64, body_left: u64) {
        let is_clean = |b: &mut Backend| {
            body_left == 0 && b.outbox.is_empty() && b.inbox.is_empty() && !b.stream.has_ended()
        };
        if self.pool.get_mut(id).is_some_and(is_clean) {
            self.pool.release(id);
        } else {
            self.drop_backend(id);
        }
    }

    /// Gives up a request wherever it is; a private connection it was on is not used again.
    pub(super) fn abandon(&mut self, c: &mut Connection) {
        let Some(exchange) = c.exchange.take() else { return };
        match exchange.joined {
            None => self.pool.withdraw(c.id),
            Some(joined) => {
                self.tickets.withdraw(joined.ticket);
                self.drop_backend(joined.backend);
            }
        }
    }
}

fn exchange_round(c: &mut Connection, b: &mut Backend, tickets: &Tickets) -> Result<Round, Broken> {
    let lost = |cause: std::io::Error| Broken(cause.to_string());
    let Some(mut exchange) = c.exchange.take() else { return Ok(Round::Moved(false)) };
    let uploaded = pass_body_on(&mut exchange, &mut c.inbox, b).map_err(lost);
    let received = b.stream.receive(&mut b.inbox, KEPT).map_err(lost);
    if matches!(received, Ok(true)) {
        c.worker_moved();
    }
    // What the worker said before its connection broke still counts.
    let answered = pass_answer_on(&mut exchange, &mut c.outbox, b, tickets);
    c.exchange = Some(exchange);
    match answered? {
        Round::Moved(moved) => Ok(Round::Moved(moved | uploaded? | received?)),
        Round::Answered => Ok(Round::Answered),
    }
}

fn pass_body_on(x: &mut Exchange, inbox: &mut Buffer, b: &mut Backend) -> std::io::Result<bool> {
    let room = KEPT.saturating_sub(b.outbox.len());
    let most = usize::try_from(x.body_left).unwrap_or(usize::MAX).min(room);
    let moved = b.outbox.take_from(inbox, most);
    x.body_left -= moved as u64;
    let sent = b.stream.send(&mut b.outbox)?;
    Ok(moved + sent > 0)
}

fn pass_answer_on(
    x: &mut Exchange,
    outbox: &mut Buffer,
    b: &mut Backend,
    tickets: &Tickets,
) -> Result<Round, Broken> {
    match x.answer {
        Progress::Head => {
            // The worker left it before it sent the head.
            let goes_on = x.joined.is_some_and(|joined| tickets.has_rest(joined.ticket));
            x.asked.goes_on = goes_on && !x.asked.for_head_only;
            pass_head_on(x, outbox, b)
        }
        Progress::Body(left) => pass_rest_on(x, left, outbox, b),
    }
}

fn pass_head_on(x: &mut Exchange, outbox: &mut Buffer, b: &mut Backend) -> Result<Round, Broken> {
    match answer::read(b.inbox.data(), x.asked)? {
        Answer::Incomplete if b.stream.has_ended() => {
            Err(Broken("the worker closed before it had answered".into()))
        }
        Answer::Incomplete => Ok(Round::Moved(false)),
        Answer::Interim(length) => {
            if x.understands_interim {
                outbox.push(&b.inbox.data()[..length]);
            }
            b.inbox.consume(length);
            Ok(Round::Moved(true))
        }
        Answer::Final { consumed, body, head, .. } => {
            b.inbox.consume(consumed);
            outbox.push(&head);
            x.asked.last |= body == Length::UntilClose;
            x.answer = Progress::Body(body);
            pass_rest_on(x, body, outbox, b)
        }
    }
}

fn pass_rest_on(
    x: &mut Exchange,
    left: Length,
    outbox: &mut Buffer,
    b: &mut Backend,
) -> Result<Round, Broken> {
    let room = KEPT.saturating_sub(outbox.len());
    let (moved, is_done) = match left {
        Length::Known(bytes) => {
            let most = usize::try_from(bytes).unwrap_or(usize::MAX).min(room);
            let moved = outbox.take_from(&mut b.inbox, most);
            x.answer = Progress::Body(Length::Known(bytes - moved as u64));
            (moved, bytes - moved as u64 == 0)
        }
        Length::UntilClose => {
            let moved = outbox.take_from(&mut b.inbox, room);
            (moved, b.inbox.is_empty() && b.stream.has_ended())
        }
    };
    if is_done {
        return Ok(Round::Answered);
    }
    if moved == 0 && b.inbox.is_empty() && b.stream.has_ended() {
        return Err(Broken("the worker closed in the middle of its answer".into()));
    }
    Ok(Round::Moved(moved > 0))
}
