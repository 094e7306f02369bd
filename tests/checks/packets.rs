//! What no well-behaved time server sends: kisses, short and forged packets, absurd distances, silence.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{outcome, probe};
use crate::harness::*;

/// A time server that answers whatever the test wants.
struct Liar {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    has_ended: Arc<AtomicBool>,
    answering: Option<JoinHandle<()>>,
}

impl Liar {
    /// `answer` gets the request and how many came before, and gives the packet to send, if any.
    fn start(answer: impl Fn(&[u8], usize) -> Option<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("bound");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a time limit");
        let (asked, has_ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, ended) = (Arc::clone(&asked), Arc::clone(&has_ended));
        let answering = std::thread::spawn(move || {
            let mut request = [0; 128];
            while !ended.load(SeqCst) {
                let Ok((length, from)) = socket.recv_from(&mut request) else { continue };
                if let Some(packet) = answer(&request[..length], count.fetch_add(1, SeqCst)) {
                    socket.send_to(&packet, from).expect("an answer can be sent");
                }
            }
        });
        Self { address, asked, has_ended, answering: Some(answering) }
    }

    fn ask(&self, client: &Client) -> Value {
        let args = json!({"address": "127.0.0.1", "port": self.address.port(), "timeout_ms": 300});
        probe(client, "ntp.query", &args)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.has_ended.store(true, SeqCst);
        let _ = self.answering.take().map(JoinHandle::join);
    }
}

/// A well-formed answer of a synchronised follower, to be spoilt. Its clock is `ahead` seconds ahead.
fn answer(request: &[u8], ahead: u64) -> Vec<u8> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    let now = (((since.as_secs() + 2_208_988_800 + ahead) << 32) | fraction).to_be_bytes();
    let mut packet = vec![0x24, 2, 6, 0xE8, 0, 0, 0, 66, 0, 0, 0, 66, 10, 0, 0, 1];
    packet.extend(now);
    packet.extend(&request[40..48]);
    packet.extend(now);
    packet.extend(now);
    packet
}

fn kiss(request: &[u8], code: &[u8; 4]) -> Vec<u8> {
    let mut packet = answer(request, 0);
    (packet[0], packet[1]) = (0xE4, 0);
    packet[12..16].copy_from_slice(code);
    packet
}

#[test]
fn every_sort_of_bad_answer_has_its_own_reason() {
    type Answer = fn(&[u8], usize) -> Option<Vec<u8>>;
    let table: &[(&str, &str, Answer)] = &[
        ("ok", "", |request, _| Some(answer(request, 0))),
        ("kiss", "kiss_rate", |request, _| Some(kiss(request, b"RATE"))),
        ("kiss", "kiss_deny", |request, _| Some(kiss(request, b"DENY"))),
        ("kiss", "kiss_rstr", |request, _| Some(kiss(request, b"RSTR"))),
        ("kiss", "kiss_ntsn", |request, _| Some(kiss(request, b"NTSN"))),
        ("kiss", "kiss_experimental", |request, _| Some(kiss(request, b"XFUN"))),
        ("unsynchronised", "not_ready", |request, _| Some(kiss(request, b"INIT"))),
        ("unsynchronised", "not_ready", |request, _| Some(kiss(request, &[0; 4]))),
        ("unsynchronised", "stratum_16", |request, _| Some(spoilt(request, 1, 16))),
        ("unsynchronised", "leap_3", |request, _| Some(spoilt(request, 0, 0xE4))),
        ("untrusted", "root_distance", |request, _| Some(spoilt(request, 9, 20))),
        ("discarded", "short_packet", |request, _| Some(answer(request, 0)[..40].to_vec())),
        ("discarded", "short_packet", |_, _| Some(Vec::new())),
        ("discarded", "wrong_cookie", |request, _| Some(spoilt(request, 30, request[46] ^ 1))),
        ("discarded", "wrong_mode", |request, _| Some(spoilt(request, 0, 0x23))),
        ("discarded", "wrong_cookie", |_, _| Some(vec![0x24; 48])),
        ("no_answer", "timeout", |_, _| None),
    ];
    let appliance = Appliance::start();
    let client = appliance.admin();
    for (verdict, reason, answer) in table {
        let liar = Liar::start(*answer);
        let result = liar.ask(&client);
        assert_eq!(outcome(&result), (*verdict, *reason), "{result:#}");
        assert!(result["words"].as_str().is_some_and(|words| words.len() > 5), "{result:#}");
        let has_offset = matches!(*verdict, "ok" | "unsynchronised" | "untrusted");
        assert_eq!(result["offset_ms"].is_f64(), has_offset, "{result:#}");
    }
}

/// One byte of a good answer set.
fn spoilt(request: &[u8], index: usize, byte: u8) -> Vec<u8> {
    let mut packet = answer(request, 0);
    packet[index] = byte;
    packet
}

#[test]
fn a_server_that_lies_is_reported_as_it_says_and_judged_against_the_others() {
    let appliance = Appliance::start();
    let client = appliance.admin();
    let (liar, honest) = (Liar::start(|r, _| Some(answer(r, 3600))), Liar::start(|r, _| Some(answer(r, 0))));
    let (lie, truth) = (liar.ask(&client), honest.ask(&client));
    assert!((lie["offset_ms"].as_f64().unwrap() - 3_600_000.0).abs() < 500.0, "{lie:#}");
    let hosts = json!([{"name": "liar", "result": lie}, {"name": "honest", "result": truth}]);
    let judged = probe(&client, "ntp.judge", &json!({"hosts": hosts}));
    assert_eq!(
        (&judged["state"], &judged["advice"].as_str().unwrap()[..26]),
        (&json!("critical"), "Set the clock of liar righ")
    );
}

#[test]
fn a_lost_packet_is_asked_again_and_a_late_forgery_does_not_win() {
    let appliance = Appliance::start();
    let client = appliance.admin();
    let loses_one = Liar::start(|request, before| (before > 0).then(|| answer(request, 0)));
    assert_eq!(outcome(&loses_one.ask(&client)), ("ok", ""));

    let silent = Liar::start(|_, _| None);
    assert_eq!(outcome(&silent.ask(&client)), ("no_answer", "timeout"));
    assert_eq!(silent.asked.load(SeqCst), 2, "a silent host is asked twice and no more");
}

#[test]
fn a_kiss_after_good_answers_ends_the_asking_and_takes_nothing_from_them() {
    let appliance = Appliance::start();
    let limits = Liar::start(|r, before| Some(if before < 2 { answer(r, 0) } else { kiss(r, b"RATE") }));
    let result = limits.ask(&appliance.admin());
    assert_eq!((outcome(&result), &result["samples"]), (("ok", ""), &json!(2)), "{result:#}");
    assert_eq!(limits.asked.load(SeqCst), 3, "nothing was asked after the kiss");
}

#[test]
fn an_answer_from_another_address_is_not_taken_and_named() {
    let appliance = Appliance::start();
    let asked = UdpSocket::bind("127.0.0.31:0").unwrap();
    let port = asked.local_addr().unwrap().port();
    let other = UdpSocket::bind(("127.0.0.32", port)).unwrap();
    asked.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let answering = std::thread::spawn(move || {
        let mut request = [0; 48];
        for _ in 0..2 {
            let (_, from) = asked.recv_from(&mut request).unwrap();
            other.send_to(&answer(&request, 0), from).unwrap();
        }
    });
    let args = json!({"address": "127.0.0.31", "port": port, "timeout_ms": 300});
    let result = probe(&appliance.admin(), "ntp.query", &args);
    answering.join().unwrap();
    assert_eq!(outcome(&result), ("discarded", "wrong_source"), "{result:#}");
    assert!(result["words"].as_str().unwrap().contains("127.0.0.32"), "{result:#}");
}
