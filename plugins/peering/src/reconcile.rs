//! What belongs to peers and enterprises that are gone goes as well (seed 002): synchronizers with their passwords,
//! and invitations. Run at every start, because a peer may have been deleted while the plugin was down, and whenever
//! one has changed.

use jackfield_sdk::{Code, Failure, log, params};

use serde::Deserialize;

use crate::Peering;
use crate::desk::rows::ORPHANS;
use crate::standing::Standing;
use crate::synchronizer::{record, table};

/// Synchronizers of one transaction: each may carry certificates of 64 KiB, and a message has 1 MiB.
const AT_ONCE: usize = 4;
/// Times to begin anew when somebody else writes meanwhile.
const ATTEMPTS: usize = 5;
const WHO: &str = "plugin peering";

/// Expired ones are shown for a week.
const OLD_INVITATIONS: &str = "DELETE FROM peering_invitation
    WHERE expires_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-7 days')
        OR NOT EXISTS (SELECT 1 FROM core_enterprises e
            WHERE e.id = peering_invitation.enterprise AND e.created_at = peering_invitation.enterprise_made)";

/// Synchronizers that brought people and are not there any more.
const LEFT: &str = "SELECT DISTINCT substr(a.synchronizer, 9) AS synchronizer FROM core_accounts a
    WHERE a.synchronizer GLOB 'peering/enterprise/*' AND NOT EXISTS (SELECT 1 FROM peering_synchronizer s
        WHERE 'peering/' || s.kind || '/' || s.owner = a.synchronizer COLLATE NOCASE)";

#[derive(Deserialize)]
struct Left {
    synchronizer: String,
}

impl Peering {
    /// Lets people go whose synchronizer was deleted when they could not; those of a peer go with the peer.
    pub(crate) fn forget_left(&self) -> Result<(), Failure> {
        for Left { synchronizer } in self.host.db().query::<Left>(LEFT, params![])? {
            self.forget_people(&synchronizer, WHO);
        }
        Ok(())
    }

    /// Deletes what belongs to nobody.
    pub(crate) fn reconcile(&self) -> Result<(), Failure> {
        let _writing = self.writing();
        let mut attempts = 0;
        loop {
            match self.remove_some() {
                Ok(0) => break,
                Ok(_) => {}
                Err(failure) if failure.code == Code::Conflict && attempts < ATTEMPTS => attempts += 1,
                Err(failure) => return Err(failure),
            }
        }
        table::run(&self.host, OLD_INVITATIONS, params![])?;
        ORPHANS.iter().try_for_each(|sql| table::run(&self.host, sql, params![]))?;
        record::forget_orphans(&self.host)?;
        table::forget_unused_secrets(&self.host)
    }

    /// Deletes some synchronizers without an owner, and says how many.
    fn remove_some(&self) -> Result<usize, Failure> {
        let standing = Standing::read(&self.host)?;
        let orphans = table::orphans(&self.host, AT_ONCE)?;
        if orphans.is_empty() {
            return Ok(0);
        }
        table::remove(&self.host, &standing, &orphans, WHO)?;
        for orphan in &orphans {
            log::info!("the synchronizer of the {} {} is deleted with it", orphan.kind, orphan.owner);
        }
        Ok(orphans.len())
    }
}
