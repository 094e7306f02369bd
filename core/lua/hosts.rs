//! Calls of scripts that reach the appliance: probes whose sockets are the appliance's, facts of the site, the
//! directory, the log. What may go wrong outside is nil and a text; what the script does wrong is an error.

use std::rc::Rc;
use std::time::Duration;

use jackfield_abi::ops::Code;
use mlua::{Error, IntoLuaMulti, Lua, MultiValue, Table, Value};
use serde_json::{Map, Value as Json, json};

use super::context::{Context, thrown};
use super::register::{each_option, number, text_of};
use super::{duration, values};
use crate::catalog::hooks::CALL_WITHIN;

/// Longest text in a call, in bytes.
const MOST_TEXT: usize = 2048;
/// Settings that scripts may read begin so.
const SETTINGS: [&str; 2] = ["checks.", "dialing."];

/// How one argument is given and sent.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Port,
    Truth,
    Count,
    /// Sent in milliseconds under the name with `_ms`.
    Time,
    /// What an earlier call answered, or plain data like it.
    Data,
    /// A list of such data.
    List,
}

/// A call that becomes one operation of the appliance.
struct Probe {
    library: &'static str,
    name: &'static str,
    op: &'static str,
    arguments: &'static [(&'static str, Kind)],
    options: &'static [(&'static str, Kind)],
}

const PROBES: &[Probe] = &[
    Probe {
        library: "ntp",
        name: "query",
        op: "ntp.query",
        arguments: &[("address", Kind::Text)],
        options: &[("port", Kind::Port), ("timeout", Kind::Time), ("samples", Kind::Count)],
    },
    Probe {
        library: "ntp",
        name: "judge",
        op: "ntp.judge",
        arguments: &[],
        options: &[
            ("hosts", Kind::List),
            ("source", Kind::Data),
            ("walk", Kind::List),
            ("without_us", Kind::Truth),
        ],
    },
    Probe {
        library: "csta",
        name: "judge",
        op: "csta.judge",
        arguments: &[],
        options: &[
            ("declared", Kind::List),
            ("mapped", Kind::List),
            ("default", Kind::Port),
            ("ports", Kind::List),
        ],
    },
    Probe {
        library: "tcp",
        name: "probe",
        op: "tcp.probe",
        arguments: &[("address", Kind::Text), ("port", Kind::Port)],
        options: &[("timeout", Kind::Time), ("tls", Kind::Truth)],
    },
    Probe {
        library: "dns",
        name: "lookup",
        op: "dns.lookup",
        arguments: &[("name", Kind::Text)],
        options: &[("kind", Kind::Text), ("timeout", Kind::Time)],
    },
    Probe {
        library: "http",
        name: "date",
        op: "http.date",
        arguments: &[("url", Kind::Text)],
        options: &[("timeout", Kind::Time), ("requests", Kind::Count)],
    },
    Probe {
        library: "directory",
        name: "lookup",
        op: "directory.lookup",
        arguments: &[("enterprise", Kind::Text), ("number", Kind::Text)],
        options: &[],
    },
];

/// Adds them to what scripts see.
pub fn add(lua: &Lua, base: &Table, context: &Rc<Context>) -> Result<(), Error> {
    for probe in PROBES {
        let context = Rc::clone(context);
        let call = move |lua: &Lua, given: MultiValue| run(lua, &context, probe, &given);
        library(lua, base, probe.library)?.raw_set(probe.name, lua.create_function(call)?)?;
    }
    for (name, field) in [("nodes", "nodes"), ("peers", "peers")] {
        let context = Rc::clone(context);
        let call = move |lua: &Lua, ()| facts(lua, &context, name, |facts| facts[field].clone());
        library(lua, base, "site")?.raw_set(name, lua.create_function(call)?)?;
    }
    let own = Rc::clone(context);
    library(lua, base, "site")?
        .raw_set("setting", lua.create_function(move |lua, name| setting(lua, &own, &name))?)?;
    let own = Rc::clone(context);
    base.raw_set("log", lua.create_function(move |lua, line| log(lua, &own, &line))?)
}

fn library(lua: &Lua, base: &Table, name: &str) -> Result<Table, Error> {
    if let Some(there) = base.raw_get::<Option<Table>>(name)? {
        return Ok(there);
    }
    let library = lua.create_table()?;
    base.raw_set(name, library.clone())?;
    Ok(library)
}

fn run(lua: &Lua, context: &Context, probe: &Probe, given: &MultiValue) -> Result<MultiValue, Error> {
    let name = format!("{}.{}", probe.library, probe.name);
    context.permit(lua, &name)?;
    let args = arguments(lua, probe, &name, given)?;
    let answer = match ask(lua, context, probe.op, args)? {
        Ok(answer) => answer,
        Err(cause) => return (Value::Nil, cause).into_lua_multi(lua),
    };
    let answer = if probe.op == "directory.lookup" { answer["found"].clone() } else { answer };
    values::into_lua(lua, &answer)?.into_lua_multi(lua)
}

fn arguments(lua: &Lua, probe: &Probe, name: &str, given: &MultiValue) -> Result<Json, Error> {
    let mut sent = Map::new();
    for (index, (argument, kind)) in probe.arguments.iter().enumerate() {
        let value = given.get(index).unwrap_or(&Value::Nil);
        put(&mut sent, argument, *kind, value).map_err(|cause| thrown(lua, &format!("{name}: {cause}")))?;
    }
    let options = match given.get(probe.arguments.len()) {
        None | Some(Value::Nil) => None,
        Some(Value::Table(options)) if !probe.options.is_empty() => Some(options),
        Some(_) => return Err(thrown(lua, &format!("{name}: what follows must be a table of options"))),
    };
    if given.len() > probe.arguments.len() + 1 {
        return Err(thrown(lua, &format!("{name}: there are too many arguments")));
    }
    let known: Vec<_> = probe.options.iter().map(|(option, _)| *option).collect();
    each_option(lua, options, &known, |option, value| {
        let kind =
            probe.options.iter().find(|(known, _)| *known == option).map_or(Kind::Text, |(_, kind)| *kind);
        put(&mut sent, option, kind, value).map_err(|cause| format!("{name}: {cause}"))
    })?;
    Ok(Json::Object(sent))
}

fn put(sent: &mut Map<String, Json>, name: &str, kind: Kind, value: &Value) -> Result<(), String> {
    let wrong = |must: &str| format!("{name} must be {must}; it is a {}", values::kind(value));
    let (name, value) = match kind {
        Kind::Text => {
            let text = text_of(value).ok_or_else(|| wrong("a text"))?;
            if text.is_empty() || text.len() > MOST_TEXT {
                return Err(format!("{name} must have 1 to {MOST_TEXT} bytes"));
            }
            (name.to_owned(), json!(text))
        }
        Kind::Port => {
            (name.to_owned(), json!(whole(value, 65_535).ok_or_else(|| wrong("a port from 1 to 65535"))?))
        }
        Kind::Count => {
            (name.to_owned(), json!(whole(value, 64).ok_or_else(|| wrong("a whole number from 1 to 64"))?))
        }
        Kind::Truth => match value {
            Value::Boolean(truth) => (name.to_owned(), json!(truth)),
            _ => return Err(wrong("true or false")),
        },
        Kind::Data => {
            let data = values::question(value).map_err(|cause| format!("{name} {cause}"))?;
            (name.to_owned(), data)
        }
        Kind::List => match values::question(value).map_err(|cause| format!("{name} {cause}"))? {
            Json::Array(items) => (name.to_owned(), items.into()),
            // An empty table is an empty list here.
            Json::Object(fields) if fields.is_empty() => (name.to_owned(), json!([])),
            _ => return Err(wrong("a list")),
        },
        Kind::Time => {
            let text = text_of(value).ok_or_else(|| wrong("a text such as \"1s\""))?;
            let time = duration::within(&text, "50ms", "5s").map_err(|cause| format!("{name} {cause}"))?;
            (format!("{name}_ms"), json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
        }
    };
    sent.insert(name, value);
    Ok(())
}

fn whole(value: &Value, most: u32) -> Option<u32> {
    let number = number(value).filter(|n| n.fract() == 0.0 && (1.0..=f64::from(most)).contains(n))?;
    // A whole number within the bounds.
    Some(number as u32)
}

/// Asks the appliance; the inner error is what may go wrong outside.
fn ask(lua: &Lua, context: &Context, op: &str, args: Json) -> Result<Result<Json, String>, Error> {
    let within = |left: Duration| left.min(CALL_WITHIN).max(Duration::from_millis(1));
    let answer = context.meter.wait(|left| context.core.ask(op, args, within(left)));
    // A run that has waited too long in all does not go on.
    context.meter.look(lua)?;
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(failure) if matches!(failure.code, Code::BadRequest | Code::Denied) => {
            Err(thrown(lua, &format!("{op}: {}", failure.msg)))
        }
        Err(failure) => Ok(Err(failure.msg)),
    }
}

fn facts(
    lua: &Lua,
    context: &Context,
    name: &str,
    pick: impl Fn(&Json) -> Json,
) -> Result<MultiValue, Error> {
    context.permit(lua, &format!("site.{name}"))?;
    let known = context.facts.borrow().clone();
    let facts = match known {
        Some(facts) => facts,
        None => match ask(lua, context, "site.facts", json!({}))? {
            Ok(facts) => context.facts.borrow_mut().insert(facts).clone(),
            Err(cause) => return (Value::Nil, cause).into_lua_multi(lua),
        },
    };
    values::into_lua(lua, &pick(&facts))?.into_lua_multi(lua)
}

fn setting(lua: &Lua, context: &Context, name: &Value) -> Result<MultiValue, Error> {
    let name = text_of(name).filter(|name| SETTINGS.iter().any(|area| name.starts_with(area)));
    let name = name.ok_or_else(|| {
        thrown(
            lua,
            &format!("site.setting takes the name of a setting that begins with {}", SETTINGS.join(" or ")),
        )
    })?;
    facts(lua, context, "setting", |facts| facts["settings"][&name].clone())
}

fn log(lua: &Lua, context: &Context, line: &Value) -> Result<(), Error> {
    context.permit(lua, "log")?;
    let line = text_of(line).filter(|line| line.len() <= MOST_TEXT);
    let line = line.ok_or_else(|| thrown(lua, &format!("log takes a text of at most {MOST_TEXT} bytes")))?;
    context.core.log("info", &context.script, &line);
    Ok(())
}
