//! The supervisor while a plugin serves, and while it rests: news, faults, and what operators ask.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::link::News;
use super::now_ms;
use super::running::Running;
use super::supervisor::{Command, End, NotUp, Note, Outcome, Supervisor, doing, post_mortem};
use super::unit::State;

/// What became of a process that an operator's command was about.
enum After {
    /// It, or its successor, serves.
    Serves(Running),
    /// None does.
    Ended,
}

impl Supervisor {
    /// Watches a process that serves, and its successors, until one dies or is to end.
    pub(super) fn watch(&mut self, mut running: Running) -> End {
        loop {
            match self.next_note(self.timing.tick) {
                Some(Note::News(generation, news)) if generation == running.generation => match news {
                    News::Ended(end) => return End::Died(post_mortem(&mut running, &end)),
                    News::Pulse(pulse) => running.pulse(pulse),
                    News::Hello(_) | News::Refused(_) => {}
                },
                // Of a predecessor that is being retired.
                Some(Note::News(..)) | None => {}
                Some(Note::Command(command, asked)) => match self.obey(command, asked, running) {
                    After::Serves(serving) => running = serving,
                    After::Ended => return End::Ordered,
                },
            }
            // A pulse may be among what was postponed.
            if self.postponed.is_empty()
                && let Some(fault) = running.fault(&self.timing, &self.unit)
            {
                return End::Died(put_down(&mut running, fault));
            }
            running.ping_when_due(&self.timing);
            if self.counters.ran_for(&self.pace, running.since.elapsed()) {
                self.save();
            }
        }
    }

    /// Rests in that state until then, or until an operator wants something else.
    pub(super) fn rest(&mut self, state: State, reason: &str, until: Option<u64>) {
        self.unit.route_nowhere(reason);
        self.unit.show(|shown| {
            (shown.state, shown.reason, shown.next_try) = (state, reason.to_owned(), until);
            (shown.pid, shown.confinement) = (None, Vec::new());
        });
        self.answer(Err(reason.to_owned()));
        // From here on by a clock that never steps: one that is set back must not keep the plugin down.
        let (begun, wait) = (Instant::now(), until.map(|until| until.saturating_sub(now_ms())));
        let wait = wait.map_or(Duration::MAX, Duration::from_millis);
        loop {
            let left = wait.saturating_sub(begun.elapsed());
            match self.next_note(left.min(LONG)) {
                Some(Note::Command(command, asked)) => return self.obey_resting(command, asked, state),
                Some(Note::News(..)) => {}
                None if begun.elapsed() >= wait => return,
                None => {}
            }
        }
    }

    fn obey(&mut self, command: Command, asked: SyncSender<Outcome>, running: Running) -> After {
        self.asked = Some(asked);
        match command {
            Command::Restart => self.restart(running, self.timing.stop),
            Command::Replace if running.manifest.can_overlap() => After::Serves(self.replace(running)),
            // Two processes cannot listen on one port: requests wait while one follows the other.
            Command::Replace => self.restart(running, self.timing.drain),
            Command::Disable => self.disable(running),
            Command::End(within) => self.end(running, within),
            Command::Enable => self.stay(running),
            Command::ClearQuarantine => {
                self.counters.forget();
                self.save();
                self.stay(running)
            }
        }
    }

    fn obey_resting(&mut self, command: Command, asked: SyncSender<Outcome>, state: State) {
        self.asked = Some(asked);
        match command {
            // Who restarts a plugin that waits does not want to wait.
            Command::Restart | Command::Replace if state == State::Backoff => {
                self.counters.forget();
            }
            // Looks at the files again, where a new version may be.
            Command::Restart | Command::Replace => {}
            Command::ClearQuarantine => {
                self.counters.forget();
            }
            Command::Enable => self.counters.is_disabled = false,
            Command::Disable => {
                self.counters.is_disabled = true;
                self.answer(Ok(()));
            }
            Command::End(_) => {
                self.is_ending = true;
                self.answer(Ok(()));
            }
        }
        self.save();
    }

    fn stay(&mut self, running: Running) -> After {
        self.answer(Ok(()));
        After::Serves(running)
    }

    /// Ends the process in order; the next one starts in the next turn and gives the answer.
    fn restart(&mut self, mut running: Running, drain: Duration) -> After {
        self.unit.hold();
        self.unit.show(|shown| shown.state = State::Stopping);
        if !running.link.drain(drain) {
            log::warn!("the plugin {}: requests were open when it was stopped", self.unit.id());
        }
        let end = running.stop(self.timing.stop);
        log::info!("the plugin {} is restarted; the last process: {end}", self.unit.id());
        self.counters.restarts += 1;
        self.save();
        After::Ended
    }

    /// Starts a successor. Only when it is up the predecessor takes no more and ends; otherwise it goes on.
    fn replace(&mut self, running: Running) -> Running {
        let verified = match self.verify() {
            Ok(verified) => verified,
            Err(refusal) => {
                self.answer(Err(format!("the running version stays: {refusal}")));
                return running;
            }
        };
        let manifest = Arc::new(verified.manifest.clone());
        let (signed_by, sha256) = (verified.signed_by.clone(), verified.sealed.sha256.clone());
        let page = verified.page.clone();
        match self.bring_up(verified) {
            Ok(successor) => {
                self.unit.show(|shown| {
                    (shown.manifest, shown.page, shown.signed_by) = (Some(manifest), page, signed_by);
                });
                self.counters.meet(&sha256);
                self.counters.restarts += 1;
                self.save();
                self.up(&successor);
                self.retire(running);
                successor
            }
            Err(not_up) => {
                self.answer(Err(format!("the running version stays: {}", in_words(not_up))));
                running
            }
        }
    }

    /// Lets a predecessor finish what it has, on a thread of its own. At most one does so at a time.
    fn retire(&mut self, running: Running) {
        self.join_retiring();
        let timing = self.timing;
        let id = self.unit.id().to_owned();
        let retire = move || {
            // Not within the log's arguments, which are left alone when nobody reads the line.
            let end = running.retire(&timing);
            log::info!("the plugin {id}: the process that was replaced: {end}");
        };
        match Builder::new().name(format!("retire {}", self.unit.id())).spawn(retire) {
            Ok(thread) => self.retiring = Some(thread),
            // The process is killed as the closure is dropped.
            Err(cause) => log::error!("no thread to retire a process of {}: {cause}", self.unit.id()),
        }
    }

    pub(super) fn join_retiring(&mut self) {
        if self.retiring.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread that retired a process of {} panicked", self.unit.id());
        }
    }

    fn disable(&mut self, mut running: Running) -> After {
        self.counters.is_disabled = true;
        self.save();
        self.unit.route_nowhere("an operator switched it off");
        self.unit.show(|shown| shown.state = State::Stopping);
        let end = running.stop(self.timing.stop);
        log::info!("the plugin {} is disabled; its process: {end}", self.unit.id());
        // Before the answer: whoever asked for it and looks sees it done.
        self.unit.show(|shown| {
            (shown.state, shown.reason) = (State::Disabled, "an operator switched it off".to_owned());
            (shown.pid, shown.confinement) = (None, Vec::new());
        });
        self.answer(Ok(()));
        After::Ended
    }

    fn end(&mut self, mut running: Running, within: Duration) -> After {
        self.is_ending = true;
        self.unit.route_nowhere("the appliance is stopping");
        self.unit.show(|shown| shown.state = State::Stopping);
        let end = running.stop(within.min(self.timing.stop));
        log::info!("the plugin {} is stopped: {end}", self.unit.id());
        self.answer(Ok(()));
        After::Ended
    }
}

/// Longest wait for one note.
const LONG: Duration = Duration::from_secs(3600);

/// Kills a process for a fault; the fault with what it was doing.
fn put_down(running: &mut Running, fault: String) -> String {
    let open = running.link.in_flight();
    running.process.kill();
    running.link.end(&fault);
    fault + &doing(&open)
}

fn in_words(not_up: NotUp) -> String {
    match not_up {
        NotUp::Refused(refusal) => refusal.sentence,
        NotUp::Died(reason) => format!("the new process did not come up: {reason}"),
        NotUp::Interrupted => "the appliance is stopping".to_owned(),
    }
}
