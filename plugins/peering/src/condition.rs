//! What the plugin says of directories: their latest runs speak. Of sister appliances the desk does, and
//! `conditions.rs` puts the two together.

use jackfield_sdk::{Condition, Failure, Host, State, params};
use serde::Deserialize;

use crate::synchronizer::record;

const COUNT: &str = "SELECT (SELECT count(*) FROM peering_synchronizer) AS directories,
        (SELECT count(*) FROM peering_synchronizer s WHERE NOT EXISTS (SELECT 1 FROM peering_run r
            WHERE r.kind = s.kind AND r.owner = s.owner AND r.owner_made = s.owner_made)) AS unread";

#[derive(Default, Deserialize)]
struct Count {
    directories: u64,
    unread: u64,
}

/// The condition now.
pub fn now(host: &Host) -> Result<Condition, Failure> {
    let count: Option<Count> = host.db().first(COUNT, params![])?;
    let Count { directories, unread } = count.unwrap_or_default();
    let tally = |state| {
        let known = record::tally(host)?;
        Ok::<_, Failure>(known.into_iter().find(|row| row.state == state).map_or(0, |row| row.count))
    };
    let (failed, held) = (tally(record::State::Failed)?, tally(record::State::Held)?);
    Ok(match (directories, failed + held) {
        (0, _) => idle(),
        (_, 1..) => troubled(failed, held),
        _ if unread > 0 => not_read(directories, unread),
        _ => good(directories),
    })
}

fn good(directories: u64) -> Condition {
    Condition {
        word: "connected",
        reason: format!("{directories} directories are set up, and the latest run of none of them failed")
            .into(),
        state: State::Up,
        finding: "ok",
        advice: "".into(),
    }
}

fn not_read(directories: u64, unread: u64) -> Condition {
    Condition {
        word: "not_read",
        reason: format!("of {directories} directories that are set up, {unread} have not been read yet")
            .into(),
        ..good(directories)
    }
}

fn troubled(failed: u64, held: u64) -> Condition {
    Condition {
        word: "not_connected",
        reason: format!(
            "of the directories, {failed} could not be read in their latest run and {held} wait for somebody to \
             confirm what they would remove; nothing was changed by those runs"
        )
        .into(),
        state: State::Degraded,
        finding: "warning",
        advice: "Look at each synchronizer in the console: it says why, and has a test of every step.".into(),
    }
}

fn idle() -> Condition {
    Condition {
        word: "idle",
        reason: "no directory is configured".into(),
        state: State::Up,
        finding: "ok",
        advice: "".into(),
    }
}
