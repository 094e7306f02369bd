//! `hook`, `check` and `test`: what a script says at its top level it is for. They exist only there, and what
//! they are given is checked at the line that says it.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Error, Function, Lua, MultiValue, Table, Value};

use super::context::{Context, thrown};
use super::{duration, errors};
use crate::catalog::{hooks, nearest};

/// Most registrations of one script.
const MOST: usize = 64;
const MOST_PRIORITY: f64 = 1000.0;

/// What one run of the top level registered.
#[derive(Default)]
pub struct Registered {
    /// In the order in which they run: higher priority first, then the line.
    pub hooks: Vec<Handler>,
    /// In the order of their lines.
    pub checks: Vec<Check>,
    /// Likewise.
    pub tests: Vec<Test>,
}

/// A function for a hook.
pub struct Handler {
    /// Name of the hook, such as `event.account.changed`.
    pub hook: String,
    /// Higher runs first.
    pub priority: i64,
    /// Where it was registered.
    pub line: usize,
    /// What runs.
    pub run: Function,
}

/// A function that looks at something.
pub struct Check {
    /// Unique within the script.
    pub name: String,
    /// How often it is to run.
    pub every: Duration,
    /// Where it was registered.
    pub line: usize,
    /// What runs.
    pub run: Function,
}

/// A function that tries other functions; run by the test runner, never in production.
pub struct Test {
    /// What it shows.
    pub name: String,
    /// Where it was registered.
    pub line: usize,
}

impl Registered {
    fn count(&self) -> usize {
        self.hooks.len() + self.checks.len() + self.tests.len()
    }

    /// Puts hooks in the order in which they run.
    pub fn sort(&mut self) {
        self.hooks.sort_by_key(|handler| (-handler.priority, handler.line));
    }
}

/// Adds the functions to what scripts see.
pub fn add(lua: &Lua, base: &Table, context: &Rc<Context>) -> Result<(), Error> {
    let bind = |what: fn(&Lua, &Context, MultiValue) -> Result<(), Error>| {
        let context = Rc::clone(context);
        lua.create_function(move |lua, arguments| what(lua, &context, arguments))
    };
    base.raw_set("hook", bind(hook)?)?;
    base.raw_set("check", bind(check)?)?;
    base.raw_set("test", bind(test)?)
}

/// Name, options (may be left out) and function.
struct Given {
    name: String,
    options: Option<Table>,
    run: Function,
    line: usize,
}

fn given(lua: &Lua, context: &Context, what: &str, arguments: MultiValue) -> Result<Given, Error> {
    if context.registering.borrow().is_none() {
        let text =
            format!("{what} can be called at the top level of a script only, not while a call is handled");
        return Err(thrown(lua, &text));
    }
    let wrong =
        || thrown(lua, &format!("write {what}(\"name\", function() … end), with options in between if any"));
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    let Some(Value::Function(run)) = arguments.pop() else { return Err(wrong()) };
    let mut arguments = arguments.into_iter();
    let Some(Value::String(name)) = arguments.next() else { return Err(wrong()) };
    let options = match arguments.next() {
        None | Some(Value::Nil) => None,
        Some(Value::Table(options)) => Some(options),
        Some(_) => return Err(wrong()),
    };
    if arguments.next().is_some() {
        return Err(wrong());
    }
    if context.registering.borrow().as_ref().is_some_and(|registered| registered.count() >= MOST) {
        return Err(thrown(lua, &format!("a script registers at most {MOST} functions")));
    }
    let name = super::values::plain_text(&name).map_err(|cause| thrown(lua, &format!("the name {cause}")))?;
    Ok(Given { name, options, run, line: errors::line(lua) })
}

fn hook(lua: &Lua, context: &Context, arguments: MultiValue) -> Result<(), Error> {
    let given = given(lua, context, "hook", arguments)?;
    if hooks::find(&given.name).is_none() {
        return Err(thrown(lua, &unknown_hook(&given.name)));
    }
    let mut priority = 0.0;
    each_option(lua, given.options.as_ref(), &["priority"], |_, value| {
        priority =
            number(value).filter(|n| n.fract() == 0.0 && n.abs() <= MOST_PRIORITY).ok_or_else(|| {
                format!("priority must be a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}")
            })?;
        Ok(())
    })?;
    // A whole number of at most 1000.
    let priority = priority as i64;
    let handler = Handler { hook: given.name, priority, line: given.line, run: given.run };
    with(context, |registered| registered.hooks.push(handler));
    Ok(())
}

fn unknown_hook(name: &str) -> String {
    let known = [hooks::DIAL_REWRITE.name, hooks::DIAL_ADMIT.name];
    match nearest(name, known) {
        Some(meant) => format!("there is no hook {name:?}; did you mean {meant:?}?"),
        None => format!("there is no hook {name:?}; there are {} and event.NOUN.PAST", known.join(", ")),
    }
}

fn check(lua: &Lua, context: &Context, arguments: MultiValue) -> Result<(), Error> {
    let given = given(lua, context, "check", arguments)?;
    let fits = (1..=64).contains(&given.name.len())
        && given.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b));
    if !fits {
        let text = "the name of a check has 1 to 64 small letters, digits, dots, hyphens and underscores";
        return Err(thrown(lua, text));
    }
    let mut every = None;
    each_option(lua, given.options.as_ref(), &["every"], |_, value| {
        let text = text_of(value).ok_or("every must be a text such as \"5m\"")?;
        every = Some(duration::within(&text, "30s", "1d").map_err(|cause| format!("every {cause}"))?);
        Ok(())
    })?;
    let every = every.ok_or_else(|| thrown(lua, "a check needs { every = \"5m\" } or another time"))?;
    let is_twice =
        with(context, |registered| registered.checks.iter().find(|c| c.name == given.name).map(|c| c.line));
    if let Some(Some(line)) = is_twice {
        return Err(thrown(lua, &format!("the check {:?} is registered in line {line} already", given.name)));
    }
    let check = Check { name: given.name, every, line: given.line, run: given.run };
    with(context, |registered| registered.checks.push(check));
    Ok(())
}

fn test(lua: &Lua, context: &Context, arguments: MultiValue) -> Result<(), Error> {
    let given = given(lua, context, "test", arguments)?;
    if !context.is_test {
        let text = format!("tests belong in a file of their own: {}_test.lua", context.script);
        return Err(thrown(lua, &text));
    }
    each_option(lua, given.options.as_ref(), &[], |_, _| Ok(()))?;
    with(context, |registered| registered.tests.push(Test { name: given.name, line: given.line }));
    Ok(())
}

fn with<T>(context: &Context, act: impl FnOnce(&mut Registered) -> T) -> Option<T> {
    context.registering.borrow_mut().as_mut().map(act)
}

/// Looks at each option; one that is not known is an error that names the nearest one.
pub fn each_option(
    lua: &Lua,
    options: Option<&Table>,
    known: &[&str],
    mut take: impl FnMut(&str, &Value) -> Result<(), String>,
) -> Result<(), Error> {
    let Some(options) = options else { return Ok(()) };
    options.for_each(|name: Value, value: Value| {
        let name = text_of(&name).ok_or_else(|| thrown(lua, "options have names"))?;
        if !known.contains(&name.as_str()) {
            let meant = nearest(&name, known.iter().copied());
            let hint = meant.map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
            return Err(thrown(lua, &format!("there is no option {name:?}{hint}")));
        }
        take(&name, &value).map_err(|cause| thrown(lua, &cause))
    })
}

/// The text of a text.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => super::values::plain_text(text).ok(),
        _ => None,
    }
}

/// The number of a number.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        // Bounds far below 2^53 follow.
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}
