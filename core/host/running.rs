//! One process of a plugin while it serves: its pulse, its faults, its stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Timing;
use super::link::Link;
use super::manifest::Manifest;
use super::process::{Process, in_words};
use super::unit::Unit;
use super::wire::{Pulse, Report};

/// Messages that break the treaty, within [`MISBEHAVIOUR_WINDOW`], before the process is ended.
const MOST_MISBEHAVIOUR: u64 = 100;
const MISBEHAVIOUR_WINDOW: Duration = Duration::from_secs(10);

/// A process and everything that belongs to it.
pub struct Running {
    /// Tells its news from those of its predecessor.
    pub generation: u64,
    /// The process.
    pub process: Process,
    /// Its socket.
    pub link: Arc<Link>,
    /// What it was started by.
    pub manifest: Arc<Manifest>,
    /// What it said of itself, once it has.
    pub report: Option<Report>,
    /// Since when it serves.
    pub since: Instant,
    pinged: Option<Instant>,
    ping_due: Instant,
    malformed: u64,
    misbehaviour: (Instant, u64),
}

impl Running {
    /// A process that was started just now.
    pub fn new(generation: u64, process: Process, link: Arc<Link>, manifest: Arc<Manifest>) -> Self {
        let now = Instant::now();
        Self {
            generation,
            process,
            link,
            manifest,
            report: None,
            since: now,
            pinged: None,
            ping_due: now,
            malformed: 0,
            misbehaviour: (now, 0),
        }
    }

    /// Takes its pulse.
    pub fn pulse(&mut self, pulse: Pulse) {
        self.pinged = None;
        self.malformed = pulse.malformed;
    }

    /// Asks for a pulse when it is time.
    pub fn ping_when_due(&mut self, timing: &Timing) {
        if self.pinged.is_some() || Instant::now() < self.ping_due {
            return;
        }
        self.link.ping();
        self.pinged = Some(Instant::now());
        self.ping_due = Instant::now() + timing.ping;
    }

    /// What makes it not worth keeping, in words.
    pub fn fault(&mut self, timing: &Timing, unit: &Unit) -> Option<String> {
        self.hang(timing)
            .or_else(|| if unit.is_builtin() { self.lateness(timing) } else { self.silence(timing) })
            .or_else(|| flood(timing, unit))
            .or_else(|| self.breach())
    }

    /// Takes no more requests, waits for those that are open, and stops it. How it ended, in words.
    pub fn retire(mut self, timing: &Timing) -> String {
        if !self.link.drain(timing.drain) {
            log::warn!("{}: requests were still open after {} s", self.manifest.id, timing.drain.as_secs());
        }
        self.stop(timing.stop)
    }

    /// Stops it: orders it to, and kills it when that takes too long. How it ended, in words.
    pub fn stop(&mut self, within: Duration) -> String {
        self.link.order_stop(within);
        if self.process.wait(within).is_none() {
            self.process.kill();
            self.link.end("it was stopped");
            return format!("it did not stop within {} ms and was killed", within.as_millis());
        }
        self.link.end("it was stopped");
        in_words(self.process.wait(Duration::ZERO))
    }

    fn hang(&self, timing: &Timing) -> Option<String> {
        self.pinged.filter(|pinged| pinged.elapsed() > timing.hang)?;
        let how =
            if self.process.is_halted() { "a signal has halted it" } else { "it does not return from recv" };
        Some(format!("it gave no pulse for {} ms: {how}", timing.hang.as_millis()))
    }

    fn silence(&self, timing: &Timing) -> Option<String> {
        let op = self.link.stuck_in(timing.unanswered)?;
        Some(format!(
            "{op} is unanswered {} ms after its deadline, and so is all that came later",
            timing.unanswered.as_millis()
        ))
    }

    fn lateness(&self, timing: &Timing) -> Option<String> {
        let op = self.link.late_in(timing.unanswered)?;
        Some(format!(
            "{op} took ten times the time it was given, or {} ms more",
            timing.unanswered.as_millis()
        ))
    }

    fn breach(&mut self) -> Option<String> {
        let total = self.link.strange() + self.malformed;
        let (began, before) = self.misbehaviour;
        if total.saturating_sub(before) > MOST_MISBEHAVIOUR {
            return Some(format!(
                "it broke the treaty {} times in {} s",
                total - before,
                began.elapsed().as_secs() + 1
            ));
        }
        if began.elapsed() > MISBEHAVIOUR_WINDOW {
            self.misbehaviour = (Instant::now(), total);
        }
        None
    }
}

fn flood(timing: &Timing, unit: &Unit) -> Option<String> {
    let flooding = unit.desk.journal.flooding();
    let words = || format!("it wrote more lines than allowed for {} s", flooding.as_secs());
    (flooding >= timing.flood).then(words)
}
