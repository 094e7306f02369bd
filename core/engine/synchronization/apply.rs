//! Doing what a run was told, inside one transaction: new ones are made, others changed, those that are gone removed. Who
//! cannot be taken is refused and the rest goes on. Entries that stand in each other's way (somebody gets the login that
//! somebody else gives up in the same run) are tried again once the others are done.

use std::collections::HashMap;

use jackfield_abi::ops::{DirectoryClosed, DirectoryList, DirectoryPerson};
use jackfield_db::{Read, params};
use serde_json::json;

use super::draft::Drafted;
use super::entry::name_of;
use super::order::Order;
use super::removal::{self, is_removed, take_back};
use super::run::Run;
use super::seen::Seen;
use super::standing;
use crate::catalog::events::{ACCOUNTS_CHANGED, DIRECTORY_CHANGED};
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Entry, Precondition};
use crate::engine::objects::{ACCOUNTS, ENTERPRISES, Hidden, PEERS, is_same, set_login_aside, text};

/// Rounds in which entries that stand in each other's way are tried again.
const ROUNDS: usize = 8;
/// Persons of each list.
const LISTED: usize = 1000;
/// Bytes of all lists, so that they fit in a message.
const LISTED_BYTES: usize = 512 * 1024;

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
    (closed.refused, closed.refusals, closed.revision) = (run.refused, run.refusals.clone(), n);
    // A rehearsal may be followed by the real thing.
    run.refused = refused.0;
    run.refusals.truncate(refused.1);
    Ok(closed)
}

/// What may become of an entry.
enum Step {
    Done,
    /// Another entry of this run may give up what stands in the way.
    Blocked,
    Refused(Problem),
}

/// Who has a login.
struct Holder {
    seq: i64,
    id: String,
    origin: String,
    synchronizer: Option<String>,
    key: String,
    is_removed: bool,
}

struct Applying<'a, 't> {
    change: &'a Change<'t>,
    order: &'a Order,
    run: &'a mut Run,
    /// Accounts that this run has dealt with, besides those that the source still has.
    done: Seen,
    /// Accounts that it has removed.
    hidden: Seen,
    /// Logins that were put aside, by account.
    parked: HashMap<String, String>,
    listed_bytes: usize,
    closed: DirectoryClosed,
}

impl<'a, 't> Applying<'a, 't> {
    fn new(change: &'a Change<'t>, order: &'a Order, run: &'a mut Run) -> Self {
        let closed = DirectoryClosed {
            unchanged: run.unchanged,
            list: Some(DirectoryList::default()),
            ..DirectoryClosed::default()
        };
        let (done, hidden, parked) = (Seen::default(), Seen::default(), HashMap::new());
        Self { change, order, run, done, hidden, parked, listed_bytes: 0, closed }
    }

    fn read(&self) -> &'a Read<'t> {
        self.change.tx
    }

    fn run(&mut self) -> Result<(), Problem> {
        let missing = standing::missing(self.read(), self.run)?;
        let mut waiting = Vec::new();
        let mut entries = self.run.draft.after(0)?;
        while let Some((place, drafted)) = entries.next()? {
            if !matches!(self.take(&drafted)?, Step::Done) {
                waiting.push(place);
            }
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
                removal::remove(self.change, &before, self.order.grace_days)?;
                self.hidden.insert(*seq);
                self.count_removal(&before);
            }
        }
        Ok(())
    }

    fn count_removal(&mut self, account: &Object) {
        self.closed.removals += 1;
        let person = self.person(text(account, "directory_key"), account);
        self.list(person, |list| &mut list.removals);
    }

    fn try_again(&mut self, mut waiting: Vec<u64>) -> Result<(), Problem> {
        for _ in 0..ROUNDS {
            let before = waiting.len();
            let mut still = Vec::new();
            for place in waiting {
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

    /// Does one entry, if nothing stands in its way.
    fn take(&mut self, drafted: &Drafted) -> Result<Step, Problem> {
        let before = self.known(&drafted.key)?;
        if before
            .as_ref()
            .is_some_and(|account| text(account, "directory_hash") == drafted.hash && !is_removed(account))
        {
            return Ok(Step::Done);
        }
        let own = before.as_ref().map_or("", |account| text(account, "id"));
        let holder = self.holder(text(&drafted.fields, "login_id"))?.filter(|holder| holder.id != own);
        let before = match (before, holder) {
            (before, None) => before,
            (before, Some(holder)) if self.gives_way(&holder) => self.displace(before, &holder)?,
            (_, Some(holder)) if self.may_move(&holder) => return Ok(Step::Blocked),
            (_, Some(holder)) => return Ok(Step::Refused(held_by(drafted, &holder))),
        };
        match self.write(before, drafted) {
            Ok(()) => Ok(Step::Done),
            Err(problem) if problem.kind.status < 500 => Ok(Step::Refused(problem)),
            Err(problem) => Err(problem),
        }
    }

    /// Whether who has a login came from the same source, which has them no longer.
    fn gives_way(&self, holder: &Holder) -> bool {
        let is_gone = match self.order.full {
            true => !self.run.kept.contains(holder.seq),
            false => self.run.gone.contains(holder.seq) && !self.run.kept.contains(holder.seq),
        };
        self.is_ours(holder) && !self.done.contains(holder.seq) && (holder.is_removed || is_gone)
    }

    /// Whether another entry of this run may change that login.
    fn may_move(&self, holder: &Holder) -> bool {
        self.is_ours(holder) && self.run.drafted.contains(holder.seq) && !self.done.contains(holder.seq)
    }

    fn is_ours(&self, holder: &Holder) -> bool {
        holder.synchronizer.as_ref() == Some(&self.order.synchronizer)
    }

    /// A new entry with the login of one that is gone takes its account over: the person was made anew in the source.
    /// For one that has an account already, the other goes at once.
    fn displace(&mut self, before: Option<Object>, holder: &Holder) -> Result<Option<Object>, Problem> {
        let held = ACCOUNTS.get(self.read(), &holder.id)?;
        if before.is_none() {
            self.closed.removals -= u64::from(self.hidden.contains(holder.seq));
            return Ok(Some(held));
        }
        ACCOUNTS.remove(self.change, &holder.id, &Precondition::Exists)?;
        self.done.insert(holder.seq);
        if !is_removed(&held) {
            self.count_removal(&held);
        }
        Ok(before)
    }

    fn write(&mut self, before: Option<Object>, drafted: &Drafted) -> Result<(), Problem> {
        match before {
            Some(before) => self.alter(before, drafted),
            None => self.add(drafted),
        }
    }

    fn add(&mut self, drafted: &Drafted) -> Result<(), Problem> {
        let order = self.order;
        let mut account = drafted.fields.clone();
        let is_contact = order.peer.is_some();
        let made = json!({
            "enterprise": order.enterprise, "peer": order.peer, "profile": order.profile,
            "origin": if is_contact { "peer" } else { "synchronizer" },
            "deployed": order.deploy && !is_contact, "synchronizer": order.synchronizer,
            "directory_key": drafted.key, "directory_hash": drafted.hash,
        });
        account.extend(made.as_object().cloned().unwrap_or_default());
        let made = ACCOUNTS.create(self.change, account, &Hidden::default())?;
        self.closed.adds += 1;
        let person = self.person(&drafted.key, &made);
        self.list(person, |list| &mut list.adds);
        Ok(())
    }

    fn alter(&mut self, before: Object, drafted: &Drafted) -> Result<(), Problem> {
        let mut after = before.clone();
        after.extend(drafted.fields.clone());
        after.insert("directory_key".to_owned(), drafted.key.as_str().into());
        take_back(&mut after);
        let id = text(&before, "id");
        let is_parked = self.parked.contains_key(id);
        if is_same(&before, &after) && !is_parked {
            // The source has a new version that says the same here.
            let sql = "UPDATE account SET directory_hash = ?2 WHERE id = ?1";
            self.change.tx.execute(sql, params![id, drafted.hash])?;
            self.closed.unchanged += 1;
        } else {
            after.insert("directory_hash".to_owned(), drafted.hash.as_str().into());
            ACCOUNTS.replace(self.change, &before, after, &Hidden::default())?;
            self.parked.remove(id);
            self.closed.changes += 1;
            let person = self.person(&drafted.key, &drafted.fields);
            self.list(person, |list| &mut list.changes);
        }
        if let Some(seq) = self.seq(id)? {
            self.done.insert(seq);
        }
        Ok(())
    }

    /// The account of a key, with its login even while that is put aside.
    fn known(&self, key: &str) -> Result<Option<Object>, Problem> {
        let sql = "SELECT id FROM account WHERE synchronizer = ?1 AND directory_key = ?2";
        let id =
            self.read().one(sql, params![self.order.synchronizer, key], |row| row.get::<_, String>(0))?;
        let Some(id) = id else { return Ok(None) };
        let mut account = ACCOUNTS.get(self.read(), &id)?;
        if let Some(login) = self.parked.get(&id) {
            account.insert("login_id".to_owned(), login.as_str().into());
        }
        Ok(Some(account))
    }

    fn account(&self, seq: i64) -> Result<Option<Object>, Problem> {
        let sql = "SELECT id FROM account WHERE seq = ?1";
        let id = self.read().one(sql, params![seq], |row| row.get::<_, String>(0))?;
        id.map(|id| ACCOUNTS.get(self.read(), &id)).transpose()
    }

    fn seq(&self, id: &str) -> Result<Option<i64>, Problem> {
        Ok(self.read().one("SELECT seq FROM account WHERE id = ?1", params![id], |row| row.get(0))?)
    }

    fn holder(&self, login: &str) -> Result<Option<Holder>, Problem> {
        let sql = "SELECT seq, id, origin, synchronizer, coalesce(directory_key, ''), removed_at IS NOT NULL FROM account
                   WHERE enterprise = ?1 AND login_id = ?2 AND coalesce(peer, '') = coalesce(?3, '')";
        let bound = params![self.order.enterprise, login, self.order.peer];
        Ok(self.read().one(sql, bound, |row| {
            Ok(Holder {
                seq: row.get(0)?,
                id: row.get(1)?,
                origin: row.get(2)?,
                synchronizer: row.get(3)?,
                key: row.get(4)?,
                is_removed: row.get(5)?,
            })
        })?)
    }

    fn person(&self, key: &str, fields: &Object) -> DirectoryPerson {
        let (login_id, name) = (text(fields, "login_id").to_owned(), name_of(fields));
        DirectoryPerson { key: key.to_owned(), login_id, name }
    }

    fn list(
        &mut self,
        person: DirectoryPerson,
        which: impl FnOnce(&mut DirectoryList) -> &mut Vec<DirectoryPerson>,
    ) {
        let bytes = person.key.len() + person.login_id.len() + person.name.len() + 48;
        let Some(list) = self.closed.list.as_mut().map(which) else { return };
        if list.len() < LISTED && self.listed_bytes + bytes <= LISTED_BYTES {
            self.listed_bytes += bytes;
            list.push(person);
        }
    }
}

fn held_by(drafted: &Drafted, holder: &Holder) -> Problem {
    let login = text(&drafted.fields, "login_id");
    let who = match holder.synchronizer.as_deref() {
        Some(other) => {
            format!("that of the entry {:?}, which {other} has brought ({})", holder.key, holder.id)
        }
        None => format!("that of the {} account {}, which stays as it is", holder.origin, holder.id),
    };
    Problem::field("login_id", format!("{login:?} of the entry {:?} is {who}", drafted.key))
}

fn blocked(drafted: &Drafted) -> Problem {
    let login = text(&drafted.fields, "login_id");
    let detail = format!("{login:?} of the entry {:?} is that of another entry, which keeps it", drafted.key);
    Problem::field("login_id", detail)
}
