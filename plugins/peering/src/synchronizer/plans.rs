//! When directories are read by themselves: the schedule of a peer is the peer's own (seed 001), that of an enterprise
//! stands with its synchronizer. All of them are handed over together whenever one may have changed.

use std::collections::BTreeMap;

use jackfield_sdk::{Failure, Host, JobPlan, json, params};
use serde::Deserialize;

use super::run::{JOB, Order};
use crate::owner::Of;

const DUE: &str = "SELECT s.kind AS of, s.owner,
        CASE s.kind WHEN 'peer' THEN p.sync_every_days ELSE s.settings ->> '$.sync_every_days' END AS every_days,
        CASE s.kind WHEN 'peer' THEN p.sync_hour ELSE s.settings ->> '$.sync_hour' END AS hour,
        CASE s.kind WHEN 'peer' THEN p.sync_minute ELSE s.settings ->> '$.sync_minute' END AS minute,
        CASE s.kind WHEN 'peer' THEN p.sync_half ELSE s.settings ->> '$.sync_half' END AS half
    FROM peering_synchronizer s LEFT JOIN core_peers p
        ON s.kind = 'peer' AND p.id = s.owner AND p.created_at = s.owner_made
    ORDER BY s.kind, s.owner";

#[derive(Deserialize)]
struct Due {
    of: Of,
    owner: String,
    every_days: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    half: Option<String>,
}

impl Due {
    fn plan(self) -> Option<JobPlan> {
        let every_days = self.every_days.filter(|days| *days > 0)?;
        let order = Order { of: self.of, owner: self.owner, dry_run: false, confirm: false };
        Some(JobPlan {
            key: order.key(),
            job: JOB.to_owned(),
            input: json!(order),
            every_days,
            hour: self.hour?,
            minute: self.minute?,
            half: self.half?,
        })
    }
}

/// Plans all of them, with the plugin's other plans; answers when each is due.
pub fn renew(host: &Host, others: Vec<JobPlan>) -> Result<BTreeMap<String, Option<String>>, Failure> {
    let due: Vec<Due> = host.db().query(DUE, params![])?;
    host.plan_jobs(due.into_iter().filter_map(Due::plan).chain(others).collect())
}
