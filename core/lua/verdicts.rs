//! What scripts may answer, and how strictly it is read: a wrong type or an unknown field is a failure, never a
//! guess.

use mlua::{Error, Lua, MultiValue, Table, Value};
use serde_json::Value as Json;

use super::{errors, values};

/// Functions that make the answer of a check, with the state's name outside.
pub const STATES: &[(&str, &str)] = &[
    ("ok", "ok"),
    ("notice", "notice"),
    ("warn", "warning"),
    ("fail", "error"),
    ("critical", "critical"),
    ("unknown", "unknown"),
    ("not_measurable", "not_measurable"),
];

/// Longest number that can be dialed.
const MOST_DIGITS: usize = 64;
/// Longest text for people, in bytes.
const MOST_WORDS: usize = 2048;

/// What `dial.admit` may say.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// Let the call pass.
    Allowed,
    /// Reject it, for that reason.
    Rejected(String),
}

/// What a check says.
#[derive(Debug, PartialEq)]
pub struct State {
    /// One of [`STATES`]' second names.
    pub state: &'static str,
    /// What was seen.
    pub detail: String,
    /// What to do; empty: nothing.
    pub advice: String,
    /// Figures; null: none.
    pub data: Json,
}

/// Adds the functions that make answers.
pub fn add(lua: &Lua, base: &Table) -> Result<(), Error> {
    base.raw_set("allow", lua.create_function(|lua, ()| made(lua, &[("verdict", text(lua, "allow")?)]))?)?;
    let reject =
        |lua: &Lua, reason: Value| made(lua, &[("verdict", text(lua, "reject")?), ("reason", reason)]);
    base.raw_set("reject", lua.create_function(reject)?)?;
    for (name, state) in STATES {
        let make = move |lua: &Lua, (detail, advice, data): (Value, Value, Value)| {
            made(lua, &[("state", text(lua, state)?), ("detail", detail), ("advice", advice), ("data", data)])
        };
        base.raw_set(*name, lua.create_function(make)?)?;
    }
    Ok(())
}

fn made(lua: &Lua, fields: &[(&str, Value)]) -> Result<Table, Error> {
    let table = lua.create_table()?;
    fields.iter().try_for_each(|(name, value)| table.raw_set(*name, value.clone()))?;
    table.set_readonly(true);
    Ok(table)
}

fn text(lua: &Lua, text: &str) -> Result<Value, Error> {
    lua.create_string(text).map(Value::String)
}

/// The new number, when the script has one. It may hold what a PBX dials, and what the site itself has written into
/// its prefixes: those are dialed as they were typed (seed 001).
pub fn rewrite(answer: &MultiValue, verbatim: &str) -> Result<Option<String>, String> {
    const SHAPE: &str = "the answer must be nothing or { number = \"…\" }";
    let Some(fields) = fields(answer, SHAPE, &["number"])? else { return Ok(None) };
    let number = match get(&fields, "number")? {
        Value::String(number) => values::plain_text(&number).map_err(|cause| format!("number {cause}"))?,
        Value::Nil => return Err(format!("{SHAPE}; number is missing")),
        other => {
            let kind = values::kind(&other);
            return Err(format!("number must be a text, because zeros in front count; it is a {kind}"));
        }
    };
    let is_dialable = |c: char| c.is_ascii_digit() || "ABCD*#+,".contains(c) || verbatim.contains(c);
    let length = number.chars().count();
    if number.is_empty() || length > MOST_DIGITS || !number.chars().all(is_dialable) {
        return Err(format!(
            "number must have 1 to {MOST_DIGITS} of 0-9, A-D, *, #, + and the pause (,); it is {:?}",
            errors::cut(&number)
        ));
    }
    Ok(Some(number))
}

/// Whether the call may pass, when the script has an opinion.
pub fn admit(answer: &MultiValue) -> Result<Option<Admission>, String> {
    const SHAPE: &str = "the answer must be nothing, allow() or reject(\"reason\")";
    let Some(fields) = fields(answer, SHAPE, &["verdict", "reason"])? else { return Ok(None) };
    let verdict = match get(&fields, "verdict")? {
        Value::String(verdict) => values::plain_text(&verdict)?,
        _ => return Err(SHAPE.to_owned()),
    };
    match (verdict.as_str(), get(&fields, "reason")?) {
        ("allow", Value::Nil) => Ok(Some(Admission::Allowed)),
        ("reject", Value::String(_)) => {
            let reason = words(&fields, "reason")?;
            if reason.is_empty() { Err(SHAPE.to_owned()) } else { Ok(Some(Admission::Rejected(reason))) }
        }
        _ => Err(SHAPE.to_owned()),
    }
}

/// How it is, says a check.
pub fn state(answer: &MultiValue) -> Result<State, String> {
    const SHAPE: &str = "a check must answer with ok(), notice(), warn(), fail(), critical(), unknown() or \
                         not_measurable()";
    let names = ["state", "detail", "advice", "data"];
    let fields = fields(answer, SHAPE, &names)?.ok_or(SHAPE)?;
    let said = match get(&fields, "state")? {
        Value::String(said) => values::plain_text(&said)?,
        _ => return Err(SHAPE.to_owned()),
    };
    let known = STATES.iter().map(|(_, state)| *state).find(|state| *state == said);
    let data = values::from_lua(&get(&fields, "data")?).map_err(|cause| format!("the data {cause}"))?;
    if !(data.is_null() || data.is_object()) {
        return Err("the data must be a table with named fields".to_owned());
    }
    Ok(State {
        state: known.ok_or(SHAPE)?,
        detail: words(&fields, "detail")?,
        advice: words(&fields, "advice")?,
        data,
    })
}

/// Nothing, when nothing is said.
pub fn nothing(answer: &MultiValue) -> Result<(), String> {
    if answer.iter().all(Value::is_nil) { Ok(()) } else { Err("an event is not answered".to_owned()) }
}

/// The one table that was answered; none for nil or nothing.
fn fields(answer: &MultiValue, shape: &str, known: &[&str]) -> Result<Option<Table>, String> {
    let values: Vec<_> = answer.iter().take(2).collect();
    let table = match values.as_slice() {
        [] | [Value::Nil] => return Ok(None),
        [Value::Table(table)] => table,
        [other] => return Err(format!("{shape}; it is a {}", values::kind(other))),
        _ => return Err(format!("{shape}; there are {} values", answer.len())),
    };
    if table.metatable().is_some() {
        return Err(format!("{shape}; it is a table with a metatable"));
    }
    let mut strange = None;
    let looked = table.for_each(|name: Value, _: Value| {
        let is_known = matches!(&name, Value::String(n) if known.iter().any(|k| n.as_bytes() == *k));
        if !is_known {
            strange = Some(name);
            // Ends the look: a table may have a million fields.
            return Err(Error::RuntimeError(String::new()));
        }
        Ok(())
    });
    match strange {
        Some(Value::String(name)) => {
            Err(format!("{shape}; there is no field {:?}", errors::cut(&name.to_string_lossy())))
        }
        Some(other) => Err(format!("{shape}; it has a field whose name is a {}", values::kind(&other))),
        None => looked.map(|()| Some(table.clone())).map_err(|e| errors::sentence(&e)),
    }
}

fn get(fields: &Table, name: &str) -> Result<Value, String> {
    fields.raw_get(name).map_err(|e| errors::sentence(&e))
}

/// A text for people; empty when there is none.
fn words(fields: &Table, name: &str) -> Result<String, String> {
    match get(fields, name)? {
        Value::Nil => Ok(String::new()),
        Value::String(words) if words.as_bytes().len() <= MOST_WORDS => {
            values::plain_text(&words).map_err(|cause| format!("{name} {cause}"))
        }
        Value::String(_) => Err(format!("{name} must have at most {MOST_WORDS} bytes")),
        other => Err(format!("{name} must be a text; it is a {}", values::kind(&other))),
    }
}
