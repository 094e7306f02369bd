//! The XMPP server as the plugin runs it: started and stopped by the switch, told of every change, asked how it does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{MutexGuard, PoisonError};

use jackfield_sdk::{Code, Failure, Host, Settings, log, params};
use serde::Deserialize;

use crate::certificate::{Stored, dialback_secret};
use crate::im::{Call, Desk, Keys, Outside};
use crate::net::{Known, Net, Partner, Places, Tls};
use crate::s2s::{Policy, address};
use crate::standing::Standing;
use crate::table;
use crate::{Federation, condition};

const DOMAINS: &str = "SELECT domain FROM core_enterprises";
/// External peers whose domain is known: their contacts were synchronised, so they are partners without a row (seed 001).
const PEERS: &str =
    "SELECT DISTINCT lower(domain) AS domain FROM core_peers WHERE kind = 'external' AND domain <> ''";

/// The settings of the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Wanted {
    s2s_listen: Vec<String>,
    s2s_tls_listen: Vec<String>,
    dns_servers: Vec<String>,
    directory_contacts_most: usize,
}

/// What is read of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    places: Places,
    name_servers: Vec<IpAddr>,
    /// Entries of the largest directory that rosters show.
    pub directory_contacts: usize,
}

/// The server, and why it does not run.
#[derive(Default)]
pub struct Server {
    running: Option<(Net, Places)>,
    trouble: String,
    /// The way to other servers, for the office.
    pub outside: Outside,
    /// Versions of switches and table that it goes by.
    followed: (i64, i64),
}

#[derive(Deserialize)]
struct Domain {
    domain: String,
}

impl Options {
    /// Reads the settings; the error names the one that does not fit.
    pub fn read(settings: &Settings) -> Result<Self, Failure> {
        let Wanted { s2s_listen, s2s_tls_listen, dns_servers, directory_contacts_most } = settings.read()?;
        let places = Places {
            plain: each("s2s_listen", &s2s_listen, "an address and port such as 0.0.0.0:5269")?,
            tls: each("s2s_tls_listen", &s2s_tls_listen, "an address and port such as 0.0.0.0:5270")?,
        };
        let name_servers = each("dns_servers", &dns_servers, "an IP address")?;
        Ok(Self { places, name_servers, directory_contacts: directory_contacts_most })
    }
}

fn each<T: std::str::FromStr>(name: &str, texts: &[String], rule: &str) -> Result<Vec<T>, Failure> {
    let one = |text: &String| {
        text.parse().map_err(|_| {
            Failure::new(
                Code::BadRequest,
                format!("each entry of federation.{name} must be {rule}; {text:?} is not"),
            )
        })
    };
    texts.iter().map(one).collect()
}

impl Server {
    /// Where it listens.
    pub fn listens(&self) -> Option<&[SocketAddr]> {
        self.running.as_ref().map(|(net, _)| net.listens.as_slice())
    }

    /// The sockets, while it runs.
    pub fn net(&self) -> Option<&Net> {
        self.running.as_ref().map(|(net, _)| net)
    }

    /// Why it does not run although it should; empty: it does.
    pub fn trouble(&self) -> &str {
        &self.trouble
    }

    /// Whether it goes by that already.
    pub fn has_followed(&self, standing: &Standing) -> bool {
        self.followed == (standing.revision, standing.table_revision)
    }

    fn follow(
        &mut self,
        host: &Host,
        standing: &Standing,
        options: &Options,
        desk: Option<Desk>,
    ) -> Result<(), Failure> {
        self.trouble.clear();
        self.followed = (standing.revision, standing.table_revision);
        // Without a desk the plugin stops.
        let (true, Some(desk)) = (standing.switches.enabled, desk) else {
            self.stop();
            return Ok(());
        };
        let known = known(host, standing, options)?;
        match &self.running {
            Some((net, places)) if *places == options.places => {
                net.know(known);
                Ok(())
            }
            _ => {
                self.stop();
                self.start(host, known, options, desk)
            }
        }
    }

    fn start(&mut self, host: &Host, known: Known, options: &Options, desk: Desk) -> Result<(), Failure> {
        let secret = dialback_secret(host)?;
        let started = Net::start(host, known, &options.places, secret.reveal(), desk);
        let net = started.map_err(|why| Failure::new(Code::Unavailable, why))?;
        self.outside.set(Some(net.hub()));
        log::info!("federation listens on {:?}", net.listens);
        self.running = Some((net, options.places.clone()));
        Ok(())
    }

    /// Ends every stream politely.
    pub fn stop(&mut self) {
        self.outside.set(None);
        if let Some((net, _)) = self.running.take() {
            net.stop();
            log::info!("federation has ended its streams");
        }
    }
}

fn known(host: &Host, standing: &Standing, options: &Options) -> Result<Known, Failure> {
    let own: Vec<Domain> = host.db().query(DOMAINS, params![])?;
    let own: BTreeSet<String> = own.iter().filter_map(|row| address::domain(&row.domain)).collect();
    let rows = table::all(host)?.into_iter().map(|row| {
        let table::Server { domain, server, port, policy, tls_name, .. } = row.server;
        let policy = Policy::of(&policy).unwrap_or_default();
        (domain, Partner { policy, server, port, tls_name })
    });
    let mut partners: BTreeMap<_, _> = rows.collect();
    let peers: Vec<Domain> = host.db().query(PEERS, params![])?;
    let peers = peers.iter().filter_map(|row| address::domain(&row.domain));
    for domain in peers.filter(|domain| !own.contains(domain)) {
        partners.entry(domain).or_insert_with(Partner::usual);
    }
    let (stored, key) = Stored::read(host, &own)?;
    let tls = Tls::new(&stored.chain, key.reveal(), &stored.authorities);
    let tls = tls.map_err(|why| Failure::new(Code::Unavailable, why))?;
    let name_servers = options.name_servers.clone();
    Ok(Known { own, partners, open: standing.switches.open, name_servers, tls })
}

impl Federation {
    /// The server, for as long as it is looked at.
    pub(crate) fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the sockets in line with everything that is stored, and tells how it does now.
    pub(crate) fn follow(&self) {
        if let Err(failure) = self.follow_or_say() {
            log::warn!("federation was changed, but not everything could follow: {failure}");
        }
    }

    pub(crate) fn follow_or_say(&self) -> Result<(), Failure> {
        // Read while it is held: what is older must not come later.
        let mut server = self.server();
        let standing = Standing::read(&self.host)?;
        let options = self.options().clone();
        let desk = self.office().as_ref().map(|(desk, _)| desk.clone());
        if let Err(failure) = server.follow(&self.host, &standing, &options, desk) {
            server.stop();
            server.trouble = failure.msg;
        }
        condition::of(&standing.switches, &server).tell(&self.host)
    }

    /// Tells the office what it goes by.
    pub(crate) fn instruct(&self) {
        let bound = self.options().directory_contacts;
        let desk = self.office().as_ref().map(|(desk, _)| desk.clone());
        if let Some(desk) = desk {
            desk.hand_blocking(Call::DirectoryBound(bound));
        }
    }

    /// The office while it is open.
    pub(crate) fn office(&self) -> MutexGuard<'_, Option<(Desk, Keys)>> {
        self.office.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings as they are.
    pub(crate) fn options(&self) -> MutexGuard<'_, Options> {
        self.options.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
