//! `cloudlink/network-check`: every host and port that CloudLink needs (seed 004 section 3.2), and whether the
//! way there leads through the proxy. This version lists and does not try: no state is made up.

use jackfield_sdk::{Call, Outcome, Reply, json};
use serde::Serialize;

use crate::CloudLink;
use crate::addresses::{self, Source};
use crate::setup::Setup;

/// Who must reach it.
const SERVER: &str = "server";
const ADMIN_PC: &str = "administrator's browser";
const CLIENTS: &str = "users' devices";
const GATEWAY: &str = "CloudLink Gateway";

/// One way that must be open.
#[derive(Debug, Serialize)]
struct Way {
    purpose: &'static str,
    protocol: &'static str,
    host: String,
    port: u16,
    from: &'static [&'static str],
    /// Whether the server goes through the proxy of the set-up.
    through_proxy: bool,
    source: Source,
    state: &'static str,
    reason: &'static str,
}

/// Ways that do not depend on the set-up.
static FIXED: &[(&str, &str, &str, u16, &[&str])] = &[
    ("portals, APIs and the daemon", "tcp", "*.mitel.io", 443, &[SERVER, ADMIN_PC, CLIENTS]),
    ("portals, APIs and the daemon", "tcp", "mitel.io", 443, &[SERVER, ADMIN_PC, CLIENTS]),
    ("time", "udp", "*.mitel.pool.ntp.org", 123, &[GATEWAY]),
    ("STUN", "udp", "*.mitel.io", 3478, &[GATEWAY]),
    ("STUN", "udp", "*.mitel.io", 3479, &[GATEWAY]),
    ("SIP", "tcp", "*.mitel.io", 5061, &[GATEWAY]),
];

impl CloudLink {
    pub(crate) fn list_network(&self, _call: &Call<'_>) -> Outcome {
        let setup = self.setup()?;
        let items: Vec<Way> = services(&setup).chain(fixed(&setup)).collect();
        Reply::ok(&json!({
            "items": items,
            "next": null,
            "state": "not_checked",
            "reason": "this version lists the ways and does not try them",
            "proxy": setup.proxy,
            "advice": "Open these in the firewall by name, not by address. Where a web proxy is in the way, let \
                       *.mitel.io pass or make it an exception.",
        }))
    }
}

fn services(setup: &Setup) -> impl Iterator<Item = Way> {
    addresses::of(setup).into_iter().map(|address| {
        let (host, port) = address.host_and_port();
        let from: &[&str] = if address.service == "portal" { &[SERVER, ADMIN_PC] } else { &[SERVER] };
        way(setup, (address.service, "tcp", &host, port, from), address.source)
    })
}

fn fixed(setup: &Setup) -> impl Iterator<Item = Way> {
    FIXED.iter().map(|fixed| way(setup, *fixed, Source::Documented))
}

fn way(
    setup: &Setup,
    row: (&'static str, &'static str, &str, u16, &'static [&'static str]),
    source: Source,
) -> Way {
    let (purpose, protocol, host, port, from) = row;
    let through_proxy = setup.proxy.is_some()
        && protocol == "tcp"
        && from.contains(&SERVER)
        && !setup.proxy_exceptions.iter().any(|exception| covers(exception, host));
    let (host, state, reason) = (host.to_owned(), "not_checked", "not tried");
    Way { purpose, protocol, host, port, from, through_proxy, source, state, reason }
}

/// Whether a proxy exception is about that host, which may itself stand for all hosts of a domain.
fn covers(exception: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    match exception.strip_prefix("*.") {
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        None => exception == host,
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn an_exception_covers_a_host_or_the_hosts_of_a_domain() {
        for (exception, host, is_covered) in [
            ("auth.mitel.io", "auth.mitel.io", true),
            ("auth.mitel.io", "x.auth.mitel.io", false),
            ("*.mitel.io", "auth.MITEL.io", true),
            ("*.mitel.io", "*.mitel.io", true),
            ("*.mitel.io", "mitel.io", false),
            ("*.mitel.io", "notmitel.io", false),
        ] {
            assert_eq!(covers(exception, host), is_covered, "{exception} {host}");
        }
    }
}
