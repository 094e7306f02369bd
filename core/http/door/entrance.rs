//! Letting connections in: listeners, caps, and what to do when the machine has no file descriptors left.
//! Leaves out everything after that.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, UnixListener, UnixStream};
use mio::{Interest, Registry};
use rustix::process::{Resource, getrlimit};

use super::caps::{Admission, Origin};
use super::connection::Connection;
use super::listen::{self, ControlFile};
use super::reactor::{Id, Reactor, Timer};
use super::stream::{Socket, Stream};
use crate::http::message::Client;
use crate::http::stats::{Counters, Phase};

/// Most connections taken from one listener before others get their turn.
const AT_ONCE: usize = 64;
/// Most connections on the control socket; they do not count against those from outside.
const LOCAL_CONNECTIONS: usize = 32;
/// File descriptors left for everything else in the process: the database, child processes, private
/// connections (three each).
const RESERVED_DESCRIPTORS: u64 = 256;
const PAUSE: Duration = Duration::from_millis(100);
const LOG_EVERY: Duration = Duration::from_secs(60);

/// One place where connections arrive.
#[derive(Debug)]
enum Entrance {
    Tls(TcpListener),
    Control(UnixListener),
}

/// All places where connections arrive.
#[derive(Debug)]
pub struct Entrances {
    all: Vec<Entrance>,
    control_file: Option<ControlFile>,
    largest: usize,
    last_complaint: Option<Instant>,
}

impl Entrances {
    /// Opens every address and the control socket.
    pub fn open(addresses: &[SocketAddr], control: Option<&Path>) -> io::Result<Self> {
        let mut all = Vec::new();
        for address in addresses {
            all.push(Entrance::Tls(TcpListener::from_std(listen::tcp(*address, addresses)?)));
        }
        let mut control_file = None;
        if let Some(path) = control {
            let (listener, file) = listen::control(path)?;
            all.push(Entrance::Control(UnixListener::from_std(listener)));
            control_file = Some(file);
        }
        Ok(Self { all, control_file, largest: affordable_connections(), last_complaint: None })
    }

    /// The TCP addresses with their real ports.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let tcp = self.all.iter().filter_map(|entrance| match entrance {
            Entrance::Tls(listener) => Some(listener.local_addr()),
            Entrance::Control(_) => None,
        });
        tcp.collect()
    }

    /// Has all of them watched.
    pub fn register(&mut self, registry: &Registry) -> io::Result<()> {
        for (index, entrance) in self.all.iter_mut().enumerate() {
            let token = Id::Entrance(index).token();
            match entrance {
                Entrance::Tls(listener) => registry.register(listener, token, Interest::READABLE)?,
                Entrance::Control(listener) => registry.register(listener, token, Interest::READABLE)?,
            }
        }
        Ok(())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Closes all and removes the control socket's file.
    pub fn close(&mut self) {
        self.all.clear();
        self.control_file = None;
    }

    fn accept(&self, index: usize) -> io::Result<(Socket, Client)> {
        match self.all.get(index) {
            Some(Entrance::Tls(listener)) => {
                let (stream, peer) = listener.accept()?;
                // Answers are written whole; waiting to fill packets would only delay them.
                stream.set_nodelay(true)?;
                // An IPv4 client on an IPv6 listener shall be known by its IPv4 address.
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                Ok((Socket::Tcp(stream), Client::Remote(peer)))
            }
            Some(Entrance::Control(listener)) => {
                let (stream, _) = listener.accept()?;
                let uid = peer_uid(&stream)?;
                Ok((Socket::Unix(stream), Client::Local { uid }))
            }
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn complain(&mut self, cause: &io::Error, now: Instant) {
        if self.last_complaint.is_some_and(|last| now < last + LOG_EVERY) {
            return;
        }
        self.last_complaint = Some(now);
        log::error!(
            "cannot accept HTTP connections: {cause}; trying again every {PAUSE:?}. \
             Raise LimitNOFILE of the service, or lower the cap on connections"
        );
    }
}

fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}

fn affordable_connections() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(descriptors.saturating_sub(RESERVED_DESCRIPTORS).max(16)).unwrap_or(usize::MAX)
}

/// Errors that mean that the machine, not the newcomer, is the trouble.
fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    shortages.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

impl Reactor {
    /// Takes in what waits at one entrance.
    pub(super) fn accept(&mut self, index: usize) {
        for _ in 0..AT_ONCE {
            match self.entrances.accept(index) {
                Ok((socket, client)) => self.admit(socket, client),
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return,
                Err(cause) if is_shortage(&cause) => return self.pause_accepting(&cause),
                Err(cause) => log::debug!("a connection was gone before it was accepted: {cause}"),
            }
        }
        self.accept_again.push(index);
    }

    /// Called when the pause is over.
    pub(super) fn accept_everywhere(&mut self) {
        for index in 0..self.entrances.count() {
            self.accept(index);
        }
    }

    fn pause_accepting(&mut self, cause: &io::Error) {
        let now = Instant::now();
        self.entrances.complain(cause, now);
        self.deadlines.set(Timer::Accept, now + PAUSE);
    }

    fn admit(&mut self, socket: Socket, client: Client) {
        let (origin, phase) = match client {
            Client::Remote(peer) => (Origin::of(peer.ip()), Phase::Silent),
            Client::Local { .. } => (Origin::ThisMachine, Phase::Head),
        };
        match self.judge(origin) {
            Admission::Refused => return Counters::count(&self.counters.refused),
            Admission::Replacing(oldest) => self.evict(oldest),
            Admission::Welcome => {}
        }
        let id = self.next_id();
        match Stream::new(socket, self.poll.registry(), Id::Client(id).token()) {
            Ok(stream) => {
                let counters = self.counters.clone();
                self.welcome(Connection::new(id, stream, client, origin, phase, counters));
            }
            Err(cause) => log::warn!("cannot watch a new HTTP connection: {cause}; it was closed"),
        }
    }

    fn judge(&self, origin: Origin) -> Admission {
        if origin == Origin::ThisMachine {
            return self.local_caps.judge(origin, LOCAL_CONNECTIONS, LOCAL_CONNECTIONS);
        }
        let total = self.limits.connections.min(self.entrances.largest);
        self.caps.judge(origin, total, self.limits.per_address)
    }

    fn evict(&mut self, id: u64) {
        Counters::count(&self.counters.evicted);
        if let Some(connection) = self.clients.remove(&id) {
            self.dismiss(connection);
        }
    }

    fn welcome(&mut self, connection: Connection) {
        self.counters.accepted.fetch_add(1, Relaxed);
        self.caps_of(connection.origin).enter(connection.id, connection.origin);
        self.keep(Box::new(connection));
    }
}
