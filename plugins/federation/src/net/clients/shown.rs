//! A session as the API shows it.

use jackfield_sdk::jiff::Timestamp;
use serde::Serialize;

use super::registry::{Acknowledges, Entry};
use crate::s2s::address;

/// A session of one of our own users' clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    /// Its id, by which it is ended; another one after each sign-in.
    pub id: String,
    /// Id of the account.
    pub account: String,
    /// Login id of the account.
    pub login: String,
    /// Its address without resource.
    pub address: String,
    /// The resource: how the client calls itself, or what it was given.
    pub resource: String,
    /// `connected`, or `asleep`: its connection broke, and it may be resumed.
    pub state: &'static str,
    /// Until when it may be resumed, RFC 3339; null: it is connected.
    pub asleep_until: Option<String>,
    /// Since when there is this session, RFC 3339.
    pub since: String,
    /// Version of TLS.
    pub tls: &'static str,
    /// By which mechanism its user signed in.
    pub mechanism: &'static str,
    /// Whether the client acknowledges stanzas (XEP-0198): `off`, `on`, or `resumable`.
    pub stream_management: &'static str,
    /// Bytes of stanzas that the client is not known to have.
    pub waiting_bytes: usize,
    /// Address and port of the client, the last ones where it sleeps.
    pub client: String,
}

impl Client {
    /// That session now.
    pub fn of(entry: &Entry) -> Self {
        let node = entry.address.node().map(|node| address::login(node.as_str()));
        Self {
            id: entry.name.clone(),
            account: entry.account.clone(),
            login: node.unwrap_or_default(),
            address: entry.address.to_bare().to_string(),
            resource: entry.address.resource().to_string(),
            state: if entry.asleep_until.is_some() { "asleep" } else { "connected" },
            asleep_until: entry.asleep_until.as_ref().map(Timestamp::to_string),
            since: entry.since.to_string(),
            tls: entry.at.tls,
            mechanism: entry.at.mechanism,
            stream_management: match entry.acknowledges {
                Acknowledges::No => "off",
                Acknowledges::Yes => "on",
                Acknowledges::Resumes => "resumable",
            },
            waiting_bytes: entry.out.waiting(),
            client: entry.at.client.to_string(),
        }
    }
}

/// What is searched of a session: its address, and where its client is.
pub fn searched(entry: &Entry) -> String {
    format!("{} {}", entry.address, entry.at.client)
}
