//! Accounts and contacts that a synchronization brings: a run is opened, told what the source has, and closed; then all
//! of it is one revision, or nothing is changed and somebody is asked. Leaves out how a source is read, which is the
//! plugin's.
//!
//! A run lives in memory and in a file without a name, so whatever ends the appliance or the plugin leaves nothing of it.

mod apply;
mod close;
mod draft;
mod entry;
mod forget;
mod guard;
mod listing;
mod order;
mod peer;
mod question;
mod removal;
mod run;
mod seen;
mod since;
mod standing;

#[cfg(test)]
pub mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jackfield_abi::ops::{
    DirectoryClose, DirectoryClosed, DirectoryEntry, DirectoryForget, DirectoryForgotten, DirectoryOpen,
    DirectoryTaken,
};
use jackfield_db::Read;

use super::{Engine, photos, secrets};
use crate::catalog::problems::{CONFLICT, NOT_FOUND, Problem};
use order::Order;
use run::{ENTRIES, KEYS, Run};

pub use forget::expire;
pub use peer::note_domain;
pub use since::since;

/// A run that is silent for so long is dropped.
const SILENCE: Duration = Duration::from_secs(600);
/// Most runs that are open at the same time.
const MOST_OPEN: usize = 64;

/// The runs that are under way.
#[derive(Default)]
pub struct Runs {
    open: Mutex<HashMap<String, Slot>>,
}

struct Slot {
    plugin: String,
    synchronizer: String,
    touched: Instant,
    /// None while it is being closed.
    run: Option<Arc<Mutex<Run>>>,
}

impl Slot {
    fn is_silent(&self) -> bool {
        self.run.is_some() && self.touched.elapsed() > SILENCE
    }
}

impl Runs {
    /// Begins a run; its name.
    pub fn open(&self, engine: &Engine, plugin: &str, asked: DirectoryOpen) -> Result<String, Problem> {
        let order = engine.db.read(|read| Order::checked(read, plugin, asked))?;
        let id = format!("sync-{}", &secrets::random_text()?[..12]);
        let run = Run::new(order, engine.state.path())?;
        let mut open = self.lock();
        open.retain(|_, slot| !slot.is_silent());
        refuse_second(&open, &run.order)?;
        let slot = Slot {
            plugin: plugin.to_owned(),
            synchronizer: run.order.synchronizer.clone(),
            touched: Instant::now(),
            run: Some(Arc::new(Mutex::new(run))),
        };
        open.insert(id.clone(), slot);
        Ok(id)
    }

    /// Takes entries of a run.
    pub fn put(
        &self,
        engine: &Engine,
        plugin: &str,
        id: &str,
        entries: &[DirectoryEntry],
    ) -> Result<DirectoryTaken, Problem> {
        bounded("entries", entries.len(), ENTRIES)?;
        let (taken, photos) =
            self.told(engine, plugin, id, |run, read| Ok((run.put(read, entries)?, run.take_photos())))?;
        if !photos.is_empty() {
            // Nobody has them before the run is closed; those that nobody has then are swept.
            engine.db.write(move |tx| photos.iter().try_for_each(|photo| photos::keep(tx, photo)))?;
        }
        Ok(taken)
    }

    /// Takes keys that are gone.
    pub fn gone(&self, engine: &Engine, plugin: &str, id: &str, keys: &[String]) -> Result<(), Problem> {
        bounded("keys", keys.len(), KEYS)?;
        self.told(engine, plugin, id, |run, read| match run.order.full {
            false => run.gone(read, keys),
            true => Err(Problem::field(
                "keys",
                "are for a run that is not full; in a full one what is not told is gone",
            )),
        })
    }

    /// Ends a run and does what it was told.
    pub fn close(
        &self,
        engine: &Engine,
        plugin: &str,
        asked: &DirectoryClose,
    ) -> Result<DirectoryClosed, Problem> {
        let run = self.take(plugin, &asked.run)?;
        let _closing = Closing { runs: self, id: &asked.run };
        // A run that still takes what it was told was closed too early.
        let run = Arc::into_inner(run).ok_or_else(|| busy(&asked.run))?;
        let run = run.into_inner().unwrap_or_else(PoisonError::into_inner);
        close::close(engine, &asked.run, run, asked.outcome, &asked.detail)
    }

    /// Gives a run up.
    pub fn drop_one(&self, plugin: &str, id: &str) {
        self.lock().retain(|known, slot| known != id || slot.plugin != plugin || slot.run.is_none());
    }

    /// Gives up the runs of a plugin whose process is not there any more.
    pub fn drop_of(&self, plugin: &str) {
        self.lock().retain(|_, slot| slot.plugin != plugin || slot.run.is_none());
    }

    /// Gives up the runs of which nothing was heard for long.
    pub fn drop_silent(&self) {
        self.lock().retain(|_, slot| !slot.is_silent());
    }

    /// Deletes all that a synchronizer has brought.
    pub fn forget(
        &self,
        engine: &Engine,
        plugin: &str,
        asked: &DirectoryForget,
    ) -> Result<DirectoryForgotten, Problem> {
        if !asked.dry_run {
            let synchronizer = order::synchronizer_of(plugin, &asked.owner)?;
            self.lock().retain(|_, slot| slot.synchronizer != synchronizer || slot.run.is_none());
        }
        forget::forget(engine, plugin, asked)
    }

    fn told<T>(
        &self,
        engine: &Engine,
        plugin: &str,
        id: &str,
        tell: impl FnOnce(&mut Run, &Read<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let run = {
            let mut open = self.lock();
            let slot = open.get_mut(id).filter(|slot| slot.plugin == plugin);
            let slot = slot.ok_or_else(|| missing(id))?;
            slot.touched = Instant::now();
            Arc::clone(slot.run.as_ref().ok_or_else(|| busy(id))?)
        };
        let mut run = run.lock().unwrap_or_else(PoisonError::into_inner);
        engine.db.read(|read| tell(&mut run, read))
    }

    fn take(&self, plugin: &str, id: &str) -> Result<Arc<Mutex<Run>>, Problem> {
        let mut open = self.lock();
        let slot = open.get_mut(id).filter(|slot| slot.plugin == plugin);
        slot.ok_or_else(|| missing(id))?.run.take().ok_or_else(|| busy(id))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that is being closed; it is over when this is dropped, also by a panic.
struct Closing<'a> {
    runs: &'a Runs,
    id: &'a str,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.runs.lock().remove(self.id);
    }
}

fn refuse_second(open: &HashMap<String, Slot>, order: &Order) -> Result<(), Problem> {
    if open.values().any(|slot| slot.synchronizer == order.synchronizer) {
        let detail = format!("A run of {} is under way already. Wait for its end.", order.synchronizer);
        return Err(Problem::new(CONFLICT, detail));
    }
    if open.len() >= MOST_OPEN {
        let detail = format!("{MOST_OPEN} synchronizations are under way already. Wait for the end of one.");
        return Err(Problem::new(CONFLICT, detail));
    }
    Ok(())
}

fn bounded(field: &str, count: usize, most: usize) -> Result<(), Problem> {
    if count <= most {
        return Ok(());
    }
    Err(Problem::field(field, format!("may hold at most {most} at a time; there are {count}")))
}

fn missing(id: &str) -> Problem {
    let detail = format!(
        "There is no run {id:?}: it was closed, or nothing was heard of it for {} minutes, or the appliance was started anew. Begin another one.",
        SILENCE.as_secs() / 60
    );
    Problem::new(NOT_FOUND, detail)
}

fn busy(id: &str) -> Problem {
    Problem::new(CONFLICT, format!("The run {id:?} is being closed, or still takes what it was told."))
}
