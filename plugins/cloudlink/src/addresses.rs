//! Where CloudLink's services are, by region, unless an administrator says otherwise; and where each address
//! is known from. Needs nothing but the set-up.

use serde::Serialize;

use crate::setup::Setup;

/// Where something is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Documented by Mitel.
    Documented,
    /// Seen in public client code only, which may be dated.
    SeenInPublicCode,
    /// This product's own proposal, no contract of Mitel's.
    Proposed,
}

/// A service of CloudLink's.
#[derive(Debug)]
pub struct Service {
    /// Its name in `base_urls`.
    pub name: &'static str,
    host: &'static str,
    version: &'static str,
    source: Source,
}

/// The services. Host names have the form SERVICE.api.mitel.io with a date as version; the portal is apart.
pub static SERVICES: &[Service] = &[
    Service { name: "portal", host: "auth.mitel.io", version: "", source: Source::Documented },
    Service {
        name: "authentication",
        host: "authentication",
        version: "2017-09-01",
        source: Source::Documented,
    },
    Service { name: "admin", host: "admin", version: "2017-09-01", source: Source::Documented },
    Service {
        name: "notifications",
        host: "notifications",
        version: "2017-09-01",
        source: Source::Documented,
    },
    Service { name: "chat", host: "chat", version: "2017-09-01", source: Source::Documented },
    Service { name: "presence", host: "presence", version: "2017-09-01", source: Source::Proposed },
    Service {
        name: "system_manager",
        host: "system-manager",
        version: "2023-07-01",
        source: Source::SeenInPublicCode,
    },
];

/// Regions of `region`; empty: hosts without a region. Whether those serve every region is not documented,
/// and no label for Asia-Pacific is.
pub static REGIONS: &[&str] = &["", "us", "eu", "ap"];

/// Where a service is called.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Address {
    /// The service.
    pub service: &'static str,
    /// Its base URL.
    pub url: String,
    /// Whether an administrator has set it.
    pub is_own: bool,
    /// Where the usual one is known from.
    pub source: Source,
}

impl Address {
    /// Host and port of it.
    pub fn host_and_port(&self) -> (String, u16) {
        let (usual, rest) = match self.url.strip_prefix("http://") {
            Some(rest) => (80, rest),
            None => (443, self.url.trim_start_matches("https://")),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let split = authority.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
        let (host, port) = split.map_or((authority, None), |(host, port)| (host, port.parse().ok()));
        (host.trim_matches(['[', ']']).to_owned(), port.unwrap_or(usual))
    }
}

/// All services with the addresses of this set-up.
pub fn of(setup: &Setup) -> Vec<Address> {
    SERVICES.iter().map(|service| address(service, setup)).collect()
}

fn address(service: &Service, setup: &Setup) -> Address {
    let own = setup.base_urls.get(service.name).cloned();
    let regional = source_of(&setup.region);
    let source = if service.version.is_empty() { service.source } else { service.source.max(regional) };
    Address {
        service: service.name,
        is_own: own.is_some(),
        url: own.unwrap_or_else(|| usual(service, &setup.region)),
        source,
    }
}

fn usual(service: &Service, region: &str) -> String {
    let Service { host, version, .. } = service;
    match (version.is_empty(), region.is_empty()) {
        (true, _) => format!("https://{host}"),
        (false, true) => format!("https://{host}.api.mitel.io/{version}"),
        (false, false) => format!("https://{host}.{region}.api.mitel.io/{version}"),
    }
}

fn source_of(region: &str) -> Source {
    match region {
        "" | "us" => Source::Documented,
        "eu" => Source::SeenInPublicCode,
        _ => Source::Proposed,
    }
}
