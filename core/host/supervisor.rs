//! Keeps one plugin alive, on one thread: verifies, starts, watches, ends, waits, starts again, and does what
//! operators ask. All its processes are started by this thread, because a process ends with the thread that
//! started it.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{HostHello, Limits, PluginHello, SERVICES};
use serde_json::Map;

use super::builtin::{self, Builtin};
use super::link::{Link, News, SocketEnd};
use super::manifest::Manifest;
use super::policy::{Counters, Pace, Verdict};
use super::process::{self, Process, in_words};
use super::refusal::{Refusal, Rule};
use super::running::Running;
use super::unit::{State, Unit};
use super::verify::{Verified, verify};
use super::wire::{self, Order, Report};
use super::{Config, Timing, now_ms};

/// What reaches a supervisor.
pub enum Note {
    /// From a process.
    News(u64, News),
    /// From an operator, with a place for the outcome.
    Command(Command, SyncSender<Outcome>),
}

/// What an operator asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Stop and start again; requests wait meanwhile.
    Restart,
    /// Start a successor, then end the process that serves; no request is lost.
    Replace,
    /// Stop, and stay so.
    Disable,
    /// Start again after Disable.
    Enable,
    /// Forget deaths and quarantine.
    ClearQuarantine,
    /// Stop within that time, and supervise no longer.
    End(Duration),
}

/// A process that closed its socket ends soon, or is killed.
const LAST_BREATH: Duration = Duration::from_secs(1);

/// How a command went; the error says why not.
pub type Outcome = Result<(), String>;

/// How a process came to its end.
pub(super) enum End {
    /// By itself or killed for a fault; in words.
    Died(String),
    /// As ordered.
    Ordered,
}

/// Why a process did not come up.
pub(super) enum NotUp {
    /// It must not run.
    Refused(Refusal),
    /// It died or was killed; in words.
    Died(String),
    /// The supervisor is to end.
    Interrupted,
}

/// The supervisor of one plugin.
pub struct Supervisor {
    pub(super) unit: Arc<Unit>,
    pub(super) config: Arc<Config>,
    /// The appliance's own unit that it keeps; none for a plugin.
    pub(super) builtin: Option<&'static Builtin>,
    pub(super) timing: Timing,
    pub(super) pace: Pace,
    pub(super) notes: Receiver<Note>,
    pub(super) own: Sender<Note>,
    /// Commands that came while something was being started.
    pub(super) postponed: VecDeque<Note>,
    pub(super) counters: Counters,
    pub(super) generation: u64,
    pub(super) retiring: Option<JoinHandle<()>>,
    pub(super) is_ending: bool,
    /// A command that a start is to answer.
    pub(super) asked: Option<SyncSender<Outcome>>,
}

impl Supervisor {
    /// A supervisor; `own` leads to `notes`.
    pub fn new(unit: Arc<Unit>, config: Arc<Config>, notes: Receiver<Note>, own: Sender<Note>) -> Self {
        let builtin = config.builtins.iter().find(|builtin| builtin.id == unit.id());
        let (timing, pace) = match builtin {
            Some(_) => (builtin::timing(&config.timing), builtin::pace(&config.pace)),
            None => (config.timing, config.pace),
        };
        let counters = config.memory.load(unit.id());
        let (last_end, restarts) = (counters.last_end.clone(), counters.restarts);
        unit.show(|shown| (shown.last_end, shown.restarts) = (last_end, restarts));
        Self {
            unit,
            config,
            builtin,
            timing,
            pace,
            notes,
            own,
            postponed: VecDeque::new(),
            counters,
            generation: 0,
            retiring: None,
            is_ending: false,
            asked: None,
        }
    }

    /// Runs until it is told to end.
    pub fn run(mut self) {
        while !self.is_ending {
            self.turn();
        }
        self.join_retiring();
    }

    /// Looks at the files, decides, and either serves or waits.
    pub(super) fn turn(&mut self) {
        let verified = match self.verify() {
            Ok(verified) => verified,
            Err(refusal) => return self.refuse(&refusal),
        };
        self.meet(&verified);
        match self.counters.verdict(&self.pace, now_ms()) {
            Verdict::Start => self.serve(verified),
            Verdict::Backoff(until) => {
                let reason = self.counters.last_end.clone();
                self.rest(State::Backoff, &reason, Some(until));
            }
            Verdict::Quarantine(until) => {
                let reason = self.counters.quarantine.as_ref().map(|q| q.reason.clone()).unwrap_or_default();
                self.rest(State::Quarantined, &reason, Some(until));
            }
            Verdict::Disabled => self.rest(State::Disabled, "an operator switched it off", None),
        }
    }

    /// What is to run, when it may.
    pub(super) fn verify(&self) -> Result<Verified, Refusal> {
        match self.builtin {
            Some(builtin) => builtin.verified(&self.config.version),
            None => verify(&self.config.plugins, self.unit.id(), self.config.trust),
        }
    }

    pub(super) fn meet(&mut self, verified: &Verified) {
        let manifest = Arc::new(verified.manifest.clone());
        let (signed_by, page) = (verified.signed_by.clone(), verified.page.clone());
        self.unit.show(|shown| {
            (shown.manifest, shown.page, shown.signed_by) = (Some(manifest), page, signed_by);
        });
        if self.counters.meet(&verified.sealed.sha256) {
            self.save();
        }
    }

    fn refuse(&mut self, refusal: &Refusal) {
        log::error!("the plugin {} is refused: {refusal}", self.unit.id());
        self.rest(State::Refused, &refusal.sentence, None);
    }

    /// Serves with one process after another until one dies or is to end.
    fn serve(&mut self, verified: Verified) {
        self.unit.show(|shown| {
            (shown.state, shown.reason, shown.next_try) = (State::Starting, String::new(), None);
        });
        let running = match self.bring_up(verified) {
            Ok(running) => running,
            Err(not_up) => return self.not_up(not_up),
        };
        self.up(&running);
        match self.watch(running) {
            End::Died(reason) => self.died(&reason),
            End::Ordered => {}
        }
    }

    fn not_up(&mut self, not_up: NotUp) {
        match not_up {
            NotUp::Refused(refusal) => self.refuse(&refusal),
            NotUp::Died(reason) => self.died(&reason),
            NotUp::Interrupted => {}
        }
    }

    fn died(&mut self, reason: &str) {
        log::error!("the plugin {} ended: {reason}", self.unit.id());
        self.unit.route_nowhere(reason);
        self.counters.died(&self.pace, now_ms(), reason);
        self.counters.restarts += 1;
        let (last_end, restarts) = (self.counters.last_end.clone(), self.counters.restarts);
        // All at once: whoever looks meanwhile must not read this reason beside the end before it.
        self.unit.show(|shown| {
            (shown.state, shown.reason) = (State::Backoff, reason.to_owned());
            (shown.pid, shown.confinement) = (None, Vec::new());
            (shown.last_end, shown.restarts) = (last_end, restarts);
        });
        self.save();
        self.answer(Err(reason.to_owned()));
    }

    pub(super) fn save(&self) {
        self.config.memory.save(self.unit.id(), &self.counters);
        let (last_end, restarts) = (self.counters.last_end.clone(), self.counters.restarts);
        self.unit.show(|shown| (shown.last_end, shown.restarts) = (last_end, restarts));
    }

    /// Starts a process and waits until the plugin has said hello.
    pub(super) fn bring_up(&mut self, verified: Verified) -> Result<Running, NotUp> {
        self.generation += 1;
        let manifest = Arc::new(verified.manifest);
        let prepared = if self.builtin.is_some() { Ok(()) } else { self.unit.desk.prepare(&manifest) };
        prepared.map_err(|sentence| NotUp::Refused(Refusal::new(Rule::Preparation, sentence)))?;
        let mut running = self
            .start(Arc::clone(&manifest), &verified.sealed.code)
            .map_err(|cause| NotUp::Died(format!("its process cannot be started: {cause}")))?;
        match self.await_hello(&mut running) {
            Ok(()) => Ok(running),
            Err(not_up) => {
                running.process.kill();
                running.link.end("it did not come up");
                Err(not_up)
            }
        }
    }

    fn start(&self, manifest: Arc<Manifest>, code: &OwnedFd) -> std::io::Result<Running> {
        let desk = &self.unit.desk;
        let hello = HostHello {
            version: self.config.version.clone(),
            services: SERVICES.iter().map(|service| (*service).to_owned()).collect(),
            settings: if self.builtin.is_some() { Map::new() } else { desk.settings(&manifest) },
            limits: Limits { stop_ms: wire::milliseconds(self.timing.stop), ..Limits::default() },
        };
        let id = Some(manifest.id.clone());
        let order = Order { id, memory_mib: manifest.memory_mib, net: manifest.net.clone(), hello };
        let verb = if self.builtin.is_some() { builtin::VERB } else { process::VERB };
        let (process, stream) = Process::start(&self.config.exe, verb, desk, code, &order)?;
        let (own, generation) = (self.own.clone(), self.generation);
        let link = Link::start(stream, Arc::clone(desk), manifest.services.clone(), move |news| {
            // A supervisor that has ended has no use for news.
            let _ = own.send(Note::News(generation, news));
        })?;
        Ok(Running::new(generation, process, link, manifest))
    }

    fn await_hello(&mut self, running: &mut Running) -> Result<(), NotUp> {
        let until = Instant::now() + self.timing.start;
        loop {
            let news = match self.notes.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Err(_) => return Err(NotUp::Died(self.late_start())),
                Ok(Note::News(generation, news)) if generation == running.generation => news,
                // Of the process that serves meanwhile, or of an operator: for later.
                Ok(note) => {
                    let is_end = matches!(note, Note::Command(Command::End(_), _));
                    self.postponed.push_back(note);
                    if is_end {
                        return Err(NotUp::Interrupted);
                    }
                    continue;
                }
            };
            match news {
                News::Hello(frame) if running.report.is_none() => {
                    running.report = wire::content::<Report>(&frame).ok();
                }
                News::Hello(frame) => return judge(running, &frame),
                News::Refused(refusal) => return Err(NotUp::Refused(refusal)),
                News::Ended(end) => return Err(NotUp::Died(post_mortem(running, &end))),
                News::Pulse(_) => {}
            }
        }
    }

    fn late_start(&self) -> String {
        format!("it did not say hello within {} ms after its start", self.timing.start.as_millis())
    }

    /// The process serves from now on.
    pub(super) fn up(&mut self, running: &Running) {
        self.unit.desk.journal.begin();
        let confinement = running.report.as_ref().map(|r| r.confinement.clone()).unwrap_or_default();
        for measure in confinement.iter().filter(|measure| !measure.is_enforced) {
            log::warn!("the plugin {}: {} {}", self.unit.id(), measure.name, measure.detail);
        }
        let pid = running.process.pid();
        self.unit.route_to(Arc::clone(&running.link));
        self.unit.show(|shown| {
            (shown.state, shown.reason, shown.next_try) = (State::Up, String::new(), None);
            (shown.pid, shown.confinement) = (Some(pid), confinement);
        });
        log::info!("the plugin {} {} is up, process {pid}", self.unit.id(), running.manifest.version);
        self.answer(Ok(()));
    }

    /// Answers the operator whose command led here, if one did.
    pub(super) fn answer(&mut self, outcome: Outcome) {
        if let Some(asked) = self.asked.take() {
            // An operator that stopped waiting reads the status.
            let _ = asked.try_send(outcome);
        }
    }

    /// What comes next, at most so long from now.
    pub(super) fn next_note(&mut self, within: Duration) -> Option<Note> {
        match self.postponed.pop_front() {
            Some(note) => Some(note),
            None => self.notes.recv_timeout(within).ok(),
        }
    }
}

fn judge(running: &Running, hello: &Frame) -> Result<(), NotUp> {
    let hello = wire::content::<PluginHello>(hello).map_err(|cause| {
        NotUp::Refused(Refusal::new(Rule::Identity, format!("the plugin's hello cannot be read: {cause}")))
    })?;
    running.manifest.judge_hello(&hello).map_err(NotUp::Refused)
}

/// How a process that closed its socket ended, in words.
pub(super) fn post_mortem(running: &mut Running, end: &SocketEnd) -> String {
    let how = match running.process.wait(LAST_BREATH) {
        Some(status) => in_words(Some(status)),
        None => {
            running.process.kill();
            end.cause.clone()
        }
    };
    how + &doing(&end.open)
}

/// Which operations were in its hands, as the end of a sentence.
pub(super) fn doing(open: &[String]) -> String {
    match open {
        [] => String::new(),
        [op] => format!(" while answering {op}"),
        [op, more @ ..] => format!(" while answering {op} and {} more", more.len()),
    }
}
