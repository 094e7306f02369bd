//! What plugins cost: a request that goes through a plugin's process beside one that core answers alone, over
//! the same TLS in the same run; what of it is the way to the child and back, beside two processes that pass
//! as many bytes over a bare socket pair; how long a restart takes; and what a child weighs.

mod appliance;
mod client;
mod measure;
mod ping_pong;
mod report;
mod rounds;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use serde_json::Value;

use appliance::{Appliance, Memory};
use measure::{Samples, drive};
use ping_pong::{PONG, PingPong};
use report::Report;
use rounds::{Row, alternate};

/// Any failure; a benchmark has nobody to sort them for.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CLIENTS: [usize; 2] = [1, 4];
const RESTARTS: usize = 20;
const UP_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// About what goes to the child for one request, and what comes back.
const MESSAGE_BYTES: usize = 256;
const LIBRARIES: [(&str, &str, &str); 2] = [
    ("libjackfield_echo.so", "echo_bytes", "plugin echo (SDK, Rust), bytes"),
    ("libjackfield_faulty.so", "faulty_bytes", "plugin faulty (bare treaty, Rust), bytes"),
];

/// Keys in the file with labels for people: resident, proportional, private.
type Labels = [(&'static str, &'static str); 3];

const IDLE: Labels = [
    ("child_idle_resident_kib", "child, idle: resident, KiB"),
    ("child_idle_proportional_kib", "child, idle: proportional, KiB"),
    ("child_idle_private_kib", "child, idle: private, KiB"),
];
const LOADED: Labels = [
    ("child_loaded_resident_kib", "child, after the load: resident, KiB"),
    ("child_loaded_proportional_kib", "child, after the load: proportional, KiB"),
    ("child_loaded_private_kib", "child, after the load: private, KiB"),
];

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(PONG) {
        return ping_pong::answer();
    }
    report::run(measured)
}

fn measured(binary: &Path, folder: &Path) -> Outcome<Report> {
    let mut appliance = Appliance::lay_out(binary, folder)?;
    stage(binary, folder)?;
    appliance.start()?;
    appliance.prepare()?;
    let pid = await_echo(&appliance)?;
    let mut report = Report::new("plugins");
    weigh(&mut report, &IDLE, Memory::of(pid)?);
    for clients in CLIENTS {
        report.rows.push(beside_livez(&appliance, clients)?);
    }
    let signed_in = beside_session(&appliance)?;
    passing(&mut report, &signed_in)?;
    report.rows.push(signed_in);
    weigh(&mut report, &LOADED, Memory::of(pid)?);
    report.note("restart_ms", "restart until it serves again (median), ms", restarts(&appliance)?);
    report.note("core_private_kib", "core: private memory, KiB", appliance.memory()?.private as f64);
    sizes(&mut report, binary)?;
    appliance.stop()?;
    Ok(report)
}

/// Lays echo out beside what is there already.
fn stage(binary: &Path, folder: &Path) -> Outcome<()> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the tests are a folder of the workspace")?;
    let mut stage = Command::new(root.join("packaging/stage"));
    let status = stage.arg(folder).args(["--plugin", "echo"]).env("JACKFIELD_BIN", binary).status()?;
    if status.success() { Ok(()) } else { Err("packaging/stage failed".into()) }
}

/// Waits until echo serves; its process.
fn await_echo(appliance: &Appliance) -> Outcome<u64> {
    let begun = Instant::now();
    while begun.elapsed() < UP_WITHIN {
        let listed = appliance.command(&["plugin", "list", "--json"]).output()?;
        let listed: Value = serde_json::from_slice(&listed.stdout)?;
        let echo = &listed["items"][0];
        match echo["pid"].as_u64().filter(|_| echo["state"] == "up") {
            Some(pid) => return Ok(pid),
            None => std::thread::sleep(LOOK_EVERY),
        }
    }
    Err("echo does not come up".into())
}

fn ask(appliance: &Appliance, clients: usize, for_time: Duration, request: &[u8]) -> Outcome<Samples> {
    let connect = || client::Connection::tls(appliance.address()?, appliance.trust()?);
    drive(clients, for_time, connect, |_, _| request.to_vec(), 200)
}

fn beside_livez(appliance: &Appliance, clients: usize) -> Outcome<Row> {
    let echo = appliance.request("GET", "/echo", None);
    let livez = client::request("GET", "/livez", "", None);
    alternate(
        format!("GET echo, {clients} client{}", if clients == 1 { "" } else { "s" }),
        "GET /livez, core only, nobody signed in",
        |for_time| ask(appliance, clients, for_time, &echo),
        |for_time| ask(appliance, clients, for_time, &livez),
    )
}

/// The same token is looked up for both, so that what differs is the plugin.
fn beside_session(appliance: &Appliance) -> Outcome<Row> {
    let echo = appliance.request("GET", "/echo", None);
    let session = appliance.request("GET", "/session", None);
    alternate(
        "GET echo, 1 client".to_owned(),
        "GET session, core only, signed in",
        |for_time| ask(appliance, 1, for_time, &echo),
        |for_time| ask(appliance, 1, for_time, &session),
    )
}

/// The way to the child and back as the API lets it be seen: the difference of two medians.
fn passing(report: &mut Report, signed_in: &Row) -> Outcome<()> {
    let child = signed_in.ours.quantile(0.5) - signed_in.theirs.quantile(0.5);
    let bare = PingPong::start()?.median_ms(MESSAGE_BYTES)?;
    report.note("child_ms", "to the child and back (echo less session), ms", child);
    report.note("ping_pong_ms", "bare socket pair between two processes, ms", bare);
    report.note("child_over_ping_pong", "the one over the other", child / bare);
    Ok(())
}

fn restarts(appliance: &Appliance) -> Outcome<f64> {
    let mut client = client::Connection::tls(appliance.address()?, appliance.trust()?)?;
    let restart = appliance.request("POST", "/plugins/echo:restart", None);
    let mut took = Vec::new();
    for _ in 0..RESTARTS {
        let asked = Instant::now();
        client.ask(&restart, 200)?;
        took.push(asked.elapsed());
    }
    took.sort_unstable();
    Ok(took[RESTARTS / 2].as_secs_f64() * 1000.0)
}

fn weigh(report: &mut Report, labels: &Labels, memory: Memory) {
    let values = [memory.resident, memory.share, memory.private];
    labels.iter().zip(values).for_each(|((key, label), value)| report.note(key, label, value as f64));
}

/// As they are shipped, without symbols.
fn sizes(report: &mut Report, binary: &Path) -> Outcome<()> {
    report.note("binary_bytes", "binary, bytes", fs::metadata(binary)?.len() as f64);
    for (library, key, label) in LIBRARIES {
        report.note(key, label, fs::metadata(binary.with_file_name(library))?.len() as f64);
    }
    Ok(())
}
