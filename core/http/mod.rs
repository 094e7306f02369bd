//! Everything HTTP: the door that the outside reaches, and the workers behind it. The only place that knows
//! tiny_http, rustls, rcgen, mio and httparse. Leaves out routes, rights and what is answered.
//!
//! ```text
//! client ──TLS──► door (one thread: caps, deadlines, framing) ──loopback──► tiny_http ──► workers ──► handler
//! ```

mod certificate;
mod convert;
mod door;
mod limits;
pub mod local;
mod message;
pub mod outbound;
mod server;
mod stats;
mod tickets;
mod tls;
mod upload;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use certificate::self_signed;
pub use limits::Limits;
pub use message::{Client, Feed, Flow, Request, Response};
pub use server::Handler;
pub use stats::Stats;
pub use tls::CertStore;

use door::{Door, Plan};
use server::Server;
use stats::Counters;
use tickets::Tickets;

/// Worker threads unless told otherwise.
pub const WORKERS: usize = 8;
/// Most worker threads; more requests at once would only slow each other down.
const MOST_WORKERS: usize = 32;
/// How long workers may take to notice, after the last connection is closed, that they shall end.
const WORKERS_END: Duration = Duration::from_secs(1);

/// What the HTTP side needs to start.
pub struct Config {
    /// Addresses to serve HTTPS on; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Path of the control socket, absent for none.
    pub control_socket: Option<PathBuf>,
    /// The certificate to show.
    pub certificates: Arc<CertStore>,
    /// Caps and deadlines.
    pub limits: Limits,
    /// Worker threads, 1 to 32; see [`WORKERS`].
    pub workers: usize,
    /// Largest request body in bytes for a method and a path.
    pub body_limit: fn(&str, &str) -> u64,
    /// Folder that bodies go to which are too large for memory; nothing with a name stays there.
    pub spool: PathBuf,
    /// What to do with a request. Called on several threads at once.
    pub handler: Handler,
}

/// The running HTTP side.
pub struct Http {
    door: Door,
    server: Server,
    counters: Arc<Counters>,
}

impl Http {
    /// Opens every address and starts serving. The error says which address failed, why, and what to do.
    pub fn start(config: Config) -> io::Result<Self> {
        let workers = config.workers.clamp(1, MOST_WORKERS);
        let (tickets, counters) = (Arc::new(Tickets::default()), Arc::new(Counters::new()));
        let tls = tls::server_config(config.certificates).map_err(io::Error::other)?;
        let server = Server::start(workers, config.handler, tickets.clone(), counters.clone(), config.spool)?;
        let opened = Door::open(Plan {
            listen: config.listen,
            control_socket: config.control_socket,
            tls,
            limits: config.limits,
            workers,
            body_limit: config.body_limit,
            private: server.private(),
            tickets,
            counters: counters.clone(),
            has_news: Arc::default(),
        });
        match opened {
            Ok(door) => Ok(Self { door, server, counters }),
            Err(cause) => {
                server.stop(WORKERS_END);
                Err(cause)
            }
        }
    }

    /// The HTTPS addresses, with the real ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.door.addresses()
    }

    /// What has been seen so far.
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    /// What tells that at any time, also once the door is closed. It holds up no closing.
    pub fn teller(&self) -> impl Fn() -> Stats + Send + Sync + use<> {
        let counters = self.counters.clone();
        move || counters.snapshot()
    }

    /// What to call when there is news for answers that go on.
    pub fn nudge(&self) -> impl Fn() + Send + Sync + use<> {
        self.door.nudge()
    }

    /// What changes caps and deadlines while running; running waits are measured by the new ones as well.
    pub fn limiter(&self) -> impl Fn(Limits) -> io::Result<()> + Send + Sync + use<> {
        self.door.limiter()
    }

    /// Stops accepting, closes idle connections, lets running requests finish for up to `patience`, then
    /// closes everything and ends all threads.
    pub fn stop(self, patience: Duration) {
        let by = Instant::now() + patience;
        self.door.close(patience);
        self.server.stop(by.saturating_duration_since(Instant::now()).max(WORKERS_END));
    }
}
