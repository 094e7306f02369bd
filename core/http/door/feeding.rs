//! Answers that go on: the door asks for more when the client has taken what it got and there is news, and gives a
//! sign of life when there is none. No worker and no thread waits for such a client, and a slow one keeps no more
//! than its buffer. Leaves out what is told.

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
        if self.has_news.load(SeqCst) && !self.is_news_due {
            self.is_news_due = true;
            self.deadlines.set(Timer::News, Instant::now() + GATHER);
        }
    }

    /// Gives every answer that goes on its turn.
    pub(super) fn tell_news(&mut self) {
        // Before looking, so that whoever brings news from now on wakes the loop again.
        self.has_news.store(false, SeqCst);
        self.is_news_due = false;
        let following = self.clients.values().filter(|c| c.phase() == Phase::Streaming);
        for id in following.map(|c| c.id).collect::<Vec<_>>() {
            self.visit(id);
        }
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
