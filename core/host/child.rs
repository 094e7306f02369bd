//! The process of one plugin, `jackfield plugin-host ID`: takes the library and the order from its parent,
//! binds itself, loads, starts, passes messages, stops. Two threads: this one reads the socket and calls the
//! plugin, the other sends what the socket did not take at once. A unit of the appliance's own lives the same
//! way; only what is loaded differs.
//!
//! It gets its socket as standard input, which needs nothing but safe code, and moves it to descriptor 3.

use std::io::{self, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use jackfield_abi::Kind;
use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{Code, Event, Failure, HostHello};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio;

use super::confine;
use super::gate::Gate;
use super::library::{Library, close_from};
use super::outbox::Outbox;
use super::refusal::{Refusal, Rule};
use super::wire::{self, Order, Pulse, Report};

/// Exit code of a process that was told why it must not run.
pub const REFUSED: i32 = 78;
/// Exit code of a process whose plugin refused to start.
pub const NOT_STARTED: i32 = 79;
/// Exit code of a process whose plugin did not stop in time.
pub const LATE: i32 = 80;
/// Exit code of a process that was not started by the appliance.
pub const NO_PARENT: i32 = 2;

const LAST_WORDS: Duration = Duration::from_secs(1);

/// What takes the messages in a process. The functions never overlap.
pub trait Inside {
    /// Takes one message; whether it did. Must return soon.
    fn recv(&mut self, frame: &Frame) -> bool;
    /// Takes one of a kind that this version does not know.
    fn recv_unknown(&mut self) {}
    /// Stops, within that time.
    fn stop(self: Box<Self>, within: Duration);
}

/// What was loaded and is not started yet.
pub struct Outside<B> {
    /// What it says it is.
    pub id: String,
    /// Version of the treaty that it keeps to.
    pub abi: u32,
    /// Starts it; none when it refuses.
    pub begin: B,
}

/// Runs a plugin's process to its end.
pub fn run() -> ! {
    run_with(|code, _| {
        let library = Library::load(&code)?;
        let (id, abi) = (library.id.clone(), library.abi);
        let begin = move |gate: &'static Gate, hello: &HostHello| {
            let config = serde_json::to_vec(hello).unwrap_or_default();
            library.start(gate, &config).map(|instance| Box::new(instance) as Box<dyn Inside>)
        };
        Ok(Outside { id, abi, begin })
    })
}

/// Runs a process to its end; `load` is called once the process is bound and before it is closed in.
pub fn run_with<B>(load: impl FnOnce(OwnedFd, &Order) -> Result<Outside<B>, Refusal>) -> !
where
    B: FnOnce(&'static Gate, &HostHello) -> Option<Box<dyn Inside>>,
{
    let Ok(stream) = socket() else { exit(NO_PARENT) };
    let Ok((code, order)) = wire::take_over(&stream) else { exit(NO_PARENT) };
    let Ok(sending) = stream.try_clone() else { exit(NO_PARENT) };
    // Leaked on purpose: the plugin's threads may use it until the process ends.
    let gate: &'static Gate = Box::leak(Box::new(Gate::new(Outbox::new(sending))));
    let begin = match prepare(code, &order, load) {
        Ok((begin, report)) => {
            gate.outbox.push(&wire::frame(Kind::Hello, 0, &report));
            begin
        }
        Err(refusal) => leave(gate, &refusal, REFUSED),
    };
    if let Err(cause) = thread::Builder::new().name("send".to_owned()).spawn(|| gate.outbox.run()) {
        leave(gate, &Refusal::new(Rule::Confinement, format!("no thread for sending: {cause}")), REFUSED);
    }
    let Some(mut inside) = begin(gate, &order.hello) else {
        gate.outbox.flush(LAST_WORDS);
        exit(NOT_STARTED)
    };
    inside.recv(&wire::frame(Kind::Hello, 0, &order.hello));
    Pump { gate, inside, slowest: Duration::ZERO }
        .run(stream, Duration::from_millis(order.hello.limits.stop_ms))
}

/// Moves the socket from standard input to a descriptor of its own, and closes whatever else is open.
fn socket() -> io::Result<UnixStream> {
    close_from(3)?;
    let socket = fcntl_dupfd_cloexec(stdio::stdin(), 3)?;
    let nothing = OwnedFd::from(std::fs::File::open("/dev/null")?);
    stdio::dup2_stdin(&nothing)?;
    Ok(UnixStream::from(socket))
}

/// Binds itself, loads the library, and closes itself in.
fn prepare<B>(
    code: OwnedFd,
    order: &Order,
    load: impl FnOnce(OwnedFd, &Order) -> Result<Outside<B>, Refusal>,
) -> Result<(B, Report), Refusal> {
    confine::die_with_parent()?;
    let mut confinement = confine::limit(order)?;
    let outside = load(code, order)?;
    if let Some(id) = order.id.as_ref().filter(|id| **id != outside.id) {
        let sentence = format!("the library says it is {:?}, the manifest says {id:?}", outside.id);
        return Err(Refusal::new(Rule::Identity, sentence));
    }
    confinement.extend(confine::close_in(&order.net)?);
    let report = Report { id: outside.id, abi: outside.abi, confinement };
    Ok((outside.begin, report))
}

/// Says why and ends the process.
fn leave(gate: &Gate, refusal: &Refusal, code: i32) -> ! {
    gate.outbox.push(&wire::frame(Kind::Error, 0, refusal));
    exit(code)
}

/// Passes messages from the socket to the plugin.
struct Pump {
    gate: &'static Gate,
    inside: Box<dyn Inside>,
    slowest: Duration,
}

impl Pump {
    fn run(mut self, stream: UnixStream, stop_within: Duration) -> ! {
        let mut stream = BufReader::new(stream);
        let deadline = loop {
            match Frame::read(&mut stream) {
                Ok(frame) => match Own::of(&frame) {
                    Some(Own::Stop(deadline)) => break deadline,
                    Some(Own::Unknown) => self.inside.recv_unknown(),
                    None => self.pass(&frame),
                },
                Err(_) => break stop_within,
            }
        };
        self.stop(deadline)
    }

    fn pass(&mut self, frame: &Frame) {
        if frame.kind == Kind::Ping {
            return self.answer(frame.id);
        }
        let began = Instant::now();
        let is_taken = self.inside.recv(frame);
        self.slowest = self.slowest.max(began.elapsed());
        if !is_taken && frame.kind == Kind::Request {
            // Somebody waits for an answer, and the plugin has said that it will give none.
            let failure = Failure::new(Code::Busy, "the plugin did not take the request; try again");
            self.gate.outbox.push_due(&wire::frame(Kind::Error, frame.id, &failure));
        }
    }

    fn answer(&mut self, id: u64) {
        let slowest_recv_ms = wire::milliseconds(self.slowest);
        self.slowest = Duration::ZERO;
        let pulse = Pulse { malformed: self.gate.malformed(), slowest_recv_ms };
        self.gate.outbox.push_due(&wire::frame(Kind::Pong, id, &pulse));
    }

    fn stop(self, deadline: Duration) -> ! {
        end_after(deadline);
        let until = Instant::now() + deadline;
        self.inside.stop(deadline);
        self.gate.shut();
        self.gate.outbox.flush(until.saturating_duration_since(Instant::now()));
        exit(0)
    }
}

/// Ends the process when stopping takes too long, also when no parent is left to do so.
fn end_after(deadline: Duration) {
    let watch = move || {
        let (_keep, never) = channel::<()>();
        if never.recv_timeout(deadline) == Err(RecvTimeoutError::Timeout) {
            exit(LATE)
        }
    };
    // Without the thread the parent's own deadline remains.
    let _ = thread::Builder::new().name("deadline".to_owned()).spawn(watch);
}

/// What the appliance says to the process and not to the plugin.
enum Own {
    /// Stop within that time.
    Stop(Duration),
    /// Hand the plugin a message of an unknown kind.
    Unknown,
}

impl Own {
    fn of(frame: &Frame) -> Option<Self> {
        let event: Event = (frame.kind == Kind::Event).then(|| wire::content(frame).ok())??;
        match event.event.as_str() {
            wire::STOP => Some(Self::Stop(event.object.parse().map_or(LAST_WORDS, Duration::from_millis))),
            wire::UNKNOWN => Some(Self::Unknown),
            _ => None,
        }
    }
}
