//! One caller's piece of work on its way through the writer: what to run, what came of it, whom to tell.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::error::Error;
use crate::handle::Tx;

/// Work as the writer sees it, whatever it answers.
pub(crate) trait Job: Send {
    /// Does the work, once; its answer is kept until `answer`.
    fn run(&mut self, tx: &Tx<'_>) -> Verdict;
    /// With whom it may share a transaction.
    fn company(&self) -> Company;
    /// Wakes the caller: with the work's own answer, or with the error that kept its group from being saved.
    fn answer(self: Box<Self>, group: Result<(), Error>);
}

/// What the writer has to do with a job's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Save them.
    Keep,
    /// Undo them: the work failed or panicked.
    Refused,
    /// Undo them: the work was only tried.
    Rehearsed,
}

/// Why a job is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To save its changes.
    Write,
    /// To see what would come of it.
    Rehearse,
}

/// With whom a job shares its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Company {
    /// With whatever waits.
    Shared,
    /// With nobody: when its time is over, SQLite undoes the whole transaction.
    Alone,
    /// With nobody, and references are not enforced: it changes the schema and checks them itself.
    Schema,
}

struct Task<F, T, E> {
    company: Company,
    purpose: Purpose,
    work: Option<F>,
    outcome: Option<Result<T, E>>,
    caller: SyncSender<Result<T, E>>,
}

/// Wraps `work` for the queue. The receiver gets exactly one answer, or is cut off if the job is abandoned.
pub(crate) fn new<F, T, E>(
    purpose: Purpose,
    company: Company,
    work: F,
) -> (Box<dyn Job>, Receiver<Result<T, E>>)
where
    F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (caller, answer) = sync_channel(1);
    (Box::new(Task { company, purpose, work: Some(work), outcome: None, caller }), answer)
}

/// Runs `work`; a panic becomes an error.
pub(crate) fn guarded<T, E: From<Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    // Unwind safety: what the work changed is undone, and its own captures are gone.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|payload| Err(Error::panicked(payload.as_ref()).into()))
}

impl<F, T, E> Job for Task<F, T, E>
where
    F: FnOnce(&Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> Verdict {
        let Some(work) = self.work.take() else { return Verdict::Refused };
        let outcome = guarded(|| work(tx));
        let is_ok = outcome.is_ok();
        self.outcome = Some(outcome);
        match (is_ok, self.purpose) {
            (false, _) => Verdict::Refused,
            (true, Purpose::Write) => Verdict::Keep,
            (true, Purpose::Rehearse) => Verdict::Rehearsed,
        }
    }

    fn company(&self) -> Company {
        self.company
    }

    fn answer(self: Box<Self>, group: Result<(), Error>) {
        let answer = match (group, self.outcome) {
            // Even a refusal of its own may rest on a neighbour's change that does not exist any more.
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(Error::Closed.into()),
        };
        // Room for one answer, so this never waits; the caller waits for it, so it is never lost.
        let _ = self.caller.try_send(answer);
    }
}
