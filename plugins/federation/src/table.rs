//! The table of federated servers as it is stored: reading rows, and writing many at once.

use jackfield_sdk::{Failure, Host, Page, Tx, flag, json, params};
use serde::{Deserialize, Serialize};

use crate::s2s::Policy;
use crate::standing::Standing;

/// Port of XMPP between servers (RFC 6120 section 14.7).
pub const PORT: u16 = 5269;
/// Most rows of the table.
pub const MOST_SERVERS: usize = 1000;

/// Kind of a row in revisions; its id is the domain.
pub const KIND: &str = "federation/servers";
const PAGE: &str = "SELECT domain, nextplane, server, port, policy, confirm_plain, tls_name,
         revision, changed_at FROM federation_server
    WHERE domain > ?1 ORDER BY domain";
const ONE: &str = "SELECT domain, nextplane, server, port, policy, confirm_plain, tls_name,
         revision, changed_at FROM federation_server
    WHERE domain = ?1";
/// The table with the domains of external peers: theirs are partners without a row, of revision 0.
const SHOWN: &str =
    "SELECT s.domain, s.nextplane, s.server, s.port, s.policy, s.confirm_plain, s.tls_name, s.revision,
        s.changed_at, p.peer
    FROM federation_server s LEFT JOIN (SELECT lower(domain) AS domain, min(id) AS peer FROM core_peers
        WHERE kind = 'external' AND domain <> '' GROUP BY lower(domain)) p ON p.domain = s.domain
    WHERE s.domain > ?1
    UNION ALL
    SELECT lower(p.domain), 0, NULL, 5269, 'verified_tls', 0, NULL, 0, min(p.created_at), min(p.id)
    FROM core_peers p WHERE p.kind = 'external' AND p.domain <> '' AND lower(p.domain) > ?1
        AND lower(p.domain) NOT IN (SELECT domain FROM federation_server)
        AND lower(p.domain) NOT IN (SELECT lower(domain) FROM core_enterprises)
    GROUP BY lower(p.domain) ORDER BY 1";
const OWN: &str = "SELECT lower(domain) AS domain, id AS enterprise FROM core_enterprises
    WHERE lower(domain) IN (SELECT value FROM json_each(?1))";
const REMOVE: &str = "DELETE FROM federation_server WHERE domain IN (SELECT value FROM json_each(?1))";
const PUT: &str = "INSERT INTO federation_server (domain, nextplane, server, port, policy, confirm_plain, tls_name, revision,
        changed_at)
    SELECT value ->> 'domain', value ->> 'nextplane', value ->> 'server', value ->> 'port', coalesce(value ->> 'policy', 'verified_tls'),
        coalesce(value ->> 'confirm_plain', 0), value ->> 'tls_name', value ->> 'revision', value ->> 'changed_at' FROM json_each(?1) WHERE true
    ON CONFLICT (domain) DO UPDATE SET nextplane = excluded.nextplane, server = excluded.server,
        port = excluded.port, policy = excluded.policy, confirm_plain = excluded.confirm_plain,
        tls_name = excluded.tls_name, revision = excluded.revision, changed_at = excluded.changed_at";
/// Comes last. Changes nothing when the table has changed since it was read, or when a row of this version
/// has the domain of an enterprise; then everything before it is undone.
const CLAIM: &str = "UPDATE federation_state SET table_revision = table_revision + 1
    WHERE id = 1 AND table_revision = ?1 AND NOT EXISTS
        (SELECT 1 FROM core_enterprises WHERE lower(domain) IN
            (SELECT domain FROM federation_server WHERE revision = ?1 + 1))";

/// What an administrator says of a federated server (seed 000).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Domain of its users, in lower case.
    pub domain: String,
    /// Whether it is reached through NextPlane, which needs server and port.
    #[serde(deserialize_with = "flag")]
    pub nextplane: bool,
    /// Host to connect to instead of the one that DNS names.
    pub server: Option<String>,
    /// Port of that host.
    pub port: u16,
    /// What it must prove, a name of `s2s::Policy`.
    #[serde(default = "usual_policy", skip_serializing_if = "is_usual")]
    pub policy: String,
    /// Whether somebody has said that streams without TLS are meant.
    #[serde(default, deserialize_with = "flag", skip_serializing_if = "std::ops::Not::not")]
    pub confirm_plain: bool,
    /// Name that its certificate may have instead of the domain's, as that of a hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_name: Option<String>,
}

/// What is usual is left out, so that a thousand rows fit into one message.
fn is_usual(policy: &str) -> bool {
    policy == Policy::default().word()
}

fn usual_policy() -> String {
    Policy::default().word().to_owned()
}

/// A stored server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What was said of it.
    #[serde(flatten)]
    pub server: Server,
    /// Version of the table that brought it.
    pub revision: i64,
    /// When that was, RFC 3339.
    pub changed_at: String,
}

/// A row as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The row; of revision 0 it is not stored, but follows from the peer.
    #[serde(flatten)]
    pub row: Row,
    /// Id of the external peer whose domain it is; none: it is no peer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
}

/// A row that is replaced.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The new row.
    #[serde(flatten)]
    pub row: Row,
    /// What was said before.
    pub before: Server,
}

/// What becomes of the table.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Rows that were not there.
    pub added: Vec<Row>,
    /// Rows that were there with other values.
    pub changed: Vec<Changed>,
    /// Rows that were there.
    pub removed: Vec<Row>,
}

/// A domain that is an enterprise's.
#[derive(Debug, Deserialize)]
pub struct Own {
    /// The domain, in lower case.
    pub domain: String,
    /// Id of the enterprise.
    pub enterprise: String,
}

/// So many rows by domain, beginning after one, and those of external peers among them.
pub fn page(host: &Host, after: &str, limit: usize) -> Result<Page<Shown>, Failure> {
    host.db().page(SHOWN, params![after], limit)
}

/// All rows by domain.
pub fn all(host: &Host) -> Result<Vec<Row>, Failure> {
    host.db().query(PAGE, params![""])
}

/// The row of that domain.
pub fn one(host: &Host, domain: &str) -> Result<Option<Row>, Failure> {
    host.db().first(ONE, params![domain])
}

/// Which of these domains are those of our enterprises.
pub fn own(host: &Host, domains: &[&str]) -> Result<Vec<Own>, Failure> {
    host.db().query(OWN, params![json!(domains).to_string()])
}

impl Changes {
    /// Whether nothing becomes of it.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// Writes them with a revision each, all or nothing. A conflict: the table is not as `standing` has it
    /// any more, or an enterprise has taken a domain.
    pub fn write(&self, standing: &Standing, host: &Host, who: &str) -> Result<(), Failure> {
        host.db().tx(|tx| self.fill(standing, tx, who)).map(drop)
    }

    /// Adds the same to a transaction.
    pub fn fill(&self, standing: &Standing, tx: &mut Tx, who: &str) -> Result<(), Failure> {
        let put: Vec<&Row> =
            self.added.iter().chain(self.changed.iter().map(|changed| &changed.row)).collect();
        let gone: Vec<&str> = self.removed.iter().map(|row| row.server.domain.as_str()).collect();
        tx.run(REMOVE, params![json!(gone).to_string()])
            .run(PUT, params![json!(put).to_string()])
            .run_one(CLAIM, params![standing.table_revision]);
        // The host tells of `federation.changed` with every revision that it records.
        self.pairs()
            .try_for_each(|(domain, before, after)| tx.revision((KIND, domain), who, before, after).map(drop))
    }

    /// Domain, before and after of everything that changes.
    fn pairs(&self) -> impl Iterator<Item = (&str, Option<&Server>, Option<&Server>)> {
        let added = self.added.iter().map(|row| (None, Some(&row.server)));
        let changed = self.changed.iter().map(|changed| (Some(&changed.before), Some(&changed.row.server)));
        let removed = self.removed.iter().map(|row| (Some(&row.server), None));
        let all = added.chain(changed).chain(removed);
        all.filter_map(|(before, after)| Some((after.or(before)?.domain.as_str(), before, after)))
    }
}
