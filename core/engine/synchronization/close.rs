//! The end of a run: it is done as one change, or held with a question, or there was nothing to do and nothing is
//! written at all.

use std::sync::{Arc, Mutex, PoisonError};

use jackfield_abi::ops::{DirectoryClosed, DirectoryHeld, DirectoryOutcome};

use super::apply::apply;
use super::guard::Facts;
use super::order::Order;
use super::question;
use super::run::Run;
use super::standing;
use crate::catalog::problems::Problem;
use crate::engine::{Engine, Mode};

/// Closes a run.
pub fn close(
    engine: &Engine,
    id: &str,
    run: Run,
    outcome: DirectoryOutcome,
    detail: &str,
) -> Result<DirectoryClosed, Problem> {
    let (facts, is_asked) = engine.db.read(|read| facts(read, &run, outcome))?;
    let order = run.order.clone();
    if let Some(held) = facts.held(detail).filter(|held| held.reason != "removals") {
        return hold(engine, &order, known(&run, &facts), held);
    }
    if run.draft.is_empty() && facts.removals == 0 {
        if is_asked && !order.dry_run {
            question::withdraw(engine, &order.synchronizer)?;
        }
        return Ok(known(&run, &facts));
    }
    let run = Arc::new(Mutex::new(run));
    // Exactly who goes shows only when it is done: somebody made anew in the source takes over an account.
    if order.dry_run || facts.held(detail).is_some() {
        let mut tried = attempt(engine, id, &run, Mode::DryRun)?;
        tried.revision = None;
        let held = Facts { removals: tried.removals, ..facts }.held(detail);
        if let Some(held) = held {
            return hold(engine, &order, tried, held);
        }
        if order.dry_run {
            return Ok(tried);
        }
    }
    let done = attempt(engine, id, &run, Mode::Commit)?;
    Ok(DirectoryClosed { list: None, ..done })
}

fn facts(
    read: &jackfield_db::Read<'_>,
    run: &Run,
    outcome: DirectoryOutcome,
) -> Result<(Facts, bool), Problem> {
    let Order { full, confirm, removal_share: share, synchronizer, .. } = &run.order;
    let facts = Facts {
        outcome,
        full: *full,
        confirm: *confirm,
        told: run.told,
        present: standing::present(read, synchronizer)?,
        removals: standing::missing(read, run)?.len() as u64,
        share: *share,
    };
    Ok((facts, question::is_open(read, synchronizer)?))
}

/// What can be said of a run that is not done.
fn known(run: &Run, facts: &Facts) -> DirectoryClosed {
    // Of a source that was not read to its end nobody knows who is gone.
    let removals = if facts.outcome == DirectoryOutcome::Failed { 0 } else { facts.removals };
    DirectoryClosed {
        adds: run.adds,
        changes: run.changes,
        removals,
        refused: run.refused,
        unchanged: run.unchanged,
        refusals: run.refusals.clone(),
        ..DirectoryClosed::default()
    }
}

fn hold(
    engine: &Engine,
    order: &Order,
    closed: DirectoryClosed,
    held: DirectoryHeld,
) -> Result<DirectoryClosed, Problem> {
    let closed = DirectoryClosed { held: Some(held), ..closed };
    if !order.dry_run {
        log::warn!("the run of {} changed nothing: {:?}", order.synchronizer, closed.held);
        question::ask(engine, order, &closed)?;
    }
    Ok(closed)
}

fn attempt(engine: &Engine, id: &str, run: &Arc<Mutex<Run>>, mode: Mode) -> Result<DirectoryClosed, Problem> {
    let (id, shared) = (id.to_owned(), Arc::clone(run));
    let origin = run.lock().unwrap_or_else(PoisonError::into_inner).order.origin();
    engine.change(origin, mode, move |change| {
        let mut run = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = apply(change, &id, &mut run)?;
        question::forget(change.tx, &run.order.synchronizer)?;
        Ok(closed)
    })
}
