//! A terminal in which a program runs that draws on it, by tmux: what it shows is what a person would see.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use crate::harness::awaited;

/// Longest wait for something to be shown.
const PATIENCE: Duration = Duration::from_secs(40);

/// The terminal. What runs in it is ended when it is dropped.
pub struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    /// Starts a program, which finds everything of its user's below a folder of its own.
    pub fn run(program: &[&str]) -> Self {
        let terminal = Self { folder: tempfile::tempdir().expect("a private directory") };
        let home = format!("HOME={}", terminal.folder.path().display());
        let size = ["-x", "140", "-y", "50"];
        let environment = ["env", "-u", "XDG_DATA_HOME", "-u", "XDG_CONFIG_HOME", &home, "LC_ALL=C.UTF-8"];
        let before = ["-f", "/dev/null", "new-session", "-d"].iter().chain(&size).chain(&environment);
        terminal.tmux(before.chain(program));
        terminal
    }

    /// Types a line.
    pub fn types(&self, line: &str) {
        self.tmux(["send-keys", "-l", line]);
        self.tmux(["send-keys", "Enter"]);
    }

    /// Waits until all these words are shown at once.
    #[track_caller]
    pub fn shows(&self, words: &[&str]) {
        let look = || words.iter().all(|word| self.screen().contains(word)).then_some(());
        assert!(awaited(PATIENCE, look).is_some(), "{words:?} is not shown:\n{}", self.screen());
    }

    fn screen(&self) -> String {
        let output = self.tmux(["capture-pane", "-p"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[track_caller]
    fn tmux(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let output = self.command(arguments).output().expect("tmux runs");
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.socket()).args(arguments).env_remove("TMUX");
        command
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("tmux")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended with its program.
        let _ = self.command(["kill-server"]).output();
    }
}
