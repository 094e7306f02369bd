//! The door: one thread that owns every socket from outside and lets only complete, sane requests through to
//! the workers. Leaves out what a request means.
//!
//! `head`, `answer`, `caps`, `deadlines`, `pool` and `refusal` decide and know no sockets; `stream` and `listen` do the
//! I/O; `reactor` is the loop, `entrance` lets connections in, `visit` takes one connection as far as it can
//! go, `relay` joins it to a worker over one of the connections that `backend` opens, `feeding` continues answers that go on.

mod answer;
mod backend;
mod buffer;
mod caps;
mod connection;
mod deadlines;
mod entrance;
mod feeding;
mod head;
mod listen;
mod pool;
mod reactor;
mod refusal;
mod relay;
mod stream;
mod visit;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use mio::Waker;
use rustls::ServerConfig;

use super::limits::Limits;
use super::server::Private;
use super::stats::Counters;
use super::tickets::Tickets;
use entrance::Entrances;
use reactor::Reactor;

/// What the door needs to open.
pub struct Plan {
    /// Addresses to serve TLS on.
    pub listen: Vec<SocketAddr>,
    /// Path of the control socket.
    pub control_socket: Option<PathBuf>,
    /// TLS settings.
    pub tls: Arc<ServerConfig>,
    /// Caps and deadlines to start with.
    pub limits: Limits,
    /// Private connections, one for each worker.
    pub workers: usize,
    /// Largest body in bytes for a method and a path.
    pub body_limit: fn(&str, &str) -> u64,
    /// The workers' private address.
    pub private: Arc<Private>,
    /// The table of requests on their way.
    pub tickets: Arc<Tickets>,
    /// What has been seen.
    pub counters: Arc<Counters>,
    /// Whether there is news for answers that go on.
    pub has_news: Arc<AtomicBool>,
}

/// What the loop is told from outside.
#[derive(Debug)]
pub struct Orders {
    limits: Arc<Limits>,
    stop_by: Option<Instant>,
}

/// The open door.
#[derive(Debug)]
pub struct Door {
    orders: Arc<Mutex<Orders>>,
    waker: Arc<Waker>,
    has_news: Arc<AtomicBool>,
    addresses: Vec<SocketAddr>,
    /// In a mutex only so that the door can be shared; [`close`](Self::close) alone takes it out.
    ended: Mutex<Receiver<()>>,
    thread: JoinHandle<()>,
}

impl Door {
    /// Opens all addresses and starts the loop; on error nothing stays open.
    pub fn open(plan: Plan) -> io::Result<Self> {
        let entrances = Entrances::open(&plan.listen, plan.control_socket.as_deref())?;
        let addresses = entrances.addresses()?;
        let orders = Arc::new(Mutex::new(Orders { limits: Arc::new(plan.limits.clone()), stop_by: None }));
        let has_news = plan.has_news.clone();
        let (reactor, waker) = Reactor::new(plan, entrances, orders.clone())?;
        let (end, ended) = channel();
        let thread = Builder::new().name("door".into()).spawn(move || {
            reactor.run();
            // Nobody listens any more when the appliance did not wait for the end.
            let _ = end.send(());
        })?;
        Ok(Self { orders, waker, has_news, addresses, ended: Mutex::new(ended), thread })
    }

    /// The addresses served, with the real ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What changes caps and deadlines, also of what is running; good also when the door is closed.
    pub fn limiter(&self) -> impl Fn(Limits) -> io::Result<()> + Send + Sync + use<> {
        let (orders, waker) = (self.orders.clone(), self.waker.clone());
        move |limits| {
            lock(&orders).limits = Arc::new(limits);
            waker.wake()
        }
    }

    /// What to call when there is news for answers that go on; quick, and good also when the door is closed.
    pub fn nudge(&self) -> impl Fn() + Send + Sync + use<> {
        let (has_news, waker) = (self.has_news.clone(), self.waker.clone());
        move || {
            // Once until the loop has looked: thousands of changes in a second wake it a few times.
            if !has_news.swap(true, SeqCst)
                && let Err(cause) = waker.wake()
            {
                log::error!("cannot wake the door to tell news: {cause}; it looks within a second");
            }
        }
    }

    /// Stops accepting, closes what is idle, lets requests finish until the deadline; returns once the loop
    /// has ended.
    pub fn close(self, patience: Duration) {
        lock(&self.orders).stop_by = Some(Instant::now() + patience);
        if let Err(cause) = self.waker.wake() {
            log::error!("cannot wake the door to stop it: {cause}; it stops within a second");
        }
        let margin = Duration::from_secs(5);
        let ended = self.ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(patience + margin) == Err(RecvTimeoutError::Timeout) {
            log::error!("the door did not stop within {:?}; leaving its thread behind", patience + margin);
            return;
        }
        if self.thread.join().is_err() {
            log::error!("the door's thread had failed before it was stopped; the log above says why");
        }
    }
}

fn lock(orders: &Mutex<Orders>) -> MutexGuard<'_, Orders> {
    orders.lock().unwrap_or_else(PoisonError::into_inner)
}
