//! Ports of every sort, one stub for each: all that a connection can come to is told apart.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use serde_json::{Value, json};

use super::web::tls_server;
use super::{outcome, probe};
use crate::harness::*;

/// A port that does with each connection what the test wants, one at a time.
pub struct Stub {
    /// Where it is.
    pub address: SocketAddr,
    has_ended: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl Stub {
    /// A stub on a free port of the loopback.
    pub fn start(serve: impl FnMut(TcpStream) + Send + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a free port"), serve)
    }

    /// A stub on a listener.
    pub fn on(listener: TcpListener, mut serve: impl FnMut(TcpStream) + Send + 'static) -> Self {
        let address = listener.local_addr().expect("bound");
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&has_ended);
        let serving = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(SeqCst) {
                    return;
                }
                stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
                serve(stream);
            }
        });
        Self { address, has_ended, serving: Some(serving) }
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.has_ended.store(true, SeqCst);
        // Wakes it from waiting.
        let _ = TcpStream::connect(self.address);
        let _ = self.serving.take().map(JoinHandle::join);
    }
}

/// Reads until the other side closes its half, and answers with what to say to that.
fn hears(stream: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut heard);
    heard
}

fn says(words: &'static [u8]) -> impl FnMut(TcpStream) + Send {
    move |mut stream| {
        let _ = stream.write_all(words);
        hears(&mut stream);
    }
}

fn resets(stream: TcpStream) {
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).expect("no lingering");
}

fn try_port(client: &Client, address: SocketAddr, tls: bool) -> Value {
    let args = json!({"address": address.ip(), "port": address.port(), "timeout_ms": 600, "tls": tls});
    probe(client, "tcp.probe", &args)
}

#[test]
fn every_outcome_of_a_port_is_told_apart() {
    let quiet = |mut stream: TcpStream| assert!(hears(&mut stream).is_empty(), "a probe says nothing");
    let web = |mut stream: TcpStream| {
        hears(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    };
    let table: Vec<(Stub, &str, &str, bool, &str)> = vec![
        (Stub::start(quiet), "open", "quiet", true, ""),
        (Stub::start(says(b"hello")), "open", "greeting", true, "hello"),
        (Stub::start(says(b"\0\0\0\x109999<?xml?>")), "open", "greeting", true, ""),
        (Stub::start(says(b"BUSY")), "wrong_service", "office_400_busy", false, "BUSY"),
        (Stub::start(says(b"SSH-2.0-OpenSSH_9.2\r\n")), "wrong_service", "ssh", false, "SSH-2.0-OpenSSH_9.2"),
        (Stub::start(says(b"220 ftp ready\r\n")), "wrong_service", "ftp", false, "220 ftp ready"),
        (
            Stub::start(says(b"HTTP/1.0 408 Timeout\r\n")),
            "wrong_service",
            "http",
            false,
            "HTTP/1.0 408 Timeout",
        ),
        (Stub::start(web), "wrong_service", "http", false, "HTTP/1.1 400 Bad Request"),
        (Stub::start(drop), "dropped", "closed_at_once", false, ""),
        (Stub::start(resets), "dropped", "reset_at_once", false, ""),
    ];
    let appliance = Appliance::start();
    let client = appliance.admin();
    for (stub, verdict, reason, open, greeting) in &table {
        let result = try_port(&client, stub.address, false);
        assert_eq!((outcome(&result), &result["open"]), ((*verdict, *reason), &json!(open)), "{result:#}");
        assert!(greeting.is_empty() || result["greeting"] == *greeting, "{result:#}");
    }
}

#[test]
fn a_closed_port_is_refused_and_a_full_queue_looks_filtered() {
    let appliance = Appliance::start();
    let client = appliance.admin();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(outcome(&try_port(&client, closed, false)), ("refused", "refused"));

    let full = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&full, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&full, 0).unwrap();
    let address: SocketAddr = rustix::net::getsockname(&full).unwrap().try_into().unwrap();
    // The queue takes one or two; from then on nothing is answered.
    let waiting: Vec<_> =
        (0..4).map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(200))).collect();
    assert!(waiting.iter().any(Result::is_err), "the queue never filled up");
    assert_eq!(outcome(&try_port(&client, address, false)), ("filtered", "timeout"));
}

#[test]
fn a_port_that_speaks_tls_only_is_told_from_a_quiet_one_when_asked() {
    let appliance = Appliance::start();
    let client = appliance.admin();
    let tls = tls_server(|mut stream| drop(stream.read(&mut [0; 16])));
    assert_eq!(outcome(&try_port(&client, tls.address, true)), ("tls_only", "server_hello"));
    assert_eq!(outcome(&try_port(&client, tls.address, false)), ("open", "quiet"));
    let refuses = Stub::start(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        // handshake_failure
        let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, 40]);
    });
    assert_eq!(outcome(&try_port(&client, refuses.address, true)), ("tls_only", "tls_alert"));
    let quiet = Stub::start(|mut stream| drop(hears(&mut stream)));
    let result = try_port(&client, quiet.address, true);
    assert_eq!((outcome(&result), &result["open"]), (("open", "quiet"), &json!(true)), "{result:#}");
}

#[test]
fn a_host_is_never_probed_by_two_at_once() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let stubs: Vec<Stub> = (0..4)
        .map(|_| {
            let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
            Stub::start(move |mut stream| {
                most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                hears(&mut stream);
                inside.fetch_sub(1, SeqCst);
            })
        })
        .collect();
    let appliance = Appliance::start();
    let client = appliance.admin();
    std::thread::scope(|scope| {
        for stub in &stubs {
            let client = &client;
            scope.spawn(move || {
                assert_eq!(outcome(&try_port(client, stub.address, false)), ("open", "quiet"))
            });
        }
    });
    assert_eq!(most.load(SeqCst), 1);
}

#[test]
fn a_set_of_csta_ports_is_judged_with_both_places_to_configure() {
    let appliance = Appliance::start();
    let client = appliance.admin();
    let open = Stub::start(|mut stream| drop(hears(&mut stream)));
    let default = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let seen = [try_port(&client, default, false), try_port(&client, open.address, false)];
    let ports = [default.port(), open.address.port()];
    let args = json!({"default": ports[0], "declared": [ports[1]], "mapped": [ports[1]], "ports": seen});
    let judged = probe(&client, "csta.judge", &args);
    assert_eq!(judged["reasons"], json!(["default_refused_others_open", "refused"]), "{judged:#}");
    assert_eq!((&judged["state"], &judged["missing"]), (&json!("error"), &json!([ports[0]])));
    for words in ["CSTA Settings in the PBX Node tab", "X25 gateway"] {
        assert!(judged["advice"].as_str().unwrap().contains(words), "{judged:#}");
    }
}
