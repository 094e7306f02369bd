//! Whether the database can be read and its writer makes progress.

use std::time::Duration;

use jackfield_db::params;

use super::{Check, Finding, State};
use crate::engine::Engine;

/// A write that takes this long is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(20);

/// The check.
pub static CHECK: Check = Check { name: "database_answers", gates_readiness: true, run };

fn run(engine: &Engine) -> Finding {
    let read = engine.db.read(|read| read.one("SELECT 1", params![], |row| row.get::<_, i64>(0)));
    if let Err(error) = read {
        return Finding::bad(
            State::Problem,
            error.to_string(),
            "Restart the service; restore a backup if it persists.",
        );
    }
    if is_stuck(engine) {
        let detail = format!("a write has not ended for over {} seconds", STUCK_AFTER.as_secs());
        return Finding::bad(
            State::Problem,
            detail,
            "Look at the disk (dmesg, smartctl); then restart the service.",
        );
    }
    let stats = engine.db.stats();
    Finding::ok(format!("{} commits, {} writes waiting", stats.commits, stats.queued))
}

/// Whether a write has not ended for so long that only a restart can help.
pub fn is_stuck(engine: &Engine) -> bool {
    engine.db.stats().running_for.is_some_and(|age| age > STUCK_AFTER)
}
