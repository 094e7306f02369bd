//! The workers: tiny_http on a private loopback address, and the threads that call the handler for each
//! request. Leaves out time limits, sizes and clients, which are the door's.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::convert::{checked, fault, plain, request_from, send};
use super::message::{Request, Response};
use super::stats::Counters;
use super::tickets::{self, Invalid, Pass, Tickets};

/// What the appliance does with a request.
pub type Handler = Arc<dyn Fn(Request) -> Response + Send + Sync>;

/// How long a worker waits before it looks whether it shall stop or mend the server.
const LOOK_UP: Duration = Duration::from_millis(500);

/// Least time between two replacements of the workers' server.
const MEND_PAUSE: Duration = Duration::from_secs(1);

/// Where the workers are reached, which changes when their server had to be replaced.
#[derive(Debug)]
pub struct Private {
    address: Mutex<SocketAddr>,
    is_broken: AtomicBool,
}

impl Private {
    /// The address to connect to.
    pub fn address(&self) -> SocketAddr {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the workers to replace their server, because it does not accept any more.
    pub fn report_broken(&self) {
        self.is_broken.store(true, Relaxed);
    }
}

/// The running workers.
pub struct Server {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// In a mutex only so that the server can be shared; [`stop`](Self::stop) alone takes it out.
    ended: Mutex<Receiver<()>>,
}

struct Shared {
    http: RwLock<Arc<tiny_http::Server>>,
    /// The one before, for requests that were already on their way through it.
    retired: RwLock<Option<Arc<tiny_http::Server>>>,
    last_mended: Mutex<Option<Instant>>,
    private: Arc<Private>,
    is_stopping: AtomicBool,
    tickets: Arc<Tickets>,
    counters: Arc<Counters>,
    handler: Handler,
    /// Where bodies go that are too large for memory.
    spool: PathBuf,
}

impl Server {
    /// Starts `workers` threads that serve with `handler`.
    pub fn start(
        workers: usize,
        handler: Handler,
        tickets: Arc<Tickets>,
        counters: Arc<Counters>,
        spool: PathBuf,
    ) -> io::Result<Self> {
        let (http, address) = listen()?;
        let private = Private { address: Mutex::new(address), is_broken: AtomicBool::new(false) };
        let shared = Arc::new(Shared {
            http: RwLock::new(http),
            retired: RwLock::new(None),
            last_mended: Mutex::new(None),
            private: Arc::new(private),
            is_stopping: AtomicBool::new(false),
            tickets,
            counters,
            handler,
            spool,
        });
        let (end, ended) = channel();
        let threads = (1..=workers).map(|n| spawn(n, shared.clone(), end.clone()));
        let threads = threads.collect::<io::Result<Vec<_>>>()?;
        Ok(Self { shared, threads, ended: Mutex::new(ended) })
    }

    /// Where the door reaches the workers.
    pub fn private(&self) -> Arc<Private> {
        self.shared.private.clone()
    }

    /// Ends the threads; one whose handler has not returned after `patience` is left behind.
    pub fn stop(self, patience: Duration) {
        let by = Instant::now() + patience;
        self.shared.is_stopping.store(true, Relaxed);
        for _ in &self.threads {
            self.shared.current().unblock();
        }
        let all = self.threads.len();
        let ended = self.ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        let left = (0..all).take_while(|_| ended.recv_timeout(until(by)).is_ok()).count();
        if left < all {
            log::error!("{} of {all} HTTP workers still run a request; leaving them behind", all - left);
        }
        for thread in self.threads.into_iter().filter(JoinHandle::is_finished) {
            if thread.join().is_err() {
                log::error!("an HTTP worker had failed before it was stopped; the log above says why");
            }
        }
    }
}

fn ticket_of(raw: &tiny_http::Request) -> Option<u64> {
    let ticket = raw.headers().iter().find(|header| header.field.equiv(tickets::HEADER));
    ticket?.value.as_str().parse().ok()
}

fn until(by: Instant) -> Duration {
    by.saturating_duration_since(Instant::now())
}

fn spawn(number: usize, shared: Arc<Shared>, end: Sender<()>) -> io::Result<JoinHandle<()>> {
    Builder::new().name(format!("http-{number}")).spawn(move || {
        shared.work();
        // Nobody listens any more when the appliance did not wait for the end.
        let _ = end.send(());
    })
}

/// Accepted sockets inherit the listener's setting: without it, an answer written in two parts waits for the
/// other side's delayed acknowledgement.
fn listen() -> io::Result<(Arc<tiny_http::Server>, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
    let address = listener.local_addr()?;
    let server = tiny_http::Server::from_listener(listener, None).map_err(io::Error::other)?;
    Ok((Arc::new(server), address))
}

impl Shared {
    fn current(&self) -> Arc<tiny_http::Server> {
        self.http.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn work(&self) {
        while !self.is_stopping.load(Relaxed) {
            self.mend();
            match self.current().recv_timeout(LOOK_UP) {
                Ok(Some(request)) => self.serve(request),
                Ok(None) => {}
                Err(cause) => {
                    log::error!("the workers' server stopped accepting ({cause}); replacing it");
                    self.private.report_broken();
                }
            }
            self.serve_retired();
        }
    }

    /// Replaces a broken server, but not over and over: without file descriptors a new one breaks at once.
    fn mend(&self) {
        if !self.private.is_broken.load(Relaxed) {
            return;
        }
        let mut last = self.last_mended.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() < MEND_PAUSE) {
            return;
        }
        *last = Some(Instant::now());
        self.private.is_broken.store(false, Relaxed);
        self.replace_server();
    }

    fn serve_retired(&self) {
        let retired = self.retired.read().unwrap_or_else(PoisonError::into_inner).clone();
        // Its end was logged when it was replaced; what is left is not worth another word.
        while let Some(Ok(Some(request))) = retired.as_ref().map(|server| server.try_recv()) {
            self.serve(request);
        }
    }

    fn replace_server(&self) {
        match listen() {
            Ok((http, address)) => {
                let mut current = self.http.write().unwrap_or_else(PoisonError::into_inner);
                let before = std::mem::replace(&mut *current, http);
                *self.retired.write().unwrap_or_else(PoisonError::into_inner) = Some(before);
                *self.private.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
            }
            Err(cause) => log::error!("cannot replace the workers' server: {cause}; the door asks again"),
        }
    }

    fn serve(&self, mut raw: tiny_http::Request) {
        match self.redeem(&raw) {
            Err(Invalid::Foreign) => {
                Counters::count(&self.counters.strangers);
                log::debug!("refused a request that did not come through the door: {raw:?}");
                send(raw, plain(403));
            }
            Err(Invalid::Spent) => send(raw, plain(403)),
            Ok(Pass::Greeting) => send(raw, plain(204)),
            // A body cut short means that the door gave the request up: nobody waits for an answer.
            Ok(Pass::From(client)) => {
                let Some(taken) = request_from(&mut raw, client, &self.spool) else { return };
                let mut answer = taken.map(|request| self.answer(request)).unwrap_or_else(|refusal| refusal);
                // Before the head is sent, so that the door finds it there.
                if let (Some(feed), Some(ticket)) = (answer.feed.take(), ticket_of(&raw)) {
                    self.tickets.leave(ticket, feed);
                }
                send(raw, answer);
            }
        }
    }

    fn redeem(&self, raw: &tiny_http::Request) -> Result<Pass, Invalid> {
        let port = raw.remote_addr().ok_or(Invalid::Foreign)?.port();
        self.tickets.redeem(ticket_of(raw).ok_or(Invalid::Foreign)?, port)
    }

    fn answer(&self, request: Request) -> Response {
        let what = format!("{} {}", request.method, request.path);
        match catch_unwind(AssertUnwindSafe(|| (self.handler)(request))) {
            Ok(response) => checked(response, &what),
            Err(_) => {
                log::error!("the handler of {what} panicked; the caller was answered 500");
                fault()
            }
        }
    }
}
