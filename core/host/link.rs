//! The appliance's end of the socket to one process of a plugin: requests with their answers, any number of
//! callers, each with its own deadline. A thread reads; sending never waits. What the plugin asks is answered in
//! `asking.rs`.

use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use jackfield_abi::frame::{Broken, Frame};
use jackfield_abi::ops::{Code, Event, Failure, Limits};
use jackfield_abi::{Kind, MESSAGE_BYTES, Sent};
use serde_json::{Value, json};

use super::desk::Desk;
use super::ledger::{self, Table};
use super::outbox::Outbox;
use super::refusal::Refusal;
use super::wire::{self, Pulse, milliseconds};

/// What a request came to.
pub type Answer = Result<Value, Failure>;

/// Most requests in the plugin's hands.
const MOST_OPEN: usize = 64;
/// How often who waits looks whether it goes on.
const LOOK_UP: Duration = Duration::from_secs(1);
/// First messages: the process's report and the plugin's own.
const HELLOS: u64 = 2;

/// What a process tells its supervisor.
#[derive(Debug)]
pub enum News {
    /// A first message.
    Hello(Frame),
    /// The process says why it does not run the plugin.
    Refused(Refusal),
    /// It lives.
    Pulse(Pulse),
    /// The socket ended.
    Ended(SocketEnd),
}

/// How a socket ended.
#[derive(Debug)]
pub struct SocketEnd {
    /// In words.
    pub cause: String,
    /// Operations that were in the plugin's hands, oldest first.
    pub open: Vec<String>,
}

/// How a plugin says it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Nothing to complain of.
    Well,
    /// Works in part, with the reason.
    Degraded(String),
}

/// Why a request did not reach the plugin, or did and failed.
#[derive(Debug)]
pub enum Undone {
    /// This process takes no more; ask its successor.
    Draining,
    /// It failed.
    Failed(Failure),
}

/// One socket.
pub struct Link {
    pub(super) desk: Arc<Desk>,
    /// Services of the manifest that the process was started by.
    pub(super) granted: Vec<String>,
    pub(super) outbox: Outbox,
    table: Mutex<Table>,
    settled: Condvar,
    hellos: AtomicU64,
    strange: AtomicU64,
    /// Messages that the process itself refused to send on, as it last said.
    refused: AtomicU64,
    late: AtomicU64,
    pub(super) word: Mutex<Word>,
}

impl Link {
    /// Begins to listen and to send. News come until [`News::Ended`]. The process may ask for operations of the
    /// services that it is `granted`.
    pub fn start(
        stream: UnixStream,
        desk: Arc<Desk>,
        granted: Vec<String>,
        tell: impl Fn(News) + Send + 'static,
    ) -> std::io::Result<Arc<Self>> {
        let link = Arc::new(Self {
            outbox: Outbox::new(stream.try_clone()?),
            table: Mutex::default(),
            settled: Condvar::new(),
            hellos: AtomicU64::new(0),
            strange: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            late: AtomicU64::new(0),
            word: Mutex::new(Word::Well),
            granted,
            desk,
        });
        let (sender, reader) = (Arc::clone(&link), Arc::clone(&link));
        let name = &link.desk.plugin;
        Builder::new().name(format!("to {name}")).spawn(move || sender.outbox.run())?;
        let listen = Builder::new().name(format!("from {name}")).spawn(move || reader.listen(stream, &tell));
        // Without a reader the sender has nothing to do.
        listen.inspect_err(|_| link.outbox.close())?;
        Ok(link)
    }

    /// Asks the plugin and waits for its answer until then, while it goes on.
    pub fn request(
        &self,
        op: &str,
        args: &Value,
        until: Instant,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Value, Undone> {
        let left = until.saturating_duration_since(Instant::now());
        let content = serde_json::to_vec(&json!({"op": op, "args": args, "deadline_ms": milliseconds(left)}));
        let content = content.ok().filter(|content| content.len() <= MESSAGE_BYTES).ok_or_else(too_big)?;
        let (id, answer) = self.open(op)?;
        if let Err(failure) = self.send(&Frame::new(Kind::Request, id, content)) {
            self.forget(id);
            return Err(Undone::Failed(failure));
        }
        self.wait(id, &answer, until, goes_on).map_err(Undone::Failed)
    }

    /// Tells the plugin of an event. Whether there was room.
    pub fn publish(&self, event: &Event) -> bool {
        self.outbox.push(&wire::frame(Kind::Event, 0, event)) == Sent::Ok
    }

    /// Asks for a pulse.
    pub fn ping(&self) {
        // A queue that is full gets no pulse, and that is what the absence of a pulse is to show.
        self.outbox.push(&Frame::new(Kind::Ping, 0, ""));
    }

    /// Orders the process to stop within that time.
    pub fn order_stop(&self, within: Duration) {
        let order = Event { event: wire::STOP.to_owned(), object: milliseconds(within).to_string() };
        // A process that cannot be told is killed at the end of that time.
        self.outbox.push_due(&wire::frame(Kind::Event, 0, &order));
    }

    /// Takes no more requests and waits until those that are open have ended. Whether they did.
    pub fn drain(&self, within: Duration) -> bool {
        let mut table = self.lock();
        table.is_draining = true;
        let busy = |table: &mut Table| !table.open.is_empty();
        let waited = self.settled.wait_timeout_while(table, within, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// The process is gone: what is open fails now. The operations that were open, oldest first.
    pub fn end(&self, reason: &str) -> Vec<String> {
        self.outbox.close();
        let mut table = self.lock();
        table.ended.get_or_insert_with(|| reason.to_owned());
        let in_flight = table.in_flight();
        let open = std::mem::take(&mut table.open);
        drop(table);
        self.settled.notify_all();
        for open in open.into_values() {
            // A caller that stopped waiting has its answer already.
            let _ = open.answer.try_send(Err(unavailable(&self.desk.plugin, reason)));
        }
        in_flight
    }

    /// The operations in the plugin's hands, oldest first.
    pub fn in_flight(&self) -> Vec<String> {
        self.lock().in_flight()
    }

    /// The operation that has been overdue for longer than the grace while nothing else was answered either.
    pub fn stuck_in(&self, grace: Duration) -> Option<String> {
        self.lock().stuck_in(grace)
    }

    /// The operation that has taken ten times the time it was given, but at least half of that grace and at
    /// most all of it, whatever else was answered meanwhile. For units that answer every request in its time
    /// unless they hang.
    pub fn late_in(&self, grace: Duration) -> Option<String> {
        self.lock().late_in(grace)
    }

    /// How the plugin says it does.
    pub fn word(&self) -> Word {
        self.word.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Messages that broke the treaty so far, whether they came here or the process refused to send them on.
    pub fn strange(&self) -> u64 {
        self.strange.load(Ordering::Relaxed) + self.refused.load(Ordering::Relaxed)
    }

    /// Answers that came after their deadline so far.
    pub fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, op: &str) -> Result<(u64, Receiver<Answer>), Undone> {
        let mut table = self.lock();
        // Before the end: a process that was replaced in order has ended as well.
        if table.is_draining {
            return Err(Undone::Draining);
        }
        if let Some(reason) = &table.ended {
            return Err(Undone::Failed(unavailable(&self.desk.plugin, reason)));
        }
        if table.open.len() >= MOST_OPEN {
            return Err(Undone::Failed(busy(&self.desk.plugin)));
        }
        let (sender, answer) = sync_channel(1);
        Ok((table.enter(op, sender), answer))
    }

    fn send(&self, frame: &Frame) -> Result<(), Failure> {
        match self.outbox.push(frame) {
            Sent::Ok => Ok(()),
            Sent::Busy => Err(busy(&self.desk.plugin)),
            _ => Err(unavailable(&self.desk.plugin, "its process is gone")),
        }
    }

    fn forget(&self, id: u64) {
        self.lock().open.remove(&id);
        self.settled.notify_all();
    }

    fn wait(&self, id: u64, answer: &Receiver<Answer>, until: Instant, goes_on: &dyn Fn() -> bool) -> Answer {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match answer.recv_timeout(left.min(LOOK_UP)) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if left > LOOK_UP && goes_on() => {}
                Err(RecvTimeoutError::Timeout) => return self.give_up(id, answer),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(Code::Internal, "the answer was lost inside the appliance"));
                }
            }
        }
    }

    /// Takes the request back; an answer that came at the last moment still counts.
    fn give_up(&self, id: u64, answer: &Receiver<Answer>) -> Answer {
        let mut table = self.lock();
        let Some(open) = table.open.remove(&id) else {
            drop(table);
            return answer
                .try_recv()
                .unwrap_or_else(|_| Err(unavailable(&self.desk.plugin, "its process is gone")));
        };
        let message = format!(
            "the plugin {} did not answer {} within {} ms",
            self.desk.plugin,
            open.op,
            open.asked.elapsed().as_millis()
        );
        table.remember_overdue(id, open);
        drop(table);
        self.settled.notify_all();
        self.outbox.push(&Frame::new(Kind::Cancel, id, ""));
        Err(Failure::new(Code::Timeout, message))
    }

    /// Reads until the socket ends.
    fn listen(self: Arc<Self>, stream: UnixStream, tell: &dyn Fn(News)) {
        // Small messages that came together are read together.
        let mut stream = BufReader::new(stream);
        let cause = loop {
            match Frame::read(&mut stream) {
                Ok(frame) => self.take(frame, tell),
                Err(Broken::Ended) => break "it closed its socket".to_owned(),
                Err(broken) => break format!("its socket broke: {broken}"),
            }
        };
        let open = self.end("its process ended");
        tell(News::Ended(SocketEnd { cause, open }));
    }

    fn take(self: &Arc<Self>, frame: Frame, tell: &dyn Fn(News)) {
        let is_fine = match frame.kind {
            Kind::Reply => self.answered(frame.id, || ledger::answer_of(&frame)),
            Kind::Error if frame.id == 0 => wire::content(&frame).map(|r| tell(News::Refused(r))).is_ok(),
            Kind::Error => self.answered(frame.id, || ledger::failure_of(&frame)),
            Kind::Request => self.asked(&frame),
            Kind::Log => self.desk.note(&frame),
            Kind::Pong => wire::content::<Pulse>(&frame).map(|pulse| self.felt(pulse, tell)).is_ok(),
            Kind::Hello => self.hello(frame, tell),
            // Answers of the appliance's services are not taken back; no operation uses DATA yet.
            Kind::Cancel | Kind::Data => true,
            Kind::Event | Kind::Ping => false,
        };
        if !is_fine {
            self.strange.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn felt(&self, pulse: Pulse, tell: &dyn Fn(News)) {
        self.refused.store(pulse.malformed, Ordering::Relaxed);
        tell(News::Pulse(pulse));
    }

    fn hello(&self, frame: Frame, tell: &dyn Fn(News)) -> bool {
        let is_awaited = self.hellos.fetch_add(1, Ordering::Relaxed) < HELLOS;
        if is_awaited {
            tell(News::Hello(frame));
        }
        is_awaited
    }

    /// Hands an answer to who waits for it. Whether anybody asked, and it could be read.
    fn answered(&self, id: u64, answer: impl FnOnce() -> (Answer, bool)) -> bool {
        let mut table = self.lock();
        table.last_answer = Some(Instant::now());
        let Some(open) = table.open.remove(&id) else {
            let was_overdue = table.overdue.remove(&id).is_some();
            self.late.fetch_add(u64::from(was_overdue), Ordering::Relaxed);
            return was_overdue;
        };
        drop(table);
        self.settled.notify_all();
        let (answer, is_fine) = answer();
        // A caller that stopped waiting at this very moment has its own answer.
        let _ = open.answer.try_send(answer);
        is_fine
    }
}

/// The failure of a request to a plugin that cannot take it.
pub fn unavailable(plugin: &str, reason: &str) -> Failure {
    let msg = format!("the plugin {plugin} cannot answer: {reason}");
    Failure { retry_ms: Some(1000), ..Failure::new(Code::Unavailable, msg) }
}

fn busy(plugin: &str) -> Failure {
    let msg = format!(
        "the plugin {plugin} has {} requests to answer; try again",
        Limits::default().requests_in_flight
    );
    Failure { retry_ms: Some(100), ..Failure::new(Code::Busy, msg) }
}

fn too_big() -> Undone {
    Undone::Failed(Failure::new(Code::BadRequest, "the request is over 1 MiB; send less at a time"))
}
