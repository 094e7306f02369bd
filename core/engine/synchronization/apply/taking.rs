//! One entry of a run: whose account it is, what stands in its way, what it makes of the account.

use jackfield_db::params;

use super::super::draft::Drafted;
use super::super::removal::{is_removed, take_back};
use super::Applying;
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::Precondition;
use crate::engine::objects::{ACCOUNTS, Hidden, is_same, text};

/// What may become of an entry.
pub enum Step {
    /// It is done.
    Done,
    /// Another entry of this run may give up what stands in the way.
    Blocked,
    /// It breaks a rule.
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

impl Applying<'_, '_> {
    /// Does one entry, if nothing stands in its way.
    pub(super) fn take(&mut self, drafted: &Drafted) -> Result<Step, Problem> {
        let before = self.known(&drafted.key)?;
        if before
            .as_ref()
            .is_some_and(|account| text(account, "directory_hash") == drafted.hash && !is_removed(account))
        {
            self.closed.unchanged += 1;
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
        let is_earlier = holder.seq <= self.newest && !self.done.contains(holder.seq);
        self.is_ours(holder) && is_earlier && (holder.is_removed || is_gone)
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
        let mut account = drafted.fields.clone();
        account.extend(self.order.newcomer());
        account.insert("directory_key".to_owned(), drafted.key.as_str().into());
        account.insert("directory_hash".to_owned(), drafted.hash.as_str().into());
        let made = ACCOUNTS.create(self.change, account, &Hidden::default())?;
        self.closed.adds += 1;
        self.list.add(&drafted.key, &made);
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
            self.list.change(&drafted.key, &drafted.fields);
        }
        if let Some(seq) = self.seq(id)? {
            self.done.insert(seq);
        }
        Ok(())
    }

    /// The account of a key, with its login even while that is put aside.
    pub(super) fn known(&self, key: &str) -> Result<Option<Object>, Problem> {
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

    pub(super) fn account(&self, seq: i64) -> Result<Option<Object>, Problem> {
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

/// Why an entry is refused whose login another one keeps.
pub fn blocked(drafted: &Drafted) -> Problem {
    let login = text(&drafted.fields, "login_id");
    let detail = format!("{login:?} of the entry {:?} is that of another entry, which keeps it", drafted.key);
    Problem::field("login_id", detail)
}
