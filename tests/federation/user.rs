//! An unmodified slixmpp in a process of its own: a user's client that tells what happens to it.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Process, workspace};

/// Longest wait for something to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// The client. Ended when dropped.
pub struct User {
    orders: ChildStdin,
    told: Receiver<Value>,
    _running: Process,
}

impl User {
    /// Signs in there, with more arguments of `client.py`, and tells how that went from then on.
    pub fn begin(jid: &str, password: &str, port: u16, more: &[&str]) -> Self {
        let python = workspace().join("target/venv/bin/python");
        assert!(python.exists(), "{} is missing: `tests/run` installs what the tests need", python.display());
        let mut command = Command::new(python);
        command.arg(workspace().join("tests/federation/client.py"));
        command.args([jid, password, "127.0.0.1", &port.to_string()]).args(more);
        let mut running = Process::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let orders = running.child().stdin.take().expect("a piped input");
        let lines = BufReader::new(running.child().stdout.take().expect("a piped output")).lines();
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in lines {
                let Ok(line) = line else { return };
                let Ok(line) = serde_json::from_str(&line) else { panic!("client.py says {line:?}") };
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { orders, told, _running: running }
    }

    /// Signs in, and is there for everybody.
    #[track_caller]
    pub fn present(jid: &str, password: &str, port: u16, more: &[&str]) -> (Self, Value) {
        let mut user = Self::begin(jid, password, port, more);
        let started = user.hears("started");
        user.does(&json!({"do": "presence"}));
        // Answered after the presence was taken.
        user.pings();
        (user, started)
    }

    /// Tells it what to do.
    pub fn does(&mut self, order: &Value) {
        writeln!(self.orders, "{order}").expect("the client takes orders");
    }

    /// Asks its server whether it is there, and hears that it is.
    #[track_caller]
    pub fn pings(&mut self) {
        self.does(&json!({"do": "ping", "to": null}));
        let pong = self.hears("pong");
        assert_eq!(pong["error"], Value::Null, "{pong}");
    }

    /// What happens next of that kind; anything else before it is passed over.
    #[track_caller]
    pub fn hears(&mut self, what: &str) -> Value {
        let (until, mut seen) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.told.recv_timeout(left) {
                Ok(told) if told["what"] == what => return told,
                Ok(told) => seen.push(told),
                Err(RecvTimeoutError::Timeout) => panic!("no {what:?} came, but {seen:#?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the client ended without {what:?}: {seen:#?}"),
            }
        }
    }

    /// Everything that has happened so far.
    pub fn so_far(&self) -> Vec<Value> {
        self.told.try_iter().collect()
    }
}
