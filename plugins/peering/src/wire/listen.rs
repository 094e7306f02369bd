//! Listening, where and while it is wanted. A place that is taken is said, and tried again.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jackfield_sdk::log;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Hub;
use crate::sister::certificate::Seen;

/// Most connections that others have dialed.
const MOST: usize = 256;
/// Time for TLS.
const TLS_WITHIN: Duration = Duration::from_secs(10);
/// Until a place that is taken is tried again.
const AGAIN: Duration = Duration::from_secs(3);
/// After the system could not accept one.
const BREATH: Duration = Duration::from_millis(100);

/// Where it listens.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// These are open.
    pub open: Vec<SocketAddr>,
    /// These are not, with the reason.
    pub closed: Vec<(SocketAddr, String)>,
}

/// What others are told of it.
#[derive(Default)]
pub struct Told {
    now: Mutex<Standing>,
    changed: Condvar,
}

impl Told {
    /// As it is now.
    pub fn now(&self) -> Standing {
        self.lock().clone()
    }

    /// As soon as a place is open or it is known why not, and as it is at the end of that time.
    pub fn settled(&self, within: Duration) -> Standing {
        let unknown = |now: &mut Standing| now.open.is_empty() && now.closed.is_empty();
        let waited = self.changed.wait_timeout_while(self.lock(), within, unknown);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn tell(&self, now: Standing) {
        *self.lock() = now;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows what is wanted until everything stops.
pub async fn run(hub: Arc<Hub>, mut wanted: watch::Receiver<Vec<SocketAddr>>, told: Arc<Told>) {
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let places = wanted.borrow_and_update().clone();
        let mut doors = JoinSet::new();
        let mut now = Standing::default();
        for place in places {
            match TcpListener::bind(place).await {
                Ok(listener) => {
                    now.open.push(listener.local_addr().unwrap_or(place));
                    doors.spawn(door(Arc::clone(&hub), listener, Arc::clone(&room)));
                }
                Err(e) => now.closed.push((place, format!("{place} cannot be listened on: {e}"))),
            }
        }
        let is_whole = now.closed.is_empty();
        told.tell(now);
        tokio::select! {
            () = hub.stopped() => break,
            changed = wanted.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(AGAIN), if !is_whole => {}
        }
        doors.shutdown().await;
    }
}

async fn door(hub: Arc<Hub>, listener: TcpListener, room: Arc<Semaphore>) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => match Arc::clone(&room).try_acquire_owned() {
                Ok(permit) => drop(tokio::spawn(welcome(Arc::clone(&hub), socket, permit))),
                // Nobody is answered who would only take room.
                Err(_) => drop(socket),
            },
            Err(e) => {
                log::debug!("a connection could not be accepted: {e}");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn welcome(hub: Arc<Hub>, socket: TcpStream, _permit: OwnedSemaphorePermit) {
    // Small frames go at once; a system that cannot do that only delays them.
    let _ = socket.set_nodelay(true);
    let Ok(Ok(socket)) = timeout(TLS_WITHIN, hub.tls().acceptor.accept(socket)).await else { return };
    let certificate = socket.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let Some(seen) = certificate.and_then(|leaf| Seen::of(leaf)) else { return };
    hub.serve(socket, seen, None).await;
}
