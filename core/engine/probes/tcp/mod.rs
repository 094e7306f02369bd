//! The operation `tcp.probe`: what a port of a host does, every outcome told apart, each address of a name for
//! itself. The connection is `touch`'s, first words are `greeting`'s.

mod greeting;
mod touch;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use jackfield_abi::ops::{Code, Failure};
use serde_json::{Map, Value, json};

use super::args::Args;
use super::resolve::{Family, Unresolved};
use super::{Probes, target, took_ms};
use touch::touch;

/// Most addresses of one name that are tried.
const MOST_ADDRESSES: usize = 4;
/// Longer than the second after which a lost SYN is sent again.
const DEFAULT_LIMIT: Duration = Duration::from_millis(1500);
const LONGEST_LIMIT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(15);
/// A port is left alone for this long unless somebody asks on demand: a mapped CSTA port may serve one client, and
/// even a connection could stand in its way.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// A port that has just gone bad is looked at once more sooner, to see whether that stays.
const CONFIRMED_AFTER: Duration = Duration::from_secs(25);

/// The operation.
pub fn probe(probes: &Probes, args: &Value) -> Result<Value, Failure> {
    let args = Args::read("tcp.probe", args, &["address", "port", "timeout_ms", "tls"])?;
    let host = args.host("address")?;
    let port = args.port("port")?.ok_or_else(|| args.wrong("port", "a port from 1 to 65535"))?;
    let within = args.limit(DEFAULT_LIMIT, LONGEST_LIMIT)?;
    let hello = if args.flag("tls")? { Some(hello(probes, host)?) } else { None };
    let (began, until) = (Instant::now(), Instant::now() + WHOLE);
    let mut result = match probes.resolver.resolve(host, Family::Any, within) {
        Ok(addresses) => each(probes, &addresses, port, within, hello.as_deref(), until)?,
        Err(unresolved) => nameless(&unresolved),
    };
    result.insert("host".to_owned(), host.into());
    result.insert("port".to_owned(), port.into());
    result.insert("took_ms".to_owned(), took_ms(began).into());
    Ok(Value::Object(result))
}

fn hello(probes: &Probes, host: &str) -> Result<Vec<u8>, Failure> {
    let unavailable = |words: String| Failure::new(Code::Unavailable, words);
    let tls =
        probes.tls.get().ok_or_else(|| unavailable("TLS is there once the appliance runs".to_owned()))?;
    tls.hello(host).map_err(|e| unavailable(format!("no TLS greeting could be made for {host}: {e}")))
}

/// Tries a few addresses one after the other. The result is the worst one's, because a client may be sent to any;
/// all stand beside it.
fn each(
    probes: &Probes,
    addresses: &[IpAddr],
    port: u16,
    within: Duration,
    hello: Option<&[u8]>,
    until: Instant,
) -> Result<Map<String, Value>, Failure> {
    let mut results = Vec::new();
    for address in addresses.iter().take(MOST_ADDRESSES) {
        if !results.is_empty() && Instant::now() >= until {
            break;
        }
        results.push(at(probes, SocketAddr::new(*address, port), within, hello, until)?);
    }
    let opens = |result: &&Value| result["open"] == true;
    let telling = results.iter().find(|result| !opens(result)).or(results.first());
    let mut whole = telling.and_then(Value::as_object).cloned().unwrap_or_default();
    let words = whole.get("words").and_then(Value::as_str).unwrap_or_default().to_owned();
    let open = results.iter().filter(opens).count();
    let mixed = (open > 0 && open < results.len())
        .then(|| format!("; {open} of {} addresses that were tried are open", results.len()));
    let left_out = (addresses.len() > results.len()).then(|| {
        format!("; the name has {} addresses, of which {} were tried", addresses.len(), results.len())
    });
    let words = words + &mixed.unwrap_or_default() + &left_out.unwrap_or_default();
    whole.insert("words".to_owned(), words.into());
    whole.insert("found".to_owned(), addresses.len().into());
    whole.insert("asked".to_owned(), results.len().into());
    whole.insert("addresses".to_owned(), results.into());
    Ok(whole)
}

fn at(
    probes: &Probes,
    port: SocketAddr,
    within: Duration,
    hello: Option<&[u8]>,
    until: Instant,
) -> Result<Value, Failure> {
    let port = target(port)?;
    let key = format!("tcp {port} {}", hello.is_some());
    probes.once(&key, port.ip(), until, |last| {
        let began = Instant::now();
        let outcome = touch(port, within, hello);
        let is_open = outcome.verdict == "open";
        let result = json!({
            "verdict": outcome.verdict, "reason": outcome.reason, "words": outcome.words, "open": is_open,
            "greeting": outcome.greeting, "address": port.ip(), "took_ms": took_ms(began),
        });
        let was_bad = last.is_some_and(|last| last["open"] == false);
        (result, if is_open || was_bad { GOOD_FOR } else { CONFIRMED_AFTER })
    })
}

fn nameless(unresolved: &Unresolved) -> Map<String, Value> {
    let fields = json!({
        "verdict": "no_address", "reason": unresolved.reason, "open": false, "greeting": "", "address": null,
        "words": format!("the host has no address: {}", unresolved.words), "age_s": 0,
        "found": 0, "asked": 0, "addresses": [],
    });
    fields.as_object().cloned().unwrap_or_default()
}
