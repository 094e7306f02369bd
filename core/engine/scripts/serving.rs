//! Which versions serve now: what the administrator published, or the version that stands in where that one does
//! not load. Lives in memory, so that a call costs no query.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use jackfield_db::Db;

use super::audience::Audience;
use super::registers::{HookEntry, Registers};
use super::rows;
use super::tally::Tallies;
use super::turns::Turns;
use crate::catalog::problems::Problem;
use crate::engine::Engine;
use crate::engine::checks::RegisteredCheck;
use crate::engine::news::News;

/// One published script.
#[derive(Debug, Clone)]
pub struct Served {
    /// The version that was published.
    pub active: i64,
    /// The version that serves; another one where the published one does not load.
    pub version: i64,
    /// What that version registers; `None` until it was loaded once.
    pub registers: Option<Registers>,
    /// Why the published version does not serve.
    pub failure: Option<String>,
}

/// What scripts are, at run time.
pub struct Scripts {
    served: RwLock<BTreeMap<String, Served>>,
    /// Wakes those who tell them of presence.
    pub(super) audience: Arc<Audience>,
    /// One publication at a time, so that what was tried is what is published.
    pub(super) turns: Turns,
    /// How they do.
    pub(super) tallies: Tallies,
    /// Wakes the upkeep; unset while nothing is supervised.
    pub(super) wake: OnceLock<SyncSender<()>>,
}

impl Drop for Scripts {
    fn drop(&mut self) {
        self.audience.end();
    }
}

/// One script that is to be asked at a hook.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Name of the script.
    pub name: String,
    /// The version that serves.
    pub version: i64,
    /// Its priority at that hook.
    pub priority: i64,
    /// Line at which it registers.
    pub line: u32,
}

impl Scripts {
    /// None yet; what happens comes to them from these news.
    pub fn new(news: Arc<News>) -> Self {
        Self {
            served: RwLock::default(),
            audience: Arc::new(Audience::new(news)),
            turns: Turns::default(),
            tallies: Tallies::default(),
            wake: OnceLock::new(),
        }
    }

    /// Reads anew what is published. What is known of versions that stay published is kept.
    pub fn reload(&self, db: &Db) -> Result<(), Problem> {
        let mut served = self.served.write().unwrap_or_else(PoisonError::into_inner);
        let active = db.read(rows::active)?;
        let mut now = BTreeMap::new();
        for (name, active, registers) in active {
            let kept = served.remove(&name).filter(|known| known.active == active);
            if kept.is_none() {
                self.tallies.begin(&name);
            }
            let fresh = || Served { active, version: active, registers, failure: None };
            now.insert(name, kept.unwrap_or_else(fresh));
        }
        *served = now;
        self.audience.change();
        Ok(())
    }

    /// How a published script is served.
    pub(super) fn of(&self, name: &str) -> Option<Served> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Every published script.
    pub(super) fn all(&self) -> Vec<(String, Served)> {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        served.iter().map(|(name, one)| (name.clone(), one.clone())).collect()
    }

    /// Notes how a script came up, unless another version was published meanwhile. Whether that is news.
    pub(super) fn note(&self, name: &str, found: Served) -> bool {
        let mut served = self.served.write().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = served.get_mut(name).filter(|known| known.active == found.active) else {
            return false;
        };
        let is_news = known.version != found.version
            || known.registers != found.registers
            || known.failure.is_some() != found.failure.is_some();
        *known = found;
        if is_news {
            self.audience.change();
        }
        is_news
    }

    /// The scripts to ask at a hook, in order: higher priority first, then by name. A script
    /// that registers several functions stands there for each.
    pub(super) fn members(&self, hook: &str) -> Vec<Member> {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        let asked = served.iter().flat_map(|(name, one)| {
            one.registers.iter().flat_map(|registers| entries(hook, name, one.version, registers))
        });
        in_order(asked.collect())
    }
}

/// A script with what it registers.
pub struct Known {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: i64,
    /// What it registers.
    pub registers: Registers,
}

/// The functions of these scripts, which are in order of names, to ask at a hook.
pub(super) fn members_of<'a>(hook: &str, scripts: impl Iterator<Item = &'a Known>) -> Vec<Member> {
    let asked = scripts.flat_map(|one| entries(hook, &one.name, one.version, &one.registers));
    in_order(asked.collect())
}

fn entries(hook: &str, name: &str, version: i64, registers: &Registers) -> Vec<Member> {
    let entries = registers.hooks.iter().filter(|entry| entry.hook == hook);
    let member = |entry: &HookEntry| {
        let HookEntry { priority, line, .. } = *entry;
        Member { name: name.to_owned(), version, priority, line }
    };
    entries.map(member).collect()
}

/// By priority; among equals the order stays, which is that of names and, within a script, of lines.
fn in_order(mut members: Vec<Member>) -> Vec<Member> {
    members.sort_by_key(|member| -member.priority);
    members
}

/// The checks that the scripts bring, by script and in the order of the source.
pub fn registered_checks(engine: &Engine) -> Vec<RegisteredCheck> {
    let of_one = |(script, one): (String, Served)| {
        let checks = one.registers.unwrap_or_default().checks;
        checks.into_iter().map(move |check| RegisteredCheck {
            script: script.clone(),
            version: one.version,
            check: check.name,
            every: check.every_s,
            line: check.line,
        })
    };
    engine.scripts.all().into_iter().flat_map(of_one).collect()
}
