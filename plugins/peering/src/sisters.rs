//! What administrators ask of sister appliances: their enterprises (Select Enterprise, seed 001), another address, and
//! their directories as jobs, at once or by the clock.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use jackfield_sdk::abi::ops::JobPlan;
use jackfield_sdk::form::PLAIN;
use jackfield_sdk::{Call, Code, Failure, Job, Outcome, Problem, Reply, Tx, Undo, Value, json, params};
use serde::{Deserialize, Serialize};

use crate::accepting::{problem, wrong};
use crate::desk::{Call as Desk, Told, rows};
use crate::owner::Owner;
use crate::sister::frame::{Enterprise, Frame};
use crate::sister::hello::{self, Trusted};
use crate::sister::share::Order;
use crate::sister::status::Trouble;
use crate::sister::{certificate::Seen, status::Word};
use crate::wire::split;
use crate::{Peering, refused};

/// Kind of an address in revisions.
pub const ADDRESS: &str = "peering/addresses";
/// The job that brings a sister's directory.
pub const JOB: &str = "sync_sister";
/// How often a job looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(500);

const OWN: &str =
    "SELECT id, coalesce(description, '') AS description FROM core_enterprises WHERE id <> ?1 ORDER BY id";
const MOVE: &str = "UPDATE peering_trust SET address = ?2 WHERE peer = ?1";
const SCHEDULED: &str = "SELECT id, sync_every_days AS every_days, sync_hour AS hour, sync_minute AS minute,
        sync_half AS half
    FROM core_peers WHERE kind = 'jackfield' AND sync_every_days > 0 ORDER BY id";

#[derive(Deserialize)]
struct Scheduled {
    id: String,
    every_days: i64,
    hour: i64,
    minute: i64,
    half: String,
}

#[derive(Deserialize, Serialize)]
struct Input {
    peer: String,
    #[serde(default)]
    whole: bool,
    #[serde(default)]
    confirm: bool,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, Deserialize, Clone)]
struct Address {
    address: String,
}

impl Peering {
    /// The enterprises of a peer's appliance, asked for now.
    pub(crate) fn list_enterprises(&self, call: &Call<'_>) -> Outcome {
        let row = self.sister(call)?;
        let office = self.office()?;
        if office.board.us().names.contains(&row.hostname) {
            let items: Vec<Enterprise> = self.host.db().query(OWN, params![row.enterprise])?;
            return Reply::ok(&json!({ "items": items }));
        }
        let (trusted, address) = reached(&row)?;
        let ask = office.wire.errand((&row.hostname, &address), judge(trusted), Some(Frame::Enterprises));
        match ask.map_err(problem)? {
            (_, Some(Frame::EnterpriseList { items })) => Reply::ok(&json!({ "items": items })),
            _ => Err(Problem::conflict("the other appliance does not answer as one of this product does")),
        }
    }

    /// Where a peer's appliance is reached; kept only when the one there is the trusted one.
    pub(crate) fn put_address(&self, call: &Call<'_>) -> Outcome {
        let row = self.sister(call)?;
        let wanted = call.form(|form| form.field("address").text(1..=300, &PLAIN).required())?;
        split(&wanted).map_err(|why| wrong("address", &format!("address {why}; {wanted:?} is not")))?;
        let (trusted, before) = reached(&row)?;
        let office = self.office()?;
        let looked = office.wire.errand((&row.hostname, &wanted), judge(trusted), None);
        let (seen, _) = looked.map_err(problem)?;
        if !call.is_dry_run() && wanted != before {
            let (before, after) = (Address { address: before }, Address { address: wanted.clone() });
            let written = self.host.db().tx(|tx| {
                tx.run_one(MOVE, params![row.id, wanted]);
                tx.revision((ADDRESS, &row.id), call.who(), Some(&before), Some(&after)).map(drop)
            });
            written.map_err(|failure| refused(call, failure))?;
            office.tell(Desk::Reload);
        }
        Reply::ok(&json!({"address": wanted, "fingerprint": seen.fingerprint, "names": seen.names}))
    }

    pub(crate) fn put_address_back(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        let unreadable = |e| Problem::new(500, format!("revision {} cannot be read: {e}", undo.n));
        let before = Address::deserialize(undo.before.clone()).map_err(unreadable)?;
        let after = Address::deserialize(undo.after.clone()).map_err(unreadable)?;
        tx.run_one(MOVE, params![undo.object, before.address]);
        tx.revision((ADDRESS, &undo.object), &undo.who, Some(&after), Some(&before)).map(drop)?;
        Ok(())
    }

    /// Queues the job that brings a sister's directory.
    pub(crate) fn sync_sister(&self, call: &Call<'_>, owner: &Owner) -> Outcome {
        let says = |name: &str| call.query(name) == Some("1");
        let input = Input {
            peer: owner.id.clone(),
            whole: says("whole"),
            confirm: says("confirm"),
            dry_run: call.is_dry_run(),
        };
        let job = self.host.queue_job(JOB, &json!(input), call.who())?;
        Reply::accepted(&json!({ "job": job }))
    }

    /// Runs it to its end; what it answers is how the synchronization ended.
    pub(crate) fn run_sync(&self, job: &Job<'_>) -> Result<Value, Failure> {
        let Input { peer, whole, confirm, dry_run } = job.input()?;
        let (tell, told) = sync_channel(16);
        let order = Order { whole, dry_run, confirm };
        let unavailable = |problem: Problem| Failure::new(Code::Unavailable, problem.detail);
        self.office().map_err(unavailable)?.ask(Desk::Sync { peer, order, tell })?;
        loop {
            match told.recv_timeout(LOOK) {
                Ok(Told::Progress(done, total)) => {
                    job.progress(done, total, "its directory is being brought")?
                }
                Ok(Told::Ended(ended)) => {
                    let outcome = ended.map_err(|why| Failure::new(Code::Unavailable, why))?;
                    return Ok(json!(outcome));
                }
                Err(RecvTimeoutError::Timeout) if job.is_cancelled() => {
                    let text = "nobody waits for it any more; a run that has begun goes on to its end";
                    return Err(Failure::new(Code::Timeout, text));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(Code::Unavailable, "the peer changed or went meanwhile"));
                }
            }
        }
    }

    /// The jobs of sister appliances by the clock.
    pub(crate) fn sister_plans(&self) -> Result<Vec<JobPlan>, Failure> {
        let rows: Vec<Scheduled> = self.host.db().query(SCHEDULED, params![])?;
        let plan = |Scheduled { id, every_days, hour, minute, half }| JobPlan {
            key: format!("sister/{id}"),
            job: JOB.to_owned(),
            input: json!({ "peer": id }),
            every_days,
            hour,
            minute,
            half,
        };
        Ok(rows.into_iter().map(plan).collect())
    }

    /// The peer that a path names, with what is kept of it.
    pub(crate) fn sister(&self, call: &Call<'_>) -> Result<rows::Row, Problem> {
        let id: String = call.param("id")?;
        let found = rows::all(&self.host)?.into_iter().find(|row| row.id == id);
        found.ok_or_else(|| Problem::not_found(format!("there is no peer {id:?} that is a sister appliance")))
    }
}

fn reached(row: &rows::Row) -> Result<(Trusted, String), Problem> {
    let untrusted = || {
        Problem::conflict(format!(
            "{}: {}",
            Word::NeverConnected.name(),
            "the two appliances do not trust each other yet; invite the other one, or accept its invitation, first"
        ))
    };
    let trusted = row.trusted().ok_or_else(untrusted)?;
    Ok((trusted, row.address.clone().unwrap_or_default()))
}

/// The appliance there must be the trusted one, with a name that its certificate has (seed 001).
fn judge(trusted: Trusted) -> impl FnOnce(&Seen) -> Result<(), Trouble> + Send + 'static {
    move |seen| {
        hello::same_key(&trusted, seen)?;
        if seen.is_for(&trusted.hostname) {
            return Ok(());
        }
        let words = "its certificate has another name";
        Err(Trouble::compared(Word::CertificateMismatch, words, &trusted.hostname, seen.all_names()))
    }
}
