//! A directory for the fake host: what the runs of a plugin make of it, by the treaty's rules for keys, hashes and
//! held runs. Left out: the rules of the fields, grace periods and revisions, which are the appliance's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jackfield_abi::ops::{
    self, Code, DirectoryClose, DirectoryClosed, DirectoryEntry, DirectoryForget, DirectoryForgotten,
    DirectoryGone, DirectoryHeld, DirectoryNews, DirectoryOpen, DirectoryOutcome, DirectoryPut,
    DirectoryRefused, DirectoryTaken, Failure,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Script;
use crate::message::Answer;

#[derive(Default)]
struct State {
    /// Entries by synchronizer and key.
    kept: BTreeMap<String, BTreeMap<String, DirectoryEntry>>,
    runs: BTreeMap<String, Told>,
    opened: u64,
}

struct Told {
    order: DirectoryOpen,
    put: BTreeMap<String, DirectoryEntry>,
    gone: BTreeSet<String>,
    unchanged: u64,
    refusals: Vec<DirectoryRefused>,
}

/// Scripts for the operations of `directory/1`, with one state.
pub fn scripts() -> impl Iterator<Item = (String, Script)> {
    let state: Arc<Mutex<State>> = Arc::default();
    let ops = [
        ops::DIRECTORY_OPEN,
        ops::DIRECTORY_PUT,
        ops::DIRECTORY_GONE,
        ops::DIRECTORY_CLOSE,
        ops::DIRECTORY_DROP,
        ops::DIRECTORY_FORGET,
        ops::DIRECTORY_SINCE,
        ops::PEER_DOMAIN,
    ];
    ops.into_iter().map(move |op| {
        let state = Arc::clone(&state);
        let script: Script =
            Box::new(move |args| state.lock().unwrap_or_else(PoisonError::into_inner).call(op, args));
        (op.to_owned(), script)
    })
}

fn read<T: DeserializeOwned>(args: Value) -> Result<T, Failure> {
    serde_json::from_value(args).map_err(|e| Failure::new(Code::BadRequest, e.to_string()))
}

impl State {
    fn call(&mut self, op: &str, args: Value) -> Answer {
        match op {
            ops::DIRECTORY_OPEN => self.open(read(args)?),
            ops::DIRECTORY_PUT => self.put(read(args)?),
            ops::DIRECTORY_GONE => {
                let DirectoryGone { run, keys } = read(args)?;
                self.run(&run)?.gone.extend(keys);
                Ok(json!({}))
            }
            ops::DIRECTORY_CLOSE => self.close(read(args)?),
            ops::DIRECTORY_DROP => {
                self.runs.remove(args["run"].as_str().unwrap_or_default());
                Ok(json!({}))
            }
            ops::DIRECTORY_FORGET => self.forget(read(args)?),
            // Nobody changes an account here but runs.
            ops::DIRECTORY_SINCE => Ok(json!(DirectoryNews::default())),
            _ => Ok(json!({})),
        }
    }

    fn open(&mut self, order: DirectoryOpen) -> Answer {
        if self.runs.values().any(|told| told.order.owner == order.owner) {
            return Err(Failure::new(Code::Conflict, "a run of this synchronizer is under way"));
        }
        self.opened += 1;
        let run = format!("run-{}", self.opened);
        let (put, gone, refusals) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        self.runs.insert(run.clone(), Told { order, put, gone, unchanged: 0, refusals });
        Ok(json!({"run": run}))
    }

    fn run(&mut self, run: &str) -> Result<&mut Told, Failure> {
        let missing = || Failure::new(Code::NotFound, format!("there is no run {run:?}"));
        self.runs.get_mut(run).ok_or_else(missing)
    }

    fn put(&mut self, DirectoryPut { run, entries }: DirectoryPut) -> Answer {
        let kept = self.kept.clone();
        let told = self.run(&run)?;
        let kept = kept.get(&told.order.owner.synchronizer);
        let mut taken = DirectoryTaken { unchanged: 0, refused: Vec::new() };
        for entry in entries {
            if told.put.contains_key(&entry.key) {
                let detail = format!("{:?} is the key of two entries", entry.key);
                taken.refused.push(DirectoryRefused { key: entry.key, field: "key".to_owned(), detail });
                continue;
            }
            let known = kept.and_then(|kept| kept.get(&entry.key));
            taken.unchanged += u64::from(known.is_some_and(|known| known.hash == entry.hash));
            told.put.insert(entry.key.clone(), entry);
        }
        told.unchanged += taken.unchanged;
        told.refusals.extend(taken.refused.iter().cloned());
        Ok(json!(taken))
    }

    fn close(&mut self, DirectoryClose { run, outcome, detail }: DirectoryClose) -> Answer {
        self.run(&run)?;
        let Some(told) = self.runs.remove(&run) else { return Ok(Value::Null) };
        let kept = self.kept.entry(told.order.owner.synchronizer.clone()).or_default();
        let is_gone = |key: &String| match told.order.full {
            true => !told.put.contains_key(key),
            false => told.gone.contains(key),
        };
        let gone: Vec<String> = kept.keys().filter(|key| is_gone(key)).cloned().collect();
        let changes =
            told.put.iter().filter(|(key, entry)| kept.get(*key).is_some_and(|k| k.hash != entry.hash));
        let counts = DirectoryClosed {
            adds: told.put.keys().filter(|key| !kept.contains_key(*key)).count() as u64,
            changes: changes.count() as u64,
            removals: gone.len() as u64,
            refused: told.refusals.len() as u64,
            unchanged: told.unchanged,
            held: held(&told, outcome, &detail, kept.len(), gone.len()),
            revision: None,
            refusals: told.refusals,
            list: None,
        };
        let moves = counts.adds + counts.changes + counts.removals > 0;
        if counts.held.is_some() || told.order.dry_run || !moves {
            return Ok(json!(counts));
        }
        gone.iter().for_each(|key| drop(kept.remove(key)));
        kept.extend(told.put);
        let revision = i64::try_from(self.opened).ok();
        Ok(json!(DirectoryClosed { revision, ..counts }))
    }

    fn forget(&mut self, DirectoryForget { owner, dry_run, .. }: DirectoryForget) -> Answer {
        let removals = self.kept.get(&owner.synchronizer).map_or(0, BTreeMap::len) as u64;
        if !dry_run {
            self.kept.remove(&owner.synchronizer);
        }
        Ok(json!(DirectoryForgotten { removals, revision: (removals > 0 && !dry_run).then_some(1) }))
    }
}

fn held(
    told: &Told,
    outcome: DirectoryOutcome,
    detail: &str,
    present: usize,
    gone: usize,
) -> Option<DirectoryHeld> {
    let is_empty = told.order.full && told.put.is_empty() && present > 0;
    let is_many = gone * 100 > present * usize::from(told.order.removal_share);
    let (reason, what) = match outcome {
        DirectoryOutcome::Failed => ("failed", format!("the source could not be read to its end: {detail}")),
        DirectoryOutcome::Complete if told.order.confirm => return None,
        DirectoryOutcome::Complete if is_empty => ("empty", "the source answered nothing".to_owned()),
        DirectoryOutcome::Complete if is_many => {
            ("removals", format!("{gone} of {present} would be removed"))
        }
        DirectoryOutcome::Complete => return None,
    };
    Some(DirectoryHeld { reason: reason.to_owned(), what })
}
