//! Answers that go on: the door asks for more when the client has taken what it got and there is news, and gives a
//! sign of life when there is none. No worker and no thread waits for such a client, and a slow one keeps no more
//! than its buffer. Many are told over several turns of the loop, so that requests never wait for all of them. Leaves
//! out what is told.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::reactor::{Reactor, Timer};
use super::visit::Gone;
use crate::http::message::Flow;
use crate::http::stats::Phase;

/// About how many bytes are asked for at once.
const ROOM: usize = 16 * 1024;
/// How long news are gathered, so that many at once cost one round.
const GATHER: Duration = Duration::from_millis(20);
/// How long answers that go on are told before requests get their turn. A request takes a handful of turns.
const SLICE: Duration = Duration::from_millis(1);
/// Most bytes that a client may say while it is being told.
const MOST_SAID: usize = 64 * 1024;

impl Reactor {
    /// One round of an answer that goes on.
    pub(super) fn feed(&mut self, c: &mut Connection) -> Result<bool, Gone> {
        // Nothing that is said now can be answered; only the end of it matters.
        c.drained += c.inbox.len();
        c.inbox.consume(c.inbox.len());
        if c.stream.has_ended() || c.drained > MOST_SAID {
            return Err(Gone);
        }
        // What is asked for late is newer: nothing is made while the client is slow.
        if !c.is_flushed() {
            return Ok(false);
        }
        match c.take_news() {
            Flow::Open => Ok(!c.outbox.is_empty()),
            Flow::Ended => {
                c.feed = None;
                c.enter(Phase::Closing);
                Ok(true)
            }
        }
    }

    /// There may be news: they are told after a moment in which more may come.
    pub(super) fn expect_news(&mut self) {
        // While some are still being told, what comes is gathered: the busier the door, the more goes into one round.
        if self.has_news.load(SeqCst) && !self.is_news_due && self.to_tell.is_empty() {
            self.is_news_due = true;
            self.deadlines.set(Timer::News, Instant::now() + GATHER);
        }
    }

    /// Lets every answer that goes on have its turn, after those whose turn is still to come.
    pub(super) fn tell_news(&mut self) {
        // Before looking, so that whoever brings news from now on wakes the loop again.
        self.has_news.store(false, SeqCst);
        self.is_news_due = false;
        let following = self.clients.values_mut().filter(|c| c.phase() == Phase::Streaming);
        for c in following {
            enqueue(&mut self.to_tell, c);
        }
    }

    /// There is more for a connection than one turn takes.
    pub(super) fn queue_news(&mut self, c: &mut Connection) {
        enqueue(&mut self.to_tell, c);
    }

    /// Tells some of those whose turn it is; the others wait for the loop's next turn.
    pub(super) fn tell_some(&mut self) {
        let begun = Instant::now();
        while let Some(id) = self.to_tell.pop_front() {
            if let Some(c) = self.clients.get_mut(&id) {
                c.awaits_news = false;
                self.visit(id);
            }
            if begun.elapsed() >= SLICE {
                break;
            }
        }
        self.expect_news();
    }

    /// The silence has lasted long enough.
    pub(super) fn beat(&mut self, mut c: Box<Connection>) {
        let mut sign = Vec::new();
        if let Some(feed) = &mut c.feed {
            feed.beat(&mut sign);
        }
        c.outbox.push(&sign);
        c.was_told();
        match self.advance(&mut c) {
            Ok(()) => self.keep(c),
            Err(Gone) => self.dismiss(c),
        }
    }
}

fn enqueue(to_tell: &mut VecDeque<u64>, c: &mut Connection) {
    if !std::mem::replace(&mut c.awaits_news, true) {
        to_tell.push_back(c.id);
    }
}

impl Connection {
    fn take_news(&mut self) -> Flow {
        let Some(feed) = &mut self.feed else { return Flow::Ended };
        let mut news = Vec::new();
        let flow = feed.pull(&mut news, ROOM);
        if !news.is_empty() {
            self.outbox.push(&news);
            self.was_told();
        }
        flow
    }

    /// What there is to tell before the door closes, as far as the client takes it at once.
    pub(super) fn say_last_news(&mut self) -> std::io::Result<()> {
        if self.feed.is_some() && self.is_flushed() {
            self.take_news();
            self.send()?;
        }
        Ok(())
    }
}
