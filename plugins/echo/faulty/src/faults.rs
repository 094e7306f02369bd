//! The faults, one line each in a table, and what they do. Every fault that survives itself answers, so that
//! a test knows it has happened.

use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::FromRawFd;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jackfield_abi::{Kind, MESSAGE_BYTES};
use serde_json::{Value, json};

use crate::{Host, IS_MUTE, IS_STOPPED, STOP_BLOCKS};

/// On which thread a fault happens.
pub enum Place {
    /// The host's, in `recv`.
    Recv,
    /// One of the plugin's own, so that the process still answers pings.
    Thread,
}

/// What a fault does; the number is the request's.
pub type Fault = fn(&'static Host, u64);
/// A way to start; whether the start succeeds.
pub type Start = fn(&Host) -> bool;

/// All faults by name.
pub const FAULTS: &[(&str, Place, Fault)] = &[
    ("none", Place::Recv, |host, id| answer(host, id, Value::Null)),
    ("panic", Place::Recv, |_, _| panics()),
    ("abort", Place::Recv, |_, _| std::process::abort()),
    ("segv", Place::Recv, |_, _| write_nowhere()),
    ("exit", Place::Recv, |_, _| std::process::exit(3)),
    ("spin", Place::Recv, |_, _| spin()),
    ("block", Place::Recv, |_, _| block()),
    ("spin_thread", Place::Thread, |_, _| spin()),
    ("no_reply", Place::Recv, |_, _| {}),
    ("mute", Place::Recv, |_, _| IS_MUTE.store(true, Ordering::Relaxed)),
    ("reply_twice", Place::Recv, reply_twice),
    ("reply_unknown", Place::Recv, reply_unknown),
    ("ask_with_even_id", Place::Recv, ask_with_even_id),
    ("too_big", Place::Recv, too_big),
    ("frame_too_big", Place::Thread, |_, _| past_the_host(&HUGE_FRAME)),
    ("frame_of_no_kind", Place::Thread, |_, _| past_the_host(&FRAME_OF_NO_KIND)),
    ("not_json", Place::Recv, |host, id| broken_reply(host, id, b"{\"half\":")),
    ("not_utf8", Place::Recv, |host, id| broken_reply(host, id, b"\"\xff\"")),
    ("unknown_kind", Place::Recv, |host, id| sent_then_answered(host, id, 99, b"{}")),
    ("pong", Place::Recv, |host, id| sent_then_answered(host, id, Kind::Pong as u32, b"")),
    ("hello_again", Place::Recv, hello_again),
    ("log_flood", Place::Thread, log_flood),
    ("log_flood_for_ever", Place::Thread, |host, _| flood_for_ever(host)),
    ("log_control_bytes", Place::Recv, log_control_bytes),
    ("ask_flood", Place::Thread, ask_flood),
    ("memory_hog", Place::Thread, memory_hog),
    ("ten_threads", Place::Thread, ten_threads),
    ("outlive_stop", Place::Recv, outlive_stop),
    ("block_in_stop", Place::Recv, block_in_stop),
    ("print", Place::Recv, print),
    ("try_exec", Place::Thread, |host, id| tried(host, id, Command::new("/bin/true").status().map(drop))),
    ("try_read", Place::Thread, |host, id| tried(host, id, File::open("/etc/passwd").map(drop))),
    ("try_write", Place::Thread, |host, id| tried(host, id, File::create("/tmp/jackfield-faulty").map(drop))),
    ("try_socket", Place::Thread, |host, id| {
        tried(host, id, TcpStream::connect("127.0.0.1:9").map(drop));
    }),
];

/// All ways to start by name.
pub const STARTS: &[(&str, Start)] = &[
    ("well", |host| host.hello("faulty") == 0),
    ("refuse", |host| {
        host.log("refused, as asked");
        false
    }),
    ("wrong_id", |host| host.hello("somebody_else") == 0),
    ("silent", |_| true),
    ("slow", |_| {
        block();
        true
    }),
    ("panic", |_| {
        panics();
        false
    }),
];

/// Most of the memory that the hog takes, in MiB, where nobody stops it.
const HOG_MIB: usize = 1024;
/// Lines of a flood that ends.
const FLOOD_LINES: usize = 100_000;

fn answer(host: &Host, id: u64, body: Value) {
    host.reply(id, &body);
}

#[expect(clippy::panic, reason = "that is what it is for")]
fn panics() {
    panic!("as asked");
}

#[allow(unsafe_code)]
fn write_nowhere() {
    // SAFETY: none; nothing is mapped at that address, and the signal is the point.
    unsafe { std::ptr::without_provenance_mut::<u64>(8).write_volatile(1) }
}

fn spin() {
    loop {
        std::hint::spin_loop();
    }
}

/// Waits for ever, without using the processor.
pub fn block() {
    loop {
        std::thread::park();
    }
}

fn reply_twice(host: &'static Host, id: u64) {
    answer(host, id, json!("first"));
    answer(host, id, json!("second"));
}

fn reply_unknown(host: &'static Host, id: u64) {
    answer(host, id + 1_000_000, json!("nobody asked"));
    answer(host, id, Value::Null);
}

fn ask_with_even_id(host: &'static Host, id: u64) {
    let sent = host.send(Kind::Request, 2, &json!({"op": "secret.get", "args": {"name": "a"}}));
    answer(host, id, json!({"sent": sent}));
}

fn too_big(host: &'static Host, id: u64) {
    let sent = host.raw(Kind::Reply as u32, id, &vec![b' '; MESSAGE_BYTES + 1]);
    answer(host, id, json!({"sent": sent}));
}

/// Headers of frames, little-endian: length, kind, id.
const HUGE_FRAME: [u32; 4] = [1 << 30, Kind::Log as u32, 0, 0];
const FRAME_OF_NO_KIND: [u32; 4] = [0, 99, 0, 0];

/// Writes to the process's socket itself, which is none of a plugin's business.
#[allow(unsafe_code)]
fn past_the_host(header: &[u32; 4]) {
    let bytes: Vec<u8> = header.iter().flat_map(|number| number.to_le_bytes()).collect();
    // SAFETY: none; the descriptor is the host's, and using it is the point. It is not closed.
    let socket = std::mem::ManuallyDrop::new(unsafe { File::from_raw_fd(3) });
    // Whatever comes of it shows at the host.
    let _ = (&*socket).write_all(&bytes);
    block();
}

fn broken_reply(host: &Host, id: u64, bytes: &[u8]) {
    host.raw(Kind::Reply as u32, id, bytes);
}

fn sent_then_answered(host: &Host, id: u64, kind: u32, bytes: &[u8]) {
    let sent = host.raw(kind, 0, bytes);
    answer(host, id, json!({"sent": sent}));
}

fn hello_again(host: &'static Host, id: u64) {
    let sent = host.hello("faulty");
    answer(host, id, json!({"sent": sent}));
}

fn log_flood(host: &'static Host, id: u64) {
    let busy = (0..FLOOD_LINES).filter(|line| host.log(&format!("line {line}")) == 2).count();
    answer(host, id, json!({"lines": FLOOD_LINES, "busy": busy}));
}

fn flood_for_ever(host: &Host) {
    loop {
        host.log("again");
    }
}

fn log_control_bytes(host: &'static Host, id: u64) {
    host.log("\u{1b}[31mred\u{7}\nsecond line\u{0}");
    host.log(&"x".repeat(100_000));
    answer(host, id, Value::Null);
}

fn ask_flood(host: &'static Host, id: u64) {
    let question = json!({"op": "secret.get", "args": {"name": "a"}});
    let refused = (0..1000u64).filter(|n| host.send(Kind::Request, n * 2 + 1, &question) != 0).count();
    answer(host, id, json!({"refused": refused}));
}

fn memory_hog(host: &'static Host, id: u64) {
    // Written, not only reserved, so that the pages are really there.
    let hoard: Vec<Vec<u8>> = (0..HOG_MIB).map(|_| vec![1; 1024 * 1024]).collect();
    answer(host, id, json!({"mib": hoard.len()}));
}

fn ten_threads(host: &'static Host, id: u64) {
    let refused: usize = std::thread::scope(|scope| {
        let each = |n: u64| {
            move || (0..100).filter(|line| host.log(&format!("thread {n} line {line}")) != 0).count()
        };
        let all: Vec<_> = (0..10).map(|n| scope.spawn(each(n))).collect();
        all.into_iter().filter_map(|thread| thread.join().ok()).sum()
    });
    answer(host, id, json!({"refused": refused}));
}

/// The thread begins to talk when it must not any more.
fn outlive_stop(host: &'static Host, id: u64) {
    std::thread::spawn(move || {
        while !IS_STOPPED.load(Ordering::Relaxed) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        flood_for_ever(host);
    });
    answer(host, id, Value::Null);
}

fn block_in_stop(host: &'static Host, id: u64) {
    STOP_BLOCKS.store(true, Ordering::Relaxed);
    answer(host, id, Value::Null);
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a library that prints is the case under test")]
fn print(host: &'static Host, id: u64) {
    println!("printed to standard output");
    eprintln!("printed to standard error");
    answer(host, id, Value::Null);
}

/// For tests of the confinement: whether the process was let do it.
fn tried(host: &Host, id: u64, result: std::io::Result<()>) {
    let refusal = result.err().map(|e| e.to_string());
    answer(host, id, json!({"allowed": refusal.is_none(), "error": refusal}));
}
