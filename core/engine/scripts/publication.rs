//! Taking a version into use: tried on the workbench, loaded beside the one that serves, swapped by one
//! transaction, and only then is the old one dropped. Whatever fails on the way, the old one stays.

use jackfield_db::Read;

use super::changes::Draft;
use super::child::{self, Refused};
use super::registers::Registers;
use super::rows::{self, number};
use super::serving::Served;
use super::turns::Ticket;
use super::{SOURCE_BYTES, changes};
use crate::catalog::events::HOOK_CHANGED;
use crate::catalog::hooks::{SCRIPTS, WORKBENCH};
use crate::catalog::problems::{FieldError, HOOK_REFUSED, HOOKS_UNAVAILABLE, INVALID, Problem};
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Precondition};
use crate::engine::events::Fired;
use crate::engine::{Engine, objects};

/// The turn to change what serves of one script. Whatever comes of it, only what serves stays loaded when it ends.
pub struct Turn<'e> {
    engine: &'e Engine,
    name: String,
    /// Versions that may be loaded where they serve.
    loaded: Vec<i64>,
    /// What is on the workbench.
    tried: Vec<(String, i64)>,
    _ticket: Ticket<'e>,
}

/// A version that was tried and is about to be published.
pub struct Publication<'e> {
    turn: Turn<'e>,
    trial: Trial,
}

/// What was tried, as the transaction needs it.
#[derive(Clone)]
pub struct Trial {
    script: Object,
    n: i64,
    registers: Registers,
}

impl Trial {
    /// Refuses a version that never ran.
    pub fn refuse_unproven(&self, read: &Read<'_>) -> Result<(), Problem> {
        let name = objects::text(&self.script, "name");
        let version = rows::one_version(read, name, self.n)?;
        if version.get("published_at").is_some_and(|at| !at.is_null()) {
            return Ok(());
        }
        let detail = format!(
            "Version {} of {name} never served, so there is no way back to it. Publish it instead.",
            self.n
        );
        Err(Problem::new(HOOK_REFUSED, detail))
    }

    /// Swaps the pointer; see [`changes::publish`].
    pub fn swap(&self, change: &Change<'_>, who: &str, seen: &Precondition) -> Result<Object, Problem> {
        changes::publish(change, &self.script, self.n, &self.registers, who, seen)
    }
}

/// Tries a text on the workbench: what it registers, or what is wrong with it and where.
pub fn try_source(engine: &Engine, name: &str, source: &str) -> Result<Registers, Problem> {
    refuse_no_text(source)?;
    let mut turn = Turn::of(engine, name)?;
    // No stored version has this number, so a trial never touches another one's.
    turn.tries(name, 0);
    let tried = child::load(engine, WORKBENCH, name, 0, source);
    tried.map_err(|refused| match refused {
        Refused::Script(text) => {
            let errors = vec![FieldError::at("source", text.clone())];
            Problem::new(INVALID, format!("The script {name} does not load: {text}")).with_errors(errors)
        }
        Refused::Process(text) => unavailable(&text),
    })
}

/// Only text is a script: bytecode would run past every check of the language.
pub(super) fn refuse_no_text(source: &str) -> Result<(), Problem> {
    if source.len() > SOURCE_BYTES {
        let detail = format!("must be at most {SOURCE_BYTES} bytes long; this has {}", source.len());
        return Err(Problem::field("source", detail));
    }
    let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let Some((line, c)) =
        source.lines().enumerate().find_map(|(at, line)| Some((at + 1, line.chars().find(|c| strange(*c))?)))
    else {
        return Ok(());
    };
    let detail = format!(
        "must be text; line {line} holds the control character U+{:04X}. Bytecode is never taken: send the source.",
        u32::from(c)
    );
    Err(Problem::field("source", detail))
}

pub(super) fn unavailable(cause: &str) -> Problem {
    Problem::new(HOOKS_UNAVAILABLE, format!("The script could not be tried: {cause}")).retry_after(5)
}

impl<'e> Turn<'e> {
    /// Waits for the turn, but not for ever.
    pub fn of(engine: &'e Engine, name: &str) -> Result<Self, Problem> {
        let ticket = engine.scripts.turns.take().map_err(|cause| unavailable(&cause))?;
        let loaded = engine.scripts.of(name).map(|one| one.version).into_iter().collect();
        Ok(Self { engine, name: name.to_owned(), loaded, tried: Vec::new(), _ticket: ticket })
    }

    /// A version is put on the workbench, and dropped there when the turn ends.
    pub(super) fn tries(&mut self, name: &str, n: i64) {
        self.tried.push((name.to_owned(), n));
    }

    /// Tries a stored version on the workbench, and loads it where it will serve unless this is only a rehearsal.
    fn load(&mut self, n: i64, is_rehearsal: bool) -> Result<Registers, Problem> {
        let (engine, name) = (self.engine, self.name.clone());
        let source = engine.db.read(|read| rows::source(read, &name, n))?;
        let refused = |cause| match cause {
            Refused::Process(text) => unavailable(&text),
            Refused::Script(text) => Problem::new(
                HOOK_REFUSED,
                format!("Version {n} of {name} is not taken into use, what served before goes on: {text}"),
            ),
        };
        self.tries(&name, n);
        let registers = child::load(engine, WORKBENCH, &name, n, &source).map_err(refused)?;
        if is_rehearsal {
            return Ok(registers);
        }
        self.loaded.push(n);
        child::load(engine, SCRIPTS, &name, n, &source).map_err(refused)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let serves = self.engine.scripts.of(&self.name).map(|one| one.version);
        // One that does not answer once is not waited for again; what stays there is replaced by the next trial.
        let _ = self.tried.iter().all(|(name, n)| child::unload(self.engine, WORKBENCH, name, *n));
        for n in self.loaded.iter().filter(|n| Some(**n) != serves) {
            child::unload(self.engine, SCRIPTS, &self.name, *n);
        }
    }
}

/// Tries a version of a script and loads it where it will serve, unless this is only a rehearsal. `wanted` names
/// the version, given the script.
pub fn prepare<'e>(
    engine: &'e Engine,
    name: &str,
    wanted: impl FnOnce(&Object) -> Result<i64, Problem>,
    is_rehearsal: bool,
) -> Result<Publication<'e>, Problem> {
    let mut turn = Turn::of(engine, name)?;
    let script = engine.db.read(|read| rows::get(read, name))?;
    let n = wanted(&script)?;
    let registers = turn.load(n, is_rehearsal)?;
    Ok(Publication { turn, trial: Trial { script, n, registers } })
}

/// The same for what undoing a change of a script would make serve.
pub fn prepare_undo<'e>(
    engine: &'e Engine,
    name: &str,
    before: Option<&Object>,
    is_rehearsal: bool,
) -> Result<Turn<'e>, Problem> {
    let mut turn = Turn::of(engine, name)?;
    let serves = engine.scripts.of(name).map(|one| one.version);
    if let Some(n) = before.and_then(|script| number(script, "active")).filter(|n| Some(*n) != serves) {
        turn.load(n, is_rehearsal)?;
    }
    Ok(turn)
}

impl Publication<'_> {
    /// What was tried.
    pub fn trial(&self) -> Trial {
        self.trial.clone()
    }

    /// Notes that the version serves, where it was published already and another one stood in for it.
    pub fn settle(self) {
        let Trial { script, n, registers } = &self.trial;
        let (engine, n) = (self.turn.engine, *n);
        let name = objects::text(script, "name");
        let served = Served { active: n, version: n, registers: Some(registers.clone()), failure: None };
        if engine.scripts.note(name, served) {
            engine.bus.publish(&[Fired { event: HOOK_CHANGED.name.to_owned(), object: name.to_owned() }]);
        }
    }
}

/// A version as it will be kept, tried before.
pub fn draft(engine: &Engine, name: &str, source: &str, note: &str, author: &str) -> Result<Draft, Problem> {
    let registers = Some(try_source(engine, name, source)?);
    let (name, source, note, author) =
        (name.to_owned(), source.to_owned(), note.to_owned(), author.to_owned());
    Ok(Draft { name, source, note, author, registers })
}
