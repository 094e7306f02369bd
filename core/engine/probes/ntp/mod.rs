//! The operation `ntp.query`: what the clock of a host shows, whom it follows, and how far that may be believed.
//! The packets are `packet`'s, their meaning `classify`'s, the asking `exchange`'s.

pub mod classify;
pub mod exchange;
pub mod packet;
pub mod refid;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use jackfield_abi::ops::Failure;
use serde_json::{Map, Value, json};

use super::args::Args;
use super::resolve::{Family, Unresolved};
use super::{Probes, target, took_ms};
use classify::{Judged, Sample, Verdict};
use exchange::{Found, Plan};

/// Where clocks are asked.
pub const PORT: u16 = 123;
/// Most addresses of one name that are asked.
const MOST_ADDRESSES: usize = 4;
const DEFAULT_SAMPLES: u64 = 4;
const MOST_SAMPLES: u64 = 8;
const DEFAULT_LIMIT: Duration = Duration::from_secs(1);
const LONGEST_LIMIT: Duration = Duration::from_secs(5);
/// All of a question: four silent addresses at the default limit, and some waiting for one's turn.
const WHOLE: Duration = Duration::from_secs(12);
/// How long an answer is used again.
const GOOD_FOR: Duration = Duration::from_secs(20);
/// The same for a server that answered, but fewer times than it was asked.
const LESS_OFTEN: Duration = Duration::from_secs(120);
/// A server that asked for less, or refused, is left alone for this long.
const BACK_OFF: Duration = Duration::from_secs(900);

/// The operation.
pub fn query(probes: &Probes, args: &Value) -> Result<Value, Failure> {
    let args = Args::read("ntp.query", args, &["address", "port", "timeout_ms", "samples"])?;
    let host = args.host("address")?;
    let port = args.port("port")?.unwrap_or(PORT);
    let plan = Plan {
        samples: args.number("samples", 1..=MOST_SAMPLES)?.unwrap_or(DEFAULT_SAMPLES),
        reply_within: args.limit(DEFAULT_LIMIT, LONGEST_LIMIT)?,
    };
    let (began, until) = (Instant::now(), Instant::now() + WHOLE);
    let mut result = match probes.resolver.resolve(host, Family::Any, plan.reply_within) {
        Ok(addresses) => each(probes, &addresses, port, plan, until)?,
        Err(unresolved) => nameless(&unresolved, port),
    };
    result.insert("host".to_owned(), host.into());
    result.insert("took_ms".to_owned(), took_ms(began).into());
    Ok(Value::Object(result))
}

/// Asks a few addresses one after the other; the result is the best one's, with all of them beside it.
fn each(
    probes: &Probes,
    addresses: &[IpAddr],
    port: u16,
    plan: Plan,
    until: Instant,
) -> Result<Map<String, Value>, Failure> {
    let mut results = Vec::new();
    for address in addresses.iter().take(MOST_ADDRESSES) {
        if !results.is_empty() && Instant::now() >= until {
            break;
        }
        results.push(at(probes, SocketAddr::new(*address, port), plan, until)?);
    }
    let best = results.iter().min_by_key(|result| rank(result)).and_then(Value::as_object);
    let mut whole = best.cloned().unwrap_or_default();
    whole.insert("found".to_owned(), addresses.len().into());
    whole.insert("asked".to_owned(), results.len().into());
    if addresses.len() > results.len() {
        let words = whole.get("words").and_then(Value::as_str).unwrap_or_default();
        let words = format!(
            "{words}; the name has {} addresses, of which {} were asked",
            addresses.len(),
            results.len()
        );
        whole.insert("words".to_owned(), words.into());
    }
    whole.insert("addresses".to_owned(), results.into());
    Ok(whole)
}

/// One address; a new answer, or one that is on the shelf.
pub fn at(probes: &Probes, clock: SocketAddr, plan: Plan, until: Instant) -> Result<Value, Failure> {
    let clock = target(clock)?;
    probes.once(&format!("ntp {clock}"), clock.ip(), until, |_| {
        let found = exchange::ask(clock, plan);
        let good_for = match found.judged.verdict {
            Verdict::Kiss => BACK_OFF,
            _ if found.is_kissed => LESS_OFTEN,
            _ => GOOD_FOR,
        };
        (Value::Object(shown(clock, &found)), good_for)
    })
}

fn rank(result: &Value) -> usize {
    const ORDER: [Verdict; 5] =
        [Verdict::Ok, Verdict::Untrusted, Verdict::Unsynchronised, Verdict::Kiss, Verdict::Discarded];
    let name = result["verdict"].as_str().unwrap_or_default();
    ORDER.iter().position(|verdict| verdict.name() == name).unwrap_or(ORDER.len())
}

fn shown(clock: SocketAddr, found: &Found) -> Map<String, Value> {
    let mut fields = judged(&found.judged);
    fields.insert("address".to_owned(), clock.ip().to_string().into());
    fields.insert("port".to_owned(), clock.port().into());
    fields.insert("samples".to_owned(), found.samples.into());
    fields.append(&mut figures(found.sample.as_ref()));
    fields
}

fn judged(judged: &Judged) -> Map<String, Value> {
    let fields = json!({"verdict": judged.verdict.name(), "reason": judged.reason, "words": judged.words, "method": "ntp"});
    fields.as_object().cloned().unwrap_or_default()
}

/// What was measured; every field is null where nothing was.
fn figures(sample: Option<&Sample>) -> Map<String, Value> {
    let reply = sample.map(|sample| &sample.reply);
    let fields = json!({
        "offset_ms": sample.and_then(|s| s.offset).map(ms),
        "error_ms": sample.map(|s| ms(s.error())),
        "delay_ms": sample.map(|s| ms(s.delay)),
        "stratum": reply.map(|r| r.stratum),
        "leap": reply.map(|r| r.leap),
        "refid": reply.map(|r| refid::shown(r.refid, r.stratum)),
        "refid_hex": reply.map(|r| refid::hex(r.refid)),
        "refid_kind": reply.map(|r| refid::kind(r.refid, r.stratum).name()),
        "root_delay_ms": reply.map(|r| ms(r.root_delay)),
        "root_dispersion_ms": reply.map(|r| ms(r.root_dispersion)),
        "root_distance_ms": sample.map(|s| ms(s.root_distance())),
        "reference_age_s": sample.and_then(Sample::reference_age).map(f64::round),
    });
    fields.as_object().cloned().unwrap_or_default()
}

fn nameless(unresolved: &Unresolved, port: u16) -> Map<String, Value> {
    let Unresolved { reason, words } = unresolved;
    let mut fields = judged(&Judged::new(Verdict::NoAddress, reason, format!("has no address: {words}")));
    let rest = json!({"address": null, "port": port, "samples": 0, "age_s": 0, "found": 0, "asked": 0, "addresses": []});
    fields.extend(rest.as_object().cloned().unwrap_or_default());
    fields.append(&mut figures(None));
    fields
}

/// Seconds as milliseconds, to the microsecond.
fn ms(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_name_with_a_hundred_addresses_a_few_are_asked_and_that_is_said() {
        // Nothing serves the time at port 9 of the loopback; each refuses at once.
        let addresses: Vec<IpAddr> = (1..=100).map(|n| IpAddr::from([127, 0, 9, n])).collect();
        let plan = Plan { samples: 4, reply_within: Duration::from_millis(300) };
        let result = each(&Probes::default(), &addresses, 9, plan, Instant::now() + WHOLE).unwrap();
        assert_eq!((&result["found"], &result["asked"]), (&json!(100), &json!(MOST_ADDRESSES)));
        assert_eq!(result["addresses"].as_array().unwrap().len(), MOST_ADDRESSES);
        let words = result["words"].as_str().unwrap();
        assert!(words.ends_with("the name has 100 addresses, of which 4 were asked"), "{words}");
    }

    #[test]
    fn an_answer_is_used_again_with_its_age_and_anew_on_demand() {
        let probes = Probes::default();
        let ask = || query(&probes, &json!({"address": "127.0.9.1", "port": 9, "timeout_ms": 300})).unwrap();
        let made = |result: &Value| probes.shelf.find("ntp 127.0.9.1:9").is_some() && result["age_s"] == 0;
        assert!(made(&ask()) && made(&ask()));
        let _demand = probes.demand();
        assert!(probes.shelf.find("ntp 127.0.9.1:9").is_none());
        assert!(made(&ask()));
    }
}
