//! The operation `ntp.judge`: two questions on clocks that were measured, never one light. Do they agree now (`skew`:
//! a measurement with an error bar)? Will they go on agreeing, because they follow one source (`source`: a judgement
//! with a confidence)? Seed 003 asks both.

mod host;
mod skew;
mod source;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use jackfield_abi::ops::Failure;
use serde_json::{Value, json};

use super::Probes;
use super::args::Args;
use super::ntp::{self, exchange::Plan};
use crate::engine::checks::State;
use host::{Follows, Host, Standing};
use skew::Pair;
use source::{Relation, Tie, ties};

/// Most hosts of one judgement.
const MOST_HOSTS: usize = 32;
/// Most networks into which chains may be followed.
const MOST_NETWORKS: usize = 16;
/// Most pairs that a result shows; the worst come first.
const MOST_PAIRS: usize = 32;
const US: &str = "this appliance";
/// Time for all hops of all chains.
const WALK_WITHIN: Duration = Duration::from_secs(5);

/// The operation.
pub fn judge(probes: &Probes, args: &Value) -> Result<Value, Failure> {
    let args = Args::read("ntp.judge", args, &["hosts", "source", "walk", "without_us"])?;
    let hosts = args.list("hosts", MOST_HOSTS)?.iter().map(Host::read).collect::<Result<Vec<_>, _>>()?;
    let source = args.find("source").map(|result| {
        let name = result["host"].as_str().unwrap_or("the source");
        Host::of(name, result).ok_or_else(|| args.wrong("source", "a result of ntp.query"))
    });
    let source = source.transpose()?;
    let networks = args.list("walk", MOST_NETWORKS)?.iter().map(|n| Network::read(n.as_str()?));
    let networks = networks.collect::<Option<Vec<_>>>();
    let networks =
        networks.ok_or_else(|| args.wrong("walk", "a list of IPv4 networks such as 10.0.0.0/8"))?;
    let until = Instant::now() + WALK_WITHIN;
    let mut hop = |address, port| follow(probes, &networks, address, port, until);
    let ties = ties(&hosts, source.as_ref(), &mut hop);
    let us = if args.flag("without_us")? { None } else { Some(us()) };
    Ok(judged(&hosts, &ties, source.as_ref(), us))
}

/// Our own clock, against which all others were measured.
fn us() -> Host {
    Host {
        name: US.to_owned(),
        offset: Some((0.0, 0.0)),
        standing: Standing::Hidden,
        follows: None,
        addresses: Vec::new(),
        port: ntp::PORT,
        words: String::new(),
    }
}

/// An IPv4 network that the script allows to ask into.
struct Network {
    address: u32,
    bits: u32,
}

impl Network {
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: Ipv4Addr = address.parse().ok()?;
        let bits = bits.parse().ok().filter(|bits| *bits <= 32)?;
        Some(Self { address: address.to_bits(), bits })
    }

    fn holds(&self, address: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
        address.to_bits() & mask == self.address & mask
    }
}

fn follow(
    probes: &Probes,
    networks: &[Network],
    address: Ipv4Addr,
    port: u16,
    until: Instant,
) -> Option<Follows> {
    if !networks.iter().any(|network| network.holds(address)) || Instant::now() >= until {
        return None;
    }
    let plan = Plan { samples: 1, reply_within: Duration::from_millis(500) };
    let result = ntp::at(probes, SocketAddr::new(IpAddr::V4(address), port), plan, until).ok()?;
    let hop = Host::of("hop", &result)?;
    hop.follows.filter(|_| hop.is_following())
}

fn judged(hosts: &[Host], ties: &[Tie], source: Option<&Host>, us: Option<Host>) -> Value {
    let us_known = us.is_some();
    let clocks: Vec<Host> = hosts.iter().cloned().chain(us).collect();
    let source_offset = source.filter(|s| s.is_following()).and_then(|s| s.offset).map(|(offset, _)| offset);
    let pairs = skew::pairs(&clocks);
    let unmeasured: Vec<&Host> = hosts.iter().filter(|host| host.offset.is_none()).collect();
    let agree = agreement(&pairs, &unmeasured, hosts.len());
    let verdict = ties.iter().max_by_key(|tie| tie.relation);
    let state = agree.max(source_state(ties)).max(distance_state(hosts));
    let said = Said { hosts, ties, clocks: &clocks, pairs: &pairs, unmeasured: &unmeasured, source_offset };
    json!({
        "state": state.name(),
        "detail": said.detail(),
        "advice": said.advice(us_known),
        "clocks": {"state": agree.name(), "worst_skew_ms": pairs.first().map(|p| ms(p.skew)), "error_ms": pairs.first().map(|p| ms(p.error))},
        "source": {
            "verdict": verdict.map_or("unknown", |tie| tie.relation.name()),
            "confidence": confidence(ties),
        },
        "hosts": hosts.iter().zip(ties).map(|(host, tie)| json!({
            "name": host.name, "relation": tie.relation.name(), "confidence": tie.confidence(),
            "words": tie.words, "hops": tie.hops, "offset_ms": host.offset.map(|(o, _)| ms(o)),
            "error_ms": host.offset.map(|(_, e)| ms(e)),
        })).collect::<Vec<_>>(),
        "pairs": pairs.iter().take(MOST_PAIRS).map(|pair| json!({
            "ahead": clocks[pair.ahead].name, "behind": clocks[pair.behind].name, "skew_ms": ms(pair.skew),
            "error_ms": ms(pair.error), "state": pair.state.name(),
            "words": skew::words(pair, &clocks, source_offset),
        })).collect::<Vec<_>>(),
    })
}

/// How well the clocks agree now.
fn agreement(pairs: &[Pair], unmeasured: &[&Host], hosts: usize) -> State {
    let worst = pairs.iter().map(|pair| pair.state).max();
    let missing = if unmeasured.is_empty() && hosts > 0 { State::Ok } else { State::NotMeasurable };
    worst.map_or(State::NotMeasurable, |state| state.max(missing))
}

/// What different sources are worth: a warning, because clocks that agree today need not agree tomorrow.
fn source_state(ties: &[Tie]) -> State {
    match ties.iter().map(|tie| tie.relation).max() {
        Some(Relation::Different | Relation::FreeRunning | Relation::Unsynchronised) => State::Warning,
        _ => State::Ok,
    }
}

fn distance_state(hosts: &[Host]) -> State {
    if hosts.iter().any(|host| host.standing == Standing::Far) { State::Warning } else { State::Ok }
}

/// The weakest confidence of those that know anything.
fn confidence(ties: &[Tie]) -> &'static str {
    let known: Vec<&Tie> = ties.iter().filter(|tie| tie.relation != Relation::Unknown).collect();
    match known.iter().find(|tie| !tie.is_proved).or(known.first()) {
        Some(tie) if known.len() == ties.len() || tie.relation > Relation::Unknown => tie.confidence(),
        _ => "none",
    }
}

/// What is said of it all.
struct Said<'a> {
    hosts: &'a [Host],
    ties: &'a [Tie],
    clocks: &'a [Host],
    pairs: &'a [Pair],
    unmeasured: &'a [&'a Host],
    source_offset: Option<f64>,
}

impl Said<'_> {
    fn detail(&self) -> String {
        let mut said = Vec::new();
        match self.pairs.first() {
            Some(worst) if worst.state == State::Ok => {
                said.push(format!(
                    "clocks agree: at most, {}",
                    skew::words(worst, self.clocks, self.source_offset)
                ));
            }
            Some(worst) => said.push(skew::words(worst, self.clocks, self.source_offset)),
            None => said.push("no two clocks could be compared".to_owned()),
        }
        said.extend(
            self.unmeasured.iter().map(|host| format!("{}: no clock seen, {}", host.name, host.words)),
        );
        let far = self.hosts.iter().filter(|host| host.standing == Standing::Far);
        said.extend(far.map(|host| format!("{} {}", host.name, host.words)));
        let told = self.hosts.iter().zip(self.ties).filter(|(host, _)| host.offset.is_some());
        said.extend(told.map(|(host, tie)| format!("source of {}: {}", host.name, source_words(tie))));
        said.join("; ")
    }

    fn advice(&self, us_known: bool) -> String {
        let mut said = Vec::new();
        let bad = self.pairs.first().filter(|pair| pair.state != State::Ok);
        if let Some(pair) = bad {
            let mend = skew::to_mend(pair, self.clocks, self.source_offset);
            let is_us = mend.is_some_and(|index| us_known && index + 1 == self.clocks.len());
            said.push(match mend {
                Some(_) if is_us => {
                    "This appliance's own clock is the one that differs: check it first.".to_owned()
                }
                Some(index) => format!("Set the clock of {} right.", self.clocks[index].name),
                None => "Compare both with the time source to see which one is wrong.".to_owned(),
            });
        }
        let wrong = self.hosts.iter().zip(self.ties).filter(|(_, tie)| tie.relation > Relation::Unknown);
        let wrong: Vec<&str> = wrong.map(|(host, _)| host.name.as_str()).collect();
        if !wrong.is_empty() {
            let names = wrong.join(", ");
            said.push(format!("Configure the same NTP source on every server; look at {names} first."));
        }
        let far: Vec<&str> = self
            .hosts
            .iter()
            .filter(|host| host.standing == Standing::Far)
            .map(|host| host.name.as_str())
            .collect();
        if !far.is_empty() {
            said.push(format!(
                "Look at the way from {} to its time source: it is too unsteady.",
                far.join(", ")
            ));
        }
        if !self.unmeasured.is_empty() {
            let names = self.unmeasured.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ");
            said.push(format!(
                "Look at the time on the administration page of {names}, or name its web page to measure."
            ));
        }
        said.join(" ")
    }
}

fn source_words(tie: &Tie) -> String {
    match tie.confidence() {
        "none" => format!("unknown, {}", tie.words),
        confidence => format!("{} ({confidence}), {}", tie.relation.name().replace('_', " "), tie.words),
    }
}

fn ms(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
