//! The XMPP server as the plugin runs it: started and stopped by the switch, told of every change, asked how it does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jackfield_sdk::{Code, Failure, Host, log, params};
use serde::Deserialize;

use crate::certificate::{Stored, dialback_secret};
use crate::im::{Call, Desk, Keys, Outside};
use crate::net::{Clients, Known, Net, Own, Partner, Places, TellAll, Tls};
use crate::options::Options;
use crate::s2s::{Policy, address};
use crate::standing::Standing;
use crate::table;
use crate::{Federation, certificates, condition};

const DOMAINS: &str = "SELECT domain FROM core_enterprises";
/// External peers whose domain is known: their contacts were synchronised, so they are partners without a row (seed 001).
const PEERS: &str =
    "SELECT DISTINCT lower(domain) AS domain FROM core_peers WHERE kind = 'external' AND domain <> ''";
const ANYBODY: &str = "SELECT account FROM core_logins LIMIT 1";

/// For how long others are taken leave of as a domain that is not ours any more.
const LEAVE: Duration = Duration::from_secs(600);

/// The server, and why it does not run.
#[derive(Default)]
pub struct Server {
    running: Option<(Net, Places)>,
    trouble: String,
    clients: Option<(Clients, Places)>,
    clients_trouble: String,
    /// Why the site has none; empty: it may have one.
    lacked: String,
    /// The way to other servers, for the office.
    pub outside: Outside,
    /// Versions of switches and table that it goes by.
    followed: (i64, i64),
    /// Our domains when they were last read.
    own: BTreeSet<String>,
    /// Those before, and until when we still take leave as them.
    former: BTreeMap<String, Instant>,
}

/// What the sockets hand over to, while the plugin runs.
pub struct Ways {
    /// The office.
    pub desk: Desk,
    /// Tells how the plugin does.
    pub tell: TellAll,
}

#[derive(Deserialize)]
struct Anybody {
    #[serde(rename = "account")]
    _account: String,
}

#[derive(Deserialize)]
struct Domain {
    domain: String,
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

    /// The clients' side, while anybody can sign in.
    pub fn clients(&self) -> Option<&Clients> {
        self.clients.as_ref().map(|(clients, _)| clients)
    }

    /// Why that does not run although it should; empty: it does.
    pub fn clients_trouble(&self) -> &str {
        &self.clients_trouble
    }

    /// Why it does not run although it should; empty: it does.
    pub fn trouble(&self) -> &str {
        &self.trouble
    }

    /// Why the kind of deployment has none; empty: it may have one.
    pub fn lacked(&self) -> &str {
        &self.lacked
    }

    /// Whether it goes by that already.
    pub fn has_followed(&self, standing: &Standing) -> bool {
        self.followed == (standing.revision, standing.table_revision)
            && self.lacked == standing.lacked().unwrap_or_default()
    }

    /// Whether that domain was ours when the domains were last read.
    pub fn is_own(&self, domain: &str) -> bool {
        self.own.contains(domain)
    }

    fn follow(
        &mut self,
        host: &Host,
        standing: &Standing,
        options: &Options,
        ways: Option<Ways>,
    ) -> Result<(), Failure> {
        self.trouble.clear();
        self.clients_trouble.clear();
        self.followed = (standing.revision, standing.table_revision);
        self.lacked = standing.lacked().unwrap_or_default();
        // Without them the plugin stops.
        let Some(ways) = ways else {
            self.stop();
            return Ok(());
        };
        // What the site may not have are partners; its own users stay.
        let is_on = standing.switches.enabled && self.lacked.is_empty();
        let has_users = may_sign_in(host)?;
        if !is_on {
            self.stop_servers();
        }
        if !has_users {
            self.stop_clients();
        }
        if !is_on && !has_users {
            return Ok(());
        }
        let mut known = known(host, standing, options)?;
        known.former = self.taking_leave(&known.own);
        let known = Arc::new(known);
        if has_users && let Err(failure) = self.follow_clients(host, &known, options, &ways) {
            self.clients_trouble = failure.msg;
        }
        if is_on {
            self.follow_servers(host, &known, options, ways.desk)?;
        }
        Ok(())
    }

    /// Domains that were ours until a moment ago.
    fn taking_leave(&mut self, own: &BTreeSet<String>) -> BTreeMap<String, Instant> {
        let now = Instant::now();
        let gone = std::mem::replace(&mut self.own, own.clone());
        self.former.extend(
            gone.into_iter().filter(|domain| !own.contains(domain)).map(|domain| (domain, now + LEAVE)),
        );
        self.former.retain(|domain, until| *until > now && !own.contains(domain));
        self.former.clone()
    }

    fn follow_servers(
        &mut self,
        host: &Host,
        known: &Arc<Known>,
        options: &Options,
        desk: Desk,
    ) -> Result<(), Failure> {
        if let Some((net, places)) = &self.running
            && *places == options.places
        {
            net.know(Arc::clone(known));
            return Ok(());
        }
        self.stop_servers();
        let secret = dialback_secret(host)?;
        let started = Net::start(host, Arc::clone(known), &options.places, secret.reveal(), desk);
        let net = started.map_err(|why| Failure::new(Code::Unavailable, why))?;
        self.outside.set(Some(net.hub()));
        log::info!("federation listens on {:?}", net.listens);
        self.running = Some((net, options.places.clone()));
        Ok(())
    }

    fn follow_clients(
        &mut self,
        host: &Host,
        known: &Arc<Known>,
        options: &Options,
        ways: &Ways,
    ) -> Result<(), Failure> {
        if let Some((clients, places)) = &self.clients
            && *places == options.client_places
        {
            clients.know(Arc::clone(known));
            return Ok(());
        }
        self.stop_clients();
        let secret = dialback_secret(host)?;
        let (desk, tell) = (ways.desk.clone(), Arc::clone(&ways.tell));
        let places = &options.client_places;
        let started = Clients::start(host, Arc::clone(known), places, secret.reveal(), desk, tell);
        let clients = started.map_err(|why| Failure::new(Code::Unavailable, why))?;
        self.clients = Some((clients, places.clone()));
        Ok(())
    }

    /// Ends every stream politely.
    pub fn stop(&mut self) {
        // Both at once: there is little time when the plugin stops.
        if let Some((clients, _)) = &self.clients {
            clients.begin_to_stop();
        }
        self.stop_servers();
        self.stop_clients();
    }

    fn stop_clients(&mut self) {
        if let Some((clients, _)) = self.clients.take() {
            clients.stop();
            log::info!("the streams of clients have been ended");
        }
    }

    fn stop_servers(&mut self) {
        self.outside.set(None);
        if let Some((net, _)) = self.running.take() {
            net.stop();
            log::info!("federation has ended its streams");
        }
    }
}

/// Whether anybody can sign in at all: where nobody can, no port is opened.
fn may_sign_in(host: &Host) -> Result<bool, Failure> {
    let row: Option<Anybody> = host.db().first(ANYBODY, params![])?;
    Ok(row.is_some())
}

/// Domains of our enterprises.
pub fn own_domains(host: &Host) -> Result<BTreeSet<String>, Failure> {
    let own: Vec<Domain> = host.db().query(DOMAINS, params![])?;
    Ok(own.iter().filter_map(|row| address::domain(&row.domain)).collect())
}

fn known(host: &Host, standing: &Standing, options: &Options) -> Result<Known, Failure> {
    let own = own_domains(host)?;
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
    let of_domains = certificates::all(host)?;
    let of_domains: Vec<_> = of_domains
        .iter()
        .map(|(domain, chain, key)| (domain.clone(), Own { chain, key: key.reveal() }))
        .collect();
    let default = Own { chain: &stored.chain, key: key.reveal() };
    let tls = Tls::new(&default, &of_domains, &stored.authorities);
    let tls = tls.map_err(|why| Failure::new(Code::Unavailable, why))?;
    let Options { name_servers, local_targets, pace, waits, .. } = options.clone();
    let former = BTreeMap::new();
    let open = standing.switches.open;
    Ok(Known { own, former, partners, open, name_servers, local_targets, pace, tls, waits })
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
        let ways = self.ways();
        if let Err(failure) = server.follow(&self.host, &standing, &options, ways) {
            server.stop();
            server.trouble = failure.msg;
        }
        condition::tell(&self.host, &standing.switches, &server)
    }

    /// Whether the first user who can sign in has come, or the last one has gone.
    pub(crate) fn users_differ(&self) -> bool {
        may_sign_in(&self.host).is_ok_and(|has_users| has_users != self.server().clients.is_some())
    }

    fn ways(&self) -> Option<Ways> {
        let desk = self.office().as_ref().map(|(desk, _)| desk.clone())?;
        let (host, server) = (self.host.clone(), Arc::downgrade(&self.server));
        let tell = Arc::new(move || {
            let Some(server) = server.upgrade() else { return };
            let told = Standing::read(&host).and_then(|standing| {
                let server = server.lock().unwrap_or_else(PoisonError::into_inner);
                condition::tell(&host, &standing.switches, &server)
            });
            if let Err(failure) = told {
                log::warn!("the new state of client connections could not be reported: {failure}");
            }
        });
        Some(Ways { desk, tell })
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
