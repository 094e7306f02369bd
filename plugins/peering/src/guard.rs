//! `peers/{id}/guard`: what a synchronization with a sister appliance may remove without asking, and how long who is gone
//! is kept; as the synchronizer of an external peer says of itself (P9).

use jackfield_sdk::{Call, Outcome, Problem, Reply, Tx, Undo, Value, params};
use serde::{Deserialize, Serialize};

use crate::desk::Call as Desk;
use crate::{Peering, refused};

/// Kind in revisions.
pub const KIND: &str = "peering/guards";
/// What counts unless somebody says otherwise.
const USUAL: Guard = Guard { max_removal_percent: 20, grace_days: 7 };

const PUT: &str = "INSERT INTO peering_guard (peer, peer_made, max_removal_percent, grace_days)
    SELECT id, created_at, ?2, ?3 FROM core_peers WHERE id = ?1
    ON CONFLICT (peer) DO UPDATE SET peer_made = excluded.peer_made,
        max_removal_percent = excluded.max_removal_percent, grace_days = excluded.grace_days";

/// The bounds of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// A run that would remove more than this share of the contacts asks first; in percent.
    pub max_removal_percent: i64,
    /// Days that a contact who is gone is kept, and comes back as before.
    pub grace_days: i64,
}

impl Default for Guard {
    fn default() -> Self {
        USUAL
    }
}

impl Peering {
    pub(crate) fn put_guard(&self, call: &Call<'_>) -> Outcome {
        let row = self.sister(call)?;
        let wanted = call.form(|form| {
            let percent = form.field("max_removal_percent").whole(0..=100).or(USUAL.max_removal_percent);
            let grace = form.field("grace_days").whole(0..=365).or(USUAL.grace_days);
            Some(Guard { max_removal_percent: percent?, grace_days: grace? })
        })?;
        let before = row.guard();
        if !call.is_dry_run() && wanted != before {
            let written = self.host.db().tx(|tx| {
                tx.run_one(PUT, values(&row.id, wanted));
                tx.revision((KIND, &row.id), call.who(), Some(&before), Some(&wanted)).map(drop)
            });
            written.map_err(|failure| refused(call, failure))?;
            self.tell_desk(Desk::Reload);
        }
        Reply::ok(&wanted)
    }

    pub(crate) fn put_guard_back(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        let read = |value: &Value| {
            let unreadable = |e| Problem::new(500, format!("revision {} cannot be read: {e}", undo.n));
            Guard::deserialize(value.clone()).map_err(unreadable)
        };
        let (before, after) = (read(&undo.before)?, read(&undo.after)?);
        tx.run_one(PUT, values(&undo.object, before));
        tx.revision((KIND, &undo.object), &undo.who, Some(&after), Some(&before)).map(drop)?;
        Ok(())
    }
}

fn values(peer: &str, Guard { max_removal_percent, grace_days }: Guard) -> Vec<Value> {
    params![peer, max_removal_percent, grace_days]
}
