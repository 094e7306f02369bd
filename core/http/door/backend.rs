//! Opening the private connections to the workers' server and noticing when one is lost. Leaves out which
//! request gets which, and moving bytes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::TcpStream;

use super::answer::{self, Answer, Asked, Broken};
use super::buffer::Buffer;
use super::connection::KEPT;
use super::pool::{Backend, Job};
use super::reactor::{Id, Reactor, Timer};
use super::stream::{Socket, Stream};
use crate::http::tickets::{HEADER, Pass};

/// How long a new private connection may take to give a sign of life.
const GREETING: Duration = Duration::from_secs(2);
/// Pause before another attempt to open one, time enough for the workers to replace their server.
const REOPEN: Duration = Duration::from_secs(1);

impl Reactor {
    /// The workers' server may have been replaced: connections to the old one lead nowhere.
    pub(super) fn drop_outdated(&mut self) {
        for id in self.pool.outdated(self.private.address()) {
            self.drop_backend(id);
        }
    }

    /// Closes a private connection; another takes its place.
    pub(super) fn drop_backend(&mut self, id: u64) {
        self.pool.remove(id);
        self.deadlines.clear(Timer::Backend(id));
        self.deadlines.set(Timer::Reopen, Instant::now());
    }

    /// Opens one more private connection if there should be one.
    pub(super) fn open_backend(&mut self) {
        if !self.pool.wants_another() {
            return;
        }
        let id = self.next_id();
        match self.connect_backend(id, self.private.address()) {
            Ok(backend) => {
                self.pool.add(backend);
                self.deadlines.set(Timer::Backend(id), Instant::now() + GREETING);
            }
            Err(cause) => {
                log::error!("cannot reach the HTTP workers: {cause}; trying again");
                self.private.report_broken();
                self.deadlines.set(Timer::Reopen, Instant::now() + REOPEN);
            }
        }
    }

    fn connect_backend(&mut self, id: u64, address: SocketAddr) -> std::io::Result<Backend> {
        let tcp = TcpStream::connect(address)?;
        tcp.set_nodelay(true)?;
        let port = tcp.local_addr()?.port();
        let stream = Stream::new(Socket::Tcp(tcp), self.poll.registry(), Id::Backend(id).token())?;
        let ticket = self.tickets.issue(port, Pass::Greeting);
        let mut outbox = Buffer::default();
        outbox.push(format!("GET / HTTP/1.1\r\nHost: door\r\n{HEADER}: {ticket}\r\n\r\n").as_bytes());
        Ok(Backend {
            id,
            stream,
            server: address,
            port,
            inbox: Buffer::default(),
            outbox,
            job: Job::Greeting(ticket),
        })
    }

    /// Something happened on a private connection.
    pub(super) fn backend_event(&mut self, id: u64, event: &Event) {
        let Some(backend) = self.pool.get_mut(id) else { return };
        backend.stream.note(event);
        match backend.job {
            Job::Serving(client, _) => self.visit(client),
            Job::Greeting(ticket) => self.greet(id, ticket),
            Job::Free => self.check_free(id),
        }
    }

    fn greet(&mut self, id: u64, ticket: u64) {
        let Some(b) = self.pool.get_mut(id) else { return };
        match greeting_answer(b) {
            Ok(false) => {}
            Ok(true) => {
                self.deadlines.clear(Timer::Backend(id));
                self.pool.release(id);
                self.open_backend();
            }
            Err(Broken(cause)) => {
                log::warn!("a private connection to the HTTP workers failed: {cause}; opening another");
                self.tickets.withdraw(ticket);
                self.private.report_broken();
                self.drop_backend(id);
                self.deadlines.set(Timer::Reopen, Instant::now() + REOPEN);
            }
        }
    }

    /// A free connection says nothing of its own accord, unless it ends.
    fn check_free(&mut self, id: u64) {
        let Some(b) = self.pool.get_mut(id) else { return };
        let outcome = b.stream.receive(&mut b.inbox, KEPT);
        if outcome.is_err() || b.stream.has_ended() || !b.inbox.is_empty() {
            self.drop_backend(id);
        }
    }

    /// A private connection gave no sign of life: the server may have lost it, another will do.
    pub(super) fn backend_is_late(&mut self, id: u64) {
        if let Some(Backend { job: Job::Greeting(ticket), .. }) = self.pool.get_mut(id) {
            let ticket = *ticket;
            log::warn!("the HTTP workers are busy or lost a private connection; opening another");
            self.tickets.withdraw(ticket);
            self.drop_backend(id);
        }
    }
}

fn greeting_answer(b: &mut Backend) -> Result<bool, Broken> {
    let lost = |cause: std::io::Error| Broken(cause.to_string());
    b.stream.send(&mut b.outbox).map_err(lost)?;
    b.stream.receive(&mut b.inbox, KEPT).map_err(lost)?;
    let asked = Asked { for_head_only: false, last: false, goes_on: false };
    match answer::read(b.inbox.data(), asked)? {
        Answer::Final { consumed, status: 204, .. } => {
            b.inbox.consume(consumed);
            Ok(true)
        }
        Answer::Final { status, .. } => Err(Broken(format!("status {status} to a greeting"))),
        _ if b.stream.has_ended() => Err(Broken("it was closed".into())),
        _ => Ok(false),
    }
}
