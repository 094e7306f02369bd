//! `peering`: how it does, with the table of peers (seed 002); `peers/{id}/status`: one row of it.

use std::borrow::Cow;

use jackfield_sdk::{Call, Outcome, Part, Problem, Reply, json, params};
use serde::{Deserialize, Serialize};

use crate::{Peering, condition};

macro_rules! rows {
    ($which:literal) => {
        concat!(
            "SELECT p.id, p.enterprise, p.description, p.kind, p.hostname AS server, p.peer_enterprise,
                p.created_at AS made, s.changed_at AS synchronizer_since, site.deployment
            FROM core_peers p JOIN core_site site LEFT JOIN peering_synchronizer s
                ON s.kind = 'peer' AND s.owner = p.id AND s.owner_made = p.created_at WHERE ",
            $which
        )
    };
}

const PAGE: &str = rows!("p.id > ?1 AND (?2 = '' OR p.enterprise = ?2) ORDER BY p.id");
const ONE: &str = rows!("p.id = ?1");

#[derive(Deserialize)]
struct Stored {
    id: String,
    enterprise: String,
    description: String,
    kind: Option<String>,
    server: Option<String>,
    peer_enterprise: Option<String>,
    made: String,
    synchronizer_since: Option<String>,
    deployment: String,
}

/// A peer with how it does. The words of `status` are few while nothing is connected to; later versions have more.
#[derive(Serialize)]
struct Shown {
    id: String,
    enterprise: String,
    description: String,
    kind: Option<String>,
    /// Fully qualified name of a sister appliance; null for others.
    server: Option<String>,
    peer_enterprise: Option<String>,
    /// Version of a sister appliance; null until it has said so.
    version: Option<String>,
    /// `never_connected`, `disabled` or, in a kind of deployment that has no peering, `not_supported`; null for an
    /// external peer, which nothing stays connected with.
    status: Option<&'static str>,
    reason: Cow<'static, str>,
    /// Since when that is so, RFC 3339.
    since: String,
    /// Whether an external peer has a synchronizer.
    has_synchronizer: bool,
}

impl From<Stored> for Shown {
    fn from(stored: Stored) -> Self {
        let reason = condition::lack(&stored.deployment);
        let Stored {
            id,
            enterprise,
            description,
            kind,
            server,
            peer_enterprise,
            made,
            synchronizer_since,
            ..
        } = stored;
        let has_synchronizer = synchronizer_since.is_some();
        let (status, usual) = match kind.as_deref() {
            Some("jackfield") if reason.is_some() => (Some("not_supported"), ""),
            Some("jackfield") => (
                Some("never_connected"),
                "configured, not connected: this version does not connect to sister appliances yet",
            ),
            Some(_) if has_synchronizer => {
                (None, "configured, not synchronized: this version does not read directories yet")
            }
            Some(_) => (None, "no synchronizer is set up, so it has no contacts"),
            None => (Some("disabled"), "its kind is not set: only its dialing prefix is used"),
        };
        let reason = reason.filter(|_| kind.is_some()).map_or(Cow::Borrowed(usual), Cow::Owned);
        let since = synchronizer_since.unwrap_or(made);
        let version = None;
        Self {
            id,
            enterprise,
            description,
            kind,
            server,
            peer_enterprise,
            version,
            status,
            reason,
            since,
            has_synchronizer,
        }
    }
}

impl Peering {
    pub(crate) fn read_overview(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let enterprise = call.query("enterprise").unwrap_or_default();
        let page = self.host.db().page::<Stored>(PAGE, params![after, enterprise], limit)?;
        let next = page.rows.last().filter(|_| page.more).map(|row| row.id.clone());
        let peers: Vec<Shown> = page.rows.into_iter().map(Shown::from).collect();
        let condition = condition::now(&self.host)?;
        Reply::ok(&json!({
            "state": condition.word, "reason": condition.reason, "peers": peers, "next": next,
        }))
    }

    pub(crate) fn read_status(&self, call: &Call<'_>) -> Outcome {
        let id: String = call.param("id")?;
        let stored: Option<Stored> = self.host.db().first(ONE, params![id])?;
        let stored = stored.ok_or_else(|| Problem::not_found(format!("there is no peer {id:?}")))?;
        Reply::ok(&Shown::from(stored))
    }
}
