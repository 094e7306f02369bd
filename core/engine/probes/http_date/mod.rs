//! The operation `http.date`: the clock of a host that answers no NTP, from the `Date` of its web page. A second is
//! all that one answer tells; a few requests aimed at the turn of the second tell more. What a cache kept is left
//! out, and that a relay answers with its own clock is said.

mod bounds;
mod talk;
mod url;

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use jackfield_abi::ops::{Code, Failure};
use serde_json::{Map, Value, json};

use super::args::Args;
use super::resolve::Family;
use super::tls::Tls;
use super::{Probes, target, took_ms};
use bounds::Bounds;
use talk::{Answer, Limits, Talk, now};
use url::Url;

const DEFAULT_REQUESTS: u64 = 4;
const MOST_REQUESTS: u64 = 8;
const DEFAULT_LIMIT: Duration = Duration::from_secs(2);
const LONGEST_LIMIT: Duration = Duration::from_secs(5);
/// All of a question: eight requests wait up to a second each for the turn of a second.
const WHOLE: Duration = Duration::from_secs(15);
/// How long an answer is used again.
const GOOD_FOR: Duration = Duration::from_secs(20);
/// Most addresses of one name that are tried until one answers.
const MOST_ADDRESSES: usize = 4;

/// How to ask.
struct Plan<'a> {
    url: &'a Url,
    tls: Option<&'a dyn Tls>,
    requests: u64,
    within: Duration,
    until: Instant,
}

/// What the answers told so far.
#[derive(Default)]
struct Seen {
    bounds: Option<Bounds>,
    answers: u64,
    cached: u64,
    undated: u64,
    relayed: bool,
    contradicts: bool,
    failed: Option<Error>,
}

/// The operation.
pub fn date(probes: &Probes, args: &Value) -> Result<Value, Failure> {
    let args = Args::read("http.date", args, &["url", "timeout_ms", "requests"])?;
    let url = Url::parse(args.text("url", "the address of a web page of the host")?)?;
    let requests = args.number("requests", 1..=MOST_REQUESTS)?.unwrap_or(DEFAULT_REQUESTS);
    let within = args.limit(DEFAULT_LIMIT, LONGEST_LIMIT)?;
    let tls = if url.is_tls { Some(known_tls(probes)?) } else { None };
    let (began, until) = (Instant::now(), Instant::now() + WHOLE);
    let mut result = match probes.resolver.resolve(&url.host, Family::Any, within) {
        Ok(addresses) => first(probes, &addresses, &Plan { url: &url, tls, requests, within, until })?,
        Err(unresolved) => {
            let words = format!("has no address: {}", unresolved.words);
            let mut result = told("no_address", unresolved.reason, &words);
            result["age_s"] = 0.into();
            result
        }
    };
    result["host"] = url.host.into();
    result["took_ms"] = took_ms(began).into();
    Ok(result)
}

/// The first of a few addresses that answers; a page is one, whichever address serves it.
fn first(probes: &Probes, addresses: &[IpAddr], plan: &Plan<'_>) -> Result<Value, Failure> {
    let mut result = told("no_answer", "failed", "could not be asked");
    for address in addresses.iter().take(MOST_ADDRESSES) {
        let server = target(SocketAddr::new(*address, plan.url.port))?;
        let key = format!("http {server} {} {} {}", plan.url.is_tls, plan.url.path, plan.requests);
        let ask = |_| (shown(server, &seen(server, plan)), GOOD_FOR);
        result = probes.once(&key, server.ip(), plan.until, ask)?;
        if result["verdict"] != "no_answer" || Instant::now() >= plan.until {
            break;
        }
    }
    Ok(result)
}

fn known_tls(probes: &Probes) -> Result<&dyn Tls, Failure> {
    let absent = || Failure::new(Code::Unavailable, "TLS is there once the appliance runs");
    probes.tls.get().map(AsRef::as_ref).ok_or_else(absent)
}

/// Asks until enough is known, nothing more can be learnt, or time is over.
fn seen(server: SocketAddr, plan: &Plan<'_>) -> Seen {
    let mut seen = Seen::default();
    let mut talk: Option<Talk> = None;
    for _ in 0..plan.requests {
        if Instant::now() >= plan.until {
            break;
        }
        match next(server, plan, &mut talk, seen.bounds) {
            Ok(answer) => {
                if !answer.stays {
                    talk = None;
                }
                seen.take(&answer);
            }
            Err(error) => {
                // A server may end a connection that it kept; what is known stays known.
                talk = None;
                seen.failed = Some(error);
                if seen.answers == 0 {
                    break;
                }
            }
        }
    }
    seen
}

fn next(
    server: SocketAddr,
    plan: &Plan<'_>,
    talk: &mut Option<Talk>,
    known: Option<Bounds>,
) -> Result<Answer, Error> {
    let open = match talk.take() {
        Some(open) => open,
        None => Talk::open(server, plan.url, plan.tls, Limits { within: plan.within, until: plan.until })?,
    };
    let open = talk.insert(open);
    if let Some(bounds) = known {
        let pause = bounds.aim(now(), 0.0);
        std::thread::sleep(pause.min(plan.until.saturating_duration_since(Instant::now())));
    }
    open.ask(plan.within)
}

impl Seen {
    fn take(&mut self, answer: &Answer) {
        self.answers += 1;
        self.relayed |= answer.is_relayed;
        match answer.date {
            _ if answer.is_cached => self.cached += 1,
            None => self.undated += 1,
            Some(date) => {
                let told = Bounds::of(date, answer.sent, answer.received);
                let both = self.bounds.map_or(Some(told), |known| known.and(told));
                self.contradicts |= both.is_none();
                self.bounds = Some(both.unwrap_or(told));
            }
        }
    }

    fn judged(&self) -> (&'static str, &'static str, String) {
        match (&self.failed, self.bounds) {
            (_, Some(_)) if self.contradicts => (
                "untrusted",
                "inconsistent",
                "its answers contradict each other: its clock was set meanwhile, or several servers answer"
                    .to_owned(),
            ),
            (_, Some(_)) if self.relayed => {
                ("ok", "relayed", "a proxy or load balancer answers, perhaps with its own clock".to_owned())
            }
            (_, Some(_)) => ("ok", "", "shows its clock in the Date of its web page".to_owned()),
            (Some(error), None) => failed(error),
            (None, None) if self.cached > 0 => (
                "not_measurable",
                "cached",
                "every answer came from a cache (Age), with the date of when it was put there".to_owned(),
            ),
            (None, None) => ("not_measurable", "no_date", "its web server sends no Date".to_owned()),
        }
    }
}

fn failed(error: &Error) -> (&'static str, &'static str, String) {
    let (reason, words) = match error.kind() {
        ErrorKind::ConnectionRefused => {
            ("refused", "has no web server there: the port is refused".to_owned())
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            ("timeout", "its web server did not answer in time".to_owned())
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            ("unreachable", format!("cannot be reached: {error}"))
        }
        ErrorKind::InvalidData => ("not_http", format!("something else answers there: {error}")),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            ("closed", "its web server closed the connection without an answer".to_owned())
        }
        _ => ("failed", format!("could not be asked: {error}")),
    };
    ("no_answer", reason, words)
}

fn told(verdict: &str, reason: &str, words: &str) -> Value {
    json!({
        "verdict": verdict, "reason": reason, "words": words, "method": "http_date",
        "offset_ms": null, "error_ms": null, "address": null, "answers": 0, "cached": 0,
    })
}

fn shown(server: SocketAddr, seen: &Seen) -> Value {
    let ms = |seconds: f64| (seconds * 1e6).round() / 1e3;
    let (verdict, reason, words) = seen.judged();
    let mut shown = told(verdict, reason, &words).as_object().cloned().unwrap_or_default();
    let figures: Map<String, Value> = [
        ("offset_ms", seen.bounds.map(|b| ms(b.middle())).into()),
        ("error_ms", seen.bounds.map(|b| ms(b.error())).into()),
        ("address", server.ip().to_string().into()),
        ("answers", seen.answers.into()),
        ("cached", seen.cached.into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    shown.extend(figures);
    Value::Object(shown)
}
