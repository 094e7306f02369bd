//! Whose a synchronizer is: a peer's, whose contacts it brings, or an enterprise's, whose accounts it fills. Both are
//! core's objects; here is what is read of them.

use jackfield_sdk::{Call, Failure, Host, Problem, params};
use serde::{Deserialize, Serialize};

const PEER: &str =
    "SELECT id, enterprise, description, kind, created_at AS made FROM core_peers WHERE id = ?1";
const ENTERPRISE: &str = "SELECT id, id AS enterprise, description, NULL AS kind, created_at AS made FROM core_enterprises WHERE id = ?1";

/// What kind of object owns a synchronizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// A peer of the kind external.
    Peer,
    /// An enterprise.
    Enterprise,
}

impl Of {
    /// As the table has it, and as the owner's field in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Enterprise => "enterprise",
        }
    }
}

/// An owner as core has it now.
#[derive(Debug, Clone, Deserialize)]
pub struct Owner {
    /// Id in core's spelling.
    pub id: String,
    /// Enterprise that it is, or belongs to.
    pub enterprise: String,
    /// What people call it.
    pub description: String,
    /// Kind of a peer; none of an enterprise, or where nobody has said.
    pub kind: Option<String>,
    /// When it was made, RFC 3339; tells it from an earlier one of the same id.
    pub made: String,
}

impl Owner {
    /// The owner that a path names.
    pub fn named(host: &Host, of: Of, call: &Call<'_>) -> Result<Self, Problem> {
        let id: String = call.param("id")?;
        let missing = || Problem::not_found(format!("there is no {} {id:?}", of.word()));
        Self::find(host, of, &id)?.ok_or_else(missing)
    }

    /// The owner of that id, in any case of letters for an enterprise.
    pub fn find(host: &Host, of: Of, id: &str) -> Result<Option<Self>, Failure> {
        let sql = match of {
            Of::Peer => PEER,
            Of::Enterprise => ENTERPRISE,
        };
        host.db().first(sql, params![id])
    }

    /// Refuses a peer that can have no synchronizer (seed 001: external peers have one).
    pub fn must_take_one(&self, of: Of) -> Result<(), Problem> {
        let what = match (of, self.kind.as_deref()) {
            (Of::Enterprise, _) | (_, Some("external")) => return Ok(()),
            (_, Some(kind)) => format!("is of the kind {kind}, which brings its contacts itself"),
            (_, None) => "has no kind yet; set kind to external first".to_owned(),
        };
        Err(Problem::conflict(format!(
            "only a peer of the kind external has a synchronizer; the peer {:?} {what}",
            self.description
        )))
    }
}
