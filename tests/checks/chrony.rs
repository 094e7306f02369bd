//! Real time servers: chronyd instances that never touch the machine's clock (`-x`), each on its own address of the
//! loopback, fed by a reference clock that the test plays. Ended by their process id.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::harness::Process;

/// Marks a datagram as one of chronyd's SOCK reference clock.
const MAGIC: i32 = 0x534F_434B;
/// How often a reference clock ticks.
const TICK: Duration = Duration::from_millis(250);

/// Where a time server gets its time.
pub enum From {
    /// A reference clock that is off by so many seconds, with its name.
    Clock(f64, &'static str),
    /// Another time server at this address.
    Server(&'static str),
    /// Its own clock, which is off by so many seconds, at this stratum.
    Itself(i32, u8),
}

/// Some time servers on one port.
pub struct Servers {
    folder: tempfile::TempDir,
    /// Their port.
    pub port: u16,
    running: Vec<Process>,
    clocks: Vec<Clock>,
}

impl Servers {
    /// None yet.
    pub fn new() -> Self {
        let found = Command::new("chronyd").arg("--version").output();
        assert!(found.is_ok(), "chronyd is missing: `tests/run` installs what the tests need");
        let folder = tempfile::Builder::new().prefix("chrony-").tempdir().expect("a private directory");
        let port = UdpSocket::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
        Self { folder, port, running: Vec::new(), clocks: Vec::new() }
    }

    /// Starts one on these addresses, the first of which names it.
    pub fn start(&mut self, addresses: &[&str], from: &From) {
        let name = addresses[0].replace(':', "_");
        let file = |ending: &str| self.folder.path().join(format!("{name}.{ending}"));
        let port = self.port;
        let source = match from {
            From::Clock(offset, refid) => {
                let socket = file("sock");
                self.clocks.push(Clock::start(socket.clone(), *offset));
                format!("refclock SOCK {} refid {refid} poll 0 dpoll -2 precision 1e-4", socket.display())
            }
            From::Server(address) => format!("server {address} port {port} iburst minpoll 0 maxpoll 0"),
            From::Itself(_, stratum) => format!("local stratum {stratum}"),
        };
        let binds: String = addresses.iter().map(|address| format!("bindaddress {address}\n")).collect();
        let config = format!(
            "{source}\n{binds}port {port}\ncmdport 0\nbindcmdaddress /\npidfile {}\nallow all\n",
            file("pid").display()
        );
        fs::write(file("conf"), config).expect("a configuration can be written");
        let log = fs::File::create(file("log")).expect("a log can be made");
        let mut command = match from {
            From::Itself(offset, _) => faked(*offset),
            _ => Command::new("chronyd"),
        };
        command.args(["-x", "-d", "-u", "root", "-f"]).arg(file("conf"));
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.running.push(Process::start(&mut command));
    }

    /// What they have to say, for a test that fails.
    pub fn logs(&self) -> String {
        let files =
            fs::read_dir(self.folder.path()).into_iter().flatten().flatten().map(|entry| entry.path());
        let logs = files.filter(|file| file.extension().is_some_and(|ending| ending == "log"));
        logs.map(|file| format!("--- {}\n{}", file.display(), text(&file))).collect()
    }
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

/// chronyd that sees another time of day.
fn faked(offset: i32) -> Command {
    let mut command = Command::new("faketime");
    command.args(["-f", &format!("{offset:+}s"), "chronyd"]);
    command
}

/// A reference clock: tells chronyd's socket the time, again and again.
struct Clock {
    has_ended: Arc<AtomicBool>,
    ticking: Option<JoinHandle<()>>,
}

impl Clock {
    fn start(socket: PathBuf, offset: f64) -> Self {
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&has_ended);
        let ticking = std::thread::spawn(move || {
            let teller = UnixDatagram::unbound().expect("a socket");
            while !ended.load(SeqCst) {
                // Nobody listens until chronyd is up.
                let _ = teller.send_to(&sample(offset), &socket);
                std::thread::sleep(TICK);
            }
        });
        Self { has_ended, ticking: Some(ticking) }
    }
}

/// `struct sock_sample` of chrony: timeval, offset, pulse, leap, padding, magic.
fn sample(offset: f64) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let (seconds, micros) = (now.as_secs().cast_signed(), i64::from(now.subsec_micros()));
    let mut bytes = [seconds.to_ne_bytes(), micros.to_ne_bytes(), offset.to_ne_bytes()].concat();
    bytes.extend([0, 0, 0, MAGIC].map(i32::to_ne_bytes).concat());
    bytes
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.has_ended.store(true, SeqCst);
        let _ = self.ticking.take().map(JoinHandle::join);
    }
}
