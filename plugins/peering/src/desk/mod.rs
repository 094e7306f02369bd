//! Where everything about sister appliances comes together: one thread that owns all links, takes what sockets, the
//! appliance and administrators bring, asks `sister` what it means, and does it. Nothing here waits for a socket.

mod board;
mod bring;
mod follow;
mod handshake;
mod here;
mod letters;
mod near;
mod outward;
mod redeem;
pub mod rows;
pub mod shown;
mod talk;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jackfield_sdk::{Failure, Host, log};

pub use board::{Board, Shown, Us};
pub use here::{Here, Options, lack};
pub use rows::Outcome;

use crate::conditions::Conditions;
use crate::sister::certificate::Seen;
use crate::sister::frame::Frame;
use crate::sister::hello::Agreed;
use crate::sister::link::{Conn, Link};
use crate::sister::people::People;
use crate::sister::post::Post;
use crate::sister::share::{Order, Share};
use crate::sister::status::Trouble;
use crate::wire::{News, Out, Wire};
use bring::{Done, Worker};
use rows::Row;

/// What waits for the desk.
const CALLS: usize = 512;
/// What is dealt with before the desk looks at the time.
const TURN: usize = 64;
/// How often it looks at the time when nothing comes.
const TICK: Duration = Duration::from_millis(200);

/// What reaches the desk.
pub enum Call {
    /// From sockets.
    News(Box<News>),
    /// Peers, enterprises or trust are others.
    Reload,
    /// The settings are others.
    Options(Options),
    /// Somebody's presence is another; who stands in [`Dirty`].
    People,
    /// Accounts are others.
    Accounts,
    /// Messages may wait.
    Letters,
    /// A directory is to be brought.
    Sync {
        /// Of which peer.
        peer: String,
        /// How.
        order: Order,
        /// Who wants to hear of it.
        tell: SyncSender<Told>,
    },
    /// The appliance has dealt with a page.
    Worked {
        /// Of which peer.
        peer: String,
        /// Of which run.
        serial: u64,
        /// How it went.
        done: Box<Result<Done, Failure>>,
    },
    /// Everything ends.
    Stop,
}

/// What somebody who waits for a synchronization hears.
#[derive(Debug)]
pub enum Told {
    /// So many people of so many.
    Progress(u64, u64),
    /// It has ended, or could not begin.
    Ended(Box<Result<Outcome, String>>),
}

/// Whose presence is another. The host's thread fills it without waiting, and nobody is left out.
#[derive(Debug, Default)]
pub struct Dirty {
    people: Mutex<HashSet<String>>,
    is_told: AtomicBool,
}

impl Dirty {
    fn add(&self, people: impl IntoIterator<Item = String>) {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).extend(people);
    }

    fn take(&self) -> HashSet<String> {
        self.is_told.store(false, Ordering::Release);
        std::mem::take(&mut *self.people.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The way to the desk.
pub struct Office {
    calls: SyncSender<Call>,
    dirty: Arc<Dirty>,
    /// How peers do.
    pub board: Arc<Board>,
    /// The sockets, for errands.
    pub wire: Arc<Wire>,
}

impl Office {
    /// Opens it.
    pub fn open(host: &Host, conditions: &Arc<Conditions>, options: Options) -> Result<Self, Failure> {
        let (calls, waiting) = sync_channel(CALLS);
        let (here, tls) = here::read(host)?;
        let unable = |why| Failure::new(jackfield_sdk::Code::Unavailable, why);
        let wire = Arc::new(Wire::start(host, tls, calls.clone()).map_err(unable)?);
        let (board, dirty) = (Arc::new(Board::default()), Arc::new(Dirty::default()));
        let worker = Worker::start(host, calls.clone())?;
        let mut desk = Desk {
            host: host.clone(),
            wire: Arc::clone(&wire),
            board: Arc::clone(&board),
            dirty: Arc::clone(&dirty),
            conditions: Arc::clone(conditions),
            worker,
            here,
            options,
            lack: here::lack(host),
            peers: BTreeMap::new(),
            lines: HashMap::new(),
            near: VecDeque::new(),
            numbers: near::FIRST,
            own: HashMap::new(),
            due: follow::Due::new(Instant::now()),
            guesses: redeem::Guesses::default(),
        };
        desk.reload()?;
        desk.show();
        desk.report();
        host.spawn("desk", move || desk.run(&waiting))?;
        Ok(Self { calls, dirty, board, wire })
    }

    /// Tells the desk something. One that is too busy looks again by itself.
    pub fn tell(&self, call: Call) {
        if self.calls.try_send(call).is_err() {
            log::debug!("the desk is busy; it looks again by itself");
        }
    }

    /// Tells the desk something that must not be lost.
    pub fn ask(&self, call: Call) -> Result<(), Failure> {
        let busy = |_| Failure::new(jackfield_sdk::Code::Busy, "too much is going on; try again");
        self.calls.try_send(call).map_err(busy)
    }

    /// Somebody's presence is another. Never waits.
    pub fn stirred(&self, account: String) {
        self.dirty.add([account]);
        if !self.dirty.is_told.swap(true, Ordering::AcqRel) {
            self.tell(Call::People);
        }
    }

    /// Closes it politely.
    pub fn close(&self) {
        // One that is too busy to hear it ends with the sockets.
        let _ = self.calls.try_send(Call::Stop);
        self.wire.stop();
    }
}

/// How frames reach the other side.
#[derive(Debug, Clone)]
enum Way {
    /// Over a socket.
    Far(Out),
    /// To that link, of another enterprise of this appliance.
    Near(Conn),
}

/// Where a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Somebody has dialed and said nothing yet.
    Stranger,
    /// We have dialed for that peer and said hello.
    Greeting(String),
    /// It is that peer's.
    Up(String),
}

struct Line {
    way: Way,
    stage: Stage,
    seen: Seen,
}

/// A peer that is a sister appliance.
struct Peer {
    row: Row,
    link: Link,
    agreed: Option<Agreed>,
    people: People,
    share: Share,
    post: Post,
    /// Number of the run that the worker has.
    serial: u64,
    /// When a synchronization that failed is tried again.
    again: Option<Instant>,
    outcome: Option<Outcome>,
    waiting: Vec<SyncSender<Told>>,
    /// Why its messages are not carried; empty: they are.
    mute: String,
    /// How often it was dialed, so that each of its addresses gets a turn.
    dialed: u32,
    /// What counts in place of the link's own trouble, such as a peer here that lacks its other half.
    lacks: Option<Trouble>,
}

impl Peer {
    fn new(row: Row, now: Instant) -> Self {
        let (share, outcome) = (Share::new(row.reached()), row.outcome());
        Self {
            row,
            link: Link::new(now),
            agreed: None,
            people: People::default(),
            share,
            post: Post::default(),
            serial: 0,
            again: None,
            outcome,
            waiting: Vec::new(),
            mute: String::new(),
            dialed: 0,
            lacks: None,
        }
    }
}

struct Desk {
    host: Host,
    wire: Arc<Wire>,
    board: Arc<Board>,
    dirty: Arc<Dirty>,
    conditions: Arc<Conditions>,
    worker: Worker,
    here: Here,
    options: Options,
    /// Peering is not supported where this appliance runs.
    lack: Option<String>,
    peers: BTreeMap<String, Peer>,
    lines: HashMap<Conn, Line>,
    /// Frames between enterprises of this appliance.
    near: VecDeque<(Conn, Frame)>,
    numbers: Conn,
    /// Our people whom peers are shown: the enterprise, and whether the login is in UPN form.
    own: HashMap<String, (String, bool)>,
    due: follow::Due,
    guesses: redeem::Guesses,
}

impl Desk {
    fn run(&mut self, calls: &Receiver<Call>) {
        loop {
            let first = match calls.recv_timeout(TICK) {
                Ok(call) => Some(call),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            for call in first.into_iter().chain(calls.try_iter().take(TURN)) {
                if matches!(call, Call::Stop) {
                    return self.farewell("stopping");
                }
                self.take(call);
                self.carry_near();
            }
            self.tick(Instant::now());
            self.carry_near();
            self.show();
        }
    }

    fn take(&mut self, call: Call) {
        match call {
            Call::News(news) => self.news(*news),
            Call::Reload => self.reload_or_say(),
            Call::Options(options) => self.obey(options),
            Call::People => self.outward(),
            Call::Accounts => self.due.accounts = true,
            Call::Letters => self.letters(),
            Call::Sync { peer, order, tell } => self.wanted(&peer, order, tell),
            Call::Worked { peer, serial, done } => self.worked(&peer, serial, *done),
            Call::Stop => {}
        }
    }

    fn news(&mut self, news: News) {
        match news {
            News::Opened { conn, out, seen, peer: Some(peer) } => self.reached(conn, out, seen, &peer),
            News::Opened { conn, out, seen, peer: None } => {
                self.lines.insert(conn, Line { way: Way::Far(out), stage: Stage::Stranger, seen });
            }
            News::Frame { conn, frame, _permit } => self.frame(conn, frame),
            News::Closed { conn, why } => self.closed(conn, &why),
            News::Failed { peer, trouble } => self.failed(&peer, trouble),
        }
    }

    fn frame(&mut self, conn: Conn, frame: Frame) {
        match self.lines.get(&conn).map(|line| line.stage.clone()) {
            None => {}
            Some(Stage::Stranger) => self.first(conn, frame),
            Some(Stage::Greeting(peer)) => self.greeted(conn, &peer, frame),
            Some(Stage::Up(peer)) => self.heard(conn, &peer, frame),
        }
    }

    /// Sends on a connection; one that takes nothing more is ended.
    fn send(&mut self, conn: Conn, frame: Frame) {
        let Some(line) = self.lines.get(&conn) else { return };
        match &line.way {
            Way::Near(other) => self.near.push_back((*other, frame)),
            Way::Far(out) => {
                if let Err(why) = out.send(&frame) {
                    out.cut();
                    self.closed(conn, &format!("nothing more could be sent: {why}"));
                }
            }
        }
    }

    /// Ends a connection with a last word.
    fn end(&mut self, conn: Conn, frame: Frame) {
        let Some(line) = self.lines.remove(&conn) else { return };
        match line.way {
            Way::Far(out) => out.end(&frame),
            Way::Near(other) => self.near.push_back((other, frame)),
        }
    }

    fn cut(&mut self, conn: Conn) {
        if let Some(Line { way: Way::Far(out), .. }) = self.lines.remove(&conn) {
            out.cut();
        }
    }

    fn farewell(&mut self, reason: &str) {
        let up: Vec<Conn> = self.peers.values().filter_map(|peer| peer.link.conn()).collect();
        for conn in up {
            self.end(conn, Frame::Bye { reason: reason.to_owned() });
        }
        for peer in self.peers.values().filter(|peer| peer.agreed.is_some()) {
            if let Err(failure) = rows::last_good(&self.host, &peer.row.id) {
                log::debug!("when the link last stood could not be kept: {failure}");
            }
        }
    }
}
