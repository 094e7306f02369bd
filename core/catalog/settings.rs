//! Every setting that lives in the database, declared once with type, default and help. The API, the
//! command line and the API description read this list. Settings needed to open the database are in the
//! configuration file instead.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use serde_json::Value;

use super::rules;
use super::shape::{Absent, Kind};

/// One setting.
pub struct Setting {
    /// `area.name`.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Value while nobody has set it.
    pub default: Default,
    /// What it does, with its unit.
    pub help: &'static str,
}

/// A setting's value while nobody has set it.
pub enum Default {
    /// One of the catalogue's own.
    Own(Absent),
    /// As a plugin's manifest has it.
    Brought(Value),
    /// None, because the value is a secret: kept sealed, and never given back.
    Secret,
}

impl Setting {
    /// The default as JSON.
    pub fn default_value(&self) -> Value {
        match &self.default {
            Default::Own(absent) => absent.value().unwrap_or(Value::Null),
            Default::Brought(value) => value.clone(),
            Default::Secret => Value::Null,
        }
    }

    /// Whether its value is never given back.
    pub fn is_secret(&self) -> bool {
        matches!(self.default, Default::Secret)
    }
}

const fn number(name: &'static str, min: i64, max: i64, default: i64, help: &'static str) -> Setting {
    Setting { name, kind: Kind::Integer { min, max }, default: Default::Own(Absent::Integer(default)), help }
}

/// Name of the site, shown on the console's first page.
pub const SITE_NAME: &str = "site.name";
/// Kind of deployment.
pub const SITE_DEPLOYMENT: &str = "site.deployment";
/// Time zone that schedules are meant in.
pub const SITE_TIME_ZONE: &str = "site.time_zone";
/// How long revisions are kept.
pub const REVISIONS_KEPT_DAYS: &str = "revisions.kept_days";
/// The usual deployment: everything is supported.
pub const ON_PREMISE: &str = "on_premise";
/// MiCloud Flex on GCP: neither federation nor peering is supported (seeds 000 and 002).
pub const MICLOUD_FLEX: &str = "micloud_flex_gcp";
/// Most connections to the TLS door at a time.
pub const CONNECTIONS_TOTAL: &str = "http.connections_total";
/// Most connections from one address at a time.
pub const CONNECTIONS_PER_ADDRESS: &str = "http.connections_per_address";
/// Deadline for a request's head.
pub const HEAD_SECONDS: &str = "http.head_seconds";
/// Deadline for a request's body.
pub const BODY_SECONDS: &str = "http.body_seconds";
/// How long an idle connection is kept.
pub const IDLE_SECONDS: &str = "http.idle_seconds";
/// How long a session outlives its last request.
pub const SESSION_IDLE_MINUTES: &str = "session.idle_minutes";
/// How long a session lives at most.
pub const SESSION_MAX_HOURS: &str = "session.max_hours";

/// Most event streams at a time.
pub const STREAMS_TOTAL: &str = "events.streams_total";
/// Most event streams from one address at a time.
pub const STREAMS_PER_ADDRESS: &str = "events.streams_per_address";
/// Whether chat is read-only.
pub const MESSAGES_ARCHIVED: &str = "messages.archived";
/// How long messages are kept.
pub const MESSAGES_RETENTION_DAYS: &str = "messages.retention_days";
/// Most messages that wait for one recipient.
pub const MESSAGES_WAITING_MOST: &str = "messages.waiting_most";

/// Peer dialing prefixes that hold for one PBX node only.
pub const PREFIX_BY_NODE_NAME: &str = "dialing.prefix_by_node";
const PREFIX_BY_NODE: Kind = Kind::Text { min: 1, max: 160, rule: Some(&rules::PREFIX_BY_NODE) };
const IPV4_NETWORK: Kind = Kind::Text { min: 9, max: 18, rule: Some(&rules::IPV4_NETWORK) };
const HOST: Kind = Kind::Text { min: 0, max: 253, rule: Some(&rules::HOST) };

const fn host(name: &'static str, help: &'static str) -> Setting {
    Setting { name, kind: HOST, default: Default::Own(Absent::Text("")), help }
}

/// Every declared setting, in the order people read them.
pub static ALL: &[Setting] = &[
    Setting {
        name: SITE_NAME,
        kind: Kind::Text { min: 0, max: 64, rule: Some(&rules::PLAIN) },
        default: Default::Own(Absent::Text("")),
        help: "Name of this site, shown on the console's first page.",
    },
    Setting {
        name: SITE_DEPLOYMENT,
        kind: Kind::Choice(&[ON_PREMISE, MICLOUD_FLEX]),
        default: Default::Own(Absent::Text(ON_PREMISE)),
        help: "Kind of deployment. In MiCloud Flex on GCP federation and peering are not supported and are refused (seeds 000 and 002).",
    },
    Setting {
        name: SITE_TIME_ZONE,
        kind: Kind::Text { min: 1, max: 64, rule: Some(&rules::TIME_ZONE) },
        default: Default::Own(Absent::Text("UTC")),
        help: "Time zone of the site's schedules, as IANA names it, such as Europe/Paris.",
    },
    number(
        REVISIONS_KEPT_DAYS,
        0,
        36_500,
        1826,
        "Days that revisions are kept; older ones cannot be looked at or undone any more. 0: for ever.",
    ),
    number(CONNECTIONS_TOTAL, 16, 10_000, 1024, "Most connections to the TLS door at a time."),
    number(
        CONNECTIONS_PER_ADDRESS,
        1,
        10_000,
        64,
        "Most connections from one address (IPv6: one /64) at a time.",
    ),
    number(HEAD_SECONDS, 1, 120, 10, "Seconds in which the TLS handshake and a request's head must arrive."),
    number(BODY_SECONDS, 1, 3600, 30, "Seconds for a request's body, besides one second per 64 KiB of it."),
    number(IDLE_SECONDS, 1, 3600, 60, "Seconds an idle connection is kept for the next request."),
    number(SESSION_IDLE_MINUTES, 5, 1440, 60, "Minutes after its last request in which a session ends."),
    number(SESSION_MAX_HOURS, 1, 168, 12, "Hours after signing in at which a session ends in any case."),
    Setting {
        name: PREFIX_BY_NODE_NAME,
        kind: Kind::List { of: &PREFIX_BY_NODE, max: 200 },
        default: Default::Own(Absent::Empty),
        help: "Peer dialing prefixes that hold for one PBX node, each as NODE > PEER: PREFIX by names; used once the script peer_prefix is published.",
    },
    host(
        "checks.uc_ntp_address",
        "Host name or IP address of the UC server whose clock is compared (seed 003); empty: it is left out.",
    ),
    host(
        "checks.gateway_address",
        "Host name or IP address of the CloudLink Gateway whose clock is compared (seed 003); empty: it is left out.",
    ),
    host(
        "checks.ntp_source",
        "Host name or IP address of the NTP source that all servers should follow (seed 003); empty: they are compared with each other.",
    ),
    number(
        "checks.ntp_port",
        1,
        65_535,
        123,
        "Port at which clocks are asked; another than 123 only behind a forwarding or in a rehearsal.",
    ),
    Setting {
        name: "checks.ntp_walk",
        kind: Kind::List { of: &IPV4_NETWORK, max: 16 },
        default: Default::Own(Absent::Empty),
        help: "IPv4 networks into which chains of time servers may be followed, at most four hops; empty: the private ones (RFC 1918).",
    },
    number(
        "checks.web_port",
        0,
        65_535,
        0,
        "Port of web pages whose date is read where a host answers no NTP; 0: port 80, and then 443 with TLS.",
    ),
    Setting {
        name: "checks.csta_probe",
        kind: Kind::Boolean,
        default: Default::Own(Absent::Boolean(true)),
        help: "Whether the CSTA ports of MiVoice 5000 nodes are tried by connecting to them; switch it off where even that could disturb.",
    },
    number(STREAMS_TOTAL, 1, 5000, 500, "Most event streams at a time."),
    number(STREAMS_PER_ADDRESS, 1, 5000, 32, "Most event streams from one address at a time."),
    Setting {
        name: MESSAGES_ARCHIVED,
        kind: Kind::Boolean,
        default: Default::Own(Absent::Boolean(false)),
        help: "Whether the appliance's own chat is read-only: nothing new is taken, what is there can be read.",
    },
    number(MESSAGES_RETENTION_DAYS, 0, 36_500, 365, "Days for which messages are kept; 0: for ever."),
    number(
        MESSAGES_WAITING_MOST,
        1,
        100_000,
        500,
        "Most messages that wait for one recipient; more are refused.",
    ),
];

/// The settings of the plugins that are there, by name.
static BROUGHT: RwLock<BTreeMap<&'static str, &'static Setting>> = RwLock::new(BTreeMap::new());

/// Adds a setting that a plugin brings, in the place of one of the same name. It lives as long as the process,
/// like the catalogue's own.
pub fn bring(setting: &'static Setting) {
    BROUGHT.write().unwrap_or_else(PoisonError::into_inner).insert(setting.name, setting);
}

/// Every setting, the catalogue's own first.
pub fn all() -> Vec<&'static Setting> {
    let brought = BROUGHT.read().unwrap_or_else(PoisonError::into_inner);
    ALL.iter().chain(brought.values().copied()).collect()
}

/// The setting of that name.
pub fn find(name: &str) -> Option<&'static Setting> {
    let brought = BROUGHT.read().unwrap_or_else(PoisonError::into_inner);
    ALL.iter().find(|setting| setting.name == name).or_else(|| brought.get(name).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::shape;

    #[test]
    fn every_default_keeps_its_own_rule() {
        for setting in ALL {
            assert!(shape::check(setting.kind, &setting.default_value(), "").is_ok(), "{}", setting.name);
        }
    }

    #[test]
    fn names_are_unique_and_have_an_area() {
        for (index, setting) in ALL.iter().enumerate() {
            assert!(setting.name.contains('.'), "{}", setting.name);
            assert!(ALL[..index].iter().all(|other| other.name != setting.name), "{}", setting.name);
        }
    }
}
