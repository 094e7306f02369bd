//! Puts a recorded change back, as far as it can be: passwords and codes are not kept, so what needs one of those
//! stays as it is, and says so. What this fills in, the host runs, after it has made sure that nothing changed the
//! object since.

use jackfield_sdk::{Problem, Tx, Undo};
use serde::Deserialize;

use crate::owner::{Of, Owner};
use crate::standing::Standing;
use crate::synchronizer::table::{self, Noted, Row};
use crate::{Peering, accepting, guard, invitations, sisters};

impl Peering {
    pub(crate) fn put_back(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        match undo.kind.as_str() {
            table::KIND => self.put_synchronizer_back(undo, tx),
            invitations::KIND if undo.before.is_null() => self.put_invitation_back(undo, tx),
            sisters::ADDRESS => self.put_address_back(undo, tx),
            guard::KIND => self.put_guard_back(undo, tx),
            accepting::KIND => Err(Problem::conflict(
                "trust is not taken back by itself: delete the peer, and the other side is told",
            )),
            invitations::KIND => {
                Err(Problem::conflict("the code of an invitation is not kept; make a new one"))
            }
            other => Err(Problem::conflict(format!("peering has no `{other}` to put back"))),
        }
    }

    fn put_synchronizer_back(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        let (of, owner) = self.owner_of(&undo.object)?;
        let standing = Standing::read(&self.host)?;
        let old = table::one(&self.host, of, &owner)?;
        if undo.before.is_null() {
            let old: Vec<Row> = old.into_iter().collect();
            return Ok(table::fill_removal(tx, &standing, &old, &undo.who)?);
        }
        owner.must_take_one(of)?;
        let unreadable = |e| Problem::new(500, format!("revision {} cannot be read: {e}", undo.n));
        let Noted { settings, password_set_at } =
            Noted::deserialize(undo.before.clone()).map_err(unreadable)?;
        let kept = old.as_ref().filter(|old| old.secret_at == password_set_at);
        let secret = match (&password_set_at, kept) {
            (None, _) => None,
            (Some(_), Some(kept)) => kept.secret.clone(),
            (Some(_), None) => {
                return Err(Problem::conflict("the password that it had is not kept; set it again by hand"));
            }
        };
        let row = Row {
            kind: of.word().to_owned(),
            owner: owner.id.clone(),
            owner_made: owner.made.clone(),
            settings,
            secret,
            secret_at: password_set_at,
            revision: standing.next(),
            created_at: old.as_ref().map_or_else(|| standing.now.clone(), |old| old.created_at.clone()),
            changed_at: standing.now.clone(),
        };
        Ok(table::fill_put(tx, &standing, of, (old.as_ref(), &row), &undo.who)?)
    }

    /// The owner in a revision's name for a synchronizer.
    fn owner_of(&self, object: &str) -> Result<(Of, Owner), Problem> {
        let (kind, id) = object.split_once('/').unwrap_or_default();
        let of = if kind == Of::Peer.word() { Of::Peer } else { Of::Enterprise };
        let gone = || Problem::conflict(format!("the {} {id} that it belonged to is gone", of.word()));
        Ok((of, Owner::find(&self.host, of, id)?.ok_or_else(gone)?))
    }
}
