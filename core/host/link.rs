//! The appliance's end of the socket to one process of a plugin: requests with their answers, any number of
//! callers, each with its own deadline. A thread reads; sending never waits.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use jackfield_abi::frame::{Broken, Frame};
use jackfield_abi::ops::{self, Code, Event, Failure, Limits};
use jackfield_abi::{Kind, MESSAGE_BYTES, Sent};
use serde_json::{Value, json};

use super::desk::Desk;
use super::outbox::Outbox;
use super::refusal::Refusal;
use super::wire::{self, Pulse, milliseconds};

type Answer = Result<Value, Failure>;

/// Most requests in the plugin's hands.
const MOST_OPEN: usize = 64;
/// Most answers that are overdue before the oldest are forgotten.
const MOST_OVERDUE: usize = 1024;
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
    desk: Arc<Desk>,
    /// Services of the manifest that the process was started by.
    granted: Vec<String>,
    outbox: Outbox,
    table: Mutex<Table>,
    settled: Condvar,
    hellos: AtomicU64,
    strange: AtomicU64,
    /// Messages that the process itself refused to send on, as it last said.
    refused: AtomicU64,
    late: AtomicU64,
    word: Mutex<Word>,
}

#[derive(Default)]
struct Table {
    last_id: u64,
    open: HashMap<u64, Open>,
    overdue: HashMap<u64, Overdue>,
    last_answer: Option<Instant>,
    is_draining: bool,
    ended: Option<String>,
}

struct Open {
    op: String,
    asked: Instant,
    answer: SyncSender<Answer>,
}

struct Overdue {
    op: String,
    asked: Instant,
    due: Instant,
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

    /// Asks the plugin and waits for its answer until then.
    pub fn request(&self, op: &str, args: &Value, until: Instant) -> Result<Value, Undone> {
        let left = until.saturating_duration_since(Instant::now());
        let content = serde_json::to_vec(&json!({"op": op, "args": args, "deadline_ms": milliseconds(left)}));
        let content = content.ok().filter(|content| content.len() <= MESSAGE_BYTES).ok_or_else(too_big)?;
        let (id, answer) = self.open(op)?;
        if let Err(failure) = self.send(&Frame::new(Kind::Request, id, content)) {
            self.forget(id);
            return Err(Undone::Failed(failure));
        }
        self.wait(id, &answer, until).map_err(Undone::Failed)
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
        let table = self.lock();
        let is_stuck = |overdue: &&Overdue| {
            overdue.due.elapsed() > grace && table.last_answer.is_none_or(|answer| answer < overdue.asked)
        };
        table.overdue.values().filter(is_stuck).min_by_key(|o| o.asked).map(|o| o.op.clone())
    }

    /// The operation that has taken ten times the time it was given, but at least half of that grace and at
    /// most all of it, whatever else was answered meanwhile. For units that answer every request in its time
    /// unless they hang.
    pub fn late_in(&self, grace: Duration) -> Option<String> {
        let table = self.lock();
        let is_late = |overdue: &&Overdue| {
            let given = overdue.due.duration_since(overdue.asked);
            overdue.due.elapsed() > (given * 9).clamp(grace / 2, grace)
        };
        table.overdue.values().filter(is_late).min_by_key(|o| o.asked).map(|o| o.op.clone())
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
        table.last_id += 2;
        let (sender, answer) = sync_channel(1);
        let id = table.last_id;
        table.open.insert(id, Open { op: op.to_owned(), asked: Instant::now(), answer: sender });
        Ok((id, answer))
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

    fn wait(&self, id: u64, answer: &Receiver<Answer>, until: Instant) -> Answer {
        let left = until.saturating_duration_since(Instant::now());
        match answer.recv_timeout(left) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => self.give_up(id, answer),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::new(Code::Internal, "the answer was lost inside the appliance"))
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
    fn listen(self: Arc<Self>, mut stream: UnixStream, tell: &dyn Fn(News)) {
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
            Kind::Reply => self.answered(frame.id, || answer_of(&frame)),
            Kind::Error if frame.id == 0 => wire::content(&frame).map(|r| tell(News::Refused(r))).is_ok(),
            Kind::Error => self.answered(frame.id, || failure_of(&frame)),
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

    fn asked(self: &Arc<Self>, frame: &Frame) -> bool {
        let (id, link) = (frame.id, Arc::downgrade(self));
        let Ok(request) = wire::content::<ops::Request>(frame) else {
            let failure =
                Failure::new(Code::BadRequest, "the request is not the JSON that the treaty describes");
            self.outbox.push(&wire::frame(Kind::Error, id, &failure));
            return false;
        };
        if request.op == ops::STATE_REPORT {
            self.reply(id, self.take_word(&request.args));
            return true;
        }
        if let Err(failure) = self.judge(&request) {
            self.reply(id, Err(failure));
            return true;
        }
        self.desk.serve(request, move |outcome| {
            if let Some(link) = link.upgrade() {
                link.reply(id, outcome);
            }
        });
        true
    }

    /// A manifest's services are what its reader was told that the plugin does; nothing else is done for it.
    fn judge(&self, request: &ops::Request) -> Result<(), Failure> {
        let notes =
            request.op == ops::DB_TX && request.args["revisions"].as_array().is_some_and(|r| !r.is_empty());
        let noting = notes.then_some(ops::REVISION_NOTE);
        let missing = |op: &&str| {
            ops::service_of(op).filter(|service| !self.granted.iter().any(|granted| granted == service))
        };
        let ops = [Some(request.op.as_str()), noting];
        let Some(service) = ops.iter().flatten().find_map(missing) else { return Ok(()) };
        let text = format!(
            "{} needs the service {service}, which the manifest of {} does not list; add it to services",
            request.op, self.desk.plugin
        );
        Err(Failure::new(Code::Denied, text))
    }

    fn take_word(&self, args: &Value) -> Answer {
        let reason = args["reason"].as_str().unwrap_or_default().to_owned();
        let word = match args["state"].as_str() {
            Some("up" | "ok") => Word::Well,
            Some("degraded") => Word::Degraded(reason),
            _ => return Err(Failure::new(Code::BadRequest, "state must be up or degraded")),
        };
        *self.word.lock().unwrap_or_else(PoisonError::into_inner) = word;
        Ok(json!({}))
    }

    fn reply(&self, id: u64, outcome: Answer) {
        let frame = match &outcome {
            Ok(value) => wire::frame(Kind::Reply, id, value),
            Err(failure) => wire::frame(Kind::Error, id, failure),
        };
        if self.outbox.push_due(&frame) == Sent::TooBig {
            let failure = Failure::new(Code::BadRequest, "the answer is over 1 MiB; ask for less at a time");
            self.outbox.push_due(&wire::frame(Kind::Error, id, &failure));
        }
    }
}

impl Table {
    fn in_flight(&self) -> Vec<String> {
        let open = self.open.values().map(|open| (open.asked, open.op.clone()));
        let overdue = self.overdue.values().map(|overdue| (overdue.asked, overdue.op.clone()));
        let mut all: Vec<_> = open.chain(overdue).collect();
        all.sort();
        all.into_iter().map(|(_, op)| op).collect()
    }

    fn remember_overdue(&mut self, id: u64, open: Open) {
        if self.overdue.len() >= MOST_OVERDUE {
            let oldest = self.overdue.iter().min_by_key(|(_, overdue)| overdue.asked).map(|(id, _)| *id);
            oldest.and_then(|oldest| self.overdue.remove(&oldest));
        }
        self.overdue.insert(id, Overdue { op: open.op, asked: open.asked, due: Instant::now() });
    }
}

fn answer_of(frame: &Frame) -> (Answer, bool) {
    match serde_json::from_slice(&frame.bytes) {
        Ok(value) => (Ok(value), true),
        Err(cause) => {
            (Err(Failure::new(Code::Internal, format!("the plugin answered with bad JSON: {cause}"))), false)
        }
    }
}

fn failure_of(frame: &Frame) -> (Answer, bool) {
    match serde_json::from_slice(&frame.bytes) {
        Ok(failure) => (Err(failure), true),
        Err(cause) => {
            (Err(Failure::new(Code::Internal, format!("the plugin failed with bad JSON: {cause}"))), false)
        }
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
