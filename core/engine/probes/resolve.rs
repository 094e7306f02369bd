//! Names to addresses through the system's resolver, within a time limit and with its refusals told apart. The
//! system's call cannot be interrupted, so it waits on a thread of its own, of which there are only a few.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use dns_lookup::{AddrFamily, AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use jackfield_abi::ops::Failure;
use serde_json::{Value, json};

use super::args::Args;
use super::took_ms;

/// Most look-ups that wait at the same time, those included that nobody waits for any more.
const MOST: usize = 16;
/// Most addresses of one name that a result lists.
const MOST_LISTED: usize = 16;
const DEFAULT_LIMIT: Duration = Duration::from_secs(2);
const LONGEST_LIMIT: Duration = Duration::from_secs(5);

/// Which addresses are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4 and IPv6.
    Any,
    /// IPv4: records of type A.
    V4,
    /// IPv6: records of type AAAA.
    V6,
}

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// Stable name of the reason.
    pub reason: &'static str,
    /// The reason in a sentence's second half.
    pub words: String,
}

/// Look-ups that wait.
#[derive(Default)]
pub struct Resolver {
    waiting: Arc<AtomicUsize>,
}

impl Resolver {
    /// The addresses of a name, each once, in the resolver's order; an address is its own.
    pub fn resolve(&self, host: &str, family: Family, within: Duration) -> Result<Vec<IpAddr>, Unresolved> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![address]);
        }
        let waiting = Arc::clone(&self.waiting);
        if waiting.fetch_add(1, SeqCst) >= MOST {
            waiting.fetch_sub(1, SeqCst);
            return Err(unresolved(
                "resolver_busy",
                "too many names are being looked up; the name servers hang",
            ));
        }
        let (sender, receiver) = sync_channel(1);
        let name = host.to_owned();
        let look = move || {
            let found = look_up(&name, family);
            waiting.fetch_sub(1, SeqCst);
            // Whoever asked may have gone.
            let _ = sender.try_send(found);
        };
        if let Err(cause) = Builder::new().name("probe-dns".to_owned()).spawn(look) {
            self.waiting.fetch_sub(1, SeqCst);
            return Err(unresolved("resolver_busy", format!("no thread to look it up with: {cause}")));
        }
        match receiver.recv_timeout(within) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(unresolved(
                "name_timeout",
                format!("the name servers did not answer within {} ms", within.as_millis()),
            )),
            Err(RecvTimeoutError::Disconnected) => Err(unresolved("name_failed", "the look-up broke off")),
        }
    }
}

fn look_up(name: &str, family: Family) -> Result<Vec<IpAddr>, Unresolved> {
    let address = match family {
        Family::Any => 0,
        Family::V4 => AddrFamily::Inet.into(),
        Family::V6 => AddrFamily::Inet6.into(),
    };
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), address, ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(name), None, Some(hints)).map_err(told)?;
    let mut addresses = Vec::new();
    for one in found.flatten() {
        let address = one.sockaddr.ip();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match addresses.is_empty() {
        true => Err(unresolved("no_address", "the name has no address of this kind")),
        false => Ok(addresses),
    }
}

fn told(error: LookupError) -> Unresolved {
    match error.kind() {
        LookupErrorKind::NoName => unresolved("no_such_name", "there is no such name, or it has no address"),
        LookupErrorKind::NoData => {
            unresolved("no_address", "the name is there but has no address of this kind")
        }
        LookupErrorKind::Again => unresolved(
            "name_server_failed",
            "no name server could be reached, or the one reached could not tell (SERVFAIL)",
        ),
        LookupErrorKind::Fail => unresolved("name_server_refused", "the name server refused to answer"),
        _ => unresolved("name_failed", format!("the resolver failed: {}", std::io::Error::from(error))),
    }
}

fn unresolved(reason: &'static str, words: impl Into<String>) -> Unresolved {
    Unresolved { reason, words: words.into() }
}

/// The operation `dns.lookup`.
pub fn lookup(resolver: &Resolver, args: &Value) -> Result<Value, Failure> {
    let args = Args::read("dns.lookup", args, &["name", "kind", "timeout_ms"])?;
    let name = args.host("name")?;
    let family = match args.find("kind").map(|kind| kind.as_str()) {
        None | Some(Some("any")) => Family::Any,
        Some(Some("a")) => Family::V4,
        Some(Some("aaaa")) => Family::V6,
        _ => return Err(args.wrong("kind", "\"a\", \"aaaa\" or \"any\"")),
    };
    let within = args.limit(DEFAULT_LIMIT, LONGEST_LIMIT)?;
    let began = Instant::now();
    let shown = |verdict, reason, words: String, addresses: &[IpAddr]| {
        json!({
            "name": name, "verdict": verdict, "reason": reason, "words": words,
            "addresses": addresses.iter().take(MOST_LISTED).collect::<Vec<_>>(),
            "found": addresses.len(), "took_ms": took_ms(began),
        })
    };
    Ok(match resolver.resolve(name, family, within) {
        Ok(addresses) => {
            let words = match addresses.len() {
                1 => "has one address".to_owned(),
                n if n > MOST_LISTED => format!("has {n} addresses; the first {MOST_LISTED} are listed"),
                n => format!("has {n} addresses"),
            };
            shown("ok", "", words, &addresses)
        }
        Err(unresolved) => shown("no_address", unresolved.reason, unresolved.words, &[]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn an_address_is_its_own_and_the_own_machine_has_a_name() {
        let resolver = Resolver::default();
        let own = |host| resolver.resolve(host, Family::V4, SOON);
        assert_eq!(own("127.0.0.9"), Ok(vec![[127, 0, 0, 9].into()]));
        assert_eq!(own("localhost"), Ok(vec![[127, 0, 0, 1].into()]));
        assert_eq!(resolver.waiting.load(SeqCst), 0);
    }

    #[test]
    fn hanging_look_ups_do_not_pile_up() {
        let resolver = Resolver::default();
        resolver.waiting.store(MOST, SeqCst);
        assert_eq!(resolver.resolve("localhost", Family::Any, SOON).unwrap_err().reason, "resolver_busy");
        assert_eq!(resolver.waiting.load(SeqCst), MOST);
    }

    #[test]
    fn the_operation_says_what_it_takes() {
        let said = |args| lookup(&Resolver::default(), &args).unwrap_err().msg;
        assert!(said(json!({})).contains("name is missing"));
        assert!(said(json!({"name": "localhost", "kind": "mx"})).contains("kind must be \"a\", \"aaaa\""));
        let found = lookup(&Resolver::default(), &json!({"name": "localhost", "kind": "a"})).unwrap();
        assert_eq!((&found["verdict"], &found["addresses"]), (&json!("ok"), &json!(["127.0.0.1"])));
    }
}
