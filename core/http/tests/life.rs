//! Starting, stopping, certificates, the control socket and the private side.

use super::bench::*;
use crate::http::{Config, Http, Limits, self_signed};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A path in a directory of its own, which goes when the value goes.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("jackfield-http-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_control_socket_names_the_user_and_is_his_alone() {
    let place = Place::new("control");
    // A file left behind by a crash is replaced.
    drop(UnixListener::bind(place.socket()).unwrap());
    let bench = start_with(limits(), |config| config.control_socket = Some(place.socket()));
    let mode = std::fs::metadata(place.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut client = Talk::over(UnixStream::connect(place.socket()).unwrap());
    let expected = format!("local {}", rustix::process::getuid().as_raw());
    assert_eq!(client.get("/who").text(), expected);
    assert_eq!(client.get("/who").text(), expected);
    assert_eq!(bench.connect().get("/who").text(), "remote 127.0.0.1");
    bench.http.stop(PATIENCE);
    assert!(!place.socket().exists());
}

#[test]
fn a_control_socket_in_use_is_not_taken_away() {
    let place = Place::new("in-use");
    let _running = UnixListener::bind(place.socket()).unwrap();
    let refused = start_error(|config| config.control_socket = Some(place.socket()));
    assert!(refused.contains("a running appliance answers on it"), "{refused}");
}

#[test]
fn an_address_in_use_is_named_with_what_to_do() {
    let bench = start(limits());
    let refused = start_error(|config| config.listen = vec![bench.address()]);
    assert!(refused.contains(&bench.address().to_string()), "{refused}");
    assert!(refused.contains("another program listens there"), "{refused}");
}

fn start_error(adjust: impl FnOnce(&mut Config)) -> String {
    let (cert, key) = self_signed(&[]).unwrap();
    let mut config = Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        control_socket: None,
        certificates: crate::http::CertStore::new(&cert, &key).unwrap().into(),
        limits: Limits::default(),
        workers: 1,
        body_limit: |_, _| 0,
        spool: std::env::temp_dir(),
        handler: std::sync::Arc::new(|_| unreachable!("nothing is served")),
    };
    adjust(&mut config);
    Http::start(config).err().unwrap().to_string()
}

#[test]
fn several_addresses_are_served_and_both_families_of_a_port() {
    let bench = start_with(limits(), |config| config.listen.push("[::1]:0".parse().unwrap()));
    let [_, six] = bench.http.addresses() else { panic!("two addresses expected") };
    let mut client = bench.tls_over(TcpStream::connect(six).unwrap());
    assert_eq!(client.get("/who").text(), "remote ::1");
    let port = bench.address().port();
    let both = start_with(limits(), |config| {
        config.listen =
            vec![format!("127.0.0.2:{port}").parse().unwrap(), format!("[::]:{port}").parse().unwrap()];
    });
    assert_eq!(both.connect().get("/hello").status, 200);
}

#[test]
fn nobody_reaches_the_workers_past_the_door() {
    let bench = start(limits());
    assert_eq!(bench.connect().get("/hello").status, 200);
    let private = bench.http.server.private().address();
    for ticket in ["", "X-Door-Ticket: 1000000\r\n", "X-Door-Ticket: x\r\n"] {
        let request = format!("GET /hello HTTP/1.1\r\nHost: b\r\n{ticket}\r\n");
        let status = (0..20).find_map(|_| status_of_stranger(private, &request));
        assert_eq!(status.as_deref(), Some("403"), "{ticket:?}");
    }
    bench.until("three strangers", |s| s.strangers == 3);
}

/// The library now and then leaves a connection waiting that comes while another one does (the door knows and
/// greets it first); a stranger just tries again.
fn status_of_stranger(private: SocketAddr, request: &str) -> Option<String> {
    let mut wire = TcpStream::connect(private).unwrap();
    wire.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    wire.write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(wire).read_line(&mut line).ok()?;
    line.split(' ').nth(1).map(str::to_owned)
}

#[test]
fn a_workers_server_that_broke_is_replaced() {
    let bench = start(limits());
    let mut client = bench.connect();
    assert_eq!(client.get("/hello").status, 200);
    let before = bench.http.server.private().address();
    client.say("GET /wait HTTP/1.1\r\nHost: b\r\n\r\n");
    bench.arrived.recv_timeout(PATIENCE).unwrap();
    bench.http.server.private().report_broken();
    let by = Instant::now() + PATIENCE;
    while bench.http.server.private().address() == before {
        assert!(Instant::now() < by, "the server was not replaced");
        std::thread::yield_now();
    }
    for _ in 0..8 {
        assert_eq!(bench.connect().get("/hello").status, 200);
    }
    bench.go_on.send(()).unwrap();
    assert_eq!(client.answer().text(), "waited");
    assert_eq!(client.get("/hello").status, 200);
}

#[test]
fn a_new_certificate_is_shown_without_a_restart() {
    let bench = start(limits());
    let mut old = bench.connect();
    assert_eq!(old.get("/hello").status, 200);
    let (cert, key) = self_signed(&["new.example".into()]).unwrap();
    bench.certificates.replace(&cert, &key).unwrap();
    bench.trusted.lock().unwrap().push(der(&cert));
    let mut new = bench.connect();
    assert_eq!(new.get("/hello").status, 200);
    assert_eq!(new.wire.conn.peer_certificates().unwrap()[0], der(&cert));
    assert_eq!(old.get("/hello").status, 200);
}

#[test]
fn a_stop_lets_a_running_request_finish_and_closes_the_rest() {
    let bench = start(limits());
    let (mut running, mut idle, mut silent) = (bench.connect(), bench.connect(), Talk::over(bench.tcp()));
    assert_eq!(idle.get("/hello").status, 200);
    running.say("GET /wait HTTP/1.1\r\nHost: b\r\n\r\n");
    bench.arrived.recv_timeout(PATIENCE).unwrap();
    let address = bench.address();
    let (http, go_on) = (bench.http, bench.go_on);
    let stopping = std::thread::spawn(move || http.stop(PATIENCE));
    assert!(idle.is_closed() && silent.is_closed());
    assert!(TcpStream::connect(address).is_err());
    go_on.send(()).unwrap();
    assert_eq!(running.answer().text(), "waited");
    assert!(running.is_closed());
    stopping.join().unwrap();
}

#[test]
fn a_stop_does_not_wait_longer_than_it_is_told() {
    let bench = start(limits());
    let mut running = bench.connect();
    running.say("GET /wait HTTP/1.1\r\nHost: b\r\n\r\n");
    bench.arrived.recv_timeout(PATIENCE).unwrap();
    let since = Instant::now();
    bench.http.stop(Duration::from_millis(200));
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    assert!(running.is_closed());
}

#[test]
fn the_loop_shows_that_it_is_alive() {
    let bench = start(limits());
    assert_eq!(bench.connect().get("/hello").status, 200);
    bench.until("a recent turn", |s| s.since_last_turn < Duration::from_millis(1500));
}
