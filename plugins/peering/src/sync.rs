//! `peers/{id}:sync`: Sync Now (seed 001), whatever kind of peer it is.

use jackfield_sdk::{Call, Outcome};

use crate::Peering;
use crate::owner::{Of, Owner};

impl Peering {
    pub(crate) fn sync_peer(&self, call: &Call<'_>) -> Outcome {
        let owner = Owner::named(&self.host, Of::Peer, call)?;
        match owner.kind.as_deref() {
            Some("jackfield") => self.sync_sister(call, &owner),
            _ => self.sync_contacts(call),
        }
    }
}
