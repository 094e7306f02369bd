//! A running plugin on the bench: what a test can send it, and what it can see.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jackfield_abi::Kind;
use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{
    self, Code, Event, Failure, HostHello, HttpRequest, HttpResponse, Log, PluginHello, Statements, Undo,
};
use serde_json::{Map, Value, json};

use super::Scripts;
use super::wire::{Line, PATIENCE, Wire};
use crate::message::{Answer, encode};
use crate::plugin::Plugin;
use crate::runtime::Runtime;
use crate::shared::Shared;

/// The plugin's three functions, without its type.
trait Driven: Send + Sync {
    fn recv(&self, kind: u32, id: u64, bytes: &[u8]) -> i32;
    fn stop(&self, deadline: Duration);
}

impl<P: Plugin> Driven for Runtime<P> {
    fn recv(&self, kind: u32, id: u64, bytes: &[u8]) -> i32 {
        Self::recv(self, kind, id, bytes)
    }

    fn stop(&self, deadline: Duration) {
        Self::stop(self, deadline);
    }
}

/// The plugin while it runs. It is stopped when this is dropped.
pub struct Bench {
    wire: Arc<Wire>,
    driven: Arc<Mutex<Option<Box<dyn Driven>>>>,
    next_id: AtomicU64,
    answering: Option<JoinHandle<()>>,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bench")
    }
}

impl Bench {
    pub(super) fn start<P: Plugin>(
        wire: Arc<Wire>,
        config: HostHello,
        scripts: Scripts,
    ) -> Result<Self, Failure> {
        let shared = Arc::new(Shared::new(Box::new(Line(Arc::clone(&wire))), config.limits, P::QUEUE));
        let driven: Box<dyn Driven> = Box::new(Runtime::<P>::start(&shared, config)?);
        let driven = Arc::new(Mutex::new(Some(driven)));
        let pump = Pump { wire: Arc::clone(&wire), driven: Arc::clone(&driven), scripts };
        let answering = std::thread::Builder::new()
            .name("fake-host".to_owned())
            .spawn(|| pump.run())
            .map_err(|e| Failure::new(Code::Unavailable, format!("the fake host has no thread: {e}")))?;
        Ok(Self { wire, driven, next_id: AtomicU64::new(2), answering: Some(answering) })
    }

    /// Asks and waits for the answer.
    pub fn request(&self, op: &str, args: Value) -> Answer {
        self.ask(op, args).wait()
    }

    /// Asks without waiting.
    pub fn ask(&self, op: &str, args: Value) -> Asked<'_> {
        self.ask_within(op, args, None)
    }

    /// Asks with a deadline, without waiting.
    pub fn ask_within(&self, op: &str, args: Value, deadline: Option<Duration>) -> Asked<'_> {
        let id = self.next_id.fetch_add(2, Ordering::Relaxed);
        let deadline_ms = deadline.and_then(|time| u64::try_from(time.as_millis()).ok());
        let request = ops::Request { op: op.to_owned(), args, deadline_ms };
        self.recv(Kind::Request as u32, id, &encode(&request).unwrap_or_default());
        Asked { bench: self, id }
    }

    /// Sends an API request; a failure of the plugin's shows as status 500 with its text.
    pub fn http(&self, request: &HttpRequest) -> HttpResponse {
        let answer =
            serde_json::to_value(request).map_err(unreadable).and_then(|args| self.request(ops::HTTP, args));
        let response = answer.and_then(|value| serde_json::from_value(value).map_err(unreadable));
        response.unwrap_or_else(|failure| HttpResponse {
            status: 500,
            body: json!({"detail": failure.msg, "errors": []}),
            etag: None,
        })
    }

    /// An API request without a body.
    pub fn get(&self, path: &str) -> HttpResponse {
        self.http(&http("GET", path, Value::Null))
    }

    /// An API request with a body.
    pub fn post(&self, path: &str, body: Value) -> HttpResponse {
        self.http(&http("POST", path, body))
    }

    /// Tells of an event.
    pub fn event(&self, event: &str, object: &str) {
        let event = Event { event: event.to_owned(), object: object.to_owned() };
        self.recv(Kind::Event as u32, 0, &encode(&event).unwrap_or_default());
    }

    /// Offers new settings, by their full names.
    pub fn change_settings(&self, settings: Value) -> Answer {
        self.request(ops::SETTINGS_CHANGED, json!({"settings": settings}))
    }

    /// Asks how a change is put back; the transaction that the plugin would have the host run.
    pub fn undo(&self, undo: &Undo) -> Result<Statements, Failure> {
        let answer = self.request(ops::REVISION_UNDO, serde_json::to_value(undo).map_err(unreadable)?)?;
        serde_json::from_value(answer).map_err(unreadable)
    }

    /// Asks whether a password is right for an account from a directory.
    pub fn bind(&self, account: &str, password: &str) -> Result<(), Failure> {
        self.request(ops::LOGIN_BIND, json!({"account": account, "password": password})).map(drop)
    }

    /// Hands over any message, also one that breaks the rules; gives `recv`'s result, or -1 once stopped.
    pub fn recv(&self, kind: u32, id: u64, bytes: &[u8]) -> i32 {
        let driven = self.driven.lock().unwrap_or_else(PoisonError::into_inner);
        driven.as_ref().map_or(-1, |driven| driven.recv(kind, id, bytes))
    }

    /// Stops the plugin, which has so long for it. Nothing happens the second time.
    pub fn stop(&self, deadline: Duration) {
        let driven = self.driven.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(driven) = driven {
            driven.stop(deadline);
        }
    }

    /// The plugin's greeting.
    pub fn hello(&self) -> Option<PluginHello> {
        self.sent(Kind::Hello).first().and_then(|frame| serde_json::from_slice(&frame.bytes).ok())
    }

    /// All lines of the log so far.
    pub fn logs(&self) -> Vec<Log> {
        parsed(self.sent(Kind::Log))
    }

    /// Waits for a line that contains the text; says whether it came.
    pub fn has_logged(&self, text: &str) -> bool {
        let found = |frame: &Frame| {
            let line = serde_json::from_slice::<Log>(&frame.bytes);
            frame.kind == Kind::Log && line.is_ok_and(|line| line.msg.contains(text))
        };
        self.wire.wait(PATIENCE, |state| state.sent.iter().any(found).then_some(())).is_some()
    }

    /// Arguments of every question of that kind so far.
    pub fn asked(&self, op: &str) -> Vec<Value> {
        let all: Vec<ops::Request> = parsed(self.sent(Kind::Request));
        all.into_iter().filter(|request| request.op == op).map(|request| request.args).collect()
    }

    /// Waits for a question of that kind and gives its arguments.
    pub fn wait_asked(&self, op: &str) -> Option<Value> {
        self.wire.wait(PATIENCE, |state| {
            let questions = state.sent.iter().filter(|frame| frame.kind == Kind::Request);
            let mut read =
                questions.filter_map(|frame| serde_json::from_slice::<ops::Request>(&frame.bytes).ok());
            read.find(|request| request.op == op).map(|request| request.args)
        })
    }

    /// Waits for the process's end and gives its exit code.
    pub fn exit_code(&self) -> Option<i32> {
        self.wire.wait(PATIENCE, |state| state.exit_code)
    }

    /// Everything of one kind that the plugin has sent.
    pub fn sent(&self, kind: Kind) -> Vec<Frame> {
        self.wire.lock().sent.iter().filter(|frame| frame.kind == kind).cloned().collect()
    }

    /// Lets the plugin's next messages meet a full queue.
    pub fn be_busy(&self, times: usize) {
        self.wire.lock().busy = times;
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(3));
        // The fake host has nobody to answer now.
        crate::shared::Outlet::close(&Line(Arc::clone(&self.wire)));
        if let Some(answering) = self.answering.take() {
            // Its panic is a script's, and has been printed.
            let _ = answering.join();
        }
    }
}

/// A request on its way.
#[derive(Debug)]
pub struct Asked<'a> {
    bench: &'a Bench,
    /// Its number.
    pub id: u64,
}

impl Asked<'_> {
    /// Waits for the answer.
    pub fn wait(&self) -> Answer {
        let is_answer =
            |frame: &&Frame| frame.id == self.id && matches!(frame.kind, Kind::Reply | Kind::Error);
        let answer = self.bench.wire.wait(PATIENCE, |state| state.sent.iter().find(is_answer).cloned());
        let text = || Failure::new(Code::Timeout, format!("the plugin did not answer within {PATIENCE:?}"));
        let answer = answer.ok_or_else(text)?;
        let value: Value = serde_json::from_slice(&answer.bytes).map_err(unreadable)?;
        if answer.kind == Kind::Reply {
            return Ok(value);
        }
        Err(serde_json::from_value(value).unwrap_or_else(unreadable))
    }

    /// Takes it back.
    pub fn cancel(&self) {
        self.bench.recv(Kind::Cancel as u32, self.id, b"");
    }
}

/// The fake host's thread: answers the plugin's questions in order.
struct Pump {
    wire: Arc<Wire>,
    driven: Arc<Mutex<Option<Box<dyn Driven>>>>,
    scripts: Scripts,
}

impl Pump {
    fn run(mut self) {
        let mut seen = 0;
        while let Some(question) = self.next(&mut seen) {
            let (kind, bytes) = match self.answer(&question) {
                Ok(value) => (Kind::Reply, encode(&value)),
                Err(failure) => (Kind::Error, encode(&failure)),
            };
            let driven = self.driven.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Some(driven), Ok(bytes)) = (driven.as_ref(), bytes) {
                driven.recv(kind as u32, question.id, &bytes);
            }
        }
    }

    /// The next question; none once the plugin has stopped.
    fn next(&self, seen: &mut usize) -> Option<Frame> {
        loop {
            let look = |state: &super::wire::State| {
                let next = state.sent[*seen..].iter().position(|frame| frame.kind == Kind::Request);
                let question = next.map(|at| (*seen + at + 1, state.sent[*seen + at].clone()));
                (question.is_some() || state.is_closed).then_some(question)
            };
            if let Some(found) = self.wire.wait(PATIENCE, look) {
                let (next, question) = found?;
                *seen = next;
                return Some(question);
            }
        }
    }

    fn answer(&mut self, question: &Frame) -> Answer {
        let ops::Request { op, args, .. } = serde_json::from_slice(&question.bytes).map_err(unreadable)?;
        let text = || Failure::new(Code::Unavailable, format!("the fake host has no script for `{op}`"));
        self.scripts.get_mut(&op).ok_or_else(text)?(args)
    }
}

fn http(method: &str, path: &str, body: Value) -> HttpRequest {
    HttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        route: String::new(),
        params: Map::new(),
        query: Map::new(),
        body,
        request: String::new(),
        who: "tester".to_owned(),
        if_match: Value::Null,
        dry_run: false,
    }
}

fn parsed<T: serde::de::DeserializeOwned>(frames: Vec<Frame>) -> Vec<T> {
    frames.iter().filter_map(|frame| serde_json::from_slice(&frame.bytes).ok()).collect()
}

fn unreadable(cause: serde_json::Error) -> Failure {
    Failure::new(Code::Internal, format!("the plugin sent what the treaty does not know: {cause}"))
}
