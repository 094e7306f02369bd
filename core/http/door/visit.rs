//! One connection's turn: it goes as far as its bytes allow. Leaves out the exchange with a worker, which is
//! in `relay`, and answers that go on, which are in `feeding`.

use super::answer::Asked;
use super::connection::{Connection, Exchange, KEPT, Progress};
use super::head::{self, Head, Scan};
use super::pool::Lane;
use super::reactor::Reactor;
use super::refusal::{self, Reply};
use super::stream::Opening;
use crate::catalog::problems::{BODY_TOO_LARGE, NO_ANSWER, OVERLOADED, Problem, REQUEST_TIMEOUT};
use crate::http::limits::Wait;
use crate::http::stats::{Counters, Phase};

/// Most rounds in one turn, so that one fast client does not keep the others waiting.
const ROUNDS: usize = 16;
/// The same where the answer goes on: there are many of those, and what is told can wait for a request.
const ROUNDS_OF_NEWS: usize = 4;
/// Most bytes thrown away after a farewell: clients that send a whole body before they read, as many do, must
/// get to the answer that refuses it.
const MOST_DRAINED: usize = 64 * 1024 * 1024;

/// The connection is over and shall be closed.
#[derive(Debug)]
pub struct Gone;

impl From<std::io::Error> for Gone {
    fn from(cause: std::io::Error) -> Self {
        log::debug!("an HTTP connection ended: {cause}");
        Self
    }
}

impl Reactor {
    /// Gives a connection its turn.
    pub(super) fn visit(&mut self, id: u64) {
        let Some(mut connection) = self.clients.remove(&id) else { return };
        match self.advance(&mut connection) {
            Ok(()) => self.keep(connection),
            Err(Gone) => self.dismiss(connection),
        }
    }

    /// Takes a connection as far as it can go now.
    pub(super) fn advance(&mut self, c: &mut Connection) -> Result<(), Gone> {
        let rounds = if c.phase() == Phase::Streaming { ROUNDS_OF_NEWS } else { ROUNDS };
        for _ in 0..rounds {
            let received = c.receive()?;
            let stepped = self.step(c)?;
            let sent = c.send()?;
            if !(received || stepped || sent) {
                return Ok(());
            }
        }
        match c.phase() {
            Phase::Streaming => self.queue_news(c),
            _ => self.visit_again.push(c.id),
        }
        Ok(())
    }

    fn step(&mut self, c: &mut Connection) -> Result<bool, Gone> {
        match c.phase() {
            Phase::Silent => self.listen_to(c),
            Phase::Head => self.read_head(c),
            Phase::Collecting => self.collect(c),
            Phase::Waiting => Ok(false),
            Phase::Serving => self.relay(c),
            Phase::Flushing => Ok(self.after_answer(c)),
            Phase::Idle => self.between_requests(c),
            Phase::Closing => farewell(c),
            Phase::Draining => drain(c),
            Phase::Streaming => self.feed(c),
        }
    }

    fn listen_to(&mut self, c: &mut Connection) -> Result<bool, Gone> {
        match c.stream.opening()? {
            Opening::Silent => return Ok(false),
            Opening::Tls => {
                c.stream.start_tls(&self.tls)?;
                c.enter(Phase::Head);
            }
            Opening::PlainHttp => {
                c.stream.receive(&mut c.inbox, KEPT)?;
                let answer = refusal::plain_http(c.inbox.data(), &c.stream.local_text());
                self.say_last(c, &answer);
                Counters::count(&self.counters.bad_requests);
            }
        }
        Ok(true)
    }

    fn read_head(&mut self, c: &mut Connection) -> Result<bool, Gone> {
        if self.stop_by.is_some() {
            return Err(Gone);
        }
        if c.scan.is_fresh() {
            c.inbox.consume(head::leading_blank(c.inbox.data()));
        }
        match head::read(c.inbox.data(), &mut c.scan) {
            Ok(None) if c.stream.has_ended() => Err(Gone),
            Ok(None) => Ok(false),
            Ok(Some(head)) => self.take_request(c, head).map(|()| true),
            Err(problem) => self.refuse(c, &problem).map(|()| true),
        }
    }

    fn take_request(&mut self, c: &mut Connection, head: Head) -> Result<(), Gone> {
        let limit = (self.body_limit)(&head.method, &head.path);
        if head.body > limit {
            return self.refuse(c, &too_large(head.body, limit));
        }
        c.inbox.consume(head.consumed);
        c.scan = Scan::default();
        let exchange = exchange_for(head);
        if exchange.lane == Lane::Quick {
            invite_body(c, &exchange);
            c.exchange = Some(exchange);
            c.enter(Phase::Collecting);
            return Ok(());
        }
        c.exchange = Some(exchange);
        self.queue(c, Lane::Upload)
    }

    fn collect(&mut self, c: &mut Connection) -> Result<bool, Gone> {
        let expected = c.exchange.as_ref().map_or(0, |x| x.declared);
        if (c.inbox.len() as u64) < expected {
            return if c.stream.has_ended() { Err(Gone) } else { Ok(false) };
        }
        self.caps_of(c.origin).delivered(c.id, c.origin);
        self.queue(c, Lane::Quick).map(|()| true)
    }

    fn queue(&mut self, c: &mut Connection, lane: Lane) -> Result<(), Gone> {
        if self.pool.waiting() >= self.limits.waiting {
            return self.refuse(c, &overloaded());
        }
        c.enter(Phase::Waiting);
        self.pool.ask(c.id, lane);
        Ok(())
    }

    fn after_answer(&mut self, c: &mut Connection) -> bool {
        if !c.is_flushed() {
            return false;
        }
        c.inbox.release();
        c.outbox.release();
        let next = if c.last || self.stop_by.is_some() { Phase::Closing } else { Phase::Idle };
        c.enter(next);
        true
    }

    fn between_requests(&mut self, c: &mut Connection) -> Result<bool, Gone> {
        if !c.inbox.is_empty() {
            c.enter(Phase::Head);
            return Ok(true);
        }
        if c.stream.has_ended() || self.stop_by.is_some() {
            c.enter(Phase::Closing);
            return Ok(true);
        }
        Ok(false)
    }

    /// Answers a client whose time is up, where an answer still makes sense.
    pub(super) fn give_up(&mut self, c: &mut Connection, wait: Wait) -> Result<(), Gone> {
        match wait {
            Wait::Head if c.stream.is_open() && !c.inbox.is_empty() => {
                self.refuse(c, &too_slow("head", self.limits.patience(wait)))
            }
            Wait::Body(_) => self.refuse(c, &too_slow("body", self.limits.patience(wait))),
            Wait::Worker => self.refuse(c, &overloaded()),
            Wait::Answer => self.refuse(c, &no_answer(self.limits.answer)),
            _ => Err(Gone),
        }
    }

    /// Answers with a problem and ends the connection; an answer that has begun cannot be replaced.
    pub(super) fn refuse(&mut self, c: &mut Connection, problem: &Problem) -> Result<(), Gone> {
        self.count_refusal(problem);
        log::debug!("refused a request of {:?}: {}", c.client, problem.detail);
        if c.exchange.as_ref().is_some_and(|x| x.answer != Progress::Head) {
            return Err(Gone);
        }
        let answer = refusal::problem(problem, reply_to(c));
        self.abandon(c);
        self.say_last(c, &answer);
        Ok(())
    }

    fn count_refusal(&self, problem: &Problem) {
        if problem.kind == OVERLOADED {
            Counters::count(&self.counters.overloaded);
        } else if problem.kind.status < 500 {
            Counters::count(&self.counters.bad_requests);
        }
    }

    fn say_last(&mut self, c: &mut Connection, answer: &[u8]) {
        c.outbox.push(answer);
        c.last = true;
        c.enter(Phase::Closing);
    }
}

fn exchange_for(head: Head) -> Exchange {
    Exchange {
        declared: head.body,
        body_left: head.body,
        wants_continue: head.wants_continue,
        understands_interim: head.understands_interim,
        asked: Asked { for_head_only: head.method == "HEAD", last: head.last, goes_on: false },
        lane: if head.body <= KEPT as u64 { Lane::Quick } else { Lane::Upload },
        canonical: head.canonical,
        joined: None,
        answer: Progress::Head,
    }
}

/// RFC 9110 section 10.1.1: not needed when the body is already on its way.
pub(super) fn invite_body(c: &mut Connection, exchange: &Exchange) {
    if exchange.wants_continue && exchange.declared > 0 && c.inbox.is_empty() {
        c.outbox.push(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
}

fn reply_to(c: &Connection) -> Reply {
    let head_only = match &c.exchange {
        Some(exchange) => exchange.asked.for_head_only,
        None => c.inbox.data().starts_with(b"HEAD "),
    };
    if head_only { Reply::HeadOnly } else { Reply::Whole }
}

fn farewell(c: &mut Connection) -> Result<bool, Gone> {
    if !c.is_flushed() {
        return Ok(false);
    }
    if !c.has_said_goodbye {
        c.has_said_goodbye = true;
        c.stream.say_goodbye();
        return Ok(true);
    }
    c.stream.shut_writing()?;
    c.enter(Phase::Draining);
    Ok(true)
}

fn drain(c: &mut Connection) -> Result<bool, Gone> {
    c.drained += c.inbox.len();
    c.inbox.consume(c.inbox.len());
    if c.stream.has_ended() || c.drained > MOST_DRAINED { Err(Gone) } else { Ok(false) }
}

fn too_large(declared: u64, limit: u64) -> Problem {
    Problem::new(
        BODY_TOO_LARGE,
        format!(
            "The request announces a body of {declared} bytes; this address takes at most {limit}. \
             Send less at a time."
        ),
    )
}

fn too_slow(part: &str, patience: std::time::Duration) -> Problem {
    Problem::new(
        REQUEST_TIMEOUT,
        format!(
            "The request's {part} was not complete after {} s. Check the connection and try again.",
            patience.as_secs_f32()
        ),
    )
}

fn overloaded() -> Problem {
    Problem::new(
        OVERLOADED,
        "Too many requests are waiting; this one was not carried out. Try again shortly.",
    )
}

fn no_answer(patience: std::time::Duration) -> Problem {
    Problem::new(
        NO_ANSWER,
        format!(
            "The request was handed on, but no answer came within {} s. It may still be carried out: \
             look before you repeat it.",
            patience.as_secs_f32()
        ),
    )
}
