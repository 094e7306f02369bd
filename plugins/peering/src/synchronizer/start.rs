//! `peers/{id}:sync` and `enterprises/{id}/synchronizer:sync`: Sync Now (seed 001), a dry run of it, and the
//! confirmation of a run that was held. Answers with the job that does it.

use jackfield_sdk::{Call, Outcome, Problem, Reply, json};

use super::record::{self, State};
use super::run::{JOB, Order};
use crate::Peering;
use crate::owner::{Of, Owner};

impl Peering {
    pub(crate) fn sync_contacts(&self, call: &Call<'_>) -> Outcome {
        self.sync(call, Of::Peer)
    }

    pub(crate) fn sync_enterprise(&self, call: &Call<'_>) -> Outcome {
        self.sync(call, Of::Enterprise)
    }

    fn sync(&self, call: &Call<'_>, of: Of) -> Outcome {
        let owner = Owner::named(&self.host, of, call)?;
        owner.must_take_one(of)?;
        let row = self.stored(of, &owner)?;
        let confirm = confirm(call)?;
        let is_held = record::latest(&self.host, &row)?.is_some_and(|latest| latest.state == State::Held);
        if confirm && !is_held {
            let text = "no run waits for a confirmation; leave confirm out";
            return Err(Problem::conflict(text));
        }
        let order = Order { of, owner: row.owner, dry_run: call.is_dry_run(), confirm };
        if let Some(job) = self.running().get(&order.key()) {
            let text = format!("a run is under way already: the job {job}; wait for it, or cancel it");
            return Err(Problem::conflict(text));
        }
        let job = self.host.queue_job(JOB, &json!(order), call.who())?;
        Reply::with(202, &json!({"job": job}))
    }
}

/// Only a held run needs it; a plain Sync Now never carries it.
fn confirm(call: &Call<'_>) -> Result<bool, Problem> {
    match call.query("confirm") {
        None | Some("" | "0") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => {
            let text = format!("confirm must be 1, or be left out; {other:?} is neither");
            Err(Problem::new(422, text))
        }
    }
}
