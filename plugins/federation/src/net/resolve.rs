//! Finds the hosts of a domain (RFC 6120 section 3.2, RFC 2782, XEP-0368): a row of the table first, then SRV records,
//! and only where there are none the domain itself.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver, TokioResolver};

use super::known::{Known, Partner};
use super::random;
use super::trouble::{Step, Trouble};
use crate::table::PORT;

/// Most hosts of a domain, and most addresses of a host, that are tried.
const MOST: usize = 8;
/// Longest wait for one question.
const WITHIN: Duration = Duration::from_secs(5);

/// A host to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether TLS begins at once.
    pub is_direct: bool,
}

/// One SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Lower ones first.
    pub priority: u16,
    /// Share among those of the same priority.
    pub weight: u16,
    /// Where it leads.
    pub target: Target,
}

/// Asks name servers.
pub struct Names(TokioResolver);

impl Names {
    /// The configured name servers, or else the system's.
    pub fn new(known: &Known) -> Result<Self, Trouble> {
        let builder = if known.name_servers.is_empty() {
            TokioResolver::builder_tokio()
        } else {
            let servers = known.name_servers.iter().map(|ip| NameServerConfig::udp_and_tcp(*ip)).collect();
            let config = ResolverConfig::from_parts(None, vec![], servers);
            Ok(Resolver::builder_with_config(config, TokioRuntimeProvider::default()))
        };
        let built = builder.and_then(|mut builder| {
            let options = builder.options_mut();
            (options.timeout, options.attempts) = (WITHIN, 2);
            builder.build()
        });
        built.map(Self).map_err(|e| failed("the resolver", &e))
    }

    /// Where to connect for a domain, in order.
    pub async fn targets(&self, domain: &str, partner: &Partner) -> Result<Vec<Target>, Trouble> {
        if let Some(server) = &partner.server {
            return Ok(vec![Target { host: server.clone(), port: partner.port, is_direct: false }]);
        }
        if domain.parse::<IpAddr>().is_ok() {
            return Ok(vec![Target { host: domain.to_owned(), port: PORT, is_direct: false }]);
        }
        let (direct, usual) =
            (format!("_xmpps-server._tcp.{domain}."), format!("_xmpp-server._tcp.{domain}."));
        let (direct, usual) = tokio::join!(self.records(&direct, true), self.records(&usual, false));
        let found: Vec<Record> = match (direct, usual) {
            (Ok(direct), Ok(usual)) => direct.into_iter().chain(usual).collect(),
            // One service that cannot be asked for does not hide the other.
            (Ok(records), Err(_)) | (Err(_), Ok(records)) if !records.is_empty() => records,
            (Err(trouble), _) | (_, Err(trouble)) => return Err(trouble),
        };
        if found.is_empty() {
            return Ok(vec![Target { host: domain.to_owned(), port: PORT, is_direct: false }]);
        }
        let order = ordered(found, random::below);
        if order.is_empty() {
            let detail =
                format!("{domain} says by its SRV record that it has no XMPP server for other servers");
            return Err(Trouble::new(
                Step::Dns,
                detail,
                "Ask its administrator, or name the host in the field Server.",
            )
            .for_good());
        }
        Ok(order)
    }

    async fn records(&self, name: &str, is_direct: bool) -> Result<Vec<Record>, Trouble> {
        match self.0.srv_lookup(name).await {
            Ok(found) => {
                Ok(found.answers().iter().filter_map(|record| srv(&record.data, is_direct)).collect())
            }
            Err(error) if error.is_no_records_found() => Ok(vec![]),
            Err(error) => Err(failed(name, &error)),
        }
    }

    /// Addresses of a host, at most eight. Those of this machine or of nobody only where they are allowed: else any
    /// domain could have us connect to what listens for this machine alone.
    pub async fn addresses(
        &self,
        target: &Target,
        is_local_allowed: bool,
    ) -> Result<Vec<SocketAddr>, Trouble> {
        let found: Vec<IpAddr> = match target.host.parse() {
            Ok(ip) => vec![ip],
            Err(_) => match self.0.lookup_ip(format!("{}.", target.host)).await {
                Ok(found) => found.iter().take(MOST).collect(),
                Err(error) => return Err(failed(&target.host, &error)),
            },
        };
        let usable = found.iter().filter(|ip| is_local_allowed || !is_local(**ip));
        let usable: Vec<_> = usable.map(|ip| SocketAddr::new(*ip, target.port)).collect();
        if usable.is_empty() && !found.is_empty() {
            let detail = format!("DNS says that {} is {}, which is no other machine", target.host, found[0]);
            return Err(Trouble::new(Step::Dns, detail, LOCAL));
        }
        Ok(usable)
    }
}

const LOCAL: &str = "Have its administrator correct the record, name the host in the field Server, or, where such a \
     server really runs on this machine, switch the setting federation.local_targets on.";

/// Whether an address leads to this machine, to its own wire only, to many or to nobody.
fn is_local(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
        }
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.is_unspecified() || ip.is_unicast_link_local() || ip.is_multicast()
        }
    }
}

fn srv(data: &RData, is_direct: bool) -> Option<Record> {
    let RData::SRV(srv) = data else { return None };
    let host = srv.target.to_string().trim_end_matches('.').to_ascii_lowercase();
    let target = Target { host, port: srv.port, is_direct };
    Some(Record { priority: srv.priority, weight: srv.weight, target })
}

/// By priority, and within one by chance in the shares of the weights (RFC 2782). A target that is a dot means that
/// the service is not there; at most eight are left.
pub fn ordered(mut records: Vec<Record>, mut below: impl FnMut(u32) -> u32) -> Vec<Target> {
    records.retain(|record| !record.target.host.is_empty());
    // Weight 0 first, so that it has a small chance and not none.
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut order = Vec::new();
    while !records.is_empty() && order.len() < MOST {
        let priority = records[0].priority;
        let among = records.iter().take_while(|record| record.priority == priority);
        let all: u32 = among.map(|record| u32::from(record.weight)).sum();
        let (drawn, mut sum) = (below(all + 1), 0);
        let at = records.iter().position(|record| {
            sum += u32::from(record.weight);
            sum >= drawn
        });
        order.push(records.remove(at.unwrap_or(0)).target);
    }
    order
}

fn failed(name: &str, error: &NetError) -> Trouble {
    let name = name.trim_end_matches('.');
    if error.is_nx_domain() {
        let detail = format!("DNS knows no {name}");
        return Trouble::new(
            Step::Dns,
            detail,
            "Check the spelling of the domain, or name the host in the field Server.",
        )
        .for_good();
    }
    if error.is_no_records_found() {
        let detail = format!("DNS has no address of {name}");
        return Trouble::new(
            Step::Dns,
            detail,
            "Ask its administrator, or name the host in the field Server.",
        )
        .for_good();
    }
    let detail = format!("the name servers do not say where {name} is: {error}");
    Trouble::new(
        Step::Dns,
        detail,
        "Check the appliance's name servers (setting federation.dns_servers) and the way to them.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(priority: u16, weight: u16, host: &str) -> Record {
        Record { priority, weight, target: Target { host: host.to_owned(), port: 5269, is_direct: false } }
    }

    fn hosts(records: Vec<Record>, below: impl FnMut(u32) -> u32) -> Vec<String> {
        ordered(records, below).into_iter().map(|target| target.host).collect()
    }

    #[test]
    fn lower_priorities_come_first_and_weights_share_one() {
        let all = || vec![record(20, 5, "c"), record(10, 0, "a"), record(10, 10, "b")];
        assert_eq!(hosts(all(), |_| 0), ["a", "b", "c"]);
        assert_eq!(hosts(all(), |most| most - 1), ["b", "a", "c"]);
        let mut first_b = 0;
        for drawn in 0..=10 {
            let mut turn = 0;
            first_b += usize::from(
                hosts(all(), |_| {
                    turn += 1;
                    if turn == 1 { drawn } else { 0 }
                })[0]
                    == "b",
            );
        }
        assert_eq!(first_b, 10, "ten of eleven draws are the heavy one's");
    }

    #[test]
    fn addresses_that_no_other_server_can_have_are_known() {
        for local in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "169.254.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
        ] {
            assert!(is_local(local.parse().unwrap()), "{local}");
        }
        for other in ["10.0.0.1", "192.168.1.1", "172.16.0.1", "8.8.8.8", "fd00::1", "2001:db8::1"] {
            assert!(!is_local(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn a_dot_is_no_host_and_a_crowd_is_cut() {
        assert_eq!(hosts(vec![record(0, 0, "")], |_| 0), Vec::<String>::new());
        let crowd: Vec<_> = (0..100).map(|n| record(n, 1, "x")).collect();
        assert_eq!(hosts(crowd, |_| 0).len(), 8);
    }
}
