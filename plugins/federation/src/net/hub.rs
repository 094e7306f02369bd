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
use crate::xml::{Element, written};

/// Most stanzas that wait for one link.
pub const QUEUE: usize = 500;
/// Most bytes that wait for all links.
const QUEUED_BYTES: usize = 8 * 1024 * 1024;
/// Largest stanza that is sent; what is larger every server may refuse.
const LARGEST: usize = 128 * 1024;
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
    links: Mutex<HashMap<Pair, mpsc::Sender<Queued>>>,
    bytes: Arc<Semaphore>,
    questions: Semaphore,
    asked: Mutex<HashSet<String>>,
    pongs: Mutex<HashMap<Pair, Instant>>,
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
            pongs: Mutex::default(),
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

    /// Has a stanza sent; the error says in words why it is not.
    pub fn send(self: &Arc<Self>, pair: &Pair, stanza: &Element) -> Result<(), &'static str> {
        let text = written(stanza);
        if text.len() > LARGEST {
            return Err("it is too large for other servers");
        }
        if self.present.partner(&pair.to).is_none() {
            return Err("its domain is not federated");
        }
        let life = self.life().ok_or("federation ends")?;
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, queue| !queue.is_closed());
        if links.len() >= MOST_LINKS && !links.contains_key(pair) {
            return Err("there are too many links");
        }
        let queue = links.entry(pair.clone()).or_insert_with(|| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            self.runtime.spawn(link::run(Arc::clone(self), pair.clone(), waiting, life));
            queue
        });
        let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(size).map_err(|_| "too much waits")?;
        // Given back by hand, when the text has left.
        bytes.forget();
        let queued = Queued { text, since: Instant::now() };
        queue.try_send(queued).map_err(|_| {
            self.bytes.add_permits(size as usize);
            "too many stanzas wait for its server"
        })
    }

    /// A stanza has left its queue, sent or not.
    pub fn left(&self, queued: &Queued) {
        self.bytes.add_permits(queued.text.len());
    }

    /// A partner has answered a ping of ours.
    pub fn pong(&self, pair: &Pair) {
        self.pongs.lock().unwrap_or_else(PoisonError::into_inner).insert(pair.clone(), Instant::now());
    }

    /// When a partner last answered a ping.
    pub fn last_pong(&self, pair: &Pair) -> Option<Instant> {
        self.pongs.lock().unwrap_or_else(PoisonError::into_inner).get(pair).copied()
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
