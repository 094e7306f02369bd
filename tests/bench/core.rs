//! How fast the core is, beside its bare parts, in one run: reads through the door beside tiny_http with one
//! SQLite read, durable writes through the door beside SQLite with one row in each commit; and what a start,
//! an idle appliance and the binary cost. Rounds of both sides alternate, so that a drifting machine drifts
//! for both. Leaves out what plugins do, which is `plugins.rs`.

mod appliance;
mod client;
mod measure;
mod peer;
mod report;
mod rounds;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use appliance::Appliance;
use measure::{Samples, drive};
use report::Report;
use rounds::{Row, alternate};
use serde_json::json;

/// Any failure; a benchmark has nobody to sort them for.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Until the appliance's write-ahead log has its size; see [`peer::Bare`].
const SEASONING: Duration = Duration::from_millis(1500);
const READERS: usize = 4;
const WRITERS: [usize; 3] = [1, 8, 32];
/// The appliance's own number of workers.
const WORKERS: usize = 8;
const STARTS: usize = 10;

fn main() -> ExitCode {
    report::run(measured)
}

fn measured(binary: &Path, folder: &Path) -> Outcome<Report> {
    let mut appliance = Appliance::lay_out(binary, folder)?;
    let mut report = Report::new("core");
    report.note("start_ms", "spawn to ready (median), ms", starts(&mut appliance)?);
    let idle = appliance.memory()?;
    report.note("idle_resident_kib", "idle memory, resident, KiB", idle.resident as f64);
    report.note("idle_proportional_kib", "idle memory, proportional, KiB", idle.share as f64);
    appliance.prepare()?;
    report.rows.push(reads(&appliance, folder)?);
    new_accounts(&appliance, 8, SEASONING, "season")?;
    for clients in WRITERS {
        report.rows.push(writes(&appliance, folder, clients)?);
    }
    let loaded = appliance.memory()?;
    report.note("loaded_resident_kib", "memory afterwards, resident, KiB", loaded.resident as f64);
    report.note("loaded_private_kib", "memory afterwards, private, KiB", loaded.private as f64);
    report.note("binary_bytes", "binary, bytes", binary.metadata()?.len() as f64);
    Ok(report)
}

/// The median time in milliseconds from spawn to readiness, of starts after the first; leaves it running.
fn starts(appliance: &mut Appliance) -> Outcome<f64> {
    appliance.start()?;
    let mut took = Vec::new();
    for _ in 0..STARTS {
        appliance.stop()?;
        took.push(appliance.start()?.as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    Ok((took[STARTS / 2 - 1] + took[STARTS / 2]) / 2.0)
}

/// One row, read through the door by a token over kept-alive TLS; beside it the same row read by a bare server.
fn reads(appliance: &Appliance, folder: &Path) -> Outcome<Row> {
    let peer = peer::serve(&folder.join("state/jackfield.db"), WORKERS)?;
    let ours = |for_time| {
        let connect = || client::Connection::tls(appliance.address()?, appliance.trust()?);
        drive(READERS, for_time, connect, |_, _| appliance.request("GET", "/enterprises/bench", None), 200)
    };
    let theirs = |for_time| {
        let connect = || Ok(client::Connection::over(client::dial(peer)?));
        drive(READERS, for_time, connect, |_, _| client::request("GET", "/", "", None), 200)
    };
    alternate(
        format!("read one enterprise, {READERS} clients"),
        "tiny_http + 1 SQLite read, plain TCP",
        ours,
        theirs,
    )
}

/// New accounts, each acknowledged once it is on the disk; beside it a bare connection that commits row by row.
fn writes(appliance: &Appliance, folder: &Path, clients: usize) -> Outcome<Row> {
    let bare = peer::Bare::create(&folder.join(format!("bare{clients}.db")))?;
    let round = AtomicUsize::new(0);
    let ours = |for_time| {
        let round = round.fetch_add(1, Ordering::Relaxed);
        new_accounts(appliance, clients, for_time, &format!("w{clients}r{round}"))
    };
    let theirs = |for_time| bare.write(for_time, &account("bare"));
    let what = format!("durable write, {clients} client{}", if clients == 1 { "" } else { "s" });
    alternate(what, "SQLite, 1 row per commit, 1 connection", ours, theirs)
}

/// Posts accounts whose logins begin with `prefix`.
fn new_accounts(appliance: &Appliance, clients: usize, for_time: Duration, prefix: &str) -> Outcome<Samples> {
    let connect = || client::Connection::tls(appliance.address()?, appliance.trust()?);
    let post = |client: usize, n: usize| {
        let body = account(&format!("{prefix}c{client}n{n}"));
        appliance.request("POST", "/accounts", Some(&body))
    };
    drive(clients, for_time, connect, post, 201)
}

/// A new account as it is posted.
fn account(login: &str) -> String {
    json!({"enterprise": "bench", "login_id": login, "last_name": "Doe", "first_name": "Jane"}).to_string()
}
