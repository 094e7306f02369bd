//! Answers that go on: told as news come, a sign of life in silence, no worker held, an end in order.

use super::bench::*;
use crate::http::{Feed, Flow, Limits, Request, Response};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What it costs to tell one client of `/costly`.
const COST: Duration = Duration::from_millis(20);

/// What all feeds of a test share: what is still to be told to each, and what was asked for.
#[derive(Debug, Default)]
struct Shared {
    told: Mutex<Vec<String>>,
    pulled: AtomicUsize,
    open: AtomicUsize,
}

/// Tells all that was said since it began; `end` ends it.
#[derive(Debug)]
struct Lines {
    shared: Arc<Shared>,
    at: usize,
    endless: bool,
    costly: bool,
}

impl Feed for Lines {
    fn pull(&mut self, out: &mut Vec<u8>, room: usize) -> Flow {
        if self.endless {
            out.resize(room, b'x');
            self.shared.pulled.fetch_add(room, SeqCst);
            return Flow::Open;
        }
        if self.costly {
            // Stands for much work with one client.
            std::thread::sleep(COST);
        }
        let told = self.shared.told.lock().unwrap();
        if self.costly && told.len() > self.at {
            self.shared.pulled.fetch_add(1, SeqCst);
        }
        let new: VecDeque<_> = told[self.at..].iter().cloned().collect();
        self.at = told.len();
        for line in new {
            if line == "end" {
                return Flow::Ended;
            }
            out.extend_from_slice(line.as_bytes());
        }
        Flow::Open
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"beat;");
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.shared.open.fetch_sub(1, SeqCst);
    }
}

fn bench(limits: Limits) -> (Bench, Arc<Shared>) {
    let shared = Arc::new(Shared::default());
    let given = Arc::clone(&shared);
    let bench = start_with(limits, |config| {
        config.workers = 1;
        config.handler = Arc::new(move |request: Request| answer(&request, &given));
    });
    (bench, shared)
}

fn answer(request: &Request, shared: &Arc<Shared>) -> Response {
    if request.path == "/hello" {
        return Response { status: 200, headers: Vec::new(), body: b"hello".to_vec(), feed: None };
    }
    shared.open.fetch_add(1, SeqCst);
    let at = shared.told.lock().unwrap().len();
    let is = |path| request.path == path;
    let lines = Lines { shared: Arc::clone(shared), at, endless: is("/endless"), costly: is("/costly") };
    let headers = vec![("Content-Type".to_owned(), "text/event-stream".to_owned())];
    Response { status: 200, headers, body: Vec::new(), feed: Some(Box::new(lines)) }
}

impl Shared {
    fn say(&self, bench: &Bench, line: &str) {
        self.told.lock().unwrap().push(line.to_owned());
        bench.http.nudge()();
    }

    fn until_open(&self, count: usize) {
        let by = Instant::now() + PATIENCE;
        while self.open.load(SeqCst) != count {
            assert!(Instant::now() < by, "{} feeds are open", self.open.load(SeqCst));
            std::thread::yield_now();
        }
    }
}

fn follow(bench: &Bench, path: &str) -> Tls {
    let mut client = bench.connect();
    client.say(&format!("GET {path} HTTP/1.1\r\nHost: box\r\n\r\n"));
    client
}

#[test]
fn news_reach_everybody_who_follows_while_the_only_worker_is_free() {
    let (bench, shared) = bench(limits());
    let mut clients: Vec<_> = (0..20).map(|_| follow(&bench, "/feed")).collect();
    for client in &mut clients {
        let head = client.head();
        assert_eq!(head.status, 200);
        assert!(
            head.head.contains("Connection: close") && !head.head.contains("Content-Length"),
            "{}",
            head.head
        );
    }
    assert_eq!(bench.connect().get("/hello").text(), "hello");
    shared.say(&bench, "one;");
    shared.say(&bench, "two;");
    for client in &mut clients {
        assert_eq!(client.exactly(8), "one;two;");
    }
    bench.until("twenty streams", |s| s.open["streaming"] == 20);
    shared.say(&bench, "end");
    assert!(clients.iter_mut().all(Talk::is_closed));
    shared.until_open(0);
}

#[test]
fn a_request_does_not_wait_until_everybody_who_follows_has_been_told() {
    const FOLLOWING: usize = 60;
    let (bench, shared) = bench(limits());
    let mut clients: Vec<_> = (0..FOLLOWING).map(|_| follow(&bench, "/costly")).collect();
    for client in &mut clients {
        assert_eq!(client.head().status, 200);
    }
    let mut asking = bench.connect();
    assert_eq!(asking.get("/hello").text(), "hello");
    shared.say(&bench, "one;");
    let by = Instant::now() + PATIENCE;
    while shared.pulled.load(SeqCst) == 0 {
        assert!(Instant::now() < by, "nobody is told");
        std::thread::yield_now();
    }
    assert_eq!(asking.get("/hello").text(), "hello");
    let told = shared.pulled.load(SeqCst);
    assert!(told < FOLLOWING, "the request was answered after all {FOLLOWING} had been told");
    // They are, all the same, each of them once.
    for client in &mut clients {
        assert_eq!(client.exactly(4), "one;");
    }
    shared.say(&bench, "end");
    assert!(clients.iter_mut().all(Talk::is_closed));
}

#[test]
fn silence_is_broken_by_signs_of_life_and_ends_nothing() {
    let short = Duration::from_millis(100);
    let (bench, shared) = bench(Limits { beat: short, answer: short, idle: short, ..limits() });
    let mut client = follow(&bench, "/feed");
    client.head();
    assert_eq!(client.exactly(10), "beat;beat;");
    shared.say(&bench, "word;");
    let mut heard = client.exactly(5);
    while heard.starts_with("beat;") {
        heard = client.exactly(5);
    }
    assert_eq!(heard, "word;");
    bench.until("nobody late", |s| s.timed_out.values().all(|count| *count == 0));
}

#[test]
fn who_leaves_is_forgotten() {
    let (bench, shared) = bench(limits());
    let mut client = follow(&bench, "/feed");
    client.head();
    shared.until_open(1);
    drop(client);
    shared.until_open(0);
}

#[test]
fn who_does_not_read_is_asked_for_no_more_and_sent_away_in_the_end() {
    let (bench, shared) = bench(Limits { stalled: Duration::from_millis(500), ..limits() });
    let mut client = follow(&bench, "/endless");
    client.head();
    bench.until("one client stalled", |s| s.timed_out["client"] == 1);
    shared.until_open(0);
    // The kernel's buffers on both sides take some megabytes; a feed that is asked on and on would make far more.
    let pulled = shared.pulled.load(SeqCst);
    assert!(pulled < 64 * 1024 * 1024, "{pulled} bytes were made for somebody who does not read");
    assert_eq!(bench.connect().get("/hello").text(), "hello");
}

#[test]
fn an_answer_to_head_does_not_go_on() {
    let (bench, shared) = bench(limits());
    let mut client = bench.connect();
    client.say("HEAD /feed HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!(client.head().status, 200);
    shared.until_open(0);
    assert_eq!(client.get("/hello").text(), "hello");
}

#[test]
fn a_stop_tells_what_there_is_and_ends_in_order() {
    let (bench, shared) = bench(limits());
    let mut client = follow(&bench, "/feed");
    client.head();
    shared.until_open(1);
    // Not nudged: the stop itself looks.
    shared.told.lock().unwrap().push("last;".to_owned());
    let since = Instant::now();
    bench.http.stop(PATIENCE);
    assert_eq!(client.exactly(5), "last;");
    assert!(client.is_closed());
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
}
