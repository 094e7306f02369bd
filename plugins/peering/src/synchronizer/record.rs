//! How the latest run of each synchronizer ended: kept, so that a restart forgets neither a success nor a question.

use jackfield_sdk::{Failure, Host, Value, json, params};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::person::Flaw;
use super::table::{Row, run};

/// Most entries with errors that are kept.
pub const MOST_FLAWS: usize = 100;

const READ: &str = "SELECT state, reason, since, last_run_at, last_good_at, job, counts, flaws
    FROM peering_run WHERE kind = ?1 AND owner = ?2 AND owner_made = ?3";
/// The state begins when it becomes another one; a success is kept through what comes after it.
const WRITE: &str = "INSERT INTO peering_run
        (kind, owner, owner_made, state, reason, since, last_run_at, last_good_at, job, counts, flaws)
    SELECT ?1, ?2, ?3, ?4, ?5, now, now, CASE WHEN ?4 = 'synchronized' THEN now END, ?6, ?7, ?8
        FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now) WHERE true
    ON CONFLICT (kind, owner) DO UPDATE SET
        since = CASE WHEN state = excluded.state AND owner_made = excluded.owner_made THEN since ELSE excluded.since END,
        last_good_at = CASE WHEN owner_made = excluded.owner_made
            THEN coalesce(excluded.last_good_at, last_good_at) ELSE excluded.last_good_at END,
        owner_made = excluded.owner_made, state = excluded.state, reason = excluded.reason,
        last_run_at = excluded.last_run_at, job = excluded.job, counts = excluded.counts, flaws = excluded.flaws";
const ORPHANS: &str = "DELETE FROM peering_run WHERE NOT EXISTS (SELECT 1 FROM peering_synchronizer s
    WHERE s.kind = peering_run.kind AND s.owner = peering_run.owner AND s.owner_made = peering_run.owner_made)";
const COUNT: &str = "SELECT state, count(*) AS count FROM peering_run GROUP BY state";

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// What the directory has, the appliance has.
    Synchronized,
    /// It would do what somebody must confirm first, and changed nothing.
    Held,
    /// The directory could not be read to its end, and nothing was changed.
    Failed,
    /// Somebody cancelled it, and nothing was changed.
    Cancelled,
}

impl State {
    /// As it is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Synchronized => "synchronized",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a run did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Entries that the directory gave.
    pub entries: u64,
    /// New people.
    pub adds: u64,
    /// People who became different.
    pub changes: u64,
    /// People who are gone.
    pub removals: u64,
    /// People who were already so.
    pub unchanged: u64,
    /// Entries that did not become people.
    pub errors: u64,
    /// References to other servers, which are not followed.
    pub references: u64,
}

/// How the latest run ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// How.
    pub state: State,
    /// In a sentence.
    pub reason: String,
    /// Since when it ends so, RFC 3339.
    pub since: String,
    /// When it ended, RFC 3339.
    pub last_run_at: String,
    /// When one last ended well, RFC 3339.
    pub last_good_at: Option<String>,
    /// Job that it was.
    pub job: String,
    /// What it did.
    #[serde(deserialize_with = "from_text")]
    pub counts: Counts,
    /// The first entries that did not become people.
    #[serde(deserialize_with = "from_text")]
    pub flaws: Vec<Flaw>,
}

fn from_text<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(value: D) -> Result<T, D::Error> {
    serde_json::from_str(&String::deserialize(value)?).map_err(D::Error::custom)
}

/// The latest run of a synchronizer.
pub fn latest(host: &Host, row: &Row) -> Result<Option<Record>, Failure> {
    host.db().first(READ, params![row.kind, row.owner, row.owner_made])
}

/// What a run leaves.
pub struct Ended<'e> {
    /// How it ended.
    pub state: State,
    /// In a sentence.
    pub reason: &'e str,
    /// Job that it was.
    pub job: &'e str,
    /// What it did.
    pub counts: Counts,
    /// The first entries that did not become people.
    pub flaws: &'e [Flaw],
}

/// Keeps how a run ended.
pub fn keep(host: &Host, row: &Row, ended: &Ended<'_>) -> Result<(), Failure> {
    let Ended { state, reason, job, counts, flaws } = ended;
    let (counts, flaws) = (json!(counts).to_string(), json!(flaws).to_string());
    run(host, WRITE, params![row.kind, row.owner, row.owner_made, state.word(), reason, job, counts, flaws])
}

/// Forgets runs of synchronizers that are not there any more.
pub fn forget_orphans(host: &Host) -> Result<(), Failure> {
    run(host, ORPHANS, params![])
}

/// How many synchronizers ended their latest run so.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tally {
    /// How.
    pub state: State,
    /// How many.
    pub count: u64,
}

/// All of them.
pub fn tally(host: &Host) -> Result<Vec<Tally>, Failure> {
    host.db().query(COUNT, params![])
}

/// As the API shows it.
pub fn shown(record: &Record) -> Value {
    let Record { last_run_at, last_good_at, job, counts, flaws, .. } = record;
    json!({
        "last_run_at": last_run_at, "last_good_at": last_good_at, "job": job, "counts": counts, "errors": flaws,
    })
}
