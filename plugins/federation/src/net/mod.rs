//! XMPP on real sockets: a thread with an event loop of its own, started and stopped while the plugin runs.

mod board;
mod clients;
mod confirming;
mod dial;
mod door;
mod hub;
mod inbound;
mod known;
mod link;
mod random;
mod resolve;
mod roots;
mod tls;
mod trouble;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::Duration;

use jackfield_sdk::{Host, log};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

pub use board::{Direction, Link};
pub use clients::{Clients, Place, TellAll};
pub use hub::{Hub, Unsent};
pub use known::{Known, Pace, Partner, Places, Waits};
pub use random::id as random_id;
pub use tls::{Own, Seen, Tls, all_seen, is_for as is_certificate_for, pair as certificate_pair};
pub use trouble::{Step, Trouble};

use crate::im::Desk;
use crate::s2s::dialback::Secret;
use crate::s2s::{Errand, Pair};
use board::Board;
use dial::{Course, Reached, dial, silent};
use door::Door;
use known::Present;

/// Time for all streams to end politely.
const FAREWELL: Duration = Duration::from_millis(2500);
/// Longest test of a server.
const TEST_WITHIN: Duration = Duration::from_secs(25);

/// The running server.
pub struct Net {
    hub: Arc<Hub>,
    runtime: Handle,
    changed: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    ended: std_mpsc::Receiver<()>,
    /// Where it listens.
    pub listens: Vec<SocketAddr>,
}

/// A test's outcome.
pub struct Tested {
    /// What was passed, with what was seen.
    pub done: Vec<(Step, String)>,
    /// What was not.
    pub trouble: Option<Trouble>,
    /// The server's certificate.
    pub certificate: Option<Seen>,
    /// Names that it should have one of.
    pub expected: Vec<String>,
}

impl Net {
    /// Listens and begins; the error says where it could not.
    pub fn start(
        host: &Host,
        known: Arc<Known>,
        places: &Places,
        secret: &str,
        desk: Desk,
    ) -> Result<Self, String> {
        let (plain, direct) = (bind(&places.plain)?, bind(&places.tls)?);
        let listens = plain.iter().chain(&direct).filter_map(|socket| socket.local_addr().ok()).collect();
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|e| format!("its event loop does not start: {e}"))?;
        let (stop, stopped) = watch::channel(false);
        let (changed, changes) = watch::channel(0);
        let (alive, lives) = mpsc::channel(1);
        let signals = (stopped, changes);
        let present = Present::new(known);
        let way_in = (desk, runtime.handle().clone());
        let hub = Hub::new(present, Secret::new(secret), Board::default(), way_in, signals, alive);
        let (hub, handle, (end, ended)) = (Arc::new(hub), runtime.handle().clone(), std_mpsc::channel());
        let shared = Arc::clone(&hub);
        let run = move || {
            runtime.block_on(serve(shared, plain, direct, lives));
            runtime.shutdown_background();
            // Nobody may wait any more.
            let _ = end.send(());
        };
        host.spawn("xmpp", run).map_err(|e| format!("its thread does not start: {e}"))?;
        Ok(Self { hub, runtime: handle, changed, stop, ended, listens })
    }

    /// Goes by that from now on, on streams that stand as well.
    pub fn know(&self, known: Arc<Known>) {
        self.hub.present.set(known);
        self.changed.send_modify(|version| *version += 1);
    }

    /// How links do.
    pub fn links(&self) -> Vec<Link> {
        self.hub.board.all()
    }

    /// What all streams share.
    pub fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    /// Something that tests servers without holding the server.
    pub fn tester(&self) -> Tester {
        Tester { hub: self.hub(), runtime: self.runtime.clone() }
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

/// Tests servers.
pub struct Tester {
    hub: Arc<Hub>,
    runtime: Handle,
}

impl Tester {
    /// Domains of ours that a test can speak for.
    pub fn own(&self) -> Vec<String> {
        self.hub.present.get().own.iter().cloned().collect()
    }

    /// Whether that domain is talked to at all.
    pub fn is_partner(&self, domain: &str) -> bool {
        self.hub.present.get().partner(domain).is_some()
    }

    /// Goes the whole way to a partner, and says how far it came. Nothing is sent to anybody.
    pub fn test(&self, own: &str, domain: &str) -> Tested {
        let (hub, pair) = (Arc::clone(&self.hub), Pair { from: own.to_owned(), to: domain.to_owned() });
        let (tell, told) = std_mpsc::channel();
        self.runtime.spawn(async move {
            let mut course = Course::default();
            let reached = timeout(TEST_WITHIN, dial(&hub, &pair, Errand::Carry, &mut course)).await;
            let trouble = match reached {
                Ok(Ok(Reached::Stream(mut wire, _))) => {
                    // A farewell; the test is over.
                    let _ = timeout(Duration::from_secs(1), wire.send("</stream:stream>")).await;
                    None
                }
                Ok(Ok(Reached::Answer(_))) => None,
                Ok(Err(trouble)) => Some(trouble),
                Err(_) => {
                    let next =
                        Step::ALL.into_iter().find(|step| !course.done.iter().any(|(done, _)| done == step));
                    let step = course.at.or(next).unwrap_or(Step::Stream);
                    Some(Trouble::new(step, "there was no answer within 25 seconds", silent(step)))
                }
            };
            let Course { done, certificate, expected, .. } = course;
            let _ = tell.send(Tested { done, trouble, certificate, expected });
        });
        told.recv_timeout(TEST_WITHIN + Duration::from_secs(2)).unwrap_or_else(|_| Tested {
            done: vec![],
            trouble: Some(Trouble::new(Step::Dns, "federation was stopped meanwhile", "Repeat the test.")),
            certificate: None,
            expected: vec![],
        })
    }
}

async fn serve(
    hub: Arc<Hub>,
    plain: Vec<std::net::TcpListener>,
    direct: Vec<std::net::TcpListener>,
    mut lives: mpsc::Receiver<()>,
) {
    let door = Door::new(inbound::CAPS);
    let all = plain
        .into_iter()
        .map(|socket| (socket, false))
        .chain(direct.into_iter().map(|socket| (socket, true)));
    for (socket, is_direct) in all {
        match TcpListener::from_std(socket) {
            Ok(listener) => {
                drop(tokio::spawn(inbound::listen(Arc::clone(&hub), listener, is_direct, Arc::clone(&door))))
            }
            Err(e) => log::error!("federation does not listen: {e}"),
        }
    }
    hub.stopped().await;
    hub.close();
    // Closed as soon as every stream has ended.
    let _ = timeout(FAREWELL, lives.recv()).await;
    hub.board.all_down();
}

fn bind(places: &[SocketAddr]) -> Result<Vec<std::net::TcpListener>, String> {
    places.iter().copied().map(bind_one).collect()
}

fn bind_one(place: SocketAddr) -> Result<std::net::TcpListener, String> {
    let open = || {
        let listener = std::net::TcpListener::bind(place)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    open().map_err(|e: io::Error| format!("{place} cannot be listened on: {e}"))
}
