//! Two thousand connections that say nothing, or one byte in a second, do not slow down who has something to
//! ask, and cost little memory.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::line::{Line, dial};
use super::{HERE, set};
use crate::harness::*;

const CROWD: usize = 2000;
/// 127.0.0.2 to 127.0.0.40: 52 connections each, under the default cap of 64.
const ADDRESSES: usize = 39;
/// Requests in one measurement: the slowest hundredth is 20 of them.
const REQUESTS: usize = 2000;
/// The loaded p99 may be this many times the unloaded one.
const FACTOR: f64 = 3.0;
/// A machine may hiccup; an appliance must not do so three times in a row.
const TRIES: usize = 3;
/// Memory that a held connection may cost, on average of silent and talking ones.
const BYTES_EACH: u64 = 16 * 1024;
/// What the memory may still move once the crowd has been in for ten seconds.
const FLAT_WITHIN: u64 = 1024 * 1024;

/// The connections, half of them silent, half of them talking one byte a second: a quarter inside their TLS
/// handshake, a quarter inside the head of a request.
struct Crowd {
    silent: Vec<TcpStream>,
    stop: Option<Sender<()>>,
    talking: Option<JoinHandle<usize>>,
}

impl Crowd {
    fn gather(appliance: &Appliance) -> Self {
        let address = appliance.address();
        let silent = (0..CROWD / 2).map(|n| dial(source(n), address).expect("let in")).collect();
        let handshaking = (0..CROWD / 4).map(|n| Talker::at_the_handshake(source(n), address));
        let asking = (0..CROWD / 4).map(|n| Talker::at_the_head(source(n), address, appliance));
        let talkers: Vec<_> = handshaking.chain(asking).collect();
        let (stop, stopped) = channel();
        let talking = std::thread::spawn(move || talk(talkers, &stopped));
        Self { silent, stop: Some(stop), talking: Some(talking) }
    }

    /// Ends the talk; answers how many could talk to the end.
    fn leave(mut self) -> usize {
        drop(self.stop.take());
        let talked = self.talking.take().expect("it talks").join().expect("the talk ends");
        drop(std::mem::take(&mut self.silent));
        talked
    }
}

/// Who says one byte in a second, of bytes that were prepared.
struct Talker {
    socket: TcpStream,
    says: Vec<u8>,
    said: usize,
}

impl Talker {
    /// Drips a TLS record that announces 4 KiB of ClientHello.
    fn at_the_handshake(from: Ipv4Addr, to: SocketAddr) -> Self {
        let says = [&[0x16, 3, 1, 0x10, 0, 1, 0, 0x0f, 0xfc, 3, 3][..], &[0; 200]].concat();
        Self { socket: dial(from, to).expect("let in"), says, said: 0 }
    }

    /// Shakes hands, then drips the head of a request; the bytes are sealed beforehand, one record each.
    fn at_the_head(from: Ipv4Addr, to: SocketAddr, appliance: &Appliance) -> Self {
        let line = Line::open(from, to, appliance.anonymous().tls()).expect("let in");
        let (mut tls, socket) = line.into_parts();
        let mut says = Vec::new();
        tls.writer().write_all(b"GET /livez HTTP/1.1\r\nX-Slow: ").expect("it fits");
        tls.write_tls(&mut says).expect("a record");
        Self { socket, says, said: 0 }
    }

    fn say_one_byte(&mut self) -> bool {
        let Some(byte) = self.says.get(self.said..=self.said) else { return true };
        self.said += 1;
        self.socket.write_all(byte).is_ok()
    }
}

fn source(n: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, u8::try_from(2 + n % ADDRESSES).expect("a small number"))
}

fn talk(mut talkers: Vec<Talker>, stopped: &Receiver<()>) -> usize {
    loop {
        talkers.retain_mut(Talker::say_one_byte);
        if stopped.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Timeout) {
            return talkers.len();
        }
    }
}

/// The slowest hundredth of many requests, each on a connection of its own: the door's whole work.
fn p99(client: &Client) -> Duration {
    let one = || {
        let begun = Instant::now();
        client.get("/enterprises/acme").expect(200);
        begun.elapsed()
    };
    let mut took: Vec<_> = (0..REQUESTS).map(|_| one()).collect();
    took.sort_unstable();
    took[REQUESTS * 99 / 100]
}

/// Resident memory in bytes, as the kernel counts it.
fn resident(appliance: &Appliance) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", appliance.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Both processes need a descriptor for each connection.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let enough = limit.maximum.unwrap_or(65_536);
    assert!(enough >= 4096, "{enough} file descriptors are too few: raise `ulimit -Hn` to 4096");
    setrlimit(Resource::Nofile, Rlimit { current: Some(enough), maximum: limit.maximum }).unwrap();
}

/// An appliance with an enterprise, warmed up, and a client that reads it.
fn prepared() -> (Appliance, Client) {
    raise_descriptor_limit();
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    // Long enough that nobody in the crowd is sent away for slowness while it is measured.
    set(&admin, "http.head_seconds", 120);
    p99(&admin);
    (appliance, admin)
}

fn open_connections(client: &Client) -> f64 {
    let page = client.root("GET", "/metrics").send().expect(200);
    let text = String::from_utf8(page.bytes).unwrap();
    let samples = text.lines().filter(|line| line.starts_with("jackfield_door_connections{"));
    samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// Measures without and with a crowd, at most three times, until the factor holds.
#[track_caller]
fn assert_stays_fast(appliance: &Appliance, client: &Client, with_crowd: impl Fn(Instant)) {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let unloaded = p99(client);
        let begun = Instant::now();
        let crowd = Crowd::gather(appliance);
        let loaded = p99(client);
        with_crowd(begun);
        crowd.leave();
        let ratio = loaded.as_secs_f64() / unloaded.as_secs_f64();
        eprintln!("p99 {unloaded:?} unloaded, {loaded:?} with {CROWD} slow connections: {ratio:.2} times");
        if ratio <= FACTOR {
            return;
        }
        seen.push((unloaded, loaded));
    }
    panic!("the slowest hundredth was more than {FACTOR} times slower each time: {seen:?}");
}

#[test]
fn two_thousand_slow_connections_are_held_and_slow_nobody_down() {
    let (appliance, admin) = prepared();
    set(&admin, "http.connections_total", 3000);
    let before = resident(&appliance);
    assert_stays_fast(&appliance, &admin, |begun| {
        assert!(open_connections(&admin) >= CROWD as f64, "the crowd is not held");
        wait_until(begun + Duration::from_secs(10));
        let (then, each) = (resident(&appliance), BYTES_EACH * CROWD as u64);
        assert!(then < before + each, "{} bytes for each connection", (then - before) / CROWD as u64);
        wait_until(begun + Duration::from_secs(15));
        let now = resident(&appliance);
        eprintln!("memory {before} unloaded, {then} at the tenth second, {now} at the fifteenth");
        assert!(now.abs_diff(then) <= FLAT_WITHIN, "memory went from {then} to {now} under a steady load");
        assert!(open_connections(&admin) >= CROWD as f64, "some of the crowd were sent away");
    });
    assert_eq!(admin.figure("jackfield_door_evicted_total"), 0.0);
    assert_eq!(admin.figure("jackfield_door_refused_total"), 0.0);
}

#[test]
fn at_the_cap_newcomers_take_the_place_of_the_silent_and_nobody_is_slowed_down() {
    let (appliance, admin) = prepared();
    assert_stays_fast(&appliance, &admin, |_| {
        let held = open_connections(&admin);
        assert!((1000.0..=1024.0).contains(&held), "{held} connections are open under a cap of 1024");
    });
    assert!(admin.figure("jackfield_door_evicted_total") >= (CROWD - 1024) as f64);
    assert_eq!(admin.figure("jackfield_door_refused_total"), 0.0, "a newcomer was refused");
    Line::open(HERE, appliance.address(), admin.tls()).expect("who comes later is let in as well");
}

/// A service starts with 1024 descriptors unless its unit says otherwise, and may raise that by itself.
#[test]
fn the_cap_that_is_set_is_the_cap_that_holds_under_the_usual_soft_limit() {
    raise_descriptor_limit();
    let appliance = Appliance::laid_out(|config| config);
    let mut serve = Command::new("prlimit");
    serve.args(["--nofile=1024:4096", "--"]).arg(binary()).args(["serve", "--json", "--config"]);
    let mut serve = Process::start(serve.arg(appliance.config()).env_clear().stdout(Stdio::piped()));
    let mut greeting = String::new();
    BufReader::new(serve.child().stdout.take().unwrap()).read_line(&mut greeting).unwrap();
    let greeting: serde_json::Value = serde_json::from_str(&greeting).unwrap();
    let url = greeting["console"][0].as_str().unwrap();
    let address: SocketAddr = url.trim_start_matches("https://").trim_end_matches('/').parse().unwrap();
    let client = Client::new(address, greeting["certificate_sha256"].as_str().unwrap());
    let silent: Vec<_> = (0..1000).map(|n| dial(source(n), address).expect("let in")).collect();
    let held = open_connections(&client);
    assert!(held >= silent.len() as f64, "{held} of {} are held under a cap of 1024", silent.len());
}

fn wait_until(moment: Instant) {
    let (_never, wait) = channel::<()>();
    let _ = wait.recv_timeout(moment.saturating_duration_since(Instant::now()));
}
