//! Clients of our own users on real sockets: a thread with an event loop of its own, which runs while anybody can sign
//! in, whether other servers are talked to or not.

mod attempts;
mod handover;
mod keys;
mod login;
mod registry;
mod session;
mod shown;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};
use std::time::Duration;

use jackfield_sdk::{Host, Words, log};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::door::{Caps, Door};
use super::known::{Known, Places, Present};
use super::random;
use crate::c2s::{MadeUp, Rules};
use crate::im::{Desk, Outs};
use crate::s2s::{Condition, Rules as _};
use attempts::Attempts;
use keys::Keys;
use registry::Registry;
use shown::Client;

/// Most connections. An office reconnects from one address when its line comes back.
const CAPS: Caps = Caps { of_address: 256, strangers: 1000, all: 6000 };
/// Time for all streams to end politely.
const FAREWELL: Duration = Duration::from_millis(2500);
/// Pause before a place that is taken is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Pause after the system gave no connection, for want of descriptors mostly.
const BREATHER: Duration = Duration::from_millis(200);

/// Tells everybody how the plugin does.
pub type TellAll = Arc<dyn Fn() + Send + Sync>;

/// A place where clients are waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Address and port.
    pub address: SocketAddr,
    /// Whether TLS begins at once (XEP-0368).
    pub direct_tls: bool,
    /// Why it is not listened on; empty: it is.
    pub trouble: String,
}

/// The running clients' side.
pub struct Clients {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    ended: std_mpsc::Receiver<()>,
}

/// What all connections share.
pub struct Shared {
    present: Present,
    desk: Desk,
    outs: Outs,
    registry: Registry,
    rules: Arc<Rules>,
    keys: Keys,
    door: Arc<Door>,
    attempts: Attempts,
    stop: watch::Receiver<bool>,
    places: Mutex<Vec<Place>>,
    alive: Mutex<Option<mpsc::Sender<()>>>,
}

impl Shared {
    async fn stopped(&self) {
        // An error means that nobody is there who could say so: then it is time as well.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Something to hold while a task runs; none: everything ends.
    fn life(&self) -> Option<mpsc::Sender<()>> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, place: SocketAddr, change: impl FnOnce(&mut Place)) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = places.iter_mut().find(|known| known.address == place) {
            change(known);
        }
    }
}

impl Clients {
    /// Begins. A place that cannot be listened on is tried again until it can.
    pub fn start(
        host: &Host,
        known: Arc<Known>,
        places: &Places,
        secret: &str,
        desk: Desk,
        tell: TellAll,
    ) -> Result<Self, String> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|e| format!("its event loop does not start: {e}"))?;
        let (stop, stopped) = watch::channel(false);
        let (alive, lives) = mpsc::channel(1);
        let (end, ended) = std_mpsc::channel();
        let present = Present::new(known);
        let served = present.clone();
        let rules = Rules {
            serves: Box::new(move |domain| served.serves(domain)),
            id: random::id,
            made_up: MadeUp::new(secret),
        };
        let keys = Keys::start(host, tell).map_err(|e| e.msg)?;
        let mut listeners = Vec::new();
        let mut shown = Vec::new();
        for (place, direct_tls) in all(places) {
            let listener = super::bind_one(place);
            let trouble = listener.as_ref().err().cloned().unwrap_or_default();
            shown.push(Place { address: place, direct_tls, trouble });
            listeners.push((place, direct_tls, listener.ok()));
        }
        let shared = Arc::new(Shared {
            present,
            desk,
            outs: Outs::default(),
            registry: Registry::default(),
            rules: Arc::new(rules),
            keys,
            door: Door::new(CAPS),
            attempts: Attempts::default(),
            stop: stopped,
            places: Mutex::new(shown),
            alive: Mutex::new(Some(alive)),
        });
        let running = Arc::clone(&shared);
        let run = move || {
            runtime.block_on(serve(running, listeners, lives));
            runtime.shutdown_background();
            // Nobody may wait any more.
            let _ = end.send(());
        };
        host.spawn("clients", run).map_err(|e| format!("its thread does not start: {e}"))?;
        Ok(Self { shared, stop, ended })
    }

    /// Goes by that from now on.
    pub fn know(&self, known: Arc<Known>) {
        self.shared.present.set(known);
    }

    /// Where clients are waited for.
    pub fn places(&self) -> Vec<Place> {
        self.shared.places.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many sessions there are.
    pub fn connected(&self) -> usize {
        self.shared.registry.len()
    }

    /// Who is connected, by address after that one, with each of these words, and whether there are more.
    pub fn page(&self, after: &str, words: &Words, limit: usize) -> (Vec<Client>, bool) {
        self.shared.registry.page(after, words, limit)
    }

    /// Ends a session for an administrator; its address, or none: there is none of that id.
    pub fn end(&self, id: &str) -> Option<String> {
        self.shared.registry.end(id, Condition::PolicyViolation, "an administrator has ended this session")
    }

    /// Begins to end every stream politely; [`Self::stop`] waits for it.
    pub fn begin_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Ends every stream politely.
    pub fn stop(self) {
        self.begin_to_stop();
        // It ends by its own deadline; waiting longer would help nobody.
        let _ = self.ended.recv_timeout(FAREWELL + Duration::from_millis(300));
    }
}

fn all(places: &Places) -> impl Iterator<Item = (SocketAddr, bool)> {
    let plain = places.plain.iter().map(|place| (*place, false));
    plain.chain(places.tls.iter().map(|place| (*place, true)))
}

type Listener = (SocketAddr, bool, Option<std::net::TcpListener>);

async fn serve(shared: Arc<Shared>, listeners: Vec<Listener>, mut lives: mpsc::Receiver<()>) {
    for (place, is_direct, listener) in listeners {
        tokio::spawn(keep_listening(Arc::clone(&shared), place, is_direct, listener));
    }
    shared.stopped().await;
    shared.alive.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Closed as soon as every stream has ended.
    let _ = timeout(FAREWELL, lives.recv()).await;
}

/// Listens, as soon as that is possible.
async fn keep_listening(
    shared: Arc<Shared>,
    place: SocketAddr,
    is_direct: bool,
    mut listener: Option<std::net::TcpListener>,
) {
    loop {
        match listener.take().map(TcpListener::from_std) {
            Some(Ok(listener)) => {
                log::info!("clients are waited for on {place}");
                return listen(&shared, &listener, is_direct).await;
            }
            Some(Err(error)) => log::error!("clients are not waited for on {place}: {error}"),
            None => {}
        }
        tokio::select! {
            () = shared.stopped() => return,
            () = sleep(AGAIN) => {}
        }
        match super::bind_one(place) {
            Ok(bound) => {
                shared.note(place, |known| known.trouble.clear());
                shared.keys.tell_all();
                listener = Some(bound);
            }
            Err(why) => shared.note(place, |known| known.trouble = why),
        }
    }
}

async fn listen(shared: &Arc<Shared>, listener: &TcpListener, is_direct: bool) {
    loop {
        let accepted = tokio::select! {
            () = shared.stopped() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((socket, from)) = accepted else {
            sleep(BREATHER).await;
            continue;
        };
        let ip = from.ip().to_canonical();
        let (Some(guest), Some(life)) = (shared.door.enter(ip), shared.life()) else { continue };
        tokio::spawn(session::run(Arc::clone(shared), socket, from, guest, is_direct, life));
    }
}
