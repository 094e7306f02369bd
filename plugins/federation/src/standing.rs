//! The one row that says where federation stands: its switches, and the version of the table of servers.
//! Every write claims the version that it was worked out from, so a stale one changes nothing.

use jackfield_sdk::abi::site;
use jackfield_sdk::{Code, Failure, Host, Tx, flag, params};
use serde::{Deserialize, Serialize};

use crate::table::{Row, Server};

const READ: &str = "SELECT enabled, open, revision, changed_at, table_revision,
        (SELECT count(*) FROM federation_server) AS servers, (SELECT deployment FROM core_site) AS deployment,
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now
    FROM federation_state";
const WRITE: &str =
    "UPDATE federation_state SET enabled = ?1, open = ?2, changed_at = ?3, revision = revision + 1
    WHERE id = 1 AND revision = ?4";
/// Kind and id of the switches in revisions.
pub const KIND: &str = "federation";

/// What an administrator switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// Whether federation is on.
    #[serde(deserialize_with = "flag")]
    pub enabled: bool,
    /// Whether domains that are not in the table are talked to as well.
    #[serde(deserialize_with = "flag")]
    pub open: bool,
}

/// The row, read together with the size of the table and the time.
#[derive(Debug, Clone, Deserialize)]
pub struct Standing {
    /// The switches.
    #[serde(flatten)]
    pub switches: Switches,
    /// Version of the switches.
    pub revision: i64,
    /// When they were last changed, RFC 3339.
    pub changed_at: String,
    /// Version of the table of servers.
    pub table_revision: i64,
    /// Rows of the table of servers.
    pub servers: usize,
    /// Kind of deployment that the site is.
    pub deployment: String,
    /// The time of reading, RFC 3339.
    pub now: String,
}

impl Standing {
    /// Reads it. Whoever reads more for a write does so afterwards: what changes in between makes the claim
    /// of this version fail.
    pub fn read(host: &Host) -> Result<Self, Failure> {
        let missing = "the row of federation_state is missing; restore the latest backup";
        host.db().first(READ, params![])?.ok_or_else(|| Failure::new(Code::Internal, missing))
    }

    /// Why the site has no federation whatever the switches say (seed 000).
    pub fn lacked(&self) -> Option<String> {
        site::lacks(&self.deployment, "Federation")
    }

    /// How it will stand with these switches.
    pub fn switched(&self, switches: Switches) -> Self {
        Self { switches, revision: self.revision + 1, changed_at: self.now.clone(), ..self.clone() }
    }

    /// The row that this server will have once the table has changed.
    pub fn row(&self, server: Server) -> Row {
        Row { server, revision: self.table_revision + 1, changed_at: self.now.clone() }
    }

    /// Writes the switches of `next`, unless they have changed since this was read: then it is a conflict.
    pub fn write(&self, next: &Self, host: &Host, who: &str) -> Result<(), Failure> {
        host.db().tx(|tx| self.fill(next, tx, who)).map(drop)
    }

    /// Adds the same to a transaction.
    pub fn fill(&self, next: &Self, tx: &mut Tx, who: &str) -> Result<(), Failure> {
        let Switches { enabled, open } = next.switches;
        tx.run_one(WRITE, params![enabled, open, next.changed_at, self.revision]);
        // The host tells of `federation.changed` with every revision that it records.
        tx.revision((KIND, KIND), who, Some(&self.switches), Some(&next.switches)).map(drop)
    }
}
