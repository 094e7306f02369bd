//! What the sockets go by: our domains, the partners, certificates, places to listen. Read as a whole, and exchanged as
//! a whole when something changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::tls::Tls;
use crate::s2s::{Policy, Rules};

/// A row of the table of federated servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// What it must prove.
    pub policy: Policy,
    /// Host to connect to instead of the one that DNS names.
    pub server: Option<String>,
    /// Its port.
    pub port: u16,
    /// A name that its certificate may have instead of its domain's.
    pub tls_name: Option<String>,
}

/// Everything at one time.
pub struct Known {
    /// Domains of our enterprises.
    pub own: BTreeSet<String>,
    /// Domains that were ours, with the time until which we take leave of others as them.
    pub former: BTreeMap<String, Instant>,
    /// Federated servers by domain.
    pub partners: BTreeMap<String, Partner>,
    /// Whether other domains are talked to as well.
    pub open: bool,
    /// Name servers to ask instead of the system's.
    pub name_servers: Vec<IpAddr>,
    /// Whether DNS may lead to this machine itself.
    pub local_targets: bool,
    /// How long links are silent.
    pub pace: Pace,
    /// Certificates.
    pub tls: Tls,
    /// How long clients are waited for.
    pub waits: Waits,
}

/// How long clients of our own users are waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// For another connection, after the one of a session broke (XEP-0198).
    pub resume: Duration,
    /// Silence after which a client is asked whether it is there.
    pub silence: Duration,
    /// For its answer.
    pub answer: Duration,
}

/// What becomes of a link on which nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Silence after which the partner is asked whether it is there (XEP-0199); links that stand keep theirs.
    pub ping_after: Duration,
    /// Time without a stanza of ours after which the link is closed, looked at when a ping is due.
    pub idle_after: Duration,
}

/// Where to listen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// For streams that begin TLS themselves.
    pub plain: Vec<SocketAddr>,
    /// For TLS at once (XEP-0368).
    pub tls: Vec<SocketAddr>,
}

impl Partner {
    /// One of which nobody has said anything.
    pub fn usual() -> Self {
        Self { policy: Policy::VerifiedTls, server: None, port: crate::table::PORT, tls_name: None }
    }
}

impl Known {
    /// The row of that domain; an open door takes any domain that proves itself.
    pub fn partner(&self, domain: &str) -> Option<Partner> {
        self.partners.get(domain).cloned().or_else(|| self.open.then(Partner::usual))
    }
}

/// The present one; whoever holds it sees the next one as well.
#[derive(Clone)]
pub struct Present(Arc<RwLock<Arc<Known>>>);

impl Present {
    /// Begins with that.
    pub fn new(known: Arc<Known>) -> Self {
        Self(Arc::new(RwLock::new(known)))
    }

    /// As it is now.
    pub fn get(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Becomes that.
    pub fn set(&self, known: Arc<Known>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl Rules for Present {
    fn serves(&self, domain: &str) -> bool {
        self.get().own.contains(domain)
    }

    fn speaks_for(&self, domain: &str) -> bool {
        let known = self.get();
        known.own.contains(domain) || known.former.get(domain).is_some_and(|until| Instant::now() < *until)
    }

    fn partner(&self, domain: &str) -> Option<Policy> {
        self.get().partner(domain).map(|partner| partner.policy)
    }
}
