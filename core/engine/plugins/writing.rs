//! A plugin's transaction: its statements and the revisions that it notes, all or nothing.

use jackfield_abi::ops::{Changes, Code, Failure, Revision, Statement, Statements};
use jackfield_db::{Error, OwnerTx};

use super::rows;
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Entry, Origin};
use crate::engine::events::Fired;
use crate::engine::{login, objects, settings};

/// Longest id of a request that a revision keeps.
const REQUEST_LENGTH: usize = 32;

/// A failure on its way out of a transaction.
pub struct Undone(pub Failure);

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self(failure(&error))
    }
}

impl From<Failure> for Undone {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

/// Storage's refusals in the treaty's words.
pub fn failure(error: &Error) -> Failure {
    let code = match error {
        Error::Constraint { .. } => Code::Conflict,
        Error::Denied { .. } => Code::Denied,
        Error::TooSlow { .. } => Code::Timeout,
        Error::Busy { .. } => Code::Busy,
        Error::Full | Error::Closed => Code::Unavailable,
        Error::Damaged { .. } | Error::Panicked { .. } => Code::Internal,
        _ => Code::BadRequest,
    };
    Failure::new(code, error.to_string())
}

/// The appliance's refusals in the treaty's words.
pub fn of_problem(problem: Problem) -> Failure {
    let code = match problem.kind.status {
        400 | 422 => Code::BadRequest,
        404 => Code::NotFound,
        409 => Code::Conflict,
        503 | 507 => Code::Unavailable,
        _ => Code::Internal,
    };
    Failure::new(code, problem.detail)
}

/// In whose name it is written.
pub struct Hand<'a> {
    plugin: &'a str,
    request: &'a str,
    undoes: Option<(i64, &'a str)>,
}

impl<'a> Hand<'a> {
    /// A plugin that writes for that API request, or for none.
    pub fn new(plugin: &'a str, request: &'a str) -> Self {
        Self { plugin, request, undoes: None }
    }

    /// The same while it puts that revision back, as that person wants it.
    pub fn undoing(self, n: i64, who: &'a str) -> Self {
        Self { undoes: Some((n, who)), ..self }
    }

    fn origin(&self, revision: &Revision) -> Origin {
        let is_id =
            self.request.len() <= REQUEST_LENGTH && self.request.chars().all(|c| c.is_ascii_alphanumeric());
        Origin {
            who: self.undoes.map_or(revision.who.as_str(), |(_, who)| who).to_owned(),
            from: format!("{FROM}{}", self.plugin),
            via: VIA,
            request: if is_id { self.request.to_owned() } else { String::new() },
        }
    }
}

/// How a revision came in that a plugin noted.
pub const VIA: &str = "plugin";
/// Object of a revision of several objects, which its parts name.
pub const MANY: &str = "several";
/// What stands before the plugin's id where it came from.
pub const FROM: &str = "plugin ";

/// All statements and their revisions.
pub fn run(tx: &OwnerTx<'_>, hand: &Hand<'_>, work: &Statements) -> Result<(Changes, Vec<Fired>), Undone> {
    let mut changes = Changes { changed: Vec::new(), rowids: Vec::new(), revisions: Vec::new() };
    for statement in &work.statements {
        let changed = tx.execute_as(&statement.sql, rows::to_cells(&statement.params)?)?;
        expect(statement, changed.rows)?;
        changes.changed.push(changed.rows);
        changes.rowids.push(changed.rowid);
    }
    let Some(first) = work.revisions.first() else { return Ok((changes, Vec::new())) };
    let origin = hand.origin(first);
    let change = Change::new(tx, &origin);
    if let Some((n, _)) = hand.undoes {
        change.undoes(n);
    }
    let event = format!("{}.changed", hand.plugin);
    work.revisions.iter().try_for_each(|revision| refuse_ours(hand.plugin, &revision.kind))?;
    let record = |revision: &Revision| record(&change, &event, revision);
    changes.revisions = match work.revisions.as_slice() {
        [one] => vec![record(one).map_err(of_problem)?],
        many => {
            vec![together(&change, first, &event, || many.iter().try_for_each(|one| record(one).map(drop)))?]
        }
    };
    Ok((changes, change.into_events()))
}

/// One revision of what was noted together, with a part for each; it tells one event.
fn together(
    change: &Change<'_>,
    first: &Revision,
    event: &str,
    record: impl FnOnce() -> Result<(), Problem>,
) -> Result<i64, Failure> {
    let entry = Entry { kind: &first.kind, object: MANY, before: None, after: None, event };
    let n = change.in_bulk(&entry, None, || record().map(|()| Object::new())).map_err(of_problem)?;
    n.ok_or_else(|| Failure::new(Code::Internal, "several revisions were noted, and none of them was kept"))
}

fn expect(statement: &Statement, rows: usize) -> Result<(), Failure> {
    match statement.expect {
        Some(wanted) if wanted != rows => Err(Failure::new(
            Code::Conflict,
            format!("{rows} rows were changed where {wanted} were expected; nothing was kept"),
        )),
        _ => Ok(()),
    }
}

fn record(change: &Change<'_>, event: &str, revision: &Revision) -> Result<i64, Problem> {
    let (before, after) = (revision.before.as_object(), revision.after.as_object());
    change.record(&Entry { kind: &revision.kind, object: &revision.object, before, after, event })
}

/// Whether that kind of object is the appliance's own.
pub fn is_ours(kind: &str) -> bool {
    objects::find(kind).is_some() || [settings::KIND, login::KIND].contains(&kind)
}

/// What a plugin notes as a change of core's own would be put back as one, by whoever undoes it.
fn refuse_ours(plugin: &str, kind: &str) -> Result<(), Failure> {
    if !is_ours(kind) {
        return Ok(());
    }
    let text = format!("{kind:?} is the appliance's own kind of object; name yours {plugin} or {plugin}/...");
    Err(Failure::new(Code::Denied, text))
}
