//! Presence: one state for each account out of what its sources say. Lives in memory: sources tell it anew after
//! a restart, and only what was set by hand is saved, behind, many changes in one write.
//!
//! `merge` decides, `table` remembers, this file joins them to the database and to the news. Leaves out what
//! XMPP or Teams call a state, which those who speak with them translate.

mod facts;
mod merge;
mod saved;
mod show;
mod state;
mod table;
mod wish;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::Engine;
use super::clock::Now;
use super::events::Fired;
use super::news::News;
use crate::catalog::events::{ACCOUNT_CHANGED, ACCOUNTS_CHANGED, ENTERPRISE_CHANGED, Event, PROFILE_CHANGED};
use crate::catalog::problems::{NOT_FOUND, PRESENCE_GOVERNED, Problem, STORAGE_BUSY};
pub use show::{brief, of_person, whole};
pub use state::{Shown, Source, State};
pub use table::Person;
use table::{Change, Table};
pub use wish::{Wish, told};

/// Longest note, in characters.
pub const NOTE_LENGTH: usize = 256;
/// Most accounts in one request.
pub const AT_ONCE: usize = 1000;
/// Longest time that a state set by hand may be given.
pub const LONGEST_BY_HAND: u64 = 365 * 24 * 3600;
/// Longest time for any other source, and the time of one that names none: what nobody has confirmed for a day
/// is not known.
pub const LONGEST: u64 = 24 * 3600;
/// For how long Teams stays on for an account without being asked again.
pub const TEAMS_LASTS: u64 = 3600;
/// How far the disk may be behind.
const SAVE_EVERY: Duration = Duration::from_secs(2);
/// Longest sleep of the thread that ends what is over.
const LOOK_UP: Duration = Duration::from_secs(5);
/// Things that are ended before others get their turn.
const ENDED_AT_ONCE: usize = 500;
/// What changes many accounts at once.
const FOR_MANY: [&Event; 3] = [ENTERPRISE_CHANGED, PROFILE_CHANGED, ACCOUNTS_CHANGED];
/// How often an account may change while it is being looked up.
const TRIES: usize = 8;

/// Everybody's presence.
pub struct Presence {
    table: Mutex<Table>,
    earlier: Condvar,
    news: Arc<News>,
}

/// A wish that was refused, by its place, and why.
pub type Refused = (usize, Problem);

impl Presence {
    /// Nobody yet; changes go to the news.
    pub fn new(news: Arc<News>) -> Self {
        Self { table: Mutex::default(), earlier: Condvar::new(), news }
    }

    /// A source says something of several accounts, in order; those that are refused do not hold up the others.
    /// Answers what was refused.
    pub fn tell(&self, engine: &Engine, source: Source, wishes: Vec<Wish>) -> Result<Vec<Refused>, Problem> {
        let accounts: Vec<_> = wishes.iter().map(|wish| Arc::clone(&wish.account)).collect();
        let mut table = self.with_known(engine, &accounts)?;
        let (now, first) = (Now::read(), table.next_deadline());
        let mut refused = Vec::new();
        for (index, wish) in wishes.into_iter().enumerate() {
            match tell_one(&mut table, source, wish, now) {
                Ok(change) => self.publish(change),
                Err(problem) => refused.push((index, problem)),
            }
        }
        self.wake_if_earlier(&table, first);
        Ok(refused)
    }

    /// Switches Teams on for accounts, for so long; or off. While it is on, only its status is shown and states
    /// by hand are refused (seed 003). Answers the accounts that are not there.
    pub fn govern(
        &self,
        engine: &Engine,
        accounts: &[Arc<str>],
        lasts: Option<Duration>,
    ) -> Result<Vec<Arc<str>>, Problem> {
        let mut table = self.with_known(engine, accounts)?;
        let (now, first) = (Now::read(), table.next_deadline());
        for account in accounts {
            let change = table.set_teams(account, lasts, now);
            self.publish(change);
        }
        self.wake_if_earlier(&table, first);
        Ok(accounts.iter().filter(|id| table.person(id).is_none()).cloned().collect())
    }

    /// Looks at accounts, in their order; none for those that are not there.
    pub fn look<T>(
        &self,
        engine: &Engine,
        accounts: &[Arc<str>],
        mut see: impl FnMut(&Arc<str>, Option<&Person>) -> T,
    ) -> Result<Vec<T>, Problem> {
        let table = self.with_known(engine, accounts)?;
        Ok(accounts.iter().map(|id| see(id, table.person(id))).collect())
    }

    /// How many accounts are known in memory.
    pub fn known(&self) -> usize {
        self.lock().len()
    }

    /// How many states set by hand, or taken back, are not on the disk as they are here.
    pub fn unsaved(&self) -> usize {
        let table = self.lock();
        table.unsaved.len() + table.saving
    }

    /// Saves what was set by hand; what cannot be saved now is kept for the next time.
    pub fn save(&self, engine: &Engine) {
        loop {
            let saved = saved::take(&mut self.lock(), Now::read());
            if saved.is_empty() {
                return;
            }
            let accounts: Vec<_> = saved.iter().map(|(account, _)| Arc::clone(account)).collect();
            let written = saved::write(&engine.db, saved);
            let mut table = self.lock();
            table.saving -= accounts.len();
            if let Err(problem) = written {
                log::warn!("could not save what was set by hand, trying again: {}", problem.detail);
                table.unsaved.extend(accounts);
                return;
            }
        }
    }

    /// The table, in which all of these accounts are that the database has.
    fn with_known(&self, engine: &Engine, accounts: &[Arc<str>]) -> Result<MutexGuard<'_, Table>, Problem> {
        let (mut generation, mut looked_up) = (0, Vec::<facts::Answer>::new());
        for _ in 0..TRIES {
            let mut table = self.lock();
            // An account that changed while it was looked up is looked up again.
            if table.generation == generation {
                for (account, known) in std::mem::take(&mut looked_up) {
                    let change = known.and_then(|known| table.admit(&account, known));
                    self.publish(change);
                }
            }
            let is_known = |id: &&Arc<str>| table.person(id).is_some();
            let strange: Vec<_> = accounts.iter().filter(|id| !is_known(id)).cloned().collect();
            if strange.is_empty() || (table.generation == generation && generation > 0) {
                return Ok(table);
            }
            generation = table.generation.max(1);
            table.generation = generation;
            drop(table);
            looked_up = engine.db.read(|read| facts::of_all(read, &strange))?;
        }
        Err(Problem::new(STORAGE_BUSY, "The accounts change all the time; nothing was done. Try again."))
    }

    /// An account, an enterprise or a profile was changed: what is known of it is read anew.
    fn follow(&self, engine: &Engine, fired: &Fired) {
        if fired.event == ACCOUNT_CHANGED.name {
            self.lock().generation += 1;
            if self.lock().person(&fired.object).is_some() {
                self.reread(engine, &[fired.object.as_str().into()]);
            }
        } else if FOR_MANY.iter().any(|event| event.name == fired.event) {
            // Not here: whoever made the change would wait for all accounts.
            let mut table = self.lock();
            table.generation += 1;
            table.is_outdated = true;
            self.earlier.notify_all();
        }
    }

    fn reread_outdated(&self, engine: &Engine) {
        let all = {
            let mut table = self.lock();
            if !std::mem::take(&mut table.is_outdated) {
                return;
            }
            table.accounts()
        };
        all.chunks(AT_ONCE).for_each(|some| self.reread(engine, some));
    }

    fn reread(&self, engine: &Engine, accounts: &[Arc<str>]) {
        let read = match engine.db.read(|read| facts::of_all(read, accounts)) {
            Ok(read) => read,
            Err(problem) => {
                return log::warn!("could not see what is set for accounts: {}", problem.detail);
            }
        };
        let mut table = self.lock();
        for (account, known) in read {
            match known {
                Some(known) => {
                    let change = table.admit(&account, known);
                    self.publish(change);
                }
                None => {
                    table.forget(&account);
                    self.news.forget_presence(&account);
                }
            }
        }
    }

    /// Ends what is over; when the next is.
    fn end_due(&self) -> Option<Instant> {
        let mut table = self.lock();
        let now = Instant::now();
        for _ in 0..ENDED_AT_ONCE {
            let Some(change) = table.end_one(now) else { break };
            self.publish(change);
        }
        table.next_deadline()
    }

    /// Always under the table's lock, so that the news end with what the table has.
    fn publish(&self, change: Option<Change>) {
        if let Some((account, shown)) = change {
            self.news.tell_presence(&account, shown);
        }
    }

    fn wake_if_earlier(&self, table: &Table, before: Option<Instant>) {
        let next = table.next_deadline();
        if next.is_some_and(|next| before.is_none_or(|before| next < before)) {
            self.earlier.notify_all();
        }
    }

    /// Sleeps until something is over or may be, at most so long.
    fn sleep(&self, longest: Duration) {
        let table = self.lock();
        if table.is_outdated {
            return;
        }
        let next = table.next_deadline().map(|at| at.saturating_duration_since(Instant::now()));
        let time = next.unwrap_or(longest).min(longest);
        drop(self.earlier.wait_timeout(table, time).unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_one(table: &mut Table, source: Source, wish: Wish, now: Now) -> Result<Option<Change>, Problem> {
    let Wish { account, told } = wish;
    let person = table.person(&account).ok_or_else(|| missing(&account))?;
    match told {
        None => Ok(table.clear(&account, source)),
        Some(_) if source == Source::Manual && person.teams.is_some() => Err(governed()),
        Some(told) => Ok(table.tell(&account, source, told, now)),
    }
}

/// The account is not there.
pub fn missing(account: &str) -> Problem {
    Problem::new(NOT_FOUND, format!("There is no account {account:?}."))
}

fn governed() -> Problem {
    Problem::new(
        PRESENCE_GOVERNED,
        "Microsoft Teams is on for this account, so only its Teams status is shown and none can be set by hand. \
         Switch the Microsoft Teams status off for the account or its profile first.",
    )
}

/// Reads what was set by hand before, begins to end what is over, and follows accounts, enterprises and profiles.
pub fn begin(engine: &Arc<Engine>) -> Result<(), String> {
    restore(engine).map_err(|problem| problem.detail)?;
    let followed = Arc::downgrade(engine);
    engine.bus.listen(move |fired| {
        if let Some(engine) = followed.upgrade() {
            engine.presence.follow(&engine, fired);
        }
    });
    let kept = Arc::downgrade(engine);
    let spawned = Builder::new().name("presence".to_owned()).spawn(move || keep(&kept));
    spawned.map(drop).map_err(|e| format!("Cannot start the thread that keeps presence: {e}."))
}

fn restore(engine: &Engine) -> Result<(), Problem> {
    let kept = engine.db.read(saved::read)?;
    let accounts: Vec<Arc<str>> = kept.iter().map(|kept| kept.account.as_str().into()).collect();
    let mut table = engine.presence.with_known(engine, &accounts)?;
    for kept in kept {
        let change = table.tell(&kept.account, Source::Manual, kept.told, saved::at(kept.since));
        engine.presence.publish(change);
    }
    table.unsaved.clear();
    Ok(())
}

/// The thread: ends what is over, and saves now and then. It holds the engine only while it works.
fn keep(engine: &Weak<Engine>) {
    let mut saved = Instant::now();
    while let Some(engine) = engine.upgrade() {
        let presence = &engine.presence;
        if saved.elapsed() >= SAVE_EVERY {
            saved = Instant::now();
            presence.save(&engine);
        }
        presence.reread_outdated(&engine);
        let next = presence.end_due();
        if next.is_none_or(|next| next > Instant::now()) {
            let longest = if presence.lock().unsaved.is_empty() { LOOK_UP } else { SAVE_EVERY };
            presence.sleep(longest);
        }
    }
}
