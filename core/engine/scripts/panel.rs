//! Who is asked about a call: the scripts that serve, or the same with a candidate in one's place, on the workbench,
//! where an unproven script harms nobody.

use std::time::{Duration, Instant};

use super::child::{self, Refused};
use super::publication::{Turn, refuse_no_text, unavailable};
use super::registers::Registers;
use super::rows;
use super::serving::{Known, Member, members_of};
use crate::catalog::hooks::{DIAL_ADMIT, DIAL_REWRITE, SCRIPTS, WORKBENCH};
use crate::catalog::problems::{FieldError, INVALID, Problem};
use crate::engine::Engine;

/// Time in which all that is asked must be on the workbench.
const ALL_WITHIN: Duration = Duration::from_secs(15);
/// Version of a candidate: no stored one has this number.
const CANDIDATE: i64 = 0;

/// The scripts that are asked, and where.
pub struct Panel<'e> {
    pub(super) engine: &'e Engine,
    /// With a candidate: everybody who may be asked. Without: those that serve.
    trial: Option<Bench<'e>>,
}

/// What is on the workbench for one question; dropped with it. Holds the turn, so that nobody else tries meanwhile.
struct Bench<'e> {
    turn: Turn<'e>,
    until: Instant,
    scripts: Vec<Known>,
}

impl<'e> Panel<'e> {
    /// Those that serve.
    pub fn serving(engine: &'e Engine) -> Self {
        Self { engine, trial: None }
    }

    /// Those that serve, with a text in the place of the script of that name.
    pub fn with_candidate(engine: &'e Engine, name: &str, source: &str) -> Result<Self, Problem> {
        refuse_no_text(source)?;
        let mut bench =
            Bench { turn: Turn::of(engine, name)?, until: Instant::now() + ALL_WITHIN, scripts: Vec::new() };
        bench.load(engine, name, CANDIDATE, source)?;
        // Others matter only where they are asked about calls as well.
        for (other, one) in engine.scripts.all() {
            let is_asked = one.registers.as_ref().is_some_and(is_for_dialing);
            if other != name && is_asked {
                let source = engine.db.read(|read| rows::source(read, &other, one.version))?;
                bench.load(engine, &other, one.version, &source)?;
            }
        }
        bench.scripts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { engine, trial: Some(bench) })
    }

    /// The process that is asked.
    pub(super) fn unit(&self) -> &'static str {
        if self.trial.is_some() { WORKBENCH } else { SCRIPTS }
    }

    /// Whether what is asked counts: a trial leaves no trace in the figures.
    pub(super) fn is_counted(&self) -> bool {
        self.trial.is_none()
    }

    /// The functions to ask at a hook, in order.
    pub(super) fn members(&self, hook: &str) -> Vec<Member> {
        match &self.trial {
            Some(bench) => members_of(hook, bench.scripts.iter()),
            None => self.engine.scripts.members(hook),
        }
    }

    /// Whether any script wants to be asked about calls.
    pub fn has_dialing(&self) -> bool {
        [DIAL_REWRITE, DIAL_ADMIT].iter().any(|hook| !self.members(hook.name).is_empty())
    }
}

fn is_for_dialing(registers: &Registers) -> bool {
    registers.hooks.iter().any(|entry| [DIAL_REWRITE.name, DIAL_ADMIT.name].contains(&entry.hook.as_str()))
}

impl Bench<'_> {
    fn load(&mut self, engine: &Engine, name: &str, version: i64, source: &str) -> Result<(), Problem> {
        if Instant::now() >= self.until {
            return Err(unavailable(&format!(
                "the workbench needs more than {} s for all scripts that are asked about calls",
                ALL_WITHIN.as_secs()
            )));
        }
        self.turn.tries(name, version);
        let registers =
            child::load(engine, WORKBENCH, name, version, source).map_err(|cause| match cause {
                Refused::Process(text) => unavailable(&text),
                Refused::Script(text) => {
                    Problem::new(INVALID, format!("The script {name} does not load: {text}"))
                        .with_errors(vec![FieldError::at("source", text)])
                }
            })?;
        self.scripts.push(Known { name: name.to_owned(), version, registers });
        Ok(())
    }
}
