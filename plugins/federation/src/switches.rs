//! `federation`: read how it stands, switch it.

use jackfield_sdk::{Call, Outcome, Problem, Reply, log};
use serde::Serialize;

use crate::standing::{Standing, Switches};
use crate::{Federation, condition, refused};

/// As the API shows it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    switches: Switches,
    state: &'static str,
    reason: &'static str,
    servers: usize,
    revision: i64,
    changed_at: &'a str,
}

impl Federation {
    pub(crate) fn read_switches(&self, _call: &Call<'_>) -> Outcome {
        shown(&Standing::read(&self.host)?)
    }

    pub(crate) fn put_switches(&self, call: &Call<'_>) -> Outcome {
        let wanted = wanted(call)?;
        let standing = Standing::read(&self.host)?;
        must_match(call, &standing)?;
        if wanted == standing.switches {
            return shown(&standing);
        }
        let next = standing.switched(wanted);
        if !call.is_dry_run() {
            standing.write(&next, &self.host, call.who()).map_err(|failure| refused(call, failure))?;
            self.tell(&next);
        }
        shown(&next)
    }

    /// The switches are durable by now, so a host that does not listen must not make the request fail.
    fn tell(&self, standing: &Standing) {
        let told = condition::of(&standing.switches).tell(&self.host);
        if let Err(failure) = told {
            log::warn!("federation was switched, but its new state could not be reported: {failure}");
        }
    }
}

fn wanted(call: &Call<'_>) -> Result<Switches, Problem> {
    call.form(|form| {
        form.ignore(&["state", "reason", "servers", "revision", "changed_at"]);
        let (enabled, open) = (form.field("enabled").flag().required(), form.field("open").flag().required());
        Some(Switches { enabled: enabled?, open: open? })
    })
}

/// The tag changes with the number of servers, because the answer does; the switches' version comes first.
fn shown(standing: &Standing) -> Outcome {
    let Standing { switches, revision, servers, .. } = *standing;
    let condition = condition::of(&switches);
    let shown = Shown {
        switches,
        state: condition.word,
        reason: condition.reason,
        servers,
        revision,
        changed_at: &standing.changed_at,
    };
    Ok(Reply::ok(&shown)?.version(format!("{revision}-{}", standing.table_revision)))
}

/// Compares the switches' version only: who switches federation does not change what somebody adds to the
/// table meanwhile.
fn must_match(call: &Call<'_>, standing: &Standing) -> Result<(), Problem> {
    let asked = call.http.if_match.as_str().unwrap_or("*");
    let version = asked.split('-').next().unwrap_or_default();
    if version == "*" || version == standing.revision.to_string() { Ok(()) } else { Err(Problem::stale()) }
}
