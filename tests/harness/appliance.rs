//! A real appliance: laid out by `packaging/stage`, started, watched and ended by its process id. Every wait
//! has a deadline. Leaves out HTTP, which is the [`Client`]'s.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};
use serde_json::Value;
use tempfile::TempDir;

use super::{Client, Outcome, workspace};

const READY_WITHIN: Duration = Duration::from_secs(20);
const GREETING_WITHIN: Duration = Duration::from_secs(5);
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// An appliance of one's own. Dropping it kills the process, also when the test has failed.
pub struct Appliance {
    folder: TempDir,
    launcher: Vec<String>,
    running: Option<Running>,
    admin_token: OnceLock<String>,
}

struct Running {
    child: Child,
    // Kept open: an appliance whose standard output is gone is another test.
    _stdout: BufReader<ChildStdout>,
    greeting: Value,
}

impl Appliance {
    /// Starts an appliance as it comes.
    pub fn start() -> Self {
        Self::start_with(|config| config)
    }

    /// Starts an appliance whose configuration file was edited.
    pub fn start_with(edit: impl FnOnce(String) -> String) -> Self {
        let mut appliance = Self::laid_out(edit);
        appliance.resume();
        appliance
    }

    /// Lays out an appliance without starting it.
    pub fn laid_out(edit: impl FnOnce(String) -> String) -> Self {
        Self::laid_out_with(&[], edit)
    }

    /// Lays out an appliance with these plugins, signed with a key of its own.
    pub fn laid_out_with(plugins: &[&str], edit: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::Builder::new().prefix("jackfield-").tempdir().expect("a private directory");
        let mut stage = Command::new(workspace().join("packaging/stage"));
        stage.arg(folder.path()).args(["--listen", "127.0.0.1:0"]).env("JACKFIELD_BIN", binary());
        // Naming none keeps those of the product out: each test says which it needs.
        let named = if plugins.is_empty() { &["none"] } else { plugins };
        stage.args(named.iter().flat_map(|name| ["--plugin", name]));
        let staged = stage.status();
        assert!(staged.expect("packaging/stage runs").success(), "packaging/stage failed");
        let appliance = Self { folder, launcher: Vec::new(), running: None, admin_token: OnceLock::new() };
        let config = std::fs::read_to_string(appliance.config()).expect("stage writes the configuration");
        std::fs::write(appliance.config(), edit(config)).expect("the configuration can be written");
        appliance
    }

    /// From its next start on the process is started by this program with these arguments, which becomes it.
    pub fn launch_by(&mut self, launcher: Vec<String>) {
        self.launcher = launcher;
    }

    /// Starts the process in the directory as it is, and waits until it says that it is ready.
    pub fn resume(&mut self) {
        if let Err(why) = self.try_resume() {
            panic!("the appliance did not start: {why}\n{}", self.log());
        }
    }

    /// The same where it may be unable to start; the error is what it printed then.
    pub fn try_resume(&mut self) -> Result<(), String> {
        assert!(self.running.is_none(), "the appliance runs already");
        let notify = self.folder.path().join("notify.sock");
        // Left over from a start before this one.
        let _ = std::fs::remove_file(&notify);
        let readiness = UnixDatagram::bind(&notify).expect("a socket to hear of readiness");
        let mut serve = self.launched_by(&self.launcher, &["serve", "--json"]);
        serve
            .env("NOTIFY_SOCKET", &notify)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log_file());
        let mut child = serve.process_group(0).spawn().expect("the binary can be started");
        let heard = wait_until_ready(&child, &readiness);
        let greeting = heard.and_then(|()| read_greeting(&mut child));
        let (greeting, stdout) = greeting.map_err(|why| format!("{why}: {}", last_words(&mut child)))?;
        self.running = Some(Running { child, _stdout: stdout, greeting });
        Ok(())
    }

    /// Stops politely, checks that it ends well and in time, and starts again.
    pub fn restart(&mut self) {
        self.stop();
        self.resume();
    }

    /// Asks to stop as systemd does; it must end with exit code 0 within five seconds.
    pub fn stop(&mut self) -> Duration {
        let running = self.running.as_ref().expect("the appliance runs");
        kill_process(Pid::from_child(&running.child), Signal::TERM)
            .expect("the process can be asked to stop");
        self.ended()
    }

    /// Waits for the end that somebody asked for; it must come within five seconds with exit code 0.
    pub fn ended(&mut self) -> Duration {
        self.ended_with(0)
    }

    /// Waits for the end that somebody asked for; it must come within five seconds with that exit code.
    pub fn ended_with(&mut self, code: i32) -> Duration {
        let mut running = self.running.take().expect("the appliance runs");
        let asked = Instant::now();
        let ended = wait_for_end(&running.child, STOP_WITHIN);
        let took = asked.elapsed();
        if !ended {
            end(&mut running.child);
            panic!("the appliance did not stop within {STOP_WITHIN:?}\n{}", self.log());
        }
        let status = running.child.wait().expect("the process has ended");
        assert_eq!(status.code(), Some(code), "the appliance stopped with {status}\n{}", self.log());
        took
    }

    /// Ends the process without a chance to tidy up, as a power cut does.
    pub fn kill9(&mut self) {
        end(&mut self.running.take().expect("the appliance runs").child);
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("the appliance runs").child.id()
    }

    /// Where it serves HTTPS.
    pub fn address(&self) -> SocketAddr {
        let url = self.greeting()["console"][0].as_str().expect("the greeting names the console");
        let address = url.trim_start_matches("https://").trim_end_matches('/');
        address.parse().expect("the console's URL has an address and a port")
    }

    /// What `serve --json` printed: `console`, `certificate_sha256`, `claim_code`.
    pub fn greeting(&self) -> &Value {
        &self.running.as_ref().expect("the appliance runs").greeting
    }

    /// The claim code that was printed; empty when there was none.
    pub fn claim_code(&self) -> String {
        self.greeting()["claim_code"].as_str().unwrap_or_default().to_owned()
    }

    /// A client without credentials.
    pub fn anonymous(&self) -> Client {
        let fingerprint = self.greeting()["certificate_sha256"].as_str().expect("a printed fingerprint");
        Client::new(self.address(), fingerprint)
    }

    /// A client with a token of the role admin, the same one at every call.
    pub fn admin(&self) -> Client {
        let make = || self.token("suite", "admin");
        self.anonymous().with_token(self.admin_token.get_or_init(make))
    }

    /// A new token, made by the command line.
    pub fn token(&self, name: &str, role: &str) -> String {
        let made = self.cli(&["token", "create", "--name", name, "--role", role], "");
        assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
        made.stdout.trim().to_owned()
    }

    /// Runs a verb of the command line on this appliance, running or not.
    pub fn cli(&self, args: &[&str], stdin: &str) -> Outcome {
        Outcome::of(self.command(args), stdin)
    }

    /// All lines logged so far, over restarts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The directory of everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("jackfield.toml")
    }

    /// The binary with a bare environment, so that nothing of the machine disturbs.
    pub fn command(&self, args: &[&str]) -> Command {
        self.launched_by(&[], args)
    }

    fn launched_by(&self, launcher: &[String], args: &[&str]) -> Command {
        let mut words = launcher.iter().map(PathBuf::from).chain([binary()]);
        let mut command = Command::new(words.next().expect("the binary at least"));
        command.args(words).args(args).arg("--config").arg(self.config());
        command.env_clear().current_dir(self.folder.path());
        command
    }

    fn log_file(&self) -> File {
        let log = self.folder.path().join("log");
        OpenOptions::new().create(true).append(true).open(log).expect("the log can be written")
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            end(&mut running.child);
        }
        if std::thread::panicking() {
            eprintln!("--- log of the appliance ---\n{}", self.log());
        }
    }
}

/// The binary to test: `JACKFIELD_BIN`, else the workspace's release or debug build.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("JACKFIELD_BIN") {
        return named.into();
    }
    let target = workspace().join("target");
    let built = ["release", "debug"].map(|profile| target.join(profile).join("jackfield"));
    let found = built.into_iter().find(|binary| binary.exists());
    found.expect("there is no appliance to test: run `cargo build --release`, or set JACKFIELD_BIN")
}

/// Waits by systemd's protocol (sd_notify) for `READY=1`, or for the process to end.
fn wait_until_ready(child: &Child, readiness: &UnixDatagram) -> Result<(), String> {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).map_err(|e| e.to_string())?;
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        let mut waited = [PollFd::new(readiness, PollFlags::IN), PollFd::new(&process, PollFlags::IN)];
        if poll(&mut waited, Some(&left(deadline))).map_err(|e| e.to_string())? == 0 {
            return Err(format!("not ready within {READY_WITHIN:?}"));
        }
        if waited[0].revents().is_empty() {
            return Err("the process ended".to_owned());
        }
        let mut message = [0; 4096];
        let length = readiness.recv(&mut message).map_err(|e| e.to_string())?;
        if String::from_utf8_lossy(&message[..length]).lines().any(|line| line == "READY=1") {
            return Ok(());
        }
    }
}

/// The line that `serve --json` prints once it is ready.
fn read_greeting(child: &mut Child) -> Result<(Value, BufReader<ChildStdout>), String> {
    let stdout = child.stdout.take().ok_or("standard output is not piped")?;
    if !is_readable(&stdout, GREETING_WITHIN) {
        return Err(format!("it is ready but printed nothing within {GREETING_WITHIN:?}"));
    }
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    stdout.read_line(&mut line).map_err(|e| e.to_string())?;
    let greeting = serde_json::from_str(&line).map_err(|e| format!("it printed {line:?}: {e}"))?;
    Ok((greeting, stdout))
}

/// Ends a process that did not start, and answers what it printed.
fn last_words(child: &mut Child) -> String {
    end(child);
    let stdout = child.stdout.take().map(std::io::read_to_string);
    stdout.and_then(Result::ok).unwrap_or_default()
}

/// Whether a process ends in time.
pub fn wait_for_end(child: &Child, within: Duration) -> bool {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).expect("the process is not reaped");
    is_readable(&process, within)
}

/// Whether there is something to read in time.
pub fn is_readable(file: &impl AsFd, within: Duration) -> bool {
    let mut waited = [PollFd::new(file, PollFlags::IN)];
    poll(&mut waited, Some(&left(Instant::now() + within))).expect("poll works") > 0
}

fn left(deadline: Instant) -> Timespec {
    deadline.saturating_duration_since(Instant::now()).try_into().expect("a short wait")
}

/// Kills a process and what it may have started, by the id of its group.
pub fn end(child: &mut Child) {
    // It may have ended already.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
}
