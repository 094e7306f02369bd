//! One run of a synchronizer, as a job: what the directory has is gathered and told to the appliance, and the run ends as
//! one change or as none. A run that did not get everything changes nothing.

use jackfield_sdk::abi::ops::{
    DirectoryClosed, DirectoryOpen, DirectoryOutcome, DirectoryOwner, DirectoryRefused,
};
use jackfield_sdk::{Code, Failure, Job, Run, Value, json, log, params};
use serde::{Deserialize, Serialize};

use super::gather::{Flaws, gather};
use super::harvest::Summary;
use super::person::Flaw;
use super::record::{self, Counts, Ended, State};
use super::source::Source;
use super::table::{self, Row};
use crate::Peering;
use crate::ldap::trouble::Trouble;
use crate::owner::{Of, Owner};

/// Name of the job.
pub const JOB: &str = "synchronize";

const THERE: &str =
    "SELECT count(*) AS count FROM core_accounts WHERE synchronizer = ?1 AND removed_at IS NULL";

/// How many people a synchronizer has brought.
#[derive(Deserialize)]
struct There {
    count: u64,
}

/// What a run is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// `peer` or `enterprise`.
    pub of: Of,
    /// Id of that.
    pub owner: String,
    /// Whether to say what would be done, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether what the latest run was held for is meant.
    #[serde(default)]
    pub confirm: bool,
}

impl Order {
    /// What tells one synchronizer from the others.
    pub fn key(&self) -> String {
        format!("{}/{}", self.of.word(), self.owner)
    }
}

/// What came of a run.
struct Done {
    state: State,
    reason: String,
    counts: Counts,
    flaws: Vec<Flaw>,
    closed: Option<DirectoryClosed>,
}

impl Done {
    fn failed(failure: Failure) -> Self {
        let (counts, flaws) = (Counts::default(), Vec::new());
        Self { state: State::Failed, reason: failure.msg, counts, flaws, closed: None }
    }
}

/// Marks a synchronizer as running for as long as it lives.
struct Mark<'p> {
    plugin: &'p Peering,
    key: String,
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        self.plugin.running().remove(&self.key);
    }
}

impl Peering {
    /// Runs it to its end.
    pub(crate) fn synchronize(&self, job: &Job<'_>) -> Result<Value, Failure> {
        let order: Order = job.input()?;
        let row = self.row_of(&order)?;
        let _mark = self.mark(&order.key(), job.id())?;
        self.tell_changed(&order);
        // What the appliance refuses is as good a reason as what the directory does.
        let done = self.run(job, &order, &row).unwrap_or_else(Done::failed);
        if !order.dry_run {
            let Done { state, reason, counts, flaws, .. } = &done;
            let ended = Ended { state: *state, reason, job: job.id(), counts: *counts, flaws };
            record::keep(&self.host, &row, &ended)?;
            self.tell();
        }
        self.running().remove(&order.key());
        self.tell_changed(&order);
        answer(&order, done)
    }

    fn row_of(&self, order: &Order) -> Result<Row, Failure> {
        let gone = || Failure::new(Code::NotFound, format!("{} has no synchronizer any more", order.key()));
        let owner = Owner::find(&self.host, order.of, &order.owner)?.ok_or_else(gone)?;
        table::one(&self.host, order.of, &owner)?.ok_or_else(gone)
    }

    fn mark(&self, key: &str, job: &str) -> Result<Mark<'_>, Failure> {
        let mut running = self.running();
        if let Some(other) = running.get(key) {
            let text = format!("a run of it is under way already: the job {other}");
            return Err(Failure::new(Code::Conflict, text));
        }
        running.insert(key.to_owned(), job.to_owned());
        Ok(Mark { plugin: self, key: key.to_owned() })
    }

    /// Whoever looks at it sees it begin and end.
    fn tell_changed(&self, order: &Order) {
        if let Err(failure) = self.host.event("peering.changed", &order.owner) {
            log::debug!("nobody was told of a run: {failure}");
        }
    }

    fn run(&self, job: &Job<'_>, order: &Order, row: &Row) -> Result<Done, Failure> {
        let source = Source::open(&self.host, row)?;
        let owner = Owner::find(&self.host, order.of, &order.owner)?;
        let (confirm, removal_share) = self.consent(order, row)?;
        let newcomers = row.settings.newcomers.clone().unwrap_or_default();
        let opened = DirectoryOpen {
            owner: DirectoryOwner { synchronizer: order.key() },
            enterprise: owner.map(|owner| owner.enterprise).unwrap_or_default(),
            peer: (order.of == Of::Peer).then(|| order.owner.clone()),
            who: job.who().to_owned(),
            dry_run: order.dry_run,
            confirm,
            removal_share,
            grace_days: u16::try_from(row.settings.grace_days).unwrap_or(7),
            full: true,
            deploy: newcomers.deploy,
            profile: newcomers.profile,
        };
        let mut run = self.host.directory().open(&opened)?;
        let mut flaws = Flaws::default();
        let read = gather(&self.host, job, &source, order, &mut run, &mut flaws);
        match read {
            Ok(summary) => self.close(run, order, row, summary, flaws),
            Err(trouble) => give_up(run, trouble, flaws),
        }
    }

    /// What may be done unasked: whether an empty answer is meant, and the share that may go. Somebody who confirms
    /// means the removals that they were told of, and not whatever else has gone since.
    fn consent(&self, order: &Order, row: &Row) -> Result<(bool, u8), Failure> {
        let usual = u8::try_from(row.settings.max_removal_percent).unwrap_or(20);
        let held = record::latest(&self.host, row)?.filter(|latest| latest.state == State::Held);
        let Some(Counts { adds, changes, unchanged, removals, .. }) =
            held.filter(|_| order.confirm).map(|held| held.counts)
        else {
            return Ok((false, usual));
        };
        if adds + changes + unchanged == 0 {
            return Ok((true, usual));
        }
        let there: Option<There> =
            self.host.db().first(THERE, params![format!("peering/{}", order.key())])?;
        let share = (removals * 100).div_ceil(there.map_or(1, |there| there.count).max(1));
        Ok((false, u8::try_from(share.min(100)).unwrap_or(100).max(usual)))
    }

    fn close(
        &self,
        run: Run,
        order: &Order,
        row: &Row,
        summary: Summary,
        mut flaws: Flaws,
    ) -> Result<Done, Failure> {
        let closed = run.close(DirectoryOutcome::Complete, "")?;
        // Who is in the way of whom shows only in the end.
        for DirectoryRefused { key, field, detail } in closed.refusals.iter().skip(flaws.refusals).cloned() {
            flaws.note(Flaw { name: key.clone(), key: Some(key), attribute: field, detail });
        }
        let counts = Counts {
            entries: summary.entries,
            adds: closed.adds,
            changes: closed.changes,
            removals: closed.removals,
            unchanged: closed.unchanged,
            errors: flaws.count,
            references: summary.references,
        };
        let (state, reason) = match &closed.held {
            Some(held) if !order.dry_run => (State::Held, held.what.clone()),
            Some(held) => (State::Synchronized, format!("it would be held: {}", held.what)),
            None => (State::Synchronized, sentence(&counts, flaws.photos, order.dry_run)),
        };
        let reason = match self.report_domain(order, row, state) {
            Ok(()) => reason,
            Err(failure) => {
                flaws.note(Flaw {
                    name: row.settings.domain.clone(),
                    key: None,
                    attribute: String::new(),
                    detail: failure.msg.clone(),
                });
                format!("{reason}; but its domain could not be reported: {}", failure.msg)
            }
        };
        Ok(Done { state, reason, counts, flaws: flaws.first, closed: Some(closed) })
    }

    /// Federation with a peer's domain and the presence of its contacts follow from that.
    fn report_domain(&self, order: &Order, row: &Row, state: State) -> Result<(), Failure> {
        if order.of != Of::Peer || order.dry_run || state != State::Synchronized {
            return Ok(());
        }
        self.host.directory().peer_domain(&order.owner, &row.settings.domain, None)
    }
}

/// Nothing is changed; the appliance notes why, unless somebody wanted it so.
fn give_up(run: Run, trouble: Trouble, flaws: Flaws) -> Result<Done, Failure> {
    let reason = trouble.sentence();
    let state = if trouble.is_cancelled { State::Cancelled } else { State::Failed };
    match state {
        State::Failed => drop(run.close(DirectoryOutcome::Failed, &reason)?),
        _ => drop(run),
    }
    let counts = Counts { errors: flaws.count, ..Counts::default() };
    Ok(Done { state, reason, counts, flaws: flaws.first, closed: None })
}

/// `photos`: how many of the errors are photos, without which somebody was taken.
fn sentence(counts: &Counts, photos: u64, is_dry: bool) -> String {
    let Counts { entries, adds, changes, removals, unchanged, errors, references } = counts;
    let would = if is_dry { "it would be: " } else { "" };
    let mut said = format!(
        "{would}{adds} added, {changes} changed, {removals} removed, {unchanged} as before, of {entries} entries"
    );
    let left_out = errors - photos;
    if left_out > 0 {
        said.push_str(&format!("; {left_out} entries have errors and were left out"));
    }
    if photos > 0 {
        said.push_str(&format!("; {photos} photos were not taken"));
    }
    if *references > 0 {
        said.push_str(&format!("; {references} references to other servers were not followed"));
    }
    said
}

/// What the job answers. One that failed is a failure of the job as well.
fn answer(order: &Order, done: Done) -> Result<Value, Failure> {
    let Done { state, reason, counts, flaws, closed } = done;
    if state == State::Failed {
        return Err(Failure::new(Code::Unavailable, reason));
    }
    let closed = closed.unwrap_or_default();
    Ok(json!({
        "of": order.of, "owner": order.owner, "state": state, "reason": reason, "dry_run": order.dry_run,
        "counts": counts, "errors": flaws, "held": closed.held, "list": closed.list, "revision": closed.revision,
    }))
}
