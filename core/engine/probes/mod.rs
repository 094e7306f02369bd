//! Probes: what the clocks, ports and names of other hosts look like from here. The sockets are the core's; a script
//! names a host and gets plain data. Every probe is bounded in time and number, never two at one host at a time, and
//! a result is used again for a while with its age said, so that a PBX is not disturbed. A probe looks, and nothing
//! else: it sets no clock, sends no CSTA service and logs in nowhere.
//!
//! `README.md` beside this file is the table of operations, arguments and result fields.

mod args;
mod csta;
mod gate;
mod http_date;
mod judge;
mod ntp;
mod resolve;
mod shelf;
mod tcp;
pub mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jackfield_abi::ops::{Code, Failure};
use serde_json::Value;

use super::Engine;
use gate::Gate;
use resolve::Resolver;
use shelf::{Demand, Shelf};
use tls::Tls;

/// Every operation, in the order of the table in `README.md`.
pub const OPS: &[&str] = &["ntp.query", "ntp.judge", "tcp.probe", "csta.judge", "dns.lookup", "http.date"];

/// What probes share.
#[derive(Default)]
pub struct Probes {
    gate: Gate,
    shelf: Shelf,
    resolver: Resolver,
    /// TLS to other hosts, once the appliance runs.
    pub tls: OnceLock<Box<dyn Tls>>,
}

/// Answers one operation of a script. A host that does not answer is a result, not a failure; failures are wrong
/// arguments (`bad_request`), too much at once (`busy`) and operations that are not there (`not_found`).
pub fn call(engine: &Engine, op: &str, args: &Value) -> Result<Value, Failure> {
    engine.probes.call(op, args)
}

impl Probes {
    /// The same without an engine.
    pub fn call(&self, op: &str, args: &Value) -> Result<Value, Failure> {
        match op {
            "ntp.query" => ntp::query(self, args),
            "ntp.judge" => judge::judge(self, args),
            "tcp.probe" => tcp::probe(self, args),
            "csta.judge" => csta::judge(args),
            "dns.lookup" => resolve::lookup(&self.resolver, args),
            "http.date" => http_date::date(self, args),
            other => {
                let words = format!("there is no probe {other:?}; there are {}", OPS.join(", "));
                Err(Failure::new(Code::NotFound, words))
            }
        }
    }

    /// While the answer is held, nothing older than this moment is used again: somebody waits and wants to see
    /// what is.
    pub fn demand(&self) -> Demand<'_> {
        self.shelf.demand()
    }

    /// A result from the shelf with its age, or a new one made in one's turn at the host. `make` gets what was seen
    /// there last, and answers how long its result is good for.
    fn once(
        &self,
        key: &str,
        host: IpAddr,
        until: Instant,
        make: impl FnOnce(Option<Value>) -> (Value, Duration),
    ) -> Result<Value, Failure> {
        if let Some(found) = self.shelf.find(key) {
            return Ok(aged(found));
        }
        let _ticket = self.gate.enter(host, until)?;
        // Whoever was in before may have asked the same.
        if let Some(found) = self.shelf.find(key) {
            return Ok(aged(found));
        }
        let (value, good_for) = make(self.shelf.last(key));
        self.shelf.put(key, &value, good_for);
        Ok(aged((value, Duration::ZERO)))
    }
}

/// The result with its age in whole seconds.
fn aged((mut value, age): (Value, Duration)) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.insert("age_s".to_owned(), age.as_secs().into());
    }
    value
}

/// An address that may be probed: one host's, not that of a group or of nobody.
fn target(address: SocketAddr) -> Result<SocketAddr, Failure> {
    let ip = address.ip().to_canonical();
    let is_many = ip.is_multicast() || ip == IpAddr::from([255, 255, 255, 255]);
    if ip.is_unspecified() || is_many {
        return Err(args::bad(format!("{ip} is not the address of one host; name the host to probe")));
    }
    Ok(SocketAddr::new(ip, address.port()))
}

fn took_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
