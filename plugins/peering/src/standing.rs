//! The number of the latest change, which every write claims: a write worked out from an earlier one changes nothing.

use jackfield_sdk::{Code, Failure, Host, params};
use serde::Deserialize;

const READ: &str = "SELECT revision, strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now FROM peering_state";

/// Where the plugin's tables stand.
#[derive(Debug, Clone, Deserialize)]
pub struct Standing {
    /// Number of the latest change.
    pub revision: i64,
    /// The time of reading, RFC 3339.
    pub now: String,
}

impl Standing {
    /// Reads it. Whoever reads more for a write does so afterwards: what changes in between makes the claim of
    /// this number fail.
    pub fn read(host: &Host) -> Result<Self, Failure> {
        let missing = "the row of peering_state is missing; restore the latest backup";
        host.db().first(READ, params![])?.ok_or_else(|| Failure::new(Code::Internal, missing))
    }

    /// The number of the change that is worked out from this.
    pub fn next(&self) -> i64 {
        self.revision + 1
    }
}
