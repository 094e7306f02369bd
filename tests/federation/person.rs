//! A person of ours at an unmodified slixmpp client: says stanzas and hears stanzas.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::authority::Authority;
use crate::harness::{Client, Process, workspace};

/// Longest wait for a stanza; links to other servers come up in it.
const PATIENCE: Duration = Duration::from_secs(40);
/// Password of everybody.
const PASSWORD: &str = "correct horse";

/// The client. Ended when dropped.
pub struct Person {
    input: ChildStdin,
    lines: Receiver<String>,
    heard: Vec<String>,
    _process: Process,
    _folder: tempfile::TempDir,
}

/// Gives everybody of these accounts' ids the password.
pub fn let_in(admin: &Client, accounts: &[&str]) {
    for id in accounts {
        let body = serde_json::json!({ "password": PASSWORD });
        admin.put(&format!("/accounts/{id}/password"), "*", &body).expect(204);
    }
}

impl Person {
    /// Logs in at the appliance of that host, whose certificate is of that authority.
    fn log_in(host: &str, address: &str, authority: &Authority) -> Self {
        let folder = tempfile::tempdir().expect("a private directory");
        let pem = folder.path().join("authority.pem");
        fs::write(&pem, authority.pem()).expect("the authority is written");
        let python = workspace().join("target/venv/bin/python");
        assert!(python.exists(), "{} is missing: `tests/run` installs it", python.display());
        let mut command = Command::new(python);
        command.arg(workspace().join("tests/federation/person.py"));
        command.args([address, PASSWORD, host, "5222"]).arg(&pem);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Process::start(&mut command);
        let input = process.child().stdin.take().expect("piped");
        let output = process.child().stdout.take().expect("piped");
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let mut person = Self { input, lines, heard: Vec::new(), _process: process, _folder: folder };
        person.hear(&["ready"]);
        person
    }

    /// Logs in, asks for the roster, which it answers, and is available.
    pub fn arrive(address: &str, authority: &Authority) -> (Self, String) {
        Self::arrive_at("127.0.1.1", address, authority)
    }

    /// The same at an appliance that is elsewhere.
    pub fn arrive_at(host: &str, address: &str, authority: &Authority) -> (Self, String) {
        let mut person = Self::log_in(host, address, authority);
        person.say("<iq type='get' id='roster-1'><query xmlns='jabber:iq:roster'/></iq>");
        let roster = person.hear(&["id=\"roster-1\"", "type=\"result\""]);
        person.say("<presence/>");
        (person, roster)
    }

    /// Says a stanza.
    pub fn say(&mut self, stanza: &str) {
        writeln!(self.input, "{stanza}").expect("the client runs");
    }

    /// The first stanza with all these words that was not heard yet; it must come.
    #[track_caller]
    pub fn hear(&mut self, words: &[&str]) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let fits = |line: &String| words.iter().all(|word| line.contains(word));
            if let Some(at) = self.heard.iter().position(fits) {
                return self.heard.remove(at);
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.heard.push(line),
                Err(_) => panic!("{words:?} did not come: {:#?}", self.heard),
            }
        }
    }

    /// Holds that no such stanza has come by the time a ping of the server is answered.
    #[track_caller]
    pub fn hears_none(&mut self, words: &[&str]) {
        self.say("<iq type='get' id='still' to='home.example'><ping xmlns='urn:xmpp:ping'/></iq>");
        self.hear(&["id=\"still\""]);
        let came = self.heard.iter().find(|line| words.iter().all(|word| line.contains(word)));
        assert_eq!(came, None);
    }
}
