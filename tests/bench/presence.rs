//! What presence costs: changes through the API with so many subscribers of the event stream, beside a bare fan-out
//! over channels in the same run; two thousand changes a second over some seconds; and the memory of it.

mod appliance;
mod client;
mod crowd;
mod measure;
mod report;
mod rounds;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use appliance::{Appliance, Memory};
use crowd::{Crowd, LAST};
use measure::{Samples, drive};
use report::Report;
use rounds::alternate;
use serde_json::json;

/// Any failure; a benchmark has nobody to sort them for.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ACCOUNTS: usize = 1000;
/// Changes in one request, and in one step of the peer.
const BATCH: usize = 100;
const SUBSCRIBERS: [usize; 4] = [1, 8, 32, 73];
/// In the sustained run.
const SUSTAINED_CROWD: usize = 73;
/// Of the sustained run.
const PER_SECOND: usize = 2000;
const SUSTAINED: Duration = Duration::from_secs(10);

/// Keys in the file with labels for people: resident, proportional, private.
type Labels = [(&'static str, &'static str); 3];

const IDLE: Labels = [
    ("idle_resident_kib", "with 1,000 accounts, before: resident, KiB"),
    ("idle_proportional_kib", "with 1,000 accounts, before: proportional, KiB"),
    ("idle_private_kib", "with 1,000 accounts, before: private, KiB"),
];
const LOADED: Labels = [
    ("loaded_resident_kib", "after the rounds: resident, KiB"),
    ("loaded_proportional_kib", "after the rounds: proportional, KiB"),
    ("loaded_private_kib", "after the rounds: private, KiB"),
];
const SUSTAINED_LOAD: Labels = [
    ("sustained_resident_kib", "after the sustained run: resident, KiB"),
    ("sustained_proportional_kib", "after the sustained run: proportional, KiB"),
    ("sustained_private_kib", "after the sustained run: private, KiB"),
];

fn main() -> ExitCode {
    report::run(measured)
}

fn measured(binary: &Path, folder: &Path) -> Outcome<Report> {
    let mut appliance = Appliance::lay_out(binary, folder)?;
    appliance.start()?;
    appliance.prepare()?;
    make_room(&appliance)?;
    let accounts = people(&appliance, &folder.join("state/jackfield.db"))?;
    let mut report = Report::new("presence");
    weigh(&mut report, &IDLE, appliance.memory()?);
    for count in SUBSCRIBERS {
        let crowd = gather(&appliance, count)?;
        report.rows.push(alternate(
            format!("{BATCH} changes, {count} subscribers"),
            "the same over channels, no HTTP, no TLS, no merge",
            |for_time| publish(&appliance, &accounts, for_time),
            |for_time| fan_out(count, for_time),
        )?);
        say_last(&appliance, &accounts)?;
        crowd.await_last()?;
    }
    weigh(&mut report, &LOADED, appliance.memory()?);
    sustained(&appliance, &accounts, &mut report)?;
    weigh(&mut report, &SUSTAINED_LOAD, appliance.memory()?);
    appliance.stop()?;
    Ok(report)
}

/// All of a crowd come from one address.
fn make_room(appliance: &Appliance) -> Outcome<()> {
    let mut client = client::Connection::tls(appliance.address()?, appliance.trust()?)?;
    ["http.connections_per_address", "events.streams_per_address"].iter().try_for_each(|name| {
        let whole = appliance.request("PUT", &format!("/settings/{name}"), Some("{\"value\": 500}"));
        let text = String::from_utf8(whole)?.replacen("\r\n", "\r\nIf-Match: *\r\n", 1);
        client.ask(text.as_bytes(), 200)
    })
}

fn weigh(report: &mut Report, labels: &Labels, memory: Memory) {
    let values = [memory.resident, memory.share, memory.private];
    labels.iter().zip(values).for_each(|((key, label), value)| report.note(key, label, value as f64));
}

/// Their ids do not matter to the peer, so they are the appliance's own.
fn people(appliance: &Appliance, database: &Path) -> Outcome<Vec<String>> {
    let mut client = client::Connection::tls(appliance.address()?, appliance.trust()?)?;
    for n in 0..ACCOUNTS {
        let body = json!({"enterprise": "bench", "login_id": format!("user-{n}"), "last_name": "Doe"});
        client.ask(&appliance.request("POST", "/accounts", Some(&body.to_string())), 201)?;
    }
    let read = rusqlite::Connection::open(database)?;
    let mut statement = read.prepare("SELECT id FROM account ORDER BY seq")?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(ids)
}

fn gather(appliance: &Appliance, count: usize) -> Outcome<Crowd> {
    let request = appliance.request("GET", "/events?events=presence.changed", None);
    Crowd::gather(count, ACCOUNTS, appliance.address()?, &appliance.trust()?, &request)
}

/// The next hundred people, each with another state than before.
fn batch(accounts: &[String], n: usize, note: &str) -> String {
    let start = n * BATCH % accounts.len();
    let state = if (n / (accounts.len() / BATCH)).is_multiple_of(2) { "busy" } else { "away" };
    let change = |id: &String| json!({"account": id, "state": state, "note": note});
    let changes: Vec<_> = accounts[start..start + BATCH].iter().map(change).collect();
    json!({"source": "xmpp", "changes": changes}).to_string()
}

fn publish(appliance: &Appliance, accounts: &[String], for_time: Duration) -> Outcome<Samples> {
    let connect = || client::Connection::tls(appliance.address()?, appliance.trust()?);
    let request =
        |_, n| appliance.request("POST", "/presence:publish", Some(&batch(accounts, n, &n.to_string())));
    drive(1, for_time, connect, request, 200)
}

fn say_last(appliance: &Appliance, accounts: &[String]) -> Outcome<()> {
    let mut client = client::Connection::tls(appliance.address()?, appliance.trust()?)?;
    (0..accounts.len() / BATCH).try_for_each(|n| {
        let body = batch(accounts, n, LAST);
        client.ask(&appliance.request("POST", "/presence:publish", Some(&body)), 200)
    })
}

/// The peer: every change as one text to every subscriber's channel; a step is over when all have received it.
fn fan_out(count: usize, for_time: Duration) -> Outcome<Samples> {
    let (done, finished) = channel();
    let senders: Vec<Sender<Arc<str>>> = (0..count)
        .map(|_| {
            let (sender, receiver): (_, Receiver<Arc<str>>) = channel();
            let done = done.clone();
            std::thread::spawn(move || {
                for (n, _text) in receiver.into_iter().enumerate() {
                    if (n + 1) % BATCH == 0 {
                        // Nobody waits any more when the round is over.
                        let _ = done.send(());
                    }
                }
            });
            sender
        })
        .collect();
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < for_time {
        let step = Instant::now();
        for n in 0..BATCH {
            let text: Arc<str> = format!("{{\"account\":\"acc-{n}\",\"state\":\"busy\"}}").into();
            senders.iter().try_for_each(|sender| sender.send(Arc::clone(&text)))?;
        }
        for _ in 0..count {
            finished.recv()?;
        }
        took.push(step.elapsed());
    }
    Ok(Samples::new(took, begun.elapsed()))
}

/// Two thousand changes a second, evenly, with the largest crowd.
fn sustained(appliance: &Appliance, accounts: &[String], report: &mut Report) -> Outcome<()> {
    let crowd = gather(appliance, SUSTAINED_CROWD)?;
    let mut client = client::Connection::tls(appliance.address()?, appliance.trust()?)?;
    let pause = Duration::from_secs_f64(BATCH as f64 / PER_SECOND as f64);
    let (begun, mut sent, mut took) = (Instant::now(), 0, Vec::new());
    while begun.elapsed() < SUSTAINED {
        let body = batch(accounts, sent, &sent.to_string());
        let asked = Instant::now();
        client.ask(&appliance.request("POST", "/presence:publish", Some(&body)), 200)?;
        took.push(asked.elapsed());
        sent += 1;
        std::thread::sleep((begun + pause * sent as u32).saturating_duration_since(Instant::now()));
    }
    let rate = (sent * BATCH) as f64 / begun.elapsed().as_secs_f64();
    let told = crowd.told() as f64 / SUSTAINED_CROWD as f64 / (sent * BATCH) as f64;
    say_last(appliance, accounts)?;
    let late = crowd.await_last()?;
    report.note("sustained_per_second", "sustained: changes a second", rate);
    let elapsed = begun.elapsed();
    let mut requests = Samples::default();
    requests.add(Samples::new(took, elapsed));
    report.note("sustained_p50_ms", "sustained: request with 100 changes, p50, ms", requests.quantile(0.5));
    report.note("sustained_p99_ms", "sustained: request with 100 changes, p99, ms", requests.quantile(0.99));
    report.note("sustained_told", "sustained: part of them told to each of 73 subscribers", told);
    report.note(
        "sustained_last_ms",
        "sustained: last values known to all after, ms",
        late.as_secs_f64() * 1000.0,
    );
    Ok(())
}
