//! Synchronizers: the directories (Active Directory, LDAP) that contacts of an external peer, or accounts of an
//! enterprise, come from. One engine for both; whose one is, [`crate::owner`] says.

mod answer;
mod assist;
mod certificate;
mod gather;
mod harvest;
mod hash;
mod later;
mod login;
mod mapping;
mod newcomers;
mod person;
mod photo;
mod place;
pub mod plans;
pub mod record;
mod routes;
mod rules;
pub mod run;
mod schedule;
mod source;
mod start;
pub mod table;
mod value;
mod walk;

use jackfield_sdk::Value;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use newcomers::Newcomers;
use schedule::Schedule;

/// How the connection is kept from listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tls {
    /// It is not.
    #[serde(rename = "none")]
    Off,
    /// By StartTLS on the plain port (RFC 4511 section 4.14).
    #[serde(rename = "starttls")]
    Upgrade,
    /// By TLS from the first byte.
    #[serde(rename = "ldaps")]
    Ldaps,
}

impl Tls {
    const WORDS: &[&str] = &["none", "starttls", "ldaps"];

    fn of(word: &str) -> Self {
        match word {
            "none" => Self::Off,
            "starttls" => Self::Upgrade,
            _ => Self::Ldaps,
        }
    }

    /// Port where none is given.
    fn usual_port(self) -> u16 {
        match self {
            Self::Off | Self::Upgrade => 389,
            Self::Ldaps => 636,
        }
    }
}

/// What an administrator says of a directory, without the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What people call it.
    pub description: String,
    /// Domain of its people.
    pub domain: String,
    /// Where it answers.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name at which its tree begins.
    pub base_dn: String,
    /// Where in the tree to search, relative to `base_dn`; empty: everywhere.
    pub search_context: String,
    /// How the connection is protected.
    pub tls: Tls,
    /// Certificates to trust besides those of the system, PEM.
    pub ca_certificate: Option<String>,
    /// Who asks: a distinguished name or a user principal name; none: nobody in particular.
    pub bind_dn: Option<String>,
    /// Which entries are taken (RFC 4515).
    pub filter: String,
    /// How deep to search (RFC 4511 section 4.5.1.2).
    pub scope: String,
    /// Entries of one answer (RFC 2696).
    pub page_size: i64,
    /// Attribute of each field; null: none.
    pub mapping: Map<String, Value>,
    /// Share of contacts, in percent, beyond which a run would remove too many and changes nothing.
    pub max_removal_percent: i64,
    /// Days that a contact that is gone from the directory is kept.
    pub grace_days: i64,
    /// When it is read; a peer's schedule is the peer's own.
    #[serde(flatten)]
    pub schedule: Option<Schedule>,
    /// How new accounts begin; contacts of a peer have none of it.
    #[serde(flatten)]
    pub newcomers: Option<Newcomers>,
}
