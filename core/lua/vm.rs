//! One version of a script in an engine of its own. Before each call its top level runs afresh in an
//! environment of its own, so that nothing is kept from one call to the next and the same call always has the
//! same outcome; usually that is done while nobody waits.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use mlua::{Error, Function, MultiValue};
use serde_json::Value;

use super::context::Context;
use super::register::Registered;
use super::sandbox::World;
use super::wire::Core;
use super::{SOURCE_BYTES, errors, helpers, hosts, register, values, verdicts};
use crate::catalog::hooks::{Hook, TOP_LEVEL};

/// A version of a script.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its name; the file is `site/NAME.lua`.
    pub name: String,
    /// Its version, as the appliance counts them.
    pub version: Value,
    /// Its text.
    pub source: Arc<str>,
}

impl Script {
    /// Tells versions apart.
    pub fn key(&self) -> String {
        key(&self.name, &self.version)
    }
}

/// Tells versions apart; names have no spaces.
pub fn key(name: &str, version: &Value) -> String {
    format!("{name} {version}")
}

/// An engine with one script.
pub struct Vm {
    world: World,
    context: Rc<Context>,
    main: Function,
    ready: Option<Registered>,
    /// Name and line of every hook, as the script registered them when it was built.
    hooks: Vec<(String, usize)>,
}

/// One run: what came out and what it took.
pub struct Run<T> {
    /// The answer, or what went wrong.
    pub outcome: Result<T, String>,
    /// Safepoints.
    pub safepoints: u64,
    /// Microseconds by the clock.
    pub micros: u64,
}

impl Vm {
    /// Compiles the script and runs its top level. The error is `site/NAME.lua:LINE: cause`.
    pub fn build(script: &Script, core: Arc<dyn Core>) -> Result<Self, String> {
        let chunk = format!("{}{}.lua", errors::FOLDER, script.name);
        if script.source.len() > SOURCE_BYTES {
            let length = script.source.len();
            return Err(format!("{chunk}:1: the script has {length} bytes; {SOURCE_BYTES} are allowed"));
        }
        if script.source.starts_with(|first: char| first.is_control() && !first.is_whitespace()) {
            return Err(format!("{chunk}:1: the script is not text; bytecode is not taken"));
        }
        let sentence = |e: Error| errors::sentence(&e);
        let world = World::new().map_err(sentence)?;
        let context = Rc::new(Context::new(&script.name, core, Rc::clone(&world.meter)));
        furnish(&world, &context).map_err(sentence)?;
        // Compiling takes no safepoints, but what it prepares may.
        context.begin(TOP_LEVEL);
        let main = world.compile(&format!("={chunk}"), &script.source).map_err(sentence)?;
        let mut vm = Self { world, context, main, ready: None, hooks: Vec::new() };
        let registered = vm.run_top_level()?;
        if registered.hooks.is_empty() && registered.checks.is_empty() && registered.tests.is_empty() {
            return Err(format!("{chunk}:1: the script registers nothing; call hook(…) or check(…)"));
        }
        vm.hooks = registered.hooks.iter().map(|handler| (handler.hook.clone(), handler.line)).collect();
        vm.ready = Some(registered);
        Ok(vm)
    }

    /// The handlers of a hook in their order: which of them it is, and its line.
    pub fn handlers(&self, hook: &str) -> impl Iterator<Item = (usize, usize)> {
        self.hooks.iter().filter(move |(name, _)| name == hook).map(|(_, line)| *line).enumerate()
    }

    /// What the script found when it began.
    #[cfg(test)]
    pub fn base(&self) -> &mlua::Table {
        &self.world.base
    }

    /// What the script is for.
    pub fn registered(&self) -> Option<&Registered> {
        self.ready.as_ref()
    }

    /// Runs the top level for the next call, and tidies up when there is much to tidy.
    pub fn prepare(&mut self) {
        if self.ready.is_none() {
            if self.world.lua.used_memory() > super::MEMORY_BYTES / 2 {
                self.tidy();
            }
            // What fails now fails again when it is asked for, with its reason.
            self.ready = self.run_top_level().ok();
        }
    }

    /// Runs one function of the script for that hook. `pick` finds it, `read` reads its answer.
    pub fn call<T>(
        &mut self,
        hook: &'static Hook,
        args: &Value,
        pick: impl FnOnce(&Registered) -> Option<Function>,
        read: impl FnOnce(&MultiValue) -> Result<T, String>,
    ) -> Run<T> {
        let began = Instant::now();
        let outcome = self.try_call(hook, args, pick, read);
        if outcome.is_err() {
            self.tidy();
        }
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Run { outcome, safepoints: self.context.meter.used(), micros }
    }

    fn try_call<T>(
        &mut self,
        hook: &'static Hook,
        args: &Value,
        pick: impl FnOnce(&Registered) -> Option<Function>,
        read: impl FnOnce(&MultiValue) -> Result<T, String>,
    ) -> Result<T, String> {
        let registered = match self.ready.take() {
            Some(registered) => registered,
            None => self.run_top_level()?,
        };
        let run = pick(&registered).ok_or("the script did not register the function this time")?;
        self.context.begin(hook);
        let args = values::into_lua(&self.world.lua, args).map_err(|e| self.sentence(&e))?;
        let answer = run.call::<MultiValue>(args).map_err(|e| self.sentence(&e))?;
        // A script may have swallowed the error, but not the end of its patience.
        match self.context.meter.tripped() {
            Some(tripped) => Err(tripped),
            None => read(&answer).map_err(|cause| self.at_function(&run, &cause)),
        }
    }

    fn run_top_level(&self) -> Result<Registered, String> {
        self.context.begin(TOP_LEVEL);
        let environment = self.world.environment().map_err(|e| self.sentence(&e))?;
        self.main.set_environment(environment.clone()).map_err(|e| self.sentence(&e))?;
        *self.context.registering.borrow_mut() = Some(Registered::default());
        let ran = self.main.call::<MultiValue>(());
        let registered = self.context.registering.borrow_mut().take();
        environment.set_readonly(true);
        environment.set_safeenv(true);
        if let Some(tripped) = self.context.meter.tripped() {
            return Err(tripped);
        }
        ran.map_err(|e| errors::sentence(&e))?;
        let mut registered = registered.unwrap_or_default();
        registered.sort();
        Ok(registered)
    }

    /// The bound that was reached is what matters, whatever the script made of it.
    fn sentence(&self, error: &Error) -> String {
        self.context.meter.tripped().unwrap_or_else(|| errors::sentence(error))
    }

    fn at_function(&self, function: &Function, cause: &str) -> String {
        let line = function.info().line_defined.unwrap_or(0);
        errors::cut(&format!("{}{}.lua:{line}: {cause}", errors::FOLDER, self.context.script))
    }

    fn tidy(&self) {
        if let Err(cause) = self.world.lua.gc_collect() {
            self.context.core.log("warn", &self.context.script, &errors::sentence(&cause));
        }
    }
}

/// Puts everything into the world that scripts may use, and closes it.
fn furnish(world: &World, context: &Rc<Context>) -> Result<(), Error> {
    register::add(&world.lua, &world.base, context)?;
    helpers::add(&world.lua, &world.base)?;
    verdicts::add(&world.lua, &world.base)?;
    hosts::add(&world.lua, &world.base, context)?;
    world.seal()
}
