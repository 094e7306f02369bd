//! Clocks of real time servers: what they show, whom they follow, and what is made of it.

use std::time::Duration;

use serde_json::{Value, json};

use super::chrony::{From, Servers};
use super::{outcome, probe};
use crate::harness::*;

/// A time server needs some seconds of agreement with its source before it says that it is synchronised.
const SYNCHRONISED_WITHIN: Duration = Duration::from_secs(60);

struct Bench {
    servers: Servers,
    client: Client,
    // Ended last.
    _appliance: Appliance,
}

impl Bench {
    fn new() -> Self {
        let appliance = Appliance::start();
        Self { servers: Servers::new(), client: appliance.admin(), _appliance: appliance }
    }

    fn ask(&self, address: &str) -> Value {
        let args = json!({"address": address, "port": self.servers.port, "timeout_ms": 500});
        probe(&self.client, "ntp.query", &args)
    }

    /// Waits until a server answers like this. Right after it is synchronised, one still says that it may be seconds
    /// from the truth; so one that is fine is awaited until it is sure.
    #[track_caller]
    fn await_clock(&self, address: &str, verdict: &str) -> Value {
        let is_sure = |result: &Value| result["error_ms"].as_f64().is_some_and(|error| error < 300.0);
        let fits = |result: &Value| outcome(result).0 == verdict && (verdict != "ok" || is_sure(result));
        let fits = || Some(self.ask(address)).filter(fits);
        let found = awaited(SYNCHRONISED_WITHIN, fits);
        found.unwrap_or_else(|| {
            panic!("{address} is not {verdict}: {:#}\n{}", self.ask(address), self.servers.logs())
        })
    }

    fn judge(&self, hosts: &[(&str, &Value)], source: Option<&Value>, walk: &[&str]) -> Value {
        let hosts: Vec<Value> =
            hosts.iter().map(|(name, result)| json!({"name": name, "result": result})).collect();
        let mut args = json!({"hosts": hosts, "walk": walk});
        if let Some(source) = source {
            args["source"] = source.clone();
        }
        probe(&self.client, "ntp.judge", &args)
    }
}

/// The offset is what it should be, within its own error bar and a little for a busy machine.
#[track_caller]
fn is_off_by(result: &Value, seconds: f64) {
    let (offset, error) = (result["offset_ms"].as_f64().unwrap(), result["error_ms"].as_f64().unwrap());
    assert!((offset / 1000.0 - seconds).abs() <= error / 1000.0 + 0.05, "not {seconds} s off: {result:#}");
}

#[test]
fn real_time_servers_are_told_apart() {
    let mut bench = Bench::new();
    bench.servers.start(&["127.0.0.11"], &From::Clock(0.0, "GPS1"));
    bench.servers.start(&["127.0.0.12"], &From::Clock(7.5, "DCF7"));
    bench.servers.start(&["127.0.0.13"], &From::Itself(420, 8));
    // Nobody serves the time at .99, so this one never synchronises.
    bench.servers.start(&["127.0.0.14"], &From::Server("127.0.0.99"));

    let good = bench.await_clock("127.0.0.11", "ok");
    assert_eq!(
        (&good["stratum"], &good["refid"], &good["refid_kind"]),
        (&json!(1), &json!("GPS1"), &json!("clock"))
    );
    is_off_by(&good, 0.0);
    assert!(good["error_ms"].as_f64().unwrap() < 500.0, "{good:#}");

    let skewed = bench.await_clock("127.0.0.12", "ok");
    is_off_by(&skewed, 7.5);

    let free = bench.await_clock("127.0.0.13", "untrusted");
    assert_eq!(outcome(&free), ("untrusted", "local_clock"));
    is_off_by(&free, 420.0);

    let lost = bench.await_clock("127.0.0.14", "unsynchronised");
    assert_eq!(outcome(&lost), ("unsynchronised", "not_ready"));
    is_off_by(&lost, 0.0);

    let absent = bench.ask("127.0.0.99");
    assert_eq!(outcome(&absent), ("no_answer", "refused"));
    assert_eq!(absent["offset_ms"], Value::Null);

    // The same servers as another program sees them.
    for (address, ours) in [("127.0.0.11", &good), ("127.0.0.12", &skewed)] {
        let theirs =
            rsntp::SntpClient::new().synchronize(format!("{address}:{}", bench.servers.port)).unwrap();
        let difference = theirs.clock_offset().as_secs_f64() - ours["offset_ms"].as_f64().unwrap() / 1000.0;
        assert!(difference.abs() < 0.05, "{address}: we differ by {difference} s: {ours:#}");
    }

    let judged = bench.judge(&[("PBX", &free), ("gateway", &skewed)], Some(&good), &[]);
    assert_eq!(judged["state"], "critical", "{judged:#}");
    let words = judged["pairs"][0]["words"].as_str().unwrap();
    assert!(words.starts_with("PBX is 420") && words.contains("set the clock of PBX"), "{words}");
    assert_eq!(judged["hosts"][0]["relation"], "free_running");
}

#[test]
fn who_follows_whom_is_told_with_confidence() {
    let mut bench = Bench::new();
    bench.servers.start(&["127.0.0.11", "::1"], &From::Clock(0.0, "GPS1"));
    bench.servers.start(&["127.0.0.12"], &From::Server("127.0.0.11"));
    bench.servers.start(&["127.0.0.13"], &From::Server("127.0.0.12"));
    bench.servers.start(&["127.0.0.21"], &From::Clock(0.0, "PPS2"));
    bench.servers.start(&["127.0.0.22"], &From::Server("127.0.0.21"));
    bench.servers.start(&["127.0.0.16"], &From::Server("::1"));

    let source = bench.await_clock("127.0.0.11", "ok");
    let follower = bench.await_clock("127.0.0.12", "ok");
    assert_eq!((&follower["refid"], &follower["stratum"]), (&json!("127.0.0.11"), &json!(2)), "{follower:#}");
    let chained = bench.await_clock("127.0.0.13", "ok");
    let stranger = bench.await_clock("127.0.0.22", "ok");
    let over_six = bench.await_clock("127.0.0.16", "ok");

    let hosts = [("UC server", &follower), ("PBX", &chained), ("gateway", &stranger)];
    let judged = bench.judge(&hosts, Some(&source), &["127.0.0.0/8"]);
    let tie = |n: usize| (judged["hosts"][n]["relation"].clone(), judged["hosts"][n]["confidence"].clone());
    assert_eq!(tie(0), (json!("same"), json!("proved")), "{judged:#}");
    assert_eq!(tie(1), (json!("chained"), json!("proved")), "{judged:#}");
    assert_eq!(judged["hosts"][1]["hops"], json!(["127.0.0.12"]));
    assert_eq!(tie(2), (json!("different"), json!("likely")), "{judged:#}");
    assert_eq!(
        (&judged["state"], &judged["clocks"]["state"]),
        (&json!("warning"), &json!("ok")),
        "{judged:#}"
    );
    assert!(judged["advice"].as_str().unwrap().contains("look at gateway first"), "{judged:#}");

    // Without leave to ask further, the chain is not followed.
    let judged = bench.judge(&[("PBX", &chained)], Some(&source), &[]);
    assert_eq!(judged["hosts"][0]["relation"], "different", "{judged:#}");

    // Over IPv6 the source is named by the head of an MD5.
    let six = bench.ask("::1");
    let judged = bench.judge(&[("PBX", &over_six)], Some(&six), &[]);
    assert_eq!(judged["hosts"][0]["relation"], "same", "{judged:#} {over_six:#}");
    assert_eq!(judged["hosts"][0]["confidence"], "proved");

    // Nobody named a source: those who name the same one likely share it.
    let twin = bench.judge(&[("a", &follower), ("b", &chained), ("c", &stranger)], None, &[]);
    assert_eq!(twin["hosts"][1]["relation"], "same", "{twin:#}");
    assert_eq!(twin["hosts"][2]["relation"], "different", "{twin:#}");
}
