//! Clocks in the `Date` of web pages: plain and over TLS, kept by caches, relayed, absent.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::ports::Stub;
use super::{outcome, probe};
use crate::harness::*;

/// What is spoken over, in clear or in TLS.
pub trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// A server with a certificate of its own.
pub fn tls_server(mut serve: impl FnMut(Box<dyn Stream>) + Send + 'static) -> Stub {
    let pair = Pair::new();
    let cert = CertificateDer::from_pem_slice(pair.cert.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("ring speaks TLS").with_no_client_auth().with_single_cert(vec![cert], key);
    let config = Arc::new(config.expect("the key fits"));
    Stub::start(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
        serve(Box::new(StreamOwned::new(connection, stream)));
    })
}

/// The clock of a web server that is so many seconds ahead.
fn date(ahead: f64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs_f64(now.as_secs_f64() + ahead))
}

/// Answers every request on a connection with the header that `fields` gives; counts them.
fn answers(fields: impl Fn() -> String, stream: &mut dyn Stream, count: &AtomicUsize) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        assert!(head.starts_with("HEAD / HTTP/1.1\r\nHost: 127.0.0."), "{head}");
        count.fetch_add(1, SeqCst);
        let answer = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 5\r\n\r\n", fields());
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A plain web server with these header fields, and how often it was asked.
fn web(fields: impl Fn() -> String + Send + 'static) -> (Stub, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    (Stub::start(move |mut stream| answers(&fields, &mut stream, &counted)), count)
}

/// The web page of a host whose clock is so many seconds ahead.
pub fn page(address: &str, ahead: f64) -> Stub {
    let listener = std::net::TcpListener::bind((address, 0)).expect("a free port");
    let fields = move || format!("Date: {}\r\n", date(ahead));
    Stub::on(listener, move |mut stream| answers(fields, &mut stream, &AtomicUsize::new(0)))
}

fn ask(client: &Client, scheme: &str, server: &Stub, requests: u64) -> Value {
    let url = format!("{scheme}://{}/", server.address);
    probe(client, "http.date", &json!({"url": url, "requests": requests, "timeout_ms": 2000}))
}

#[track_caller]
fn is_off_by(result: &Value, seconds: f64) {
    let (offset, error) = (result["offset_ms"].as_f64().unwrap(), result["error_ms"].as_f64().unwrap());
    assert!((offset / 1000.0 - seconds).abs() <= error / 1000.0 + 0.01, "not {seconds} s off: {result:#}");
}

#[test]
fn a_clock_is_read_from_web_pages_in_clear_and_over_tls() {
    let appliance = Appliance::start();
    let client = appliance.admin();
    let (plain, asked) = web(|| format!("Date: {}\r\n", date(42.3)));
    let once = ask(&client, "http", &plain, 1);
    is_off_by(&once, 42.3);
    assert!((490.0..700.0).contains(&once["error_ms"].as_f64().unwrap()), "{once:#}");

    let often = ask(&client, "http", &plain, 6);
    is_off_by(&often, 42.3);
    assert_eq!((outcome(&often), &often["answers"]), (("ok", ""), &json!(6)), "{often:#}");
    let gain = once["error_ms"].as_f64().unwrap() / often["error_ms"].as_f64().unwrap();
    assert!(gain > 4.0, "aimed requests tell only {gain} times more: {often:#}");
    assert_eq!(asked.load(SeqCst), 7);

    let count = AtomicUsize::new(0);
    let secure =
        tls_server(move |mut stream| answers(|| format!("Date: {}\r\n", date(-300.0)), &mut stream, &count));
    let result = ask(&client, "https", &secure, 3);
    is_off_by(&result, -300.0);
    assert_eq!(result["method"], "http_date");
}

#[test]
fn what_is_no_clock_is_told_with_the_reason() {
    let appliance = Appliance::start();
    let client = appliance.admin();
    let (cached, _) = web(|| format!("Date: {}\r\nAge: 3\r\n", date(-3.0)));
    let (undated, _) = web(String::new);
    let (relayed, _) = web(|| format!("Date: {}\r\nVia: 1.1 proxy\r\n", date(0.0)));
    let turn = AtomicUsize::new(0);
    let (several, _) = web(move || {
        let ahead = if turn.fetch_add(1, SeqCst).is_multiple_of(2) { 0.0 } else { 90.0 };
        format!("Date: {}\r\n", date(ahead))
    });
    let silent = Stub::start(|mut stream| drop(stream.read(&mut [0; 512])));
    let ssh = Stub::start(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-x\r\n\r\n");
        let _ = stream.read(&mut [0; 512]);
    });
    let table = [
        (&cached, "not_measurable", "cached"),
        (&undated, "not_measurable", "no_date"),
        (&relayed, "ok", "relayed"),
        (&several, "untrusted", "inconsistent"),
        (&silent, "no_answer", "closed"),
        (&ssh, "no_answer", "not_http"),
    ];
    for (server, verdict, reason) in table {
        let result = ask(&client, "http", server, 2);
        assert_eq!(outcome(&result), (verdict, reason), "{result:#}");
    }
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let args = json!({"url": format!("http://{gone}/")});
    assert_eq!(outcome(&probe(&client, "http.date", &args)), ("no_answer", "refused"));
}

#[test]
fn a_server_that_closes_after_each_answer_is_asked_over_new_connections() {
    let appliance = Appliance::start();
    let (server, asked) = web(|| format!("Date: {}\r\nConnection: close\r\n", date(5.0)));
    let result = ask(&appliance.admin(), "http", &server, 3);
    is_off_by(&result, 5.0);
    assert_eq!((&result["answers"], asked.load(SeqCst)), (&json!(3), 3), "{result:#}");
}
