//! One process of a plugin under the conformance check: a bare socket on which anything can be sent, with the
//! little that a plugin expects of an appliance.

use std::fs::File;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_abi::Kind;
use jackfield_abi::frame::{Broken, Frame};
use jackfield_abi::ops::{Code, Event, Failure, HostHello, Limits, PluginHello, SERVICES};
use serde_json::{Map, Value};

use super::Services;
use super::conformance::request;
use super::desk::Desk;
use super::manifest::Manifest;
use super::process::{self, Process, in_words};
use super::refusal::Refusal;
use super::seal::seal;
use super::wire::{self, Order};

/// For one message of the plugin.
const PATIENCE: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_millis(500);
const MEMORY_MIB: u32 = 256;

/// What is checked.
pub struct Plugin {
    /// The program that runs plugins.
    pub exe: PathBuf,
    /// Its manifest; none for a bare library.
    pub manifest: Option<Manifest>,
    /// Its library.
    pub library: PathBuf,
    /// The same, read.
    pub code: Vec<u8>,
}

/// A process that has said hello.
pub struct Probe {
    /// What it said.
    pub hello: PluginHello,
    process: Process,
    stream: UnixStream,
    desk: Arc<Desk>,
}

/// Nothing is offered: a plugin must cope with that too.
struct Nothing;

impl Services for Nothing {
    fn call(&self, _plugin: &str, op: &str, _args: Value) -> Result<Value, Failure> {
        Err(Failure::new(Code::Unavailable, format!("{op} is not there during the check")))
    }
}

impl Probe {
    /// Starts a process and waits for its hello. The error is what was seen instead.
    pub fn start(plugin: &Plugin) -> Result<Self, String> {
        let sentence = |e: std::io::Error| format!("the process cannot be started: {e}");
        let desk = Arc::new(Desk::new("check", Arc::new(Nothing)).map_err(sentence)?);
        let mut file = File::open(&plugin.library).map_err(sentence)?;
        let sealed = seal(&mut file).map_err(sentence)?;
        let (process, stream) =
            Process::start(&plugin.exe, process::VERB, &desk, &sealed.code, &order(plugin))
                .map_err(sentence)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(sentence)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(sentence)?;
        let hello = PluginHello { id: String::new(), version: String::new(), ops: Vec::new() };
        let mut probe = Self { hello, process, stream, desk };
        // The first hello is the process's own report, the second the plugin's.
        probe.next_of(&[Kind::Hello])?;
        let hello = probe.next_of(&[Kind::Hello])?;
        probe.hello = wire::content(&hello).map_err(|e| format!("its hello cannot be read: {e}"))?;
        Ok(probe)
    }

    /// Sends anything.
    pub fn send(&mut self, frame: &Frame) -> Result<(), String> {
        frame.write(&mut self.stream).map_err(|e| self.fate(&format!("it takes nothing more ({e})")))
    }

    /// Asks, and waits for the answer to that question.
    pub fn ask(&mut self, id: u64, op: &str, deadline_ms: u64) -> Result<Frame, String> {
        self.send(&request(id, op, deadline_ms))?;
        loop {
            let answer = self.next_answer()?;
            if answer.id == id {
                return Ok(answer);
            }
        }
    }

    /// The next answer to anything.
    pub fn next_answer(&mut self) -> Result<Frame, String> {
        self.next_of(&[Kind::Reply, Kind::Error])
    }

    /// Orders it to stop.
    pub fn order_stop(&mut self) -> Result<(), String> {
        let object = Limits::default().stop_ms.to_string();
        self.send(&wire::frame(Kind::Event, 0, &Event { event: wire::STOP.to_owned(), object }))
    }

    /// Goes away, as an appliance that dies does.
    pub fn hang_up(&mut self) -> Result<(), String> {
        self.stream.shutdown(Shutdown::Write).map_err(|e| self.fate(&e.to_string()))
    }

    /// Waits for its end, which must be by itself and in time.
    pub fn await_end(&mut self, within: Duration) -> Result<(), String> {
        // A process ends itself when its plugin is late, and says so.
        let status = self.process.wait(within + GRACE);
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(in_words(Some(status))),
            None => Err(format!("it was still there after {} ms", within.as_millis())),
        }
    }

    /// The next message of one of these kinds; its requests are refused, its lines are noted.
    fn next_of(&mut self, kinds: &[Kind]) -> Result<Frame, String> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let frame = Frame::read(&mut self.stream).map_err(|broken| self.silence(&broken))?;
            match frame.kind {
                Kind::Error if frame.id == 0 => {
                    let refusal = wire::content::<Refusal>(&frame).map(|r| r.sentence);
                    return Err(refusal.unwrap_or_else(|e| format!("a refusal that cannot be read: {e}")));
                }
                Kind::Request => self.refuse(frame.id)?,
                Kind::Log => drop(self.desk.note(&frame)),
                kind if kinds.contains(&kind) => return Ok(frame),
                _ => {}
            }
        }
        Err(self.fate("it says other things than what was asked"))
    }

    fn refuse(&mut self, id: u64) -> Result<(), String> {
        let failure = Failure::new(Code::Unavailable, "not there during the check");
        self.send(&wire::frame(Kind::Error, id, &failure))
    }

    fn silence(&mut self, broken: &Broken) -> String {
        match broken {
            Broken::Io(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                format!("no answer within {} s", PATIENCE.as_secs())
            }
            broken => self.fate(&broken.to_string()),
        }
    }

    /// How it ended, when it did, or what was seen; with its last line.
    fn fate(&mut self, seen: &str) -> String {
        let end = self.process.wait(Duration::from_millis(200)).map(|status| in_words(Some(status)));
        let last = self.desk.journal.last_lines().pop().map(|line| format!("; its last line: {line}"));
        end.unwrap_or_else(|| seen.to_owned()) + &last.unwrap_or_default()
    }
}

fn order(plugin: &Plugin) -> Order {
    let manifest = plugin.manifest.as_ref();
    let hello = HostHello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        services: SERVICES.iter().map(|service| (*service).to_owned()).collect(),
        settings: manifest.map_or_else(Map::new, Manifest::default_settings),
        limits: Limits::default(),
    };
    Order {
        id: manifest.map(|m| m.id.clone()),
        memory_mib: manifest.map_or(MEMORY_MIB, |m| m.memory_mib),
        net: manifest.map(|m| m.net.clone()).unwrap_or_default(),
        hello,
    }
}
