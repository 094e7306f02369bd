//! Sockets to sister appliances: a thread with an event loop of its own, that listens while it is told to, dials when it
//! is told to, and hands everything over. It decides nothing.

mod dial;
mod line;
mod listen;
mod tls;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self as std_mpsc, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jackfield_sdk::Host;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub use dial::split;
pub use line::Out;
pub use tls::Tls;

use crate::desk::Call;
use crate::sister::certificate::Seen;
use crate::sister::frame::Frame;
use crate::sister::link::Conn;
use crate::sister::status::{Trouble, Word};

/// Frames of one connection that wait for the desk.
const IN_HAND: usize = 4;
/// Longest errand.
const ERRAND_WITHIN: Duration = Duration::from_secs(20);
/// Between two attempts to hand something to a desk that is busy.
const PAUSE: Duration = Duration::from_millis(5);
/// Time for what is said last.
const LAST_WORDS: Duration = Duration::from_millis(400);
/// Time for all connections to end politely.
const FAREWELL: Duration = Duration::from_millis(1500);

/// What happens on sockets.
pub enum News {
    /// A connection stands.
    Opened {
        /// Its number.
        conn: Conn,
        /// The way to send on it.
        out: Out,
        /// The other side's certificate.
        seen: Seen,
        /// The peer that it was dialed for; none: the other side dialed.
        peer: Option<String>,
    },
    /// A frame came.
    Frame {
        /// On which connection.
        conn: Conn,
        /// What came.
        frame: Frame,
        /// Held until it was dealt with, so that nobody gets ahead.
        _permit: OwnedSemaphorePermit,
    },
    /// A connection has ended.
    Closed {
        /// Which.
        conn: Conn,
        /// Why, in words.
        why: String,
    },
    /// No connection came about.
    Failed {
        /// For which peer.
        peer: String,
        /// Why.
        trouble: Trouble,
    },
}

/// What all connections share.
pub(crate) struct Hub {
    tls: RwLock<Tls>,
    desk: SyncSender<Call>,
    numbers: AtomicU64,
    stop: watch::Receiver<bool>,
}

impl Hub {
    fn tls(&self) -> Tls {
        self.tls.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn number(&self) -> Conn {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    async fn stopped(&self) {
        // An error means that nobody is there who could say so: then it is time as well.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// The end of connections: what the desk says last still leaves.
    async fn ending(&self) {
        self.stopped().await;
        tokio::time::sleep(LAST_WORDS).await;
    }

    /// Hands something to the desk; false: there is none any more.
    async fn hand(&self, news: News) -> bool {
        let mut call = Call::News(Box::new(news));
        loop {
            call = match self.desk.try_send(call) {
                Ok(()) => return true,
                Err(TrySendError::Full(call)) => call,
                Err(TrySendError::Disconnected(_)) => return false,
            };
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Runs a connection to its end.
    async fn serve<S>(self: &Arc<Self>, socket: S, seen: Seen, peer: Option<String>)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let (conn, (out, line)) = (self.number(), line::line());
        if !self.hand(News::Opened { conn, out: out.clone(), seen, peer }).await {
            return;
        }
        let in_hand = Arc::new(Semaphore::new(IN_HAND));
        let hand = |frame| {
            let (hub, in_hand) = (Arc::clone(self), Arc::clone(&in_hand));
            async move {
                let Ok(permit) = in_hand.acquire_owned().await else { return false };
                hub.hand(News::Frame { conn, frame, _permit: permit }).await
            }
        };
        let why = tokio::select! {
            why = line.run(socket, &out, hand) => why,
            () = self.ending() => "the plugin stops".to_owned(),
        };
        self.hand(News::Closed { conn, why }).await;
    }
}

/// The running sockets.
pub struct Wire {
    hub: Arc<Hub>,
    runtime: Handle,
    places: watch::Sender<Vec<SocketAddr>>,
    standing: Arc<listen::Told>,
    stop: watch::Sender<bool>,
    ended: Mutex<std_mpsc::Receiver<()>>,
}

impl Wire {
    /// Begins, listening nowhere yet.
    pub fn start(host: &Host, tls: Tls, desk: SyncSender<Call>) -> Result<Self, String> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(8).build();
        let runtime = runtime.map_err(|e| format!("its event loop does not start: {e}"))?;
        let (stop, stopped) = watch::channel(false);
        let (places, wanted) = watch::channel(Vec::new());
        let hub = Hub { tls: RwLock::new(tls), desk, numbers: AtomicU64::new(1), stop: stopped };
        let (hub, handle, (end, ended)) = (Arc::new(hub), runtime.handle().clone(), std_mpsc::channel());
        let standing = Arc::new(listen::Told::default());
        let (shared, told) = (Arc::clone(&hub), Arc::clone(&standing));
        let run = move || {
            runtime.block_on(listen::run(shared, wanted, told));
            runtime.shutdown_timeout(FAREWELL);
            // Nobody may wait any more.
            let _ = end.send(());
        };
        host.spawn("wire", run).map_err(|e| format!("its thread does not start: {e}"))?;
        Ok(Self { hub, runtime: handle, places, standing, stop, ended: Mutex::new(ended) })
    }

    /// Shows that certificate from now on.
    pub fn show(&self, tls: Tls) {
        *self.hub.tls.write().unwrap_or_else(PoisonError::into_inner) = tls;
    }

    /// Listens there and nowhere else.
    pub fn listen(&self, places: Vec<SocketAddr>) {
        self.places.send_if_modified(|now| {
            let is_other = *now != places;
            *now = places;
            is_other
        });
    }

    /// Where it listens, and what is in the way.
    pub fn standing(&self) -> listen::Standing {
        self.standing.now()
    }

    /// The same once something is open or it is known why not; waits at most so long.
    pub fn settled(&self, within: Duration) -> listen::Standing {
        self.standing.settled(within)
    }

    /// Dials for a peer; what comes of it is told to the desk.
    pub fn dial(&self, peer: &str, hostname: &str, address: &str) {
        let (hub, peer) = (Arc::clone(&self.hub), peer.to_owned());
        let (hostname, address) = (hostname.to_owned(), address.to_owned());
        self.runtime.spawn(async move {
            match dial::connect(&hub.tls(), &hostname, &address).await {
                Ok((socket, seen)) => hub.serve(socket, seen, Some(peer)).await,
                Err(trouble) => drop(hub.hand(News::Failed { peer, trouble }).await),
            }
        });
    }

    /// Goes to an appliance, looks at its certificate, says one thing and brings its answer; waits for at most 20
    /// seconds. Without a frame it only looks.
    pub fn errand(
        &self,
        (hostname, address): (&str, &str),
        judge: impl FnOnce(&Seen) -> Result<(), Trouble> + Send + 'static,
        frame: Option<Frame>,
    ) -> Result<(Seen, Option<Frame>), Trouble> {
        let tls = self.hub.tls();
        let (hostname, place) = (hostname.to_owned(), address.to_owned());
        let (tell, told) = std_mpsc::channel();
        self.runtime.spawn(async move {
            let way = dial::errand(&tls, (&hostname, &place), judge, frame);
            let outcome = tokio::time::timeout(ERRAND_WITHIN, way).await;
            let late =
                || Err(Trouble::new(Word::Unreachable, format!("{place} did not answer within 20 seconds")));
            // Who asked may have gone.
            let _ = tell.send(outcome.unwrap_or_else(|_| late()));
        });
        let stopped = |_| Trouble::new(Word::Unreachable, "the plugin was stopped meanwhile");
        told.recv_timeout(ERRAND_WITHIN + Duration::from_secs(2)).map_err(stopped)?
    }

    /// Ends every connection politely.
    pub fn stop(&self) {
        self.stop.send_replace(true);
        // It ends by its own deadline; waiting longer would help nobody.
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(FAREWELL + Duration::from_millis(300));
    }
}
