//! Measurements beside a yardstick taken in the same run; run by hand:
//! `cargo test --release measure -- --ignored --nocapture`.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::bench::{Bench, SOON, install_echo_c, up};
use crate::host::Host;

const ROUNDS: usize = 5000;

fn percentiles(mut each: Vec<Duration>) -> String {
    each.sort_unstable();
    let at = |part: usize| each[(each.len() * part / 100).min(each.len() - 1)].as_nanos() as f64 / 1000.0;
    format!("p50 {:.1} us, p99 {:.1} us", at(50), at(99))
}

fn timed(rounds: usize, mut round: impl FnMut()) -> Vec<Duration> {
    let one = |_| {
        let began = Instant::now();
        round();
        began.elapsed()
    };
    (0..rounds).map(one).collect()
}

fn bare_ping_pong() -> Vec<Duration> {
    let (mut here, mut there) = UnixStream::pair().unwrap();
    let other = thread::spawn(move || {
        let mut bytes = [0; 128];
        while there.read_exact(&mut bytes).is_ok() && there.write_all(&bytes).is_ok() {}
    });
    let mut bytes = [0; 128];
    let each = timed(ROUNDS, || {
        here.write_all(&bytes).unwrap();
        here.read_exact(&mut bytes).unwrap();
    });
    drop(here);
    other.join().unwrap();
    each
}

fn round_trips(host: &Host, id: &str) -> Vec<Duration> {
    let args = json!({"method": "GET", "path": id, "who": "a test"});
    timed(ROUNDS, || {
        host.request(id, "http", &args, SOON).unwrap();
    })
}

#[test]
#[ignore = "a measurement"]
fn measure_round_trips_restarts_and_memory() {
    let bench = Bench::new();
    install_echo_c(&bench);
    let host = bench.host_up();
    println!("bare socketpair, 128 bytes: {}", percentiles(bare_ping_pong()));
    println!("echo in C:    {}", percentiles(round_trips(&host, "echo_c")));
    println!("echo in Rust: {}", percentiles(round_trips(&host, "echo")));
    println!("restart, stop to hello: {}", percentiles(timed(50, || host.restart("echo").unwrap())));
    println!("take-over: {}", percentiles(timed(50, || host.replace("echo").unwrap())));
    for id in ["echo", "echo_c"] {
        let pid = up(&host, id).pid.unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let rows: Vec<_> =
            status.lines().filter(|l| l.starts_with("VmRSS") || l.starts_with("Rss")).collect();
        println!("{id}: {}", rows.join(", ").replace('\t', " "));
    }
}
