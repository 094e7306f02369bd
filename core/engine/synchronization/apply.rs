//! Doing what a run was told, inside one transaction: new ones are made, others changed, those that are gone removed. Who
//! cannot be taken is refused and the rest goes on. Entries that stand in each other's way (somebody gets the login that
//! somebody else gives up in the same run) are tried again once the others are done.

mod newcomers;
mod taking;

use std::collections::HashMap;

use jackfield_abi::ops::DirectoryClosed;
use jackfield_db::{Read, params};
use serde_json::json;

use super::draft::Drafted;
use super::listing::Listing;
use super::order::Order;
use super::removal::{self, is_removed};
use super::run::Run;
use super::seen::Seen;
use super::standing;
use crate::catalog::events::{ACCOUNTS_CHANGED, DIRECTORY_CHANGED};
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Entry};
use crate::engine::objects::{ACCOUNTS, ENTERPRISES, PEERS, set_login_aside, text};
use taking::{Step, blocked};

/// Entries that are looked at together: the index of words is cheaper the more of them it gets at a time.
const AT_ONCE: usize = 5000;
/// Rounds in which entries that stand in each other's way are tried again.
const ROUNDS: usize = 8;

/// Does it all; what came of it.
pub fn apply(change: &Change<'_>, id: &str, run: &mut Run) -> Result<DirectoryClosed, Problem> {
    let order = run.order.clone();
    // Both may have been deleted while the run was open.
    ENTERPRISES.get(change.tx, &order.enterprise)?;
    order.peer.as_deref().map(|peer| PEERS.get(change.tx, peer)).transpose()?;
    let bulk =
        Entry { kind: ACCOUNTS.name, object: id, before: None, after: None, event: ACCOUNTS_CHANGED.name };
    let refused = (run.refused, run.refusals.len());
    let mut applying = Applying::new(change, &order, run);
    let n = change.in_bulk(&bulk, None, || {
        applying.run()?;
        Ok(applying.said())
    })?;
    if n.is_some() {
        change.tell(DIRECTORY_CHANGED.name, order.place());
    }
    let mut closed = applying.closed;
    closed.list = Some(applying.list.told());
    (closed.refused, closed.refusals, closed.revision) = (run.refused, run.refusals.clone(), n);
    // A rehearsal may be followed by the real thing.
    run.refused = refused.0;
    run.refusals.truncate(refused.1);
    Ok(closed)
}

struct Applying<'a, 't> {
    change: &'a Change<'t>,
    order: &'a Order,
    run: &'a mut Run,
    /// The newest account before this run.
    newest: i64,
    /// Accounts that this run has dealt with, besides those that the source still has.
    done: Seen,
    /// Accounts that it has removed.
    hidden: Seen,
    /// Logins that were put aside, by account.
    parked: HashMap<String, String>,
    list: Listing,
    closed: DirectoryClosed,
}

impl<'a, 't> Applying<'a, 't> {
    fn new(change: &'a Change<'t>, order: &'a Order, run: &'a mut Run) -> Self {
        let closed = DirectoryClosed { unchanged: run.unchanged, ..DirectoryClosed::default() };
        let (done, hidden, parked) = (Seen::default(), Seen::default(), HashMap::new());
        Self { change, order, run, newest: 0, done, hidden, parked, list: Listing::default(), closed }
    }

    fn read(&self) -> &'a Read<'t> {
        self.change.tx
    }

    fn run(&mut self) -> Result<(), Problem> {
        self.change.tx.expects_many_rows()?;
        self.newest =
            self.read().one("SELECT coalesce(max(seq), 0) FROM account", [], |row| row.get(0))?.unwrap_or(0);
        let missing = standing::missing(self.read(), self.run)?;
        let mut waiting = Vec::new();
        let mut entries = self.run.draft.after(0)?;
        loop {
            let lines = entries.some(AT_ONCE)?;
            if lines.is_empty() {
                break;
            }
            self.take_in_order(&lines, &mut waiting)?;
        }
        self.remove(&missing)?;
        self.try_again(waiting)
    }

    /// What the revision says of itself.
    fn said(&self) -> Object {
        let DirectoryClosed { adds, changes, removals, .. } = self.closed;
        let said = json!({
            "what": "synchronization", "synchronizer": self.order.synchronizer, "enterprise": self.order.enterprise,
            "peer": self.order.peer, "adds": adds, "changes": changes, "removals": removals,
            "refused": self.run.refused, "places": [self.order.place()],
        });
        said.as_object().cloned().unwrap_or_default()
    }

    fn remove(&mut self, missing: &[i64]) -> Result<(), Problem> {
        for seq in missing {
            if self.done.contains(*seq) {
                continue;
            }
            if let Some(before) = self.account(*seq)?.filter(|account| !is_removed(account)) {
                self.change.tx.gets_on();
                removal::remove(self.change, &before, self.order.grace_days)?;
                self.hidden.insert(*seq);
                self.count_removal(&before);
            }
        }
        Ok(())
    }

    fn count_removal(&mut self, account: &Object) {
        self.closed.removals += 1;
        self.list.removal(text(account, "directory_key"), account);
    }

    fn try_again(&mut self, mut waiting: Vec<u64>) -> Result<(), Problem> {
        for _ in 0..ROUNDS {
            let before = waiting.len();
            let mut still = Vec::new();
            for place in waiting {
                self.change.tx.gets_on();
                let drafted = self.run.draft.at(place)?;
                if !matches!(self.take(&drafted)?, Step::Done) {
                    still.push(place);
                }
            }
            waiting = still;
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        self.untangle(&waiting)
    }

    /// Entries that swap their logins: all of them give theirs up first.
    fn untangle(&mut self, waiting: &[u64]) -> Result<(), Problem> {
        for place in waiting {
            let drafted = self.run.draft.at(*place)?;
            match self.take(&drafted)? {
                Step::Blocked => self.park(&drafted.key)?,
                Step::Done | Step::Refused(_) => {}
            }
        }
        for place in waiting {
            let drafted = self.run.draft.at(*place)?;
            match self.take(&drafted)? {
                Step::Done => {}
                Step::Blocked => self.refuse(&drafted, &blocked(&drafted))?,
                Step::Refused(problem) => self.refuse(&drafted, &problem)?,
            }
        }
        Ok(())
    }

    fn park(&mut self, key: &str) -> Result<(), Problem> {
        let Some(account) = self.known(key)? else { return Ok(()) };
        let (id, login) = (text(&account, "id").to_owned(), text(&account, "login_id").to_owned());
        set_login_aside(self.change.tx, &id)?;
        self.parked.insert(id, login);
        Ok(())
    }

    fn refuse(&mut self, drafted: &Drafted, problem: &Problem) -> Result<(), Problem> {
        self.run.refuse(&drafted.key, problem);
        let Some(account) = self.known(&drafted.key)? else { return Ok(()) };
        if self.parked.contains_key(text(&account, "id")) {
            let sql = "UPDATE account SET login_id = ?2 WHERE id = ?1";
            self.change.tx.execute(sql, params![text(&account, "id"), text(&account, "login_id")])?;
        }
        Ok(())
    }
}
