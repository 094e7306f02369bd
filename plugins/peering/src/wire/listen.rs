//! Listening, where and while it is wanted. A place that is taken is said, and tried again.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
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

/// Follows what is wanted until everything stops.
pub async fn run(
    hub: Arc<Hub>,
    mut wanted: watch::Receiver<Vec<SocketAddr>>,
    standing: Arc<Mutex<Standing>>,
) {
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
        *standing.lock().unwrap_or_else(PoisonError::into_inner) = now;
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
