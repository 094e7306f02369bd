//! A process that a test starts itself: with its own environment, under another user, or beside the appliance.
//! Ended by its id when dropped. Leaves out appliances in service, which are [`super::Appliance`].

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::appliance::{end, wait_for_end};

/// Longest run of a verb that ends by itself.
const VERB_WITHIN: Duration = Duration::from_secs(30);

/// The process, in a group of its own.
pub struct Process(Child);

/// What a verb of the command line did.
pub struct Outcome {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        Self(command.process_group(0).spawn().expect("the program can be started"))
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Its standard streams and the rest of what the library knows of it.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("the process can be sent a signal");
    }

    /// Waits for its end.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        assert!(wait_for_end(&self.0, within), "process {} did not end within {within:?}", self.pid());
        self.0.wait().expect("the process has ended")
    }
}

impl Outcome {
    /// Runs a program to its end.
    pub fn of(mut command: Command, stdin: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn().expect("the binary can be started");
        let mut input = child.stdin.take().expect("a piped standard input");
        // A verb that reads nothing may have closed its input already.
        let _ = input.write_all(stdin.as_bytes());
        drop(input);
        let reader = std::thread::spawn({
            let (mut out, mut err) =
                (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
            move || (std::io::read_to_string(&mut out), std::io::read_to_string(&mut err))
        });
        if !wait_for_end(&child, VERB_WITHIN) {
            end(&mut child);
            panic!("{command:?} did not end within {VERB_WITHIN:?}");
        }
        let code = child.wait().expect("the process has ended").code().unwrap_or(-1);
        let (stdout, stderr) = reader.join().expect("the output can be read");
        Self { code, stdout: stdout.expect("UTF-8"), stderr: stderr.expect("UTF-8") }
    }
}

/// A port of loopback that nobody has.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("its address").port()
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}
