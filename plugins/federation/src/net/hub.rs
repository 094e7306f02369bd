//! What all streams share, and the way from one to another.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::board::{Board, Direction};
use super::dial::{Course, Reached, dial};
use super::known::Present;
use super::link;
use super::trouble::Step;
use crate::im::Desk;
use crate::s2s::dialback::Secret;
use crate::s2s::{Errand, Pair, Question, Rules, Verified};
use crate::xml::{AFTER, Element, written};

/// Most stanzas that wait for one link.
pub const QUEUE: usize = 2000;
/// Most bytes that wait for all links.
const QUEUED_BYTES: usize = 8 * 1024 * 1024;
/// Largest stanza that is sent; what is larger every server may refuse.
const LARGEST: usize = AFTER.bytes;
/// Most outbound links.
const MOST_LINKS: usize = 1000;
/// Most questions about keys at a time: without a bound anybody could make us connect anywhere.
const MOST_QUESTIONS: usize = 16;
/// Longest wait for an answer about a key.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A stanza that waits for its link.
pub struct Queued {
    /// As it is sent.
    pub text: String,
    /// When it came.
    pub since: Instant,
    /// The stanza without content, for an error about it.
    pub shell: Element,
    /// The stored message that it is.
    pub id: Option<String>,
}

/// Why a stanza is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsent {
    /// Condition of RFC 6120 section 8.3.3.
    pub condition: &'static str,
    /// The same for people.
    pub words: &'static str,
}

impl Unsent {
    /// With both.
    pub const fn new(condition: &'static str, words: &'static str) -> Self {
        Self { condition, words }
    }
}

/// The way to a link that runs.
struct Way {
    queue: mpsc::Sender<Queued>,
    pongs: watch::Sender<u64>,
}

/// What all streams share.
pub struct Hub {
    /// What is known of domains.
    pub present: Present,
    /// The secret of dialback.
    pub secret: Arc<Secret>,
    /// How links do.
    pub board: Board,
    /// Where stanzas are handed in.
    pub desk: Desk,
    runtime: Handle,
    /// Becomes true when everything ends.
    stop: watch::Receiver<bool>,
    /// Changes with what is known.
    pub changed: watch::Receiver<u64>,
    links: Mutex<HashMap<Pair, Way>>,
    bytes: Arc<Semaphore>,
    questions: Semaphore,
    asked: Mutex<HashSet<String>>,
    /// Part of the ids of this process's pings, so that an answer to another's says nothing.
    own: String,
    alive: Mutex<Option<mpsc::Sender<()>>>,
}

impl Hub {
    /// Before anything runs; `alive` is closed once every task has ended.
    pub fn new(
        present: Present,
        secret: Secret,
        board: Board,
        (desk, runtime): (Desk, Handle),
        signals: (watch::Receiver<bool>, watch::Receiver<u64>),
        alive: mpsc::Sender<()>,
    ) -> Self {
        let (stop, changed) = signals;
        Self {
            present,
            secret: Arc::new(secret),
            board,
            desk,
            runtime,
            stop,
            changed,
            links: Mutex::default(),
            bytes: Arc::new(Semaphore::new(QUEUED_BYTES)),
            questions: Semaphore::new(MOST_QUESTIONS),
            asked: Mutex::default(),
            own: super::random::id(),
            alive: Mutex::new(Some(alive)),
        }
    }

    /// Waits until everything ends.
    pub async fn stopped(&self) {
        // An error means that nobody is there who could say so: then it is time as well.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Something to hold while a task runs; none: everything ends.
    pub fn life(&self) -> Option<mpsc::Sender<()>> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// No task begins any more.
    pub fn close(&self) {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.links.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether everything ends.
    pub fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Has a stanza sent; the error says why it is not. A stored message's id comes back when its way has ended.
    pub fn send(self: &Arc<Self>, pair: &Pair, stanza: &Element, id: Option<&str>) -> Result<(), Unsent> {
        let text = written(stanza);
        if text.len() > LARGEST {
            return Err(Unsent::new("policy-violation", "it is too large for other servers"));
        }
        if self.present.partner(&pair.to).is_none() {
            return Err(Unsent::new(
                "forbidden",
                "messages to its domain are not allowed here (it is not federated)",
            ));
        }
        let life = self.life().ok_or(Unsent::new("remote-server-not-found", "federation ends"))?;
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if !links.contains_key(pair) || links.get(pair).is_some_and(|way| way.queue.is_closed()) {
            links.retain(|_, way| !way.queue.is_closed());
            if links.len() >= MOST_LINKS {
                return Err(Unsent::new("resource-constraint", "there are too many links to other servers"));
            }
        }
        let way = links.entry(pair.clone()).or_insert_with(|| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            let (pongs, answered) = watch::channel(0);
            let line = link::Line { queue: waiting, pongs: answered };
            self.runtime.spawn(link::run(Arc::clone(self), pair.clone(), line, life));
            Way { queue, pongs }
        });
        let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let bytes = Arc::clone(&self.bytes)
            .try_acquire_many_owned(size)
            .map_err(|_| Unsent::new("resource-constraint", "too much waits for other servers"))?;
        // Given back by hand, when the text has left.
        bytes.forget();
        let shell = Element {
            ns: stanza.ns.clone(),
            name: stanza.name.clone(),
            attributes: stanza.attributes.clone(),
            children: Vec::new(),
        };
        let queued = Queued { text, since: Instant::now(), shell, id: id.map(str::to_owned) };
        way.queue.try_send(queued).map_err(|_| {
            self.bytes.add_permits(size as usize);
            Unsent::new("resource-constraint", "too many messages wait for its server")
        })
    }

    /// A stanza has left its queue, sent or not.
    pub fn left(&self, queued: &Queued) {
        self.bytes.add_permits(queued.text.len());
    }

    /// The id of a link's ping.
    pub fn ping_id(&self, number: u64) -> String {
        format!("ping-{number}-{}", self.own)
    }

    /// A partner has answered a question of ours by that id.
    pub fn pong(&self, pair: &Pair, id: &str) {
        let number = id.strip_prefix("ping-").and_then(|id| id.split_once('-'));
        let number =
            number.filter(|(_, own)| *own == self.own).and_then(|(number, _)| number.parse::<u64>().ok());
        let Some(number) = number else { return };
        if let Some(way) = self.links.lock().unwrap_or_else(PoisonError::into_inner).get(pair) {
            way.pongs.send_if_modified(|last| std::mem::replace(last, number.max(*last)) < number);
        }
    }

    /// Asks the server that DNS names for a domain whether a key is its own. One question for each domain at a time.
    pub async fn ask(&self, question: Question) -> Verified {
        let domain = question.pair.from.clone();
        if self.present.serves(&domain) {
            return Verified::Invalid;
        }
        let Ok(_permit) = self.questions.try_acquire() else {
            return Verified::Unknown("resource-constraint");
        };
        if !self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(domain.clone()) {
            return Verified::Unknown("resource-constraint");
        }
        let pair = Pair { from: question.pair.to.clone(), to: domain.clone() };
        let mut course = Course::default();
        let reached = timeout(ANSWER_WITHIN, dial(self, &pair, Errand::Ask(question), &mut course)).await;
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&domain);
        match reached {
            Ok(Ok(Reached::Answer(verified))) => verified,
            Ok(Ok(Reached::Stream(..))) | Err(_) => Verified::Unknown("remote-server-timeout"),
            Ok(Err(trouble)) => {
                let words = format!("its key could not be verified: {}", trouble.detail);
                self.board.note(Direction::Out, &pair, |link| link.failed(&words));
                let is_unknown = trouble.step == Step::Dns;
                Verified::Unknown(if is_unknown {
                    "remote-server-not-found"
                } else {
                    "remote-server-timeout"
                })
            }
        }
    }
}
