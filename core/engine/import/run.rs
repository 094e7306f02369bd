//! How an import runs. Lines that are wrong in the mode `all_or_nothing` are found before anything is written; what is
//! written then is one transaction. In the mode `keep_good` each batch of lines is one transaction together with the
//! note of how far it is, so that after a kill it goes on at the next line and does none twice.

use jackfield_db::{Tx, params};
use serde_json::Value;

use super::judge::{self, Judge};
use super::lines::{Line, Lines};
use super::report::{Outcome, Report};
use super::{Mode, Plan, drop_list, file_of, plan_of};
use crate::catalog::events::ACCOUNTS_CHANGED;
use crate::catalog::problems::{CONFLICT, INVALID, Problem};
use crate::engine::change::Entry;
use crate::engine::jobs::{Ended, Halt, Work};
use crate::engine::objects::ACCOUNTS;
use crate::engine::{Engine, Mode as Write, clock};

/// Lines that are looked at or taken at a time.
const BATCH: usize = 500;
/// Most lines of one transaction, so that others wait seconds at most.
const MOST_AT_ONCE: u64 = 100_000;

/// Runs an import to its end.
pub fn run(work: &Work<'_>) -> Result<Value, Ended> {
    let plan = plan_of(work.input)?;
    let outcome = Lines::open(&file_of(work.engine, work.id), &plan)
        .and_then(Lines::count)
        .map_err(Ended::from)
        .and_then(|total| match (plan.dry_run, plan.mode) {
            (true, _) => rehearse(work, &plan, total),
            (_, Mode::AllOrNothing) => all_or_nothing(work, &plan, total),
            (_, Mode::KeepGood) => keep_good(work, &plan, total),
        });
    // One that goes on after a stop needs its list again.
    if !matches!(outcome, Err(Ended::Halted(Halt::Stopping))) {
        drop_list(work.engine, work.id);
    }
    outcome.map(|report| report.to_json())
}

fn rehearse(work: &Work<'_>, plan: &Plan, total: u64) -> Result<Report, Ended> {
    let report = examine(work, plan, total)?;
    keep_report(work.engine, work.id, &report)?;
    note(work, &report, total)?;
    Ok(report)
}

/// Looks at every line; each batch sees one state of the database.
fn examine(work: &Work<'_>, plan: &Plan, total: u64) -> Result<Report, Ended> {
    let mut lines = Lines::open(&file_of(work.engine, work.id), plan)?;
    let (mut judge, mut report) = (Judge::default(), Report::new(plan));
    loop {
        let batch = next_batch(&mut lines)?;
        if batch.is_empty() {
            return Ok(report);
        }
        let outcomes = work.engine.db.read(|read| {
            let outcome = |line: &Line| match judge.note(line) {
                Ok(()) => judge::examine(read, line),
                Err(error) => Ok(Outcome::Wrong(vec![error])),
            };
            batch.iter().map(outcome).collect::<Result<Vec<_>, Problem>>()
        })?;
        outcomes.into_iter().for_each(|outcome| report.count(outcome));
        work.progress(report.lines, total, "looking at the lines")?;
    }
}

fn next_batch(lines: &mut Lines) -> Result<Vec<Line>, Problem> {
    let mut batch = Vec::with_capacity(BATCH);
    while batch.len() < BATCH {
        let Some(line) = lines.next()? else { break };
        batch.push(line);
    }
    Ok(batch)
}

fn all_or_nothing(work: &Work<'_>, plan: &Plan, total: u64) -> Result<Report, Ended> {
    if total > MOST_AT_ONCE {
        let detail = format!(
            "The list has {total} lines; at most {MOST_AT_ONCE} can be taken all or nothing. Nothing was changed. Send it in parts, or with mode=keep_good."
        );
        return Err(Problem::new(INVALID, detail).into());
    }
    let mut report = examine(work, plan, total)?;
    if report.failed > 0 {
        report.nothing_done();
        keep_report(work.engine, work.id, &report)?;
        let detail = format!("{} of {} lines are wrong; nothing was changed.", report.failed, report.lines);
        return Err(Problem::new(INVALID, detail).into());
    }
    work.progress(0, total, "taking all lines at once")?;
    let (job, file, wanted) = (work.id.to_owned(), file_of(work.engine, work.id), plan.clone());
    let taken = work.engine.change(plan.origin(work.who), Write::Commit, move |change| {
        let mut report = Report::new(&wanted);
        let mut lines = Lines::open(&file, &wanted)?;
        let bulk = entry(&job);
        let n = change.in_bulk(&bulk, None, || {
            loop {
                let batch = next_batch(&mut lines)?;
                if batch.is_empty() {
                    return Ok(said(&report));
                }
                for outcome in judge::apply_all(change, &batch)? {
                    match outcome {
                        Outcome::Wrong(errors) => return Err(collided(&errors)),
                        outcome => report.count(outcome),
                    }
                }
            }
        })?;
        report.revision = n;
        // With the change itself, so that no kill leaves a job that does not know what it has done.
        done(change.tx, &job, &report)?;
        Ok(report)
    })?;
    work.progress(total, total, &taken.sentence()).or_else(ignore)?;
    Ok(taken)
}

/// It is durable already: a wish to end comes too late.
fn ignore(_: Halt) -> Result<(), Halt> {
    Ok(())
}

fn collided(errors: &[super::report::LineError]) -> Problem {
    let told = errors.first().map(|error| format!("line {}, {}: {}", error.line, error.column, error.rule));
    let told = told.unwrap_or_default();
    Problem::new(CONFLICT, format!("Nothing was changed, because of {told}."))
}

fn keep_good(work: &Work<'_>, plan: &Plan, total: u64) -> Result<Report, Ended> {
    let mut report = kept_report(work.engine, work.id)?.unwrap_or_else(|| Report::new(plan));
    let mut lines = Lines::open(&file_of(work.engine, work.id), plan)?;
    let mut judge = Judge::default();
    // Lines that were taken before a stop are only remembered.
    for _ in 0..report.lines {
        if let Some(line) = lines.next()? {
            drop(judge.note(&line));
        }
    }
    loop {
        let mut batch = next_batch(&mut lines)?;
        if batch.is_empty() {
            return Ok(report);
        }
        for line in &mut batch {
            if let Err(error) = judge.note(line) {
                line.fields = Err(vec![error]);
            }
        }
        report = take(work, plan, report, batch)?;
        note(work, &report, total)?;
    }
}

fn take(work: &Work<'_>, plan: &Plan, mut report: Report, batch: Vec<Line>) -> Result<Report, Problem> {
    let job = work.id.to_owned();
    work.engine.change(plan.origin(work.who), Write::Commit, move |change| {
        let bulk = entry(&job);
        let before = report.clone();
        let n = change.in_bulk(&bulk, before.revision, || {
            judge::apply_all(change, &batch)?.into_iter().for_each(|outcome| report.count(outcome));
            Ok(said(&report))
        })?;
        report.revision = n;
        store_report(change.tx, &job, &report)?;
        Ok(report)
    })
}

fn entry(job: &str) -> Entry<'_> {
    Entry { kind: ACCOUNTS.name, object: job, before: None, after: None, event: ACCOUNTS_CHANGED.name }
}

/// What the revision says of itself.
fn said(report: &Report) -> crate::catalog::shape::Object {
    let counts = serde_json::json!({
        "what": "import", "created": report.created, "changed": report.changed, "unchanged": report.unchanged,
        "failed": report.failed,
    });
    counts.as_object().cloned().unwrap_or_default()
}

fn note(work: &Work<'_>, report: &Report, total: u64) -> Result<(), Halt> {
    work.progress(report.lines, total, &report.sentence())
}

fn keep_report(engine: &Engine, job: &str, report: &Report) -> Result<(), Problem> {
    let (job, report) = (job.to_owned(), report.clone());
    engine.db.write(move |tx| store_report(tx, &job, &report))
}

fn store_report(tx: &Tx<'_>, job: &str, report: &Report) -> Result<(), Problem> {
    tx.execute("UPDATE job SET result = ?2 WHERE id = ?1", params![job, report.to_json().to_string()])?;
    Ok(())
}

fn done(tx: &Tx<'_>, job: &str, report: &Report) -> Result<(), Problem> {
    let sql = "UPDATE job SET state = 'done', note = ?2, result = ?3, ended_at = ?4 WHERE id = ?1";
    tx.execute(sql, params![job, report.sentence(), report.to_json().to_string(), clock::now()])?;
    Ok(())
}

fn kept_report(engine: &Engine, job: &str) -> Result<Option<Report>, Problem> {
    let sql = "SELECT result FROM job WHERE id = ?1";
    let kept = engine.db.read(|read| {
        Ok::<_, Problem>(read.one(sql, params![job], |row| row.get::<_, Option<String>>(0))?.flatten())
    })?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()))
}
