//! Putting back a change that a plugin recorded: the plugin says how, by its own rules, and the engine does it, in
//! one transaction that also makes sure that nothing changed the object meanwhile.

use std::time::Duration;

use jackfield_abi::ops::{self, Code, Failure, Statements, Undo, UndoPart};
use jackfield_db::{OwnerTx, Read};
use serde_json::{Value, json};

use super::writing::{self, FROM, Hand, Undone, VIA};
use crate::catalog::problems::{CONFLICT, INVALID, NO_PLUGIN, NOT_UNDOABLE, PLUGIN_FAULT, Problem};
use crate::catalog::shape::Object;
use crate::engine::events::Fired;
use crate::engine::objects::text;
use crate::engine::{Engine, deployment, revisions};

/// Most objects of a change that a plugin is asked to put back at once.
const MOST_PARTS: usize = 2000;
/// Time for a plugin to say how.
const PATIENCE: Duration = Duration::from_secs(10);

/// The plugin that recorded a revision; `None` for core's own, and for what core changed at a plugin's wish.
pub fn maker(revision: &Object) -> Option<&str> {
    let is_its_own = text(revision, "via") == VIA && !writing::is_ours(text(revision, "kind"));
    text(revision, "from").strip_prefix(FROM).filter(|_| is_its_own)
}

/// A change that can be put back, and how.
pub struct Plan {
    plugin: String,
    undo: Undo,
    work: Statements,
}

impl Plan {
    /// Asks the plugin how. Refused when it cannot say, or when a later change stands in the way.
    pub fn make(engine: &Engine, plugin: &str, revision: &Object, who: &str) -> Result<Self, Problem> {
        let n = revision.get("n").and_then(Value::as_i64).unwrap_or_default();
        let parts = engine.db.read(|read| {
            revisions::refuse_superseded(read, revision)?;
            revisions::refuse_superseded_parts(read, n)?;
            parts(read, n)
        })?;
        let state = |field: &str| revision.get(field).cloned().unwrap_or(Value::Null);
        let undo = Undo {
            n,
            kind: text(revision, "kind").to_owned(),
            object: text(revision, "object").to_owned(),
            before: state("before"),
            after: state("after"),
            who: who.to_owned(),
            parts: parts.iter().map(part).collect(),
        };
        let changed: Vec<&Object> = if parts.is_empty() { vec![revision] } else { parts.iter().collect() };
        if changed.into_iter().any(sets_up) {
            engine.db.read(|read| deployment::refuse(read, plugin))?;
        }
        let work = ask(engine, plugin, &undo)?;
        Ok(Self { plugin: plugin.to_owned(), undo, work })
    }

    /// Does it; the revision that does so.
    pub fn run(&self, tx: &OwnerTx<'_>, request: &str) -> Result<(Object, Vec<Fired>), Problem> {
        let Undo { n, who, .. } = &self.undo;
        revisions::refuse_superseded(tx, &revisions::get(tx, *n)?)?;
        revisions::refuse_superseded_parts(tx, *n)?;
        let hand = Hand::new(&self.plugin, request).undoing(*n, who);
        let (changes, fired) =
            writing::run(tx, &hand, &self.work).map_err(|Undone(failure)| self.refused(&failure))?;
        let made = changes.revisions.first().ok_or_else(|| unfit(&self.plugin, "it notes no revision"))?;
        Ok((revisions::get(tx, *made)?, fired))
    }

    fn refused(&self, failure: &Failure) -> Problem {
        match failure.code {
            Code::Conflict => Problem::new(CONFLICT, format!("It cannot be put back: {}.", failure.msg)),
            _ => unfit(&self.plugin, &failure.msg),
        }
    }
}

/// Taking away and switching off are allowed in every kind of deployment, and so is what belongs to an enterprise.
fn sets_up(revision: &Object) -> bool {
    let was_off = revision.get("before").is_some_and(|before| before["enabled"] == Value::Bool(false));
    text(revision, "action") != "create" && !was_off && !text(revision, "object").starts_with("enterprise/")
}

fn unfit(plugin: &str, why: &str) -> Problem {
    Problem::new(
        PLUGIN_FAULT,
        format!("What the plugin {plugin} would do to put it back does not fit: {why}. Nothing was changed."),
    )
}

fn ask(engine: &Engine, plugin: &str, undo: &Undo) -> Result<Statements, Problem> {
    let host = engine.plugins.get();
    let manifest = host.and_then(|host| host.manifests().into_iter().find(|m| m.id == plugin));
    let (Some(host), Some(manifest)) = (host, manifest) else {
        let text =
            format!("The plugin {plugin} made this change, and only it can put it back; it is not there.");
        return Err(Problem::new(NO_PLUGIN, text));
    };
    if !manifest.ops.iter().any(|op| op == ops::REVISION_UNDO) {
        let text =
            format!("The plugin {plugin} does not put its changes back. Change {} by hand.", undo.object);
        return Err(Problem::new(NOT_UNDOABLE, text));
    }
    let answer = host.request(plugin, ops::REVISION_UNDO, &json!(undo), PATIENCE);
    let answer = answer.map_err(|failure| refusal(plugin, &failure))?;
    let work: Statements = serde_json::from_value(answer).map_err(|e| unfit(plugin, &e.to_string()))?;
    if !undo.parts.is_empty() {
        let is_noted = |part: &UndoPart| {
            work.revisions.iter().any(|one| one.kind == part.kind && one.object == part.object)
        };
        return match work.revisions.len() == undo.parts.len() && undo.parts.iter().all(is_noted) {
            true => Ok(work),
            false => Err(unfit(plugin, "it must note one revision for each object that was changed")),
        };
    }
    match work.revisions.as_slice() {
        [one] if one.kind == undo.kind && one.object == undo.object => Ok(work),
        _ => Err(unfit(plugin, &format!("it must note one revision, of {} {}", undo.kind, undo.object))),
    }
}

/// What the change did to each of several objects.
fn parts(read: &Read<'_>, n: i64) -> Result<Vec<Object>, Problem> {
    let (parts, next) = revisions::list_parts(read, n, 0, MOST_PARTS, &[])?;
    if next.is_some() {
        let text =
            format!("It changed more than {MOST_PARTS} objects, which a plugin does not put back at once.");
        return Err(Problem::new(NOT_UNDOABLE, text));
    }
    Ok(parts)
}

fn part(of: &Object) -> UndoPart {
    let state = |field: &str| of.get(field).cloned().unwrap_or(Value::Null);
    let (kind, object) = (text(of, "kind").to_owned(), text(of, "object").to_owned());
    UndoPart { kind, object, before: state("before"), after: state("after") }
}

/// Why a plugin does not say how.
fn refusal(plugin: &str, failure: &Failure) -> Problem {
    let kind = match failure.code {
        Code::Conflict => CONFLICT,
        Code::BadRequest => INVALID,
        Code::Denied | Code::NotFound => NOT_UNDOABLE,
        Code::Busy | Code::Unavailable => NO_PLUGIN,
        Code::Timeout | Code::Panic | Code::Internal => PLUGIN_FAULT,
    };
    Problem::new(
        kind,
        format!("The plugin {plugin} cannot put it back: {}.", failure.msg.trim_end_matches('.')),
    )
}
