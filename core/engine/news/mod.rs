//! What happened, in one order, kept for a while: whoever follows reads at their own pace and goes on where they
//! stopped. Costs the teller the same however many follow. Leaves out who may read what, which is the API's.
//!
//! ```text
//! bus, presence ──tell──► one log ──after(position)──► event streams, plugins: each with a position of its own
//! ```

mod log;
mod position;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jackfield_db::{Db, params};

use super::events::Fired;
use super::presence::Shown;
use crate::catalog::problems::Problem;
use log::Log;
pub use log::{Item, Lost};
pub use position::Position;

/// Name under which the database remembers how often the appliance has begun.
const EPOCH: &str = "news.epoch";

type Wake = Box<dyn Fn() + Send + Sync>;

/// The log and those who wait for it.
pub struct News {
    epoch: u64,
    log: Mutex<Log>,
    changed: Condvar,
    wakes: RwLock<Vec<Wake>>,
}

impl News {
    /// Opens an empty log. Its epoch is one more than the last time, on the disk, so that no position is ever given
    /// twice whatever happened to the process or the clock.
    pub fn open(db: &Db) -> Result<Self, Problem> {
        let sql = "INSERT INTO meta (name, value) VALUES (?1, '1')
                   ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value";
        let epoch = db.write(|tx| {
            Ok::<_, Problem>(tx.one(sql, params![EPOCH], |row| row.get::<_, String>(0))?.unwrap_or_default())
        })?;
        Ok(Self::of_epoch(epoch.parse().unwrap_or(1)))
    }

    /// An empty log of that epoch.
    pub fn of_epoch(epoch: u64) -> Self {
        Self { epoch, log: Mutex::default(), changed: Condvar::new(), wakes: RwLock::default() }
    }

    /// Adds something that is called after each addition; it must be quick.
    pub fn wakes(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.wakes.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(wake));
    }

    /// Tells an event.
    pub fn tell(&self, fired: &Fired) {
        self.lock().tell(fired.clone());
        self.rouse();
    }

    /// Tells an account's presence, in the place of what was told of it before.
    pub fn tell_presence(&self, account: &Arc<str>, shown: Arc<Shown>) {
        self.lock().tell_presence(account, shown);
        self.rouse();
    }

    /// Forgets the presence of an account that is gone.
    pub fn forget_presence(&self, account: &str) {
        self.lock().forget_presence(account);
    }

    /// Wakes those who wait, without anything new: for the end of a stream.
    pub fn rouse(&self) {
        self.changed.notify_all();
        self.wakes.read().unwrap_or_else(PoisonError::into_inner).iter().for_each(|wake| wake());
    }

    /// The position after everything so far.
    pub fn here(&self) -> Position {
        Position { epoch: self.epoch, number: self.lock().last() }
    }

    /// What came after a position, at most so many, in order.
    ///
    /// # Errors
    /// [`Lost`] when some of it is not kept any more, or the position is of another epoch.
    pub fn after(&self, from: Position, most: usize) -> Result<Vec<(Position, Item)>, Lost> {
        let found = self.lock().after(self.number(from)?, most)?;
        Ok(found.into_iter().map(|(number, item)| (Position { epoch: self.epoch, number }, item)).collect())
    }

    /// Accounts whose presence was told after a position of this epoch, at most so many, in order.
    pub fn presence_after(&self, from: Position, most: usize) -> Vec<(Position, Arc<str>)> {
        let found = self.lock().presence_after(from.number, most);
        found.into_iter().map(|(number, id)| (Position { epoch: self.epoch, number }, id)).collect()
    }

    /// Waits until there is something after a position, at most so long.
    pub fn await_after(&self, from: Position, within: Duration) {
        let until = Instant::now() + within;
        let mut log = self.lock();
        while log.last() <= from.number {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return;
            };
            log = self.changed.wait_timeout(log, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn number(&self, from: Position) -> Result<u64, Lost> {
        if from.epoch == self.epoch { Ok(from.number) } else { Err(Lost::Restarted) }
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
