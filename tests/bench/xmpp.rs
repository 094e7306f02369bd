//! What chat across companies costs: 20,000 messages of about fifty characters from a user of Prosody to one of ours and
//! back, beside Prosody to Prosody and Prosody to ejabberd in the same run. For each server: messages a second, processor
//! time of each message, all processes of a server summed, and idle memory. Then memory of five thousand idle clients.
//! Needs root, for a network of its own.

// A benchmark has nobody to sort failures for, and what it shares with the tests is written for them.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    dead_code,
    unused_imports
)]

#[path = "../federation/authority.rs"]
mod authority;
mod client;
#[path = "../federation/ejabberd.rs"]
mod ejabberd;
#[path = "../harness/mod.rs"]
mod harness;
mod idle;
mod measure;
#[path = "../federation/network.rs"]
mod network;
#[path = "../federation/prosody.rs"]
mod prosody;
mod report;
mod rounds;
#[path = "../federation/scram.rs"]
mod scram;
#[path = "../federation/secure.rs"]
mod secure;
mod talker;
mod weight;
#[path = "../federation/wire.rs"]
mod wire;

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use authority::Authority;
use ejabberd::Ejabberd;
use harness::{Appliance, Client, account, awaited, enterprise_body, with};
use network::{NAMES, within};
use prosody::Prosody;
use report::{Report, argument};
use serde_json::json;
use talker::Talker;
use weight::{cpu, share};

/// Any failure; a benchmark has nobody to sort them for.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const HOSTS: &[(&str, &str)] = &[
    ("home.example", "127.0.1.1"),
    ("far.example", "127.0.1.2"),
    ("near.example", "127.0.1.3"),
    ("erlang.example", "127.0.1.4"),
];
const MESSAGES: usize = 20_000;
const WARM_UP: usize = 500;
/// Messages that a sender is ahead of the receiver, at most: a crowd of people, not a flood.
const AHEAD: usize = 400;
/// Longest time for all messages of a leg.
const PATIENCE: Duration = Duration::from_secs(300);
const PASSWORD: &str = "correct horse battery";

/// A server under measurement.
struct Server {
    name: &'static str,
    pid: u32,
}

/// A way of messages, and what it took.
struct Leg {
    per_second: f64,
    /// Processor time of one message in microseconds, by server.
    cpu: Vec<(&'static str, f64)>,
}

fn main() -> ExitCode {
    let file = match argument("--result") {
        Ok(file) => file,
        Err(cause) => {
            report::complain(&cause.to_string());
            return ExitCode::FAILURE;
        }
    };
    let mut report = Report::new("xmpp");
    within(HOSTS, |network| measure_all(network, &mut report));
    idle::measure(&mut report);
    let Err(cause) = report.publish(&file) else { return ExitCode::SUCCESS };
    report::complain(&cause.to_string());
    ExitCode::FAILURE
}

fn measure_all(network: &network::Network, report: &mut Report) {
    let authority = Authority::new();
    let prosody = |address, host: &'static str| {
        Prosody::start(network, address, &[(host, authority.leaf(host, 2090))], &authority.pem(), false)
    };
    let (far, near) = (prosody("127.0.1.2", "far.example"), prosody("127.0.1.3", "near.example"));
    let leaf = authority.leaf("erlang.example", 2090);
    let erlang = Ejabberd::start(network, "127.0.1.4", "erlang.example", &leaf, &authority.pem());
    let (appliance, admin) = ours(&authority);
    let ours = Server { name: "ours", pid: appliance.pid() };
    let (one, other) =
        (Server { name: "prosody", pid: far.pid() }, Server { name: "prosody", pid: near.pid() });
    let ejabberd = Server { name: "ejabberd", pid: erlang.pid() };
    std::thread::sleep(Duration::from_secs(3));
    for (key, label, pid) in [
        ("idle_ours_kib", "idle, all our processes: proportional memory, KiB", ours.pid),
        ("idle_prosody_kib", "idle Prosody: proportional memory, KiB", one.pid),
        ("idle_ejabberd_kib", "idle ejabberd: proportional memory, KiB", ejabberd.pid),
    ] {
        report.note(key, label, share(pid) as f64);
    }
    let plugin = harness::plugin(&admin, "federation")["pid"].as_u64().expect("a process");
    report.note(
        "idle_plugin_kib",
        "idle, the plugin's process alone, KiB",
        weight::of_process(plugin as u32) as f64,
    );
    let mut ann = Talker::secured("127.0.0.1:5223", "home.example", "ann", PASSWORD);
    let mut bob = Talker::plain("127.0.1.2:5222", "far.example", "bob", "secret");
    let mut rob = Talker::plain("127.0.1.3:5222", "near.example", "bob", "secret");
    let mut erl = Talker::plain("127.0.1.4:5222", "erlang.example", "bob", "secret");
    let to_ours = leg(&mut bob, &mut ann, &[&one, &ours]);
    let from_ours = leg(&mut ann, &mut bob, &[&ours, &one]);
    let to_prosody = leg(&mut bob, &mut rob, &[&one, &other]);
    let to_ejabberd = leg(&mut bob, &mut erl, &[&one, &ejabberd]);
    let from_ejabberd = leg(&mut erl, &mut bob, &[&ejabberd, &one]);
    let legs = [
        ("prosody_to_ours", "Prosody to ours: messages a second", &to_ours),
        ("ours_to_prosody", "ours to Prosody: messages a second", &from_ours),
        ("prosody_to_prosody", "Prosody to Prosody: messages a second", &to_prosody),
        ("prosody_to_ejabberd", "Prosody to ejabberd: messages a second", &to_ejabberd),
        ("ejabberd_to_prosody", "ejabberd to Prosody: messages a second", &from_ejabberd),
    ];
    for (key, label, leg) in legs {
        report.note(key, label, leg.per_second);
    }
    let ours_in = to_ours.cpu[1].1;
    let ours_out = from_ours.cpu[0].1;
    let (prosody_out, prosody_in) = (to_prosody.cpu[0].1, to_prosody.cpu[1].1);
    let (ejabberd_in, ejabberd_out) = (to_ejabberd.cpu[1].1, from_ejabberd.cpu[0].1);
    report.note("cpu_ours_in_us", "ours, receiving: processor time of a message, us", ours_in);
    report.note("cpu_ours_out_us", "ours, sending: processor time of a message, us", ours_out);
    report.note("cpu_prosody_in_us", "Prosody, receiving: processor time of a message, us", prosody_in);
    report.note("cpu_prosody_out_us", "Prosody, sending: processor time of a message, us", prosody_out);
    report.note("cpu_ejabberd_in_us", "ejabberd, receiving: processor time of a message, us", ejabberd_in);
    report.note("cpu_ejabberd_out_us", "ejabberd, sending: processor time of a message, us", ejabberd_out);
    let ours = ours_in + ours_out;
    report.note(
        "cpu_prosody_ratio",
        "Prosody's processor time beside ours (goal: 8)",
        (prosody_in + prosody_out) / ours,
    );
    report.note(
        "cpu_ejabberd_ratio",
        "ejabberd's processor time beside ours (goal: 4)",
        (ejabberd_in + ejabberd_out) / ours,
    );
}

/// An appliance at home.example with the user ann, federated with Prosody.
fn ours(authority: &Authority) -> (Appliance, Client) {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    admin
        .post("/enterprises", &with(&enterprise_body("home"), &json!({"domain": "home.example"})))
        .expect(201);
    let ann = admin.post("/accounts", &account("home", "ann", &json!({}))).expect(201).id();
    admin.put(&format!("/accounts/{ann}/password"), "*", &json!({"password": PASSWORD})).expect(204);
    let settings = [
        ("federation.s2s_listen", json!(["127.0.1.1:5269"])),
        ("federation.c2s_tls_listen", json!(["127.0.0.1:5223"])),
        ("federation.dns_servers", json!([NAMES])),
        // The other servers are on this machine.
        ("federation.local_targets", json!(true)),
        // Both sides run as fast as they can; people do not.
        ("messages.waiting_most", json!(5000)),
    ];
    for (name, value) in settings {
        admin.put(&format!("/settings/{name}"), "*", &json!({ "value": value })).expect(200);
    }
    let leaf = authority.leaf("home.example", 2090);
    let body = json!({"certificate": leaf.cert, "key": leaf.key, "trusted": [authority.pem()]});
    admin.put("/federation/certificate", "*", &body).expect(200);
    let row = json!({"domain": "far.example", "policy": "tls_dialback"});
    admin.post("/federation/servers", &row).expect(201);
    admin.put("/federation", "*", &json!({"enabled": true, "open": false})).expect(200);
    let listens = || std::net::TcpStream::connect("127.0.0.1:5223").ok();
    assert!(awaited(Duration::from_secs(30), listens).is_some(), "nobody waits for clients");
    (appliance, admin)
}

/// Twenty thousand messages from one to another, after some that are not counted.
fn leg(from: &mut Talker, to: &mut Talker, servers: &[&Server]) -> Leg {
    carry(from, to, WARM_UP);
    // What is done a little later belongs to what was before.
    std::thread::sleep(Duration::from_millis(1500));
    let before: Vec<Duration> = servers.iter().map(|server| cpu(server.pid)).collect();
    let took = carry(from, to, MESSAGES);
    std::thread::sleep(Duration::from_millis(1500));
    let each = |(server, before): (&&Server, Duration)| {
        (server.name, (cpu(server.pid) - before).as_secs_f64() * 1e6 / MESSAGES as f64)
    };
    let cpu = servers.iter().zip(before).map(each).collect();
    Leg { per_second: MESSAGES as f64 / took.as_secs_f64(), cpu }
}

fn carry(from: &mut Talker, to: &mut Talker, count: usize) -> Duration {
    let (arrived, begun, address) = (AtomicUsize::new(0), Instant::now(), to.address.clone());
    std::thread::scope(|scope| {
        scope.spawn(|| to.take(count, &arrived));
        let mut sent = 0;
        while sent < count {
            while sent.saturating_sub(arrived.load(Ordering::Relaxed)) > AHEAD {
                assert!(
                    begun.elapsed() < PATIENCE,
                    "{} of {count} messages came to {address}",
                    arrived.load(Ordering::Relaxed)
                );
                std::thread::sleep(Duration::from_micros(200));
            }
            let some = 25.min(count - sent);
            from.say(&address, sent, some);
            sent += some;
        }
    });
    begun.elapsed()
}
