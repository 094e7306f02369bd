//! Import Users: accounts that were left un-deployed, by a synchronizer or a list, are put into use, but never a peer's
//! contacts, nor those that their directory has no longer. One revision, however many there are.

use jackfield_db::{Read, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::catalog::events::ACCOUNTS_CHANGED;
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::{Entry, Origin};
use crate::engine::jobs::{Ended, OwnJob, Work};
use crate::engine::objects::{ACCOUNTS, Hidden};
use crate::engine::{Mode, fault};

/// Accounts that are deployed in one transaction.
const BATCH: i64 = 250;

/// The job that deploys.
pub static DEPLOY: OwnJob = OwnJob {
    name: "accounts.deploy",
    by_hand: Some(crate::catalog::rights::ACCOUNTS_WRITE),
    // Those that were deployed before a stop are not found again.
    goes_on: |_| true,
    left: "the accounts that were deployed stay so",
    run,
};

/// How far it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Deployed {
    deployed: u64,
    revision: Option<i64>,
}

fn run(work: &Work<'_>) -> Result<Value, Ended> {
    let enterprise = work.input["enterprise"].as_str().unwrap_or_default().to_owned();
    let total = work.engine.db.read(|read| waiting(read, &enterprise))?;
    let mut deployed = kept(work)?;
    let before = deployed.deployed;
    loop {
        let next = batch(work, &enterprise, deployed.clone())?;
        let is_over = next.deployed == deployed.deployed;
        deployed = next;
        if is_over {
            return serde_json::to_value(&deployed)
                .map_err(|e| fault("say what was deployed", &e.to_string()).into());
        }
        let note = format!("{} accounts deployed", deployed.deployed);
        work.progress(deployed.deployed - before, total, &note)?;
    }
}

fn kept(work: &Work<'_>) -> Result<Deployed, Problem> {
    let sql = "SELECT result FROM job WHERE id = ?1";
    let kept = work.engine.db.read(|read| {
        Ok::<_, Problem>(read.one(sql, params![work.id], |row| row.get::<_, Option<String>>(0))?.flatten())
    })?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn waiting(read: &Read<'_>, enterprise: &str) -> Result<u64, Problem> {
    let sql = "SELECT count(*) FROM account WHERE deployed = 0 AND peer IS NULL AND removed_at IS NULL
               AND (enterprise = ?1 OR ?1 = '')";
    let count: i64 = read.one(sql, params![enterprise], |row| row.get(0))?.unwrap_or(0);
    Ok(count.unsigned_abs())
}

fn batch(work: &Work<'_>, enterprise: &str, mut deployed: Deployed) -> Result<Deployed, Problem> {
    let (who, from, via, request) =
        (work.who.to_owned(), "a job".to_owned(), "appliance", work.id.to_owned());
    let (job, enterprise) = (work.id.to_owned(), enterprise.to_owned());
    work.engine.change(Origin { who, from, via, request }, Mode::Commit, move |change| {
        let sql = "SELECT id FROM account WHERE deployed = 0 AND peer IS NULL AND removed_at IS NULL
               AND (enterprise = ?1 OR ?1 = '') LIMIT ?2";
        let ids = change.tx.all(sql, params![enterprise, BATCH], |row| row.get::<_, String>(0))?;
        if ids.is_empty() {
            return Ok(deployed);
        }
        let entry = Entry {
            kind: ACCOUNTS.name,
            object: &job,
            before: None,
            after: None,
            event: ACCOUNTS_CHANGED.name,
        };
        let count = deployed.deployed + ids.len() as u64;
        let n = change.in_bulk(&entry, deployed.revision, || {
            for id in &ids {
                let before = ACCOUNTS.get(change.tx, id)?;
                let mut after = before.clone();
                after.insert("deployed".to_owned(), true.into());
                ACCOUNTS.replace(change, &before, after, &Hidden::default())?;
            }
            Ok(json!({"what": "deploy", "deployed": count}).as_object().cloned().unwrap_or_else(Object::new))
        })?;
        deployed = Deployed { deployed: count, revision: n };
        let said = json!(deployed).to_string();
        change.tx.execute("UPDATE job SET result = ?2 WHERE id = ?1", params![job, said])?;
        Ok(deployed)
    })
}
