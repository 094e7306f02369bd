//! Deleting what synchronizations have brought: all of a synchronizer that is deleted itself, and those that their source
//! has had no longer for the whole grace period.

use std::collections::BTreeSet;

use jackfield_abi::ops::{DirectoryForget, DirectoryForgotten};
use jackfield_db::{Read, params};
use serde_json::json;

use super::order::{origin, synchronizer_of};
use super::{question, removal};
use crate::catalog::events::{ACCOUNTS_CHANGED, DIRECTORY_CHANGED};
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Entry, Origin, Precondition};
use crate::engine::objects::{ACCOUNTS, text};
use crate::engine::{Engine, Mode, secrets};

/// Accounts that are read at a time, and of those that are overdue, deleted in one transaction.
const AT_ONCE: i64 = 500;

/// Deletes all that a synchronizer has brought: one revision.
pub fn forget(engine: &Engine, plugin: &str, asked: &DirectoryForget) -> Result<DirectoryForgotten, Problem> {
    let synchronizer = synchronizer_of(plugin, &asked.owner)?;
    let is_there = engine.db.read(|read| {
        Ok::<_, Problem>(!some(read, &synchronizer)?.is_empty() || question::is_open(read, &synchronizer)?)
    })?;
    if !is_there {
        return Ok(DirectoryForgotten { removals: 0, revision: None });
    }
    let mode = if asked.dry_run { Mode::DryRun } else { Mode::Commit };
    let id = new_id()?;
    let (removals, revision) = engine.change(origin(plugin, &asked.who), mode, move |change| {
        question::forget(change.tx, &synchronizer)?;
        in_bulk(change, &id, None, "forgotten synchronizer", |deleting| {
            loop {
                let ids = some(change.tx, &synchronizer)?;
                if ids.is_empty() {
                    return Ok(());
                }
                deleting.delete(change, &ids)?;
            }
        })
    })?;
    let revision = revision.filter(|_| !asked.dry_run);
    Ok(DirectoryForgotten { removals, revision })
}

fn some(read: &Read<'_>, synchronizer: &str) -> Result<Vec<String>, Problem> {
    let sql = "SELECT id FROM account WHERE synchronizer = ?1 LIMIT ?2";
    Ok(read.all(sql, params![synchronizer, AT_ONCE], |row| row.get(0))?)
}

/// Deletes those whose grace period is over, some at a time so that others write in between; how many.
pub fn expire(engine: &Engine) -> Result<u64, Problem> {
    let (id, mut total, mut revision) = (new_id()?, 0, None);
    while is_due(engine)? {
        let (id, goes_on) = (id.clone(), revision);
        let who = "the appliance".to_owned();
        let origin = Origin { who, from: "a schedule".to_owned(), via: "appliance", request: String::new() };
        let (count, n) = engine.change(origin, Mode::Commit, move |change| {
            let ids = removal::overdue(change, AT_ONCE)?;
            in_bulk(change, &id, goes_on, "end of the grace period", |deleting| deleting.delete(change, &ids))
        })?;
        if count == 0 {
            break;
        }
        (total, revision) = (total + count, n);
    }
    Ok(total)
}

/// Looked at before, so that an appliance with nothing to delete writes nothing.
fn is_due(engine: &Engine) -> Result<bool, Problem> {
    engine.db.read(|read| {
        let sql = "SELECT 1 FROM account WHERE kept_until < ?1 AND changed_at < kept_until LIMIT 1";
        Ok::<_, Problem>(read.one(sql, params![crate::engine::clock::now()], |_| Ok(()))?.is_some())
    })
}

fn new_id() -> Result<String, Problem> {
    Ok(format!("sync-{}", &secrets::random_text()?[..12]))
}

#[derive(Default)]
struct Deleting {
    count: u64,
    places: BTreeSet<String>,
}

impl Deleting {
    fn delete(&mut self, change: &Change<'_>, ids: &[String]) -> Result<(), Problem> {
        change.tx.gets_on();
        for id in ids {
            let account = ACCOUNTS.get(change.tx, id)?;
            ACCOUNTS.remove(change, id, &Precondition::Exists)?;
            self.count += 1;
            let place = [text(&account, "peer"), text(&account, "enterprise")];
            self.places.extend(place.into_iter().find(|place| !place.is_empty()).map(str::to_owned));
        }
        Ok(())
    }
}

fn in_bulk(
    change: &Change<'_>,
    id: &str,
    goes_on: Option<i64>,
    why: &str,
    work: impl FnOnce(&mut Deleting) -> Result<(), Problem>,
) -> Result<(u64, Option<i64>), Problem> {
    let bulk =
        Entry { kind: ACCOUNTS.name, object: id, before: None, after: None, event: ACCOUNTS_CHANGED.name };
    let mut deleting = Deleting::default();
    let n = change.in_bulk(&bulk, goes_on, || {
        work(&mut deleting)?;
        let said =
            json!({"what": "deletion", "why": why, "removals": deleting.count, "places": deleting.places});
        Ok(said.as_object().cloned().unwrap_or_else(Object::new))
    })?;
    deleting.places.iter().for_each(|place| change.tell(DIRECTORY_CHANGED.name, place));
    Ok((deleting.count, n))
}
