//! Requests and answers on the wire.

use super::bench::*;
use std::io::{Read, Write};

#[test]
fn a_connection_serves_several_requests() {
    let bench = start(limits());
    let mut client = bench.connect();
    for _ in 0..3 {
        let answer = client.get("/hello");
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    }
    bench.until("one connection", |s| s.accepted == 1 && s.requests == 3);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let bench = start(limits());
    let mut client = bench.connect();
    let one = "POST /echo HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\none";
    let two = "POST /echo HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\ntwo";
    client.say(&format!("{one}{two}\r\n{one}"));
    for expected in ["one", "two", "one"] {
        assert_eq!(client.answer().text(), expected);
    }
}

#[test]
fn head_is_answered_without_a_body() {
    let bench = start(limits());
    let mut client = bench.connect();
    client.say("HEAD /hello HTTP/1.1\r\nHost: b\r\n\r\n");
    assert!(client.head().head.contains("Content-Length: 5\r\n"));
    assert_eq!(client.get("/hello").text(), "hello");
}

#[test]
fn an_answer_without_content_has_no_length() {
    let bench = start(limits());
    let mut client = bench.connect();
    let answer = client.get("/nothing");
    assert!(answer.status == 204 && !answer.head.contains("Content-Length"), "{answer:?}");
    assert_eq!(client.get("/hello").status, 200);
}

#[test]
fn bodies_of_every_size_arrive_whole() {
    let bench = start(limits());
    let mut client = bench.connect();
    for size in [0, 1, 1024, 1025, 65_535, 65_536, 65_537, 1024 * 1024] {
        let body: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        let answer = client.post("/echo", &body);
        assert!(answer.status == 200 && answer.body == body, "{size} bytes");
    }
}

#[test]
fn a_large_answer_arrives_whole() {
    let bench = start(limits());
    let answer = bench.connect().get("/large");
    assert_eq!(answer.body.len(), 32 * 1024 * 1024);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let bench = start(limits());
    let mut client = bench.connect();
    let head = format!("POST /echo HTTP/1.1\r\nHost: b\r\nContent-Length: {}\r\n", BODY_LIMIT + 1);
    client.say(&format!("{head}Expect: 100-continue\r\n\r\n"));
    let answer = client.answer();
    assert_eq!(answer.status, 413);
    assert!(answer.head.contains("application/problem+json"));
    assert!(answer.text().contains("/problems/http/body_too_large"));
    assert!(client.is_closed());
}

#[test]
fn the_body_limit_depends_on_the_path() {
    let bench = start(limits());
    let body = vec![0; BODY_LIMIT as usize + 1];
    assert_eq!(bench.connect().post("/import", &body).status, 200);
}

#[test]
fn a_client_that_asks_is_told_to_continue() {
    let bench = start(limits());
    for size in [5, 200_000] {
        let mut client = bench.connect();
        let head = format!("POST /echo HTTP/1.1\r\nHost: b\r\nContent-Length: {size}\r\n");
        client.say(&format!("{head}Expect: 100-continue\r\n\r\n"));
        assert_eq!(client.head().status, 100);
        client.say(&"x".repeat(size));
        assert_eq!(client.answer().body.len(), size);
    }
}

#[test]
fn heads_that_could_be_misread_are_refused() {
    let bench = start(limits());
    let cases = [
        ("POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
    ];
    for (words, expected) in cases {
        let mut client = bench.connect();
        client.say(words);
        assert_eq!(client.answer().status, expected, "{words:?}");
        assert!(client.is_closed(), "{words:?}");
    }
    bench.until("four bad requests", |s| s.bad_requests == 4 && s.requests == 0);
}

#[test]
fn a_head_without_end_is_refused_when_it_is_too_large() {
    let bench = start(limits());
    let mut client = bench.connect();
    client.say(&format!("GET / HTTP/1.1\r\nHost: b\r\nX: {}", "x".repeat(17 * 1024)));
    assert_eq!(client.answer().status, 431);
}

#[test]
fn close_and_old_clients_end_the_connection() {
    let bench = start(limits());
    for words in ["GET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
        let mut client = bench.connect();
        client.say(words);
        assert!(client.answer().head.contains("Connection: close\r\n"));
        assert!(client.is_closed());
    }
}

#[test]
fn the_handler_sees_headers_and_query_but_not_the_doors_own_ticket() {
    let bench = start(limits());
    let mut client = bench.connect();
    client.say(
        "GET /headers?a=%20b HTTP/1.1\r\nHost: box:1\r\nX-Door-Ticket: 0\r\nTE: chunked\r\nX-Two: 2\r\n\r\n",
    );
    assert_eq!(client.answer().text(), r#""a=%20b" [("host", "box:1"), ("x-two", "2")]"#);
}

#[test]
fn a_handler_that_panics_is_answered_500_and_the_next_request_works() {
    let bench = start(limits());
    let mut client = bench.connect();
    let answer = client.get("/panic");
    assert!(answer.status == 500 && answer.text().contains("/problems/internal"));
    assert_eq!(client.get("/hello").status, 200);
}

#[test]
fn a_header_that_would_split_the_answer_is_not_sent() {
    let bench = start(limits());
    let answer = bench.connect().get("/split");
    assert!(answer.status == 500 && !answer.head.contains("X-C"));
}

#[test]
fn plain_http_is_pointed_to_https() {
    let bench = start(limits());
    let mut client = Talk::over(bench.tcp());
    client.say("GET / HTTP/1.1\r\nHost: box.example\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.text(), "This port speaks HTTPS. Use https://box.example/\n");
    assert!(client.is_closed());
}

#[test]
fn tls_1_1_is_refused_with_an_alert() {
    let bench = start(limits());
    let mut tcp = bench.tcp();
    // Record, handshake, version 3.2, random, no session, one cipher suite, no compression, and the
    // extensions without which the hello would be refused for another reason: groups and signatures.
    let mut hello = vec![22, 3, 1, 0, 63, 1, 0, 0, 59, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 16]);
    hello.extend([0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 3]);
    tcp.write_all(&hello).unwrap();
    let mut said = Vec::new();
    tcp.read_to_end(&mut said).unwrap();
    // Alert, fatal, protocol_version (RFC 8446 section 6).
    assert!(said.len() == 7 && said[0] == 21 && said[5..] == [2, 70], "{said:?}");
}

#[test]
fn a_client_that_shuts_its_side_still_gets_its_answer() {
    let bench = start(limits());
    let mut client = bench.connect();
    client.say("GET /hello HTTP/1.1\r\nHost: b\r\n\r\n");
    client.wire.conn.send_close_notify();
    client.wire.flush().unwrap();
    assert_eq!(client.answer().text(), "hello");
    assert!(client.is_closed());
}
