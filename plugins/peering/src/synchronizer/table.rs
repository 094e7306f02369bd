//! Synchronizers as they are stored: reading, and writing together with a revision. Their passwords are kept by the
//! appliance under names that stand here.

use jackfield_sdk::{Failure, Host, Tx, Value, json, params};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::Settings;
use crate::owner::{Of, Owner};
use crate::standing::Standing;

/// Kind in revisions; an id is `peer/ID` or `enterprise/ID`.
pub const KIND: &str = "peering/synchronizers";

macro_rules! rows {
    ($rest:literal) => {
        concat!(
            "SELECT kind, owner, owner_made, settings, secret, secret_at, revision, created_at, changed_at
            FROM peering_synchronizer s ",
            $rest
        )
    };
}

const ONE: &str = rows!("WHERE kind = ?1 AND owner = ?2 AND owner_made = ?3");
/// Those whose owner is not there any more.
const ORPHANS: &str = rows!(
    "WHERE NOT EXISTS (SELECT 1 FROM core_peers p
            WHERE s.kind = 'peer' AND p.id = s.owner AND p.created_at = s.owner_made)
        AND NOT EXISTS (SELECT 1 FROM core_enterprises e
            WHERE s.kind = 'enterprise' AND e.id = s.owner AND e.created_at = s.owner_made)
    ORDER BY kind, owner"
);
/// Changes nothing when anything has changed since, or the owner has.
const CLAIM_PEER: &str = "UPDATE peering_state SET revision = revision + 1 WHERE id = 1 AND revision = ?1
    AND EXISTS (SELECT 1 FROM core_peers WHERE id = ?2 AND created_at = ?3 AND kind = 'external')
    AND NOT EXISTS (SELECT 1 FROM core_enterprises WHERE domain = ?4)";
const CLAIM_ENTERPRISE: &str =
    "UPDATE peering_state SET revision = revision + 1 WHERE id = 1 AND revision = ?1
    AND EXISTS (SELECT 1 FROM core_enterprises WHERE id = ?2 AND created_at = ?3)";
const CLAIM: &str = "UPDATE peering_state SET revision = revision + 1 WHERE id = 1 AND revision = ?1";
/// One of an earlier owner of the same id gives way.
const PUT: &str = "INSERT OR REPLACE INTO peering_synchronizer
    (kind, owner, owner_made, settings, secret, secret_at, revision, created_at, changed_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const REMOVE: &str = "DELETE FROM peering_synchronizer WHERE kind = ?1 AND owner = ?2 AND revision = ?3";

const ANNOUNCE_SECRET: &str = "INSERT INTO peering_secret (name, doomed) VALUES (?1, 0)";
/// Changes nothing when somebody else has begun to forget it.
const USE_SECRET: &str = "UPDATE peering_secret SET doomed = 0 WHERE name = ?1 AND doomed = 0";
const DOOM_SECRETS: &str = "UPDATE peering_secret SET doomed = 1 WHERE name NOT IN
    (SELECT secret FROM peering_synchronizer WHERE secret IS NOT NULL)";
const DOOMED_SECRETS: &str = "SELECT name FROM peering_secret WHERE doomed = 1 ORDER BY name";
const FORGET_SECRET: &str = "DELETE FROM peering_secret WHERE name = ?1";

/// A stored synchronizer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// `peer` or `enterprise`.
    pub kind: String,
    /// Id of the owner.
    pub owner: String,
    /// When the owner was made.
    pub owner_made: String,
    /// What was said of it.
    #[serde(deserialize_with = "from_text")]
    pub settings: Settings,
    /// Name of its password.
    pub secret: Option<String>,
    /// When the password was set, RFC 3339.
    pub secret_at: Option<String>,
    /// Number of the change that brought it.
    pub revision: i64,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// When it was last changed, RFC 3339.
    pub changed_at: String,
}

/// As a revision has it: never a password, but when it was set.
#[derive(Serialize, Deserialize)]
pub struct Noted {
    /// What was said of the directory.
    #[serde(flatten)]
    pub settings: Settings,
    /// When its password was set; null: it had none.
    pub password_set_at: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

fn from_text<'de, D: Deserializer<'de>>(value: D) -> Result<Settings, D::Error> {
    let text = String::deserialize(value)?;
    serde_json::from_str(&text).map_err(D::Error::custom)
}

/// The synchronizer of that owner.
pub fn one(host: &Host, of: Of, owner: &Owner) -> Result<Option<Row>, Failure> {
    host.db().first(ONE, params![of.word(), owner.id, owner.made])
}

/// Some of those whose owner is gone.
pub fn orphans(host: &Host, limit: usize) -> Result<Vec<Row>, Failure> {
    Ok(host.db().page(ORPHANS, params![], limit)?.rows)
}

/// Writes one. A conflict: something has changed since, or an enterprise has taken the domain.
pub fn put(
    host: &Host,
    standing: &Standing,
    of: Of,
    rows: (Option<&Row>, &Row),
    who: &str,
) -> Result<(), Failure> {
    host.db().tx(|tx| fill_put(tx, standing, of, rows, who)).map(drop)
}

/// Adds the same to a transaction.
pub fn fill_put(
    tx: &mut Tx,
    standing: &Standing,
    of: Of,
    rows: (Option<&Row>, &Row),
    who: &str,
) -> Result<(), Failure> {
    let (before, row) = rows;
    let Row { kind, owner, owner_made, settings, secret, secret_at, revision, created_at, changed_at } = row;
    let text = json!(settings).to_string();
    match of {
        Of::Peer => tx.run_one(CLAIM_PEER, params![standing.revision, owner, owner_made, settings.domain]),
        Of::Enterprise => tx.run_one(CLAIM_ENTERPRISE, params![standing.revision, owner, owner_made]),
    };
    if let Some(name) = secret {
        tx.run_one(USE_SECRET, params![name]);
    }
    tx.run(PUT, params![kind, owner, owner_made, text, secret, secret_at, revision, created_at, changed_at]);
    note(tx, before, Some(row), who)
}

/// Deletes some.
pub fn remove(host: &Host, standing: &Standing, rows: &[Row], who: &str) -> Result<(), Failure> {
    host.db().tx(|tx| fill_removal(tx, standing, rows, who)).map(drop)
}

/// Adds the same to a transaction.
pub fn fill_removal(tx: &mut Tx, standing: &Standing, rows: &[Row], who: &str) -> Result<(), Failure> {
    tx.run_one(CLAIM, params![standing.revision]);
    rows.iter().try_for_each(|row| {
        tx.run_one(REMOVE, params![row.kind, row.owner, row.revision]);
        note(tx, Some(row), None, who)
    })
}

fn note(tx: &mut Tx, before: Option<&Row>, after: Option<&Row>, who: &str) -> Result<(), Failure> {
    let Some(row) = after.or(before) else { return Ok(()) };
    let noted = |row: &Row| Noted { settings: row.settings.clone(), password_set_at: row.secret_at.clone() };
    let object = format!("{}/{}", row.kind, row.owner);
    tx.revision((KIND, &object), who, before.map(noted).as_ref(), after.map(noted).as_ref()).map(drop)
}

/// Writes down the name of a password before the appliance keeps it, so that it can be forgotten whatever happens.
pub fn announce_secret(host: &Host, name: &str) -> Result<(), Failure> {
    run(host, ANNOUNCE_SECRET, params![name])
}

/// Forgets every password that no synchronizer names. Dooming it first keeps a write of the same moment from naming
/// one that is being forgotten.
pub fn forget_unused_secrets(host: &Host) -> Result<(), Failure> {
    run(host, DOOM_SECRETS, params![])?;
    for Named { name } in host.db().query::<Named>(DOOMED_SECRETS, params![])? {
        host.secret().delete(&name)?;
        run(host, FORGET_SECRET, params![name])?;
    }
    Ok(())
}

/// One statement that leaves no revision.
pub fn run(host: &Host, sql: &str, params: Vec<Value>) -> Result<(), Failure> {
    let run = host.db().tx(|tx| {
        tx.run(sql, params);
        Ok(())
    });
    run.map(drop)
}
