//! The TLS door through the whole appliance: who is let in, for how long, and as whom. This file has its
//! everyday; load and certificates have files of their own.

mod certificates;
pub mod line;
mod load;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::*;
use line::{Line, dial};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 7);
/// In which a head must arrive, unless somebody sets another time; and a time that tells "at once" from that.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
const LONG_BEFORE: Duration = Duration::from_secs(7);

/// Sets a setting through the API.
pub fn set(admin: &Client, name: &str, value: u64) {
    let path = format!("/settings/{name}");
    admin.put(&path, "*", &json!({"value": value})).expect(200);
}

/// How long until the other side closes; it must say nothing before.
fn silence(mut stream: TcpStream) -> Duration {
    let begun = Instant::now();
    let mut said = Vec::new();
    let ended = stream.read_to_end(&mut said);
    assert!(ended.is_ok(), "the door did not close the connection: {ended:?}");
    assert!(said.is_empty(), "{:?}", String::from_utf8_lossy(&said));
    begun.elapsed()
}

#[test]
fn plain_http_is_pointed_to_https() {
    let appliance = Appliance::start();
    for (host, pointed_to) in
        [("Host: box.example:8443\r\n", "https://box.example:8443/"), ("", "https://127.0.0.1:")]
    {
        let mut plain = TcpStream::connect(appliance.address()).unwrap();
        plain.write_all(format!("GET / HTTP/1.1\r\n{host}\r\n").as_bytes()).unwrap();
        let mut told = String::new();
        plain.read_to_string(&mut told).unwrap();
        assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
        assert!(told.contains(&format!("This port speaks HTTPS. Use {pointed_to}")), "{told}");
    }
}

#[test]
fn what_is_neither_tls_nor_http_is_closed_at_once() {
    let appliance = Appliance::start();
    let mut stream = TcpStream::connect(appliance.address()).unwrap();
    stream.set_read_timeout(Some(HEAD_WITHIN * 2)).unwrap();
    stream.write_all(b"\x00\x01\x02\x03 hello").unwrap();
    let begun = Instant::now();
    let _ = stream.read_to_end(&mut Vec::new());
    assert!(begun.elapsed() < LONG_BEFORE, "it was closed after {:?}", begun.elapsed());
    appliance.anonymous().get("/claim").expect(200);
}

#[test]
fn the_clients_address_is_in_the_revision() {
    let appliance = Appliance::start();
    let token = appliance.token("remote", "admin");
    for from in [HERE, ELSEWHERE] {
        let mut line = Line::open(from, appliance.address(), appliance.anonymous().tls()).unwrap();
        let id = format!("site{}", from.octets()[3]);
        let body = enterprise_body(&id).to_string();
        let head =
            format!("POST /api/v1/enterprises HTTP/1.1\r\nHost: box\r\nAuthorization: Bearer {token}\r\n");
        let forged = "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\n";
        let rest = format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n",
            body.len()
        );
        line.send(format!("{head}{forged}{rest}\r\n{body}").as_bytes()).unwrap();
        Answer::parse("POST /enterprises", &line.rest()).expect(201);
        let revisions =
            appliance.admin().get(&format!("/revisions?kind=enterprises&object={id}")).expect(200);
        assert_eq!(revisions.column("from"), [from.to_string()], "{revisions}");
    }
}

#[test]
fn one_address_has_its_cap_and_others_are_not_concerned() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    set(&admin, "http.connections_per_address", 8);
    let (tls, address) = (appliance.anonymous().tls(), appliance.address());
    let proven = |from| {
        let mut line = Line::open(from, address, tls.clone())?;
        line.get("/livez", "").map(|answer| (line, answer.status))
    };
    let mut held: Vec<_> = (0..8).map(|_| proven(ELSEWHERE).expect("there is room").0).collect();
    let refused = admin.figure("jackfield_door_refused_total");
    assert!(proven(ELSEWHERE).is_err(), "a ninth connection of one address was served");
    assert_eq!(admin.figure("jackfield_door_refused_total"), refused + 1.0);
    assert_eq!(proven(Ipv4Addr::new(127, 0, 0, 8)).expect("another address").1, 200);
    for line in &mut held {
        line.get("/livez", "").expect("who was in stays in").expect(200);
    }
    drop(held.pop());
    let deadline = Instant::now() + Duration::from_secs(5);
    while proven(ELSEWHERE).is_err() {
        assert!(Instant::now() < deadline, "who leaves makes no room");
    }
}

#[test]
fn a_silent_connection_makes_room_for_a_newcomer_of_its_address() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    set(&admin, "http.connections_per_address", 8);
    let mut silent: Vec<_> = (0..8).map(|_| dial(ELSEWHERE, appliance.address()).unwrap()).collect();
    let mut line = Line::open(ELSEWHERE, appliance.address(), appliance.anonymous().tls()).unwrap();
    line.get("/livez", "").unwrap().expect(200);
    assert!(silence(silent.remove(0)) < LONG_BEFORE, "the oldest silent one goes first");
    assert!(admin.figure("jackfield_door_evicted_total") >= 1.0);
}

#[test]
fn a_shorter_deadline_holds_at_once_also_for_who_waits_already() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let waiting = dial(HERE, appliance.address()).unwrap();
    set(&admin, "http.head_seconds", 1);
    let fresh = dial(HERE, appliance.address()).unwrap();
    for (which, stream) in [("waiting", waiting), ("fresh", fresh)] {
        let took = silence(stream);
        assert!(took < LONG_BEFORE, "the {which} connection was closed only after {took:?}");
    }
    let begun = Instant::now();
    silence(dial(HERE, appliance.address()).unwrap());
    assert!(begun.elapsed() > Duration::from_millis(900), "closed before its second was over");
}

#[test]
fn half_a_head_is_answered_with_the_reason() {
    let appliance = Appliance::start();
    set(&appliance.admin(), "http.head_seconds", 1);
    let mut line = Line::open(HERE, appliance.address(), appliance.anonymous().tls()).unwrap();
    line.send(b"GET /livez HTTP/1.1\r\nHost: bo").unwrap();
    Answer::parse("half a head", &line.rest())
        .problem(408, "http/timeout")
        .says("was not complete after 1 s");
}

#[test]
fn half_a_body_is_answered_with_the_reason() {
    let appliance = Appliance::start();
    set(&appliance.admin(), "http.body_seconds", 1);
    let mut line = Line::open(HERE, appliance.address(), appliance.anonymous().tls()).unwrap();
    let head = "POST /api/v1/claim HTTP/1.1\r\nHost: box\r\nContent-Type: application/json\r\n";
    line.send(format!("{head}Content-Length: 9\r\n\r\n{{").as_bytes()).unwrap();
    Answer::parse("half a body", &line.rest())
        .problem(408, "http/timeout")
        .says("was not complete after 1 s");
}

#[test]
fn an_idle_connection_ends_after_its_time() {
    let appliance = Appliance::start();
    set(&appliance.admin(), "http.idle_seconds", 1);
    let mut line = Line::open(HERE, appliance.address(), appliance.anonymous().tls()).unwrap();
    line.get("/livez", "").unwrap().expect(200);
    let begun = Instant::now();
    assert!(line.rest().is_empty());
    let took = begun.elapsed();
    assert!((900..3000).contains(&took.as_millis()), "an idle connection was kept for {took:?}");
}
