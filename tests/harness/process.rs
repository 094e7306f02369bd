//! A process that a test starts itself: with its own environment, under another user, or beside the appliance.
//! Ended by its id when dropped. Leaves out appliances in service, which are [`super::Appliance`].

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::appliance::{end, wait_for_end};

/// The process, in a group of its own.
pub struct Process(Child);

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

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}
