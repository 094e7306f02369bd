//! What the functions that scripts call must know of the run they are called in.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Error, Lua};
use serde_json::Value;

use super::errors;
use super::meter::Meter;
use super::register::Registered;
use super::wire::Core;
use crate::catalog::hooks::{self, Hook, MOST_CALLS, TOP_LEVEL};

/// The run that goes on in one engine.
pub struct Context {
    /// Name of the script.
    pub script: String,
    /// Whether it is a file of tests.
    pub is_test: bool,
    /// The way to the appliance.
    pub core: Arc<dyn Core>,
    /// How much the run has used.
    pub meter: Rc<Meter>,
    /// What the top level registers; none while something else runs.
    pub registering: RefCell<Option<Registered>>,
    hook: Cell<&'static Hook>,
    calls: Cell<usize>,
    /// What the appliance said of the site, asked once in a run.
    pub facts: RefCell<Option<Value>>,
}

impl Context {
    /// Nothing runs yet.
    pub fn new(script: &str, core: Arc<dyn Core>, meter: Rc<Meter>) -> Self {
        Self {
            script: script.to_owned(),
            is_test: script.ends_with("_test"),
            core,
            meter,
            registering: RefCell::new(None),
            hook: Cell::new(TOP_LEVEL),
            calls: Cell::new(0),
            facts: RefCell::new(None),
        }
    }

    /// A run of that hook begins.
    pub fn begin(&self, hook: &'static Hook) {
        self.hook.set(hook);
        self.calls.set(0);
        *self.facts.borrow_mut() = None;
        self.meter.begin(hook);
    }

    /// Whether the run may make that call now; the error names where it may be made.
    pub fn permit(&self, lua: &Lua, call: &str) -> Result<(), Error> {
        let hook = self.hook.get();
        if !hook.calls.contains(&call) {
            let text = format!("{call} may be called in {}, not in {}", hooks::places(call), hook.shown());
            return Err(thrown(lua, &text));
        }
        self.calls.set(self.calls.get() + 1);
        if self.calls.get() > MOST_CALLS {
            return Err(thrown(lua, &format!("one run makes at most {MOST_CALLS} calls to the appliance")));
        }
        Ok(())
    }
}

/// An error with the line of the script that made the wrong call.
pub fn thrown(lua: &Lua, text: &str) -> Error {
    Error::RuntimeError(format!("{}{text}", errors::place(lua)))
}
