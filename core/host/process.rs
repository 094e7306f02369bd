//! One process of a plugin as the operating system sees it: started with nothing but its socket, listened to,
//! ended in time, and its end put into words.

use std::io::{BufRead, BufReader, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::child;
use super::desk::Desk;
use super::wire::{Order, hand_over};

/// The hidden verb of the command line that runs a plugin.
pub const VERB: &str = "plugin-host";

const LINE_BYTES: u64 = 8 * 1024;
/// After SIGKILL; a process that is still there then hangs in the kernel.
const KILLED_WITHIN: Duration = Duration::from_secs(5);
/// A library and its order are taken at once by a process that lives.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(5);

/// A process; dropping it kills it.
pub struct Process {
    child: Child,
    has_ended: Option<ExitStatus>,
}

impl Process {
    /// Starts a process on the calling thread, whose end ends the process too. Gives it the library and the
    /// order; what it prints goes to the journal. The verb says what kind of process it is.
    pub fn start(
        exe: &Path,
        verb: &str,
        desk: &Arc<Desk>,
        code: &OwnedFd,
        order: &Order,
    ) -> std::io::Result<(Self, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let (output, printed) = std::io::pipe()?;
        let child = Command::new(exe)
            .arg0("jackfield")
            .args([verb, &desk.plugin])
            .env_clear()
            .current_dir("/")
            // A Ctrl-C at the terminal is for the appliance, which stops its plugins in order.
            .process_group(0)
            .stdin(OwnedFd::from(theirs))
            .stdout(printed.try_clone()?)
            .stderr(Stdio::from(printed))
            .spawn()?;
        let process = Self { child, has_ended: None };
        let listener = Arc::clone(desk);
        Builder::new().name(format!("print {}", desk.plugin)).spawn(move || listen(output, &listener))?;
        ours.set_write_timeout(Some(HAND_OVER_WITHIN))?;
        hand_over(&ours, code, order)?;
        ours.set_write_timeout(None)?;
        Ok((process, ours))
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, at most so long.
    pub fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        if self.look().is_none() {
            wait_for_end(self.child.id(), within);
        }
        self.look()
    }

    /// Kills it and waits for its end. None when the kernel keeps it.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        if self.look().is_none() && self.child.kill().is_err() {
            log::error!("process {} cannot be killed", self.child.id());
        }
        let status = self.wait(KILLED_WITHIN);
        if status.is_none() {
            log::error!("process {} is still there after SIGKILL; the kernel holds it", self.child.id());
        }
        status
    }

    /// Whether a signal has halted it.
    pub fn is_halted(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The state follows the name, which is in brackets.
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['T', 't']))
    }

    fn look(&mut self) -> Option<ExitStatus> {
        if self.has_ended.is_none() {
            self.has_ended = self.child.try_wait().unwrap_or_default();
        }
        self.has_ended
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns when the process has ended or the time is over.
fn wait_for_end(pid: u32, within: Duration) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let Some(Ok(descriptor)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else { return };
    let mut waits = [PollFd::new(&descriptor, PollFlags::IN)];
    let within = Timespec::try_from(within).ok();
    // Whether it ended is looked up afterwards, whatever this says.
    let _ = poll(&mut waits, within.as_ref());
}

/// Puts what the process prints into the journal, until it ends.
fn listen(output: PipeReader, desk: &Desk) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut output).take(LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if desk.journal.admits() => {
                desk.journal.write("warn", "printed", &String::from_utf8_lossy(&line));
            }
            Ok(_) => {}
        }
    }
}

/// Signals that end a process, with what they mean to the person who reads.
const SIGNALS: &[(i32, &str)] = &[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL (an impossible instruction)"),
    (5, "SIGTRAP"),
    (6, "SIGABRT (it gave up, for lack of memory or after a failed check)"),
    (7, "SIGBUS (memory that is not there)"),
    (8, "SIGFPE (impossible arithmetic)"),
    (9, "SIGKILL (killed from outside, or by the kernel for lack of memory)"),
    (11, "SIGSEGV (memory that is not its own)"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (24, "SIGXCPU (processor time used up)"),
    (25, "SIGXFSZ (it tried to write a file)"),
    (31, "SIGSYS (a forbidden system call)"),
];

const EXIT_CODES: &[(i32, &str)] = &[
    (0, "it stopped by itself"),
    (101, "its code panicked (exit code 101)"),
    (child::REFUSED, "it was not let run"),
    (child::NOT_STARTED, "it refused to start"),
    (child::LATE, "it did not stop in time"),
];

/// How it ended, in words.
pub fn in_words(status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "its process does not go away".to_owned() };
    let known = |table: &[(i32, &'static str)], number| {
        table.iter().find(|(known, _)| *known == number).map(|(_, words)| *words)
    };
    match (status.signal(), status.code()) {
        (Some(signal), _) => match known(SIGNALS, signal) {
            Some(words) => format!("killed by {words}"),
            None => format!("killed by signal {signal}"),
        },
        (None, Some(code)) => {
            known(EXIT_CODES, code).map_or_else(|| format!("exit code {code}"), str::to_owned)
        }
        (None, None) => "it ended in an unknown way".to_owned(),
    }
}
