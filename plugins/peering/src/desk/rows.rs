//! What is kept of sister appliances: whom each peer trusts, how far its directory was brought, and how that ended.

use std::collections::HashMap;

use jackfield_sdk::{Failure, Host, Value, json, params};
use serde::{Deserialize, Serialize};

use crate::guard::Guard;
use crate::sister::frame::{Party, Place};
use crate::sister::hello::{Agreed, Trusted};
use crate::sister::people::Contact;
use crate::sister::share::Reached;

/// People of one read.
const PAGE: usize = 5000;

const PEERS: &str = "SELECT p.id, p.enterprise, p.description, p.hostname, p.peer_enterprise, p.created_at AS made,
        lower(coalesce(e.domain, '')) AS domain, t.key, t.fingerprint, t.hostname AS known_as, t.address,
        coalesce(t.domain, '') AS their_domain, coalesce(t.version, '') AS version, coalesce(t.level, 0) AS level,
        t.trusted_at, t.last_good, t.ended, coalesce(r.epoch, '') AS epoch, coalesce(r.change, 0) AS change,
        coalesce(r.key, '') AS at_key, r.outcome, g.max_removal_percent, g.grace_days
    FROM core_peers p JOIN core_enterprises e ON e.id = p.enterprise
    LEFT JOIN peering_trust t ON t.peer = p.id AND t.peer_made = p.created_at
    LEFT JOIN peering_reached r ON r.peer = p.id AND r.peer_made = p.created_at
    LEFT JOIN peering_guard g ON g.peer = p.id AND g.peer_made = p.created_at
    WHERE p.kind = 'jackfield' ORDER BY p.id";
const TRUST: &str = "INSERT INTO peering_trust (peer, peer_made, key, fingerprint, hostname, address, trusted_at, domain)
    SELECT id, created_at, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?6 FROM core_peers WHERE id = ?1
    ON CONFLICT (peer) DO UPDATE SET peer_made = excluded.peer_made, key = excluded.key, hostname = excluded.hostname,
        fingerprint = excluded.fingerprint, address = excluded.address, trusted_at = excluded.trusted_at,
        domain = excluded.domain, ended = NULL";
const GOOD: &str =
    "UPDATE peering_trust SET domain = ?2, version = ?3, level = ?4, hostname = ?5, address = ?6,
        fingerprint = ?7, ended = NULL, last_good = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE peer = ?1";
const LAST_GOOD: &str =
    "UPDATE peering_trust SET last_good = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE peer = ?1";
const ENDED: &str = "UPDATE peering_trust SET ended = ?2 WHERE peer = ?1";
const REACHED: &str = "INSERT INTO peering_reached (peer, peer_made, epoch, change, key, outcome)
    SELECT id, created_at, ?2, ?3, ?4, NULL FROM core_peers WHERE id = ?1
    ON CONFLICT (peer) DO UPDATE SET peer_made = excluded.peer_made, epoch = excluded.epoch, change = excluded.change,
        key = excluded.key";
const OUTCOME: &str = "INSERT INTO peering_reached (peer, peer_made, epoch, change, key, outcome)
    SELECT id, created_at, '', 0, '', ?2 FROM core_peers WHERE id = ?1
    ON CONFLICT (peer) DO UPDATE SET outcome = excluded.outcome";
const CONTACTS: &str =
    "SELECT id, key, login_id FROM core_contacts WHERE peer = ?1 AND key > ?2 ORDER BY key";

/// What belongs to peers and enterprises that are gone. A trusted key waits for a while: a peer whose deletion is undone
/// is the same one, made at the same time, and is trusted as before.
pub const ORPHANS: [&str; 7] = [
    "UPDATE peering_trust SET gone_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE gone_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM core_peers p
            WHERE p.id = peering_trust.peer AND p.created_at = peering_trust.peer_made)",
    "UPDATE peering_trust SET gone_at = NULL WHERE gone_at IS NOT NULL AND EXISTS (SELECT 1 FROM core_peers p
        WHERE p.id = peering_trust.peer AND p.created_at = peering_trust.peer_made)",
    "DELETE FROM peering_trust WHERE gone_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')",
    "DELETE FROM peering_guard WHERE NOT EXISTS (SELECT 1 FROM core_peers p
        WHERE p.id = peering_guard.peer AND p.created_at = peering_guard.peer_made)
        AND NOT EXISTS (SELECT 1 FROM peering_trust t WHERE t.peer = peering_guard.peer)",
    "DELETE FROM peering_reached WHERE NOT EXISTS (SELECT 1 FROM core_peers p
        WHERE p.id = peering_reached.peer AND p.created_at = peering_reached.peer_made)",
    "DELETE FROM peering_epoch WHERE NOT EXISTS (SELECT 1 FROM core_enterprises e
        WHERE e.id = peering_epoch.enterprise AND e.created_at = peering_epoch.enterprise_made)",
    "DELETE FROM peering_shown WHERE NOT EXISTS (SELECT 1 FROM peering_epoch e
        WHERE e.enterprise = peering_shown.enterprise)",
];

/// A peer with what is kept of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Our enterprise.
    pub enterprise: String,
    /// What people call it.
    pub description: String,
    /// The other appliance's name.
    pub hostname: String,
    /// The enterprise over there.
    pub peer_enterprise: String,
    /// When it was made.
    pub made: String,
    /// Our enterprise's domain, in small letters; empty: none.
    pub domain: String,
    key: Option<String>,
    fingerprint: Option<String>,
    /// The name under which the address was learned.
    pub known_as: Option<String>,
    /// Where the other appliance is reached; none: there is no trust.
    pub address: Option<String>,
    /// The other enterprise's domain, as last heard.
    pub their_domain: String,
    /// The other appliance's version, as last heard.
    pub version: String,
    /// And its level.
    pub level: u32,
    /// Since when it is trusted.
    pub trusted_at: Option<String>,
    /// When the link last stood.
    pub last_good: Option<String>,
    /// Why the other side has ended it for good.
    pub ended: Option<String>,
    epoch: String,
    change: i64,
    at_key: String,
    outcome: Option<String>,
    max_removal_percent: Option<i64>,
    grace_days: Option<i64>,
}

/// How a synchronization ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// When, RFC 3339.
    pub at: String,
    /// Whether the whole directory was read, or changes only.
    pub whole: bool,
    /// People that were added.
    pub adds: u64,
    /// People that were changed.
    pub changes: u64,
    /// People that were removed.
    pub removals: u64,
    /// People that were the same.
    pub unchanged: u64,
    /// People that were not taken, with the reason; at most 100.
    pub refused: Value,
    /// Why nothing was changed although something would be; null: it was not held.
    pub held: Value,
    /// The revision; null: nothing was changed.
    pub revision: Value,
    /// Of a dry run, and of one that was held: whom it would add, change and remove; null: it was done.
    pub list: Value,
    /// What went wrong; empty: nothing.
    pub error: String,
}

impl Row {
    /// What is trusted; none: nothing yet.
    pub fn trusted(&self) -> Option<Trusted> {
        let (key, fingerprint) = (self.key.clone()?, self.fingerprint.clone()?);
        Some(Trusted { key, fingerprint, hostname: self.hostname.clone() })
    }

    /// What its synchronization may remove, and how long who is gone is kept.
    pub fn guard(&self) -> Guard {
        let usual = Guard::default();
        Guard {
            max_removal_percent: self.max_removal_percent.unwrap_or(usual.max_removal_percent),
            grace_days: self.grace_days.unwrap_or(usual.grace_days),
        }
    }

    /// How far its directory was brought.
    pub fn reached(&self) -> Reached {
        let place = Place { change: self.change, key: self.at_key.clone() };
        Reached { epoch: self.epoch.clone(), place }
    }

    /// How the last synchronization ended.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }

    /// Whether it leads from and to these enterprises.
    pub fn leads(&self, from: &str, to: &str) -> bool {
        self.enterprise.eq_ignore_ascii_case(from) && self.peer_enterprise.eq_ignore_ascii_case(to)
    }
}

/// All peers that are sister appliances.
pub fn all(host: &Host) -> Result<Vec<Row>, Failure> {
    host.db().query(PEERS, params![])
}

/// Statement and values that make a peer trust a key.
pub fn trust(peer: &str, trusted: &Trusted, address: &str, domain: &str) -> (&'static str, Vec<Value>) {
    let Trusted { key, fingerprint, hostname } = trusted;
    (TRUST, params![peer, key, fingerprint, hostname, address, domain])
}

/// The link stands.
pub fn good(host: &Host, peer: &str, agreed: &Agreed, known: (&str, &str, &str)) -> Result<(), Failure> {
    let (hostname, address, fingerprint) = known;
    let Agreed { domain, version, level, .. } = agreed;
    run(host, GOOD, params![peer, domain, version, level, hostname, address, fingerprint])
}

/// The link stood until now.
pub fn last_good(host: &Host, peer: &str) -> Result<(), Failure> {
    run(host, LAST_GOOD, params![peer])
}

/// The other side has ended it for good.
pub fn ended(host: &Host, peer: &str, why: &str) -> Result<(), Failure> {
    run(host, ENDED, params![peer, why])
}

/// So far was the directory brought.
pub fn reached(host: &Host, peer: &str, reached: &Reached) -> Result<(), Failure> {
    let Reached { epoch, place } = reached;
    run(host, REACHED, params![peer, epoch, place.change, place.key])
}

/// So did a synchronization end.
pub fn outcome(host: &Host, peer: &str, outcome: &Outcome) -> Result<(), Failure> {
    run(host, OUTCOME, params![peer, json!(outcome).to_string()])
}

#[derive(Deserialize)]
struct Person {
    id: String,
    key: String,
    login_id: String,
}

/// The contacts of a peer by their keys.
pub fn contacts(host: &Host, peer: &str) -> Result<HashMap<String, Contact>, Failure> {
    let mut found = HashMap::new();
    let mut after = String::new();
    loop {
        let page = host.db().page::<Person>(CONTACTS, params![peer, after], PAGE)?;
        let Some(last) = page.rows.last() else { return Ok(found) };
        after.clone_from(&last.key);
        found.extend(page.rows.into_iter().map(|person| {
            let is_upn = person.login_id.contains('@');
            (person.key, Contact { account: person.id, is_upn })
        }));
        if !page.more {
            return Ok(found);
        }
    }
}

/// One statement.
pub fn run(host: &Host, sql: &str, params: Vec<Value>) -> Result<(), Failure> {
    let fill = |tx: &mut jackfield_sdk::Tx| {
        tx.run(sql, params);
        Ok(())
    };
    host.db().tx(fill).map(drop)
}

/// What a peer that trust brought is called: letters, digits, dashes and spaces.
pub fn describing(party: &Party) -> String {
    let text = if party.description.trim().is_empty() { &party.hostname } else { &party.description };
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == ' ' { c } else { '-' };
    let text: String = text.trim().chars().map(plain).take(60).collect();
    if text.is_empty() { "Peer".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_called_as_its_rule_allows() {
        let party = |description: &str| Party {
            enterprise: String::new(),
            description: description.into(),
            domain: String::new(),
            hostname: "uc.lyon.example".into(),
            address: String::new(),
        };
        assert_eq!(describing(&party("Lyon & fils")), "Lyon - fils");
        assert_eq!(describing(&party(" ")), "uc-lyon-example");
        assert_eq!(describing(&party(&"x".repeat(100))).len(), 60);
    }
}
