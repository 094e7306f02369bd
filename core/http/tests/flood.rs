//! Too many at once: those who work are served, those who only sit there make room.

use super::bench::*;
use crate::http::Limits;
use rustix::net::{AddressFamily, SocketType};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

fn allow_many_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

fn connect_from(source: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddr::from((source, 0))).unwrap();
    rustix::net::connect(&socket, &to).unwrap();
    let tcp = TcpStream::from(socket);
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp
}

#[test]
fn two_thousand_silent_connections_do_not_disturb_a_client() {
    allow_many_descriptors();
    let bench = start(Limits { per_address: 64, ..Limits::default() });
    let mut regular = bench.connect();
    assert_eq!(regular.get("/hello").status, 200);
    let mut silent = Vec::new();
    for n in 0..2000u16 {
        silent.push(connect_from(Ipv4Addr::new(127, 0, 0, 2 + (n / 50) as u8), bench.address()));
        if n % 100 == 0 {
            assert_eq!(regular.get("/hello").status, 200, "after {n}");
            assert_eq!(bench.connect().get("/hello").status, 200, "a new client after {n}");
        }
    }
    bench.until("everything accepted", |s| s.accepted >= 2021);
    let stats = bench.http.stats();
    assert!(stats.evicted >= 976 && stats.refused == 0, "{stats:?}");
    assert!(stats.open.values().sum::<usize>() <= 1024, "{stats:?}");
    assert_eq!(regular.get("/hello").status, 200);
}

#[test]
fn an_address_at_its_cap_only_displaces_itself() {
    let bench = start(Limits { per_address: 2, ..Limits::default() });
    let mut quiet = connect_from(Ipv4Addr::new(127, 0, 0, 9), bench.address());
    let mut first = bench.tcp();
    let _second = bench.tcp();
    assert_eq!(bench.connect().get("/hello").status, 200);
    assert_eq!(first.read(&mut [0]).unwrap(), 0);
    quiet.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(quiet.read(&mut [0]).is_err(), "the other address was closed as well");
}

#[test]
fn a_newcomer_is_refused_when_everybody_has_delivered() {
    let bench = start(Limits { connections: 2, ..limits() });
    let (mut one, mut two) = (bench.connect(), bench.connect());
    assert_eq!((one.get("/hello").status, two.get("/hello").status), (200, 200));
    assert!(matches!(bench.tcp().read(&mut [0]), Ok(0) | Err(_)));
    bench.until("one refused", |s| s.refused == 1 && s.evicted == 0);
    assert_eq!(one.get("/hello").status, 200);
}

#[test]
fn requests_beyond_the_queue_are_answered_503() {
    let bench = start_with(Limits { waiting: 1, ..limits() }, |config| config.workers = 1);
    let wait = "GET /wait HTTP/1.1\r\nHost: b\r\n\r\n";
    let (mut served, mut queued) = (bench.connect(), bench.connect());
    served.say(wait);
    bench.arrived.recv_timeout(PATIENCE).unwrap();
    queued.say(wait);
    bench.until("one waiting", |s| s.open["waiting"] == 1);
    let refused = bench.connect().get("/hello");
    assert!(refused.status == 503 && refused.head.contains("Retry-After: "), "{refused:?}");
    bench.go_on.send(()).unwrap();
    bench.go_on.send(()).unwrap();
    assert_eq!((served.answer().status, queued.answer().status), (200, 200));
}

#[test]
fn slow_uploads_leave_workers_for_others() {
    let bench = start(limits());
    let mut slow: Vec<_> = (0..8).map(|_| bench.connect()).collect();
    for client in &mut slow {
        client.say("POST /echo HTTP/1.1\r\nHost: b\r\nContent-Length: 200000\r\n\r\nx");
    }
    bench.until("two uploads served", |s| s.open["serving"] == 2 && s.open["waiting"] == 6);
    assert_eq!(bench.connect().get("/hello").status, 200);
    for client in &mut slow {
        client.say(&"x".repeat(199_999));
    }
    for client in &mut slow {
        assert_eq!(client.answer().body.len(), 200_000);
    }
}
