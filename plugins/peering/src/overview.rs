//! `peering`: how it does, with the table of peers (seed 002); `peers/{id}/status`: one row of it.

use std::borrow::Cow;

use jackfield_sdk::{Call, Outcome, Part, Problem, Reply, json, params};
use serde::{Deserialize, Serialize};

use crate::Peering;
use crate::desk::{self, Shown as Link};
use crate::sister::status::Word;
use crate::synchronizer::record::State;

macro_rules! rows {
    ($which:literal) => {
        concat!(
            "SELECT p.id, p.enterprise, p.description, p.kind, p.hostname AS server, p.peer_enterprise,
                p.created_at AS made, s.changed_at AS synchronizer_since,
                r.state AS run_state, r.reason AS run_reason, r.since AS run_since
            FROM core_peers p LEFT JOIN peering_synchronizer s
                ON s.kind = 'peer' AND s.owner = p.id AND s.owner_made = p.created_at
            LEFT JOIN peering_run r
                ON r.kind = 'peer' AND r.owner = p.id AND r.owner_made = p.created_at WHERE ",
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
    run_state: Option<State>,
    run_reason: Option<String>,
    run_since: Option<String>,
}

/// A peer with how it does.
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
    /// One of the words of `sister/status.rs`; null for an external peer, which nothing stays connected with.
    status: Option<&'static str>,
    reason: String,
    /// Since when that is so, RFC 3339.
    since: String,
    /// Whether an external peer has a synchronizer.
    has_synchronizer: bool,
    /// All about the link with a sister appliance; null for others.
    link: Option<Link>,
    /// How the latest run of that ended: `synchronized`, `held`, `failed` or `cancelled`; null: there was none.
    synchronization: Option<State>,
}

impl From<Stored> for Shown {
    fn from(stored: Stored) -> Self {
        let Stored {
            id,
            enterprise,
            description,
            kind,
            server,
            peer_enterprise,
            made,
            synchronizer_since,
            run_state,
            run_reason,
            run_since,
        } = stored;
        let has_synchronizer = synchronizer_since.is_some();
        let (status, reason) = match kind.as_deref() {
            Some("jackfield") => (Some("never_connected"), "it was made just now"),
            Some(_) if run_reason.is_some() => (None, run_reason.as_deref().unwrap_or_default()),
            Some(_) if has_synchronizer => (None, "its directory is configured, and not read yet"),
            Some(_) => (None, "no synchronizer is set up, so it has no contacts"),
            None => (Some("disabled"), "its kind is not set: only its dialing prefix is used"),
        };
        let since = run_since.or(synchronizer_since).unwrap_or(made);
        let (version, link, reason) = (None, None, reason.to_owned());
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
            link,
            synchronization: run_state,
        }
    }
}

impl Shown {
    /// With what the desk knows of a sister appliance.
    fn with(mut self, link: Option<Link>) -> Self {
        if let Some(link) = &link {
            (self.status, self.reason) = (Some(link.status.name()), link.reason.clone());
            (self.since, self.version) = (link.since.clone(), link.version.clone());
        }
        self.link = link;
        self
    }

    /// With why this kind of deployment has no peering; a peer that is no more than a dialing prefix needs none.
    fn unless(mut self, lack: Option<&str>) -> Self {
        if let (Some(lack), Some(kind)) = (lack, self.kind.as_deref()) {
            self.reason = lack.to_owned();
            self.status = (kind == "jackfield").then(|| Word::NotSupported.name());
        }
        self
    }
}

impl Peering {
    pub(crate) fn read_overview(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let enterprise = call.query("enterprise").unwrap_or_default();
        let page = self.host.db().page::<Stored>(PAGE, params![after, enterprise], limit)?;
        let next = page.rows.last().filter(|_| page.more).map(|row| row.id.clone());
        let (mut links, lack) = (self.office()?.board.all(), desk::lack(&self.host));
        let shown = |stored: Stored| {
            let link = links.remove(&stored.id);
            Shown::from(stored).with(link).unless(lack.as_deref())
        };
        let peers: Vec<Shown> = page.rows.into_iter().map(shown).collect();
        let (condition, us) = (self.conditions.whole(), self.office()?.board.us());
        // As it is at this moment; the supervisor may hear of it a little later.
        let is_lacked = lack.is_some() && peers.iter().any(|peer| peer.kind.is_some());
        let state = if is_lacked { Word::NotSupported.name() } else { condition.word };
        let reason = lack.filter(|_| is_lacked).map_or(condition.reason, Cow::Owned);
        Reply::ok(&json!({ "state": state, "reason": reason, "us": us, "peers": peers, "next": next }))
    }

    pub(crate) fn read_status(&self, call: &Call<'_>) -> Outcome {
        let id: String = call.param("id")?;
        let stored: Option<Stored> = self.host.db().first(ONE, params![id])?;
        let stored = stored.ok_or_else(|| Problem::not_found(format!("there is no peer {id:?}")))?;
        let link = self.office()?.board.get(&stored.id);
        Reply::ok(&Shown::from(stored).with(link).unless(desk::lack(&self.host).as_deref()))
    }
}
