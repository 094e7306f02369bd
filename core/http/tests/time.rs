//! Deadlines: who is too slow is sent away, who is merely slow is not.

use super::bench::*;
use crate::http::Limits;
use std::io::Read;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(300);

fn assert_took(since: Instant, at_least: Duration) {
    let took = since.elapsed();
    assert!(took + Duration::from_millis(20) >= at_least, "closed after {took:?} already");
    assert!(took < at_least + Duration::from_secs(3), "closed only after {took:?}");
}

#[test]
fn a_silent_client_is_closed_without_a_word() {
    let bench = start(Limits { head: SHORT, ..limits() });
    let since = Instant::now();
    let mut said = Vec::new();
    bench.tcp().read_to_end(&mut said).unwrap();
    assert!(said.is_empty());
    assert_took(since, SHORT);
    bench.until("one head late", |s| s.timed_out["head"] == 1);
}

#[test]
fn a_head_that_stays_incomplete_is_answered_408() {
    let bench = start(Limits { head: SHORT, ..limits() });
    let mut client = bench.connect();
    client.say("GET / HTTP/1.1\r\nHost");
    assert_eq!(client.answer().status, 408);
    assert!(client.is_closed());
}

#[test]
fn a_handshake_that_stays_incomplete_is_closed() {
    let bench = start(Limits { head: SHORT, ..limits() });
    let since = Instant::now();
    let mut tcp = bench.tcp();
    std::io::Write::write_all(&mut tcp, &[22, 3, 1]).unwrap();
    let mut said = Vec::new();
    let _ = tcp.read_to_end(&mut said);
    assert!(said.is_empty());
    assert_took(since, SHORT);
}

#[test]
fn a_client_that_sends_single_bytes_is_served_in_time() {
    let bench = start(Limits { head: Duration::from_secs(5), ..limits() });
    let mut client = bench.connect();
    for byte in b"POST /echo HTTP/1.1\r\nHost: b\r\nContent-Length: 4\r\n\r\nslow" {
        client.say_bytes(&[*byte]);
    }
    assert_eq!(client.answer().text(), "slow");
}

#[test]
fn dripping_bytes_does_not_extend_the_head() {
    let bench = start(Limits { head: SHORT, ..limits() });
    let mut client = bench.connect();
    client.say("GET / HTTP/1.1\r\n");
    let since = Instant::now();
    client.wire.sock.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut byte = [0];
    // Each failed read is a pause of 50 ms.
    while client.wire.read(&mut byte).is_err() && since.elapsed() < PATIENCE {
        client.say("X");
    }
    assert_took(since, SHORT);
}

#[test]
fn a_body_that_stays_incomplete_is_answered_408() {
    let bench = start(Limits { body: SHORT, body_rate: u64::MAX, ..limits() });
    for announced in [10, 200_000] {
        let mut client = bench.connect();
        client.say(&format!("POST /echo HTTP/1.1\r\nHost: b\r\nContent-Length: {announced}\r\n\r\nxy"));
        assert_eq!(client.answer().status, 408, "{announced}");
        assert!(client.is_closed());
    }
    bench.until("two bodies late", |s| s.timed_out["body"] == 2);
    assert_eq!(bench.connect().get("/hello").status, 200);
}

#[test]
fn an_idle_connection_is_closed() {
    let bench = start(Limits { idle: SHORT, ..limits() });
    let mut client = bench.connect();
    assert_eq!(client.get("/hello").status, 200);
    let since = Instant::now();
    assert!(client.is_closed());
    assert_took(since, SHORT);
}

#[test]
fn a_silent_handler_is_answered_504_and_others_are_served() {
    let bench = start(Limits { answer: SHORT, ..limits() });
    let mut client = bench.connect();
    let answer = client.get("/wait");
    assert!(answer.status == 504 && answer.text().contains("/problems/http/no_answer"));
    assert_eq!(bench.connect().get("/hello").status, 200);
    bench.go_on.send(()).unwrap();
}

#[test]
fn a_client_that_does_not_read_is_closed_and_frees_its_worker() {
    let bench = start_with(Limits { stalled: SHORT, ..limits() }, |config| config.workers = 1);
    let mut client = bench.connect();
    client.say("GET /large HTTP/1.1\r\nHost: b\r\n\r\n");
    bench.until("one client stalled", |s| s.timed_out["client"] == 1);
    assert_eq!(bench.connect().get("/hello").status, 200);
}

#[test]
fn changed_limits_count_for_connections_that_are_open() {
    let bench = start(limits());
    let mut client = bench.connect();
    assert_eq!(client.get("/hello").status, 200);
    bench.http.limiter()(Limits { idle: SHORT, ..limits() }).unwrap();
    let since = Instant::now();
    assert!(client.is_closed());
    assert_took(since, Duration::ZERO);
}
