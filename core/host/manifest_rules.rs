//! What a manifest must keep to beyond its shape. Each rule is one function that answers with one sentence;
//! the rules run in the order in which people write the file.

use std::collections::HashSet;

use jackfield_abi::ops;
use regex_lite::Regex;
use serde_json::Value;

use super::builtin::is_reserved;
use super::manifest::{Manifest, Route, Setting};
use crate::catalog::segments::{SHARED, is_core};

type Outcome = Result<(), String>;

const RULES: &[fn(&Manifest) -> Outcome] =
    &[names, files, sizes, needs, served, routes, serves_something, rights, jobs, settings, migrations];

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];
const KINDS: &[&str] = &["text", "integer", "boolean", "choice", "secret", "list"];
const ROLES: &[&str] = &["viewer", "operator", "admin"];

/// Checks everything that the shape cannot say.
pub fn check(manifest: &Manifest) -> Outcome {
    RULES.iter().try_for_each(|rule| rule(manifest))
}

fn migrations(m: &Manifest) -> Outcome {
    require(m.migrations.is_empty() || m.services.iter().any(|service| service == "db/1"), || {
        "migrations: need the service db/1".to_owned()
    })?;
    for (index, step) in m.migrations.iter().enumerate() {
        let number = format!("{:04}_", index + 1);
        require(
            step.name.starts_with(&number) && has_form(&step.name, "^[0-9]{4}_[a-z0-9_]{1,60}$"),
            || format!("migrations: {:?} must be called {number}what_it_does in small letters", step.name),
        )?;
    }
    Ok(())
}

fn require(holds: bool, sentence: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(sentence()) }
}

/// Whether the whole text has that form.
fn has_form(text: &str, form: &str) -> bool {
    Regex::new(form).is_ok_and(|regex| regex.is_match(text))
}

fn each_has_form(key: &str, texts: &[String], form: &str, says: &str) -> Outcome {
    let mut seen = HashSet::new();
    for text in texts {
        require(has_form(text, form), || format!("{key}: {text:?} must be {says}"))?;
        require(seen.insert(text), || format!("{key}: {text:?} is there twice"))?;
    }
    Ok(())
}

fn names(m: &Manifest) -> Outcome {
    require(has_form(&m.id, "^[a-z][a-z0-9_]{0,31}$"), || {
        format!("id: {:?} must be 1 to 32 small letters, digits and underscores, a letter first", m.id)
    })?;
    require(!is_reserved(&m.id) && !is_core(&m.id), || {
        format!("id: {} is a part of the appliance; choose another one", m.id)
    })?;
    require(has_form(&m.version, r"^\d{1,9}\.\d{1,9}\.\d{1,9}$"), || {
        format!("version: {:?} must be three numbers such as 1.0.0", m.version)
    })?;
    let length = m.summary.chars().count();
    require((1..=120).contains(&length) && !m.summary.contains(char::is_control), || {
        "summary: must be one line of 1 to 120 characters".to_owned()
    })?;
    each_has_form("services", &m.services, r"^[a-z]+/\d+$", "a name and a version such as db/1")?;
    each_has_form("ops", &m.ops, r"^[a-z][a-z0-9_.]*$", "small letters, digits, dots and underscores")?;
    each_has_form("events", &m.events, EVENT, EVENT_SAYS)?;
    each_has_form("publishes", &m.publishes, EVENT, EVENT_SAYS)?;
    let foreign = m.publishes.iter().find(|event| event.split('.').next() != Some(&m.id));
    foreign.map_or(Ok(()), |foreign| {
        Err(format!("publishes: {foreign:?} is not the plugin's to tell; its own begin with {}.", m.id))
    })
}

const EVENT: &str = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$";
const EVENT_SAYS: &str = "noun.past such as account.changed";

fn files(m: &Manifest) -> Outcome {
    require(is_file_name(&m.library, ".so"), || {
        format!("library: {:?} must be the name of a file in this folder that ends in .so", m.library)
    })?;
    require(m.console.is_empty() || is_file_name(&m.console, ".js"), || {
        format!("console: {:?} must be the name of a file in this folder that ends in .js", m.console)
    })?;
    require(m.console_sha256.is_empty() || has_form(&m.console_sha256, "^[0-9a-f]{64}$"), || {
        "console_sha256: must be 64 small hexadecimal digits".to_owned()
    })?;
    require(m.title.chars().count() <= 32 && !m.title.contains(char::is_control), || {
        "title: must be one line of at most 32 characters".to_owned()
    })?;
    require(m.console_sha256.is_empty() || !m.console.is_empty(), || {
        "console_sha256: there is no console page that it is of".to_owned()
    })?;
    require(m.sha256.is_empty() || has_form(&m.sha256, "^[0-9a-f]{64}$"), || {
        "sha256: must be 64 small hexadecimal digits".to_owned()
    })
}

fn is_file_name(name: &str, ending: &str) -> bool {
    name.len() > ending.len() && name.ends_with(ending) && !name.contains(['/', '\0'])
}

fn sizes(m: &Manifest) -> Outcome {
    require((16..=4096).contains(&m.memory_mib), || {
        format!("memory_mib: {} must be from 16 to 4096", m.memory_mib)
    })
}

/// A part of the manifest needs an operation and a service.
fn needs(m: &Manifest) -> Outcome {
    let told = m.settings.iter().any(|setting| !setting.restart);
    let rows = [
        (!m.routes.is_empty(), "routes", ops::HTTP, Some("http/1")),
        (!m.jobs.is_empty(), "jobs", ops::JOB_RUN, Some("job/1")),
        (told, "settings without restart = true", ops::SETTINGS_CHANGED, None),
    ];
    for (_, what, op, service) in rows.into_iter().filter(|row| row.0) {
        require(m.ops.iter().any(|o| o == op), || format!("ops: {what} need the operation {op:?}"))?;
        let Some(service) = service else { continue };
        require(m.services.iter().any(|s| s == service), || {
            format!("services: {what} need the service {service:?}")
        })?;
    }
    Ok(())
}

fn routes(m: &Manifest) -> Outcome {
    let mut seen = HashSet::new();
    for route in &m.routes {
        let name = format!("route {} {}", route.method, route.path);
        require(METHODS.contains(&route.method.as_str()), || {
            format!("{name}: the method must be one of {}", METHODS.join(", "))
        })?;
        require(belongs(&route.path, m), || {
            let served = m.serves.iter().map(|segment| format!(", or lie below {segment},"));
            format!(
                "{name}: the path must begin with {}{} and have no empty segment",
                m.id,
                served.collect::<String>()
            )
        })?;
        require(!route.summary.is_empty(), || format!("{name}: the summary is missing"))?;
        require(seen.insert((&route.method, &route.path)), || format!("{name} is there twice"))?;
        route_right(m, route, &name)?;
    }
    Ok(())
}

/// Whether the path's first segment, without an action such as `:test`, is the plugin's id, or more follows one
/// of the segments that it serves.
fn belongs(path: &str, m: &Manifest) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    let area = first.split(':').next().unwrap_or_default();
    let is_below = path.contains('/') && m.serves.iter().any(|segment| segment == first);
    (area == m.id || is_below) && path.split('/').all(|segment| !segment.is_empty())
}

fn served(m: &Manifest) -> Outcome {
    each_has_form("serves", &m.serves, "^[a-z][a-z-]*$", "one segment such as peers")?;
    let other = m.serves.iter().find(|segment| !SHARED.contains(&segment.as_str()));
    other.map_or(Ok(()), |other| {
        Err(format!("serves: {other:?} is not shared with plugins; {} are", SHARED.join(", ")))
    })
}

fn serves_something(m: &Manifest) -> Outcome {
    let is_used = |segment: &str| m.routes.iter().any(|route| route.path.split('/').next() == Some(segment));
    let unused = m.serves.iter().find(|segment| !is_used(segment));
    unused.map_or(Ok(()), |unused| Err(format!("serves: no route is below {unused:?}; leave it out")))
}

fn route_right(m: &Manifest, route: &Route, name: &str) -> Outcome {
    match (&route.right, route.public) {
        (Some(right), false) => declared(m, right, name),
        (None, true) => Ok(()),
        (Some(_), true) => Err(format!("{name}: a public route has no right; leave one of them out")),
        (None, false) => Err(format!("{name}: the right is missing; name one or write public = true")),
    }
}

fn declared(m: &Manifest, right: &str, name: &str) -> Outcome {
    require(m.rights.iter().any(|r| r.name == right), || {
        format!("{name}: the right {right:?} is not declared; add a [[rights]] section for it")
    })
}

fn rights(m: &Manifest) -> Outcome {
    let mut seen = HashSet::new();
    for right in &m.rights {
        let verb = right.name.strip_prefix(&format!("{}:", m.id)).unwrap_or_default();
        require(has_form(verb, "^[a-z][a-z0-9_-]*$"), || {
            format!("right {:?}: the name must be {}:verb", right.name, m.id)
        })?;
        require(ROLES.contains(&right.role.as_str()), || {
            format!("right {:?}: the role must be one of {}", right.name, ROLES.join(", "))
        })?;
        require(!right.help.is_empty(), || format!("right {:?}: the help is missing", right.name))?;
        require(seen.insert(&right.name), || format!("right {:?} is there twice", right.name))?;
    }
    Ok(())
}

fn jobs(m: &Manifest) -> Outcome {
    let mut seen = HashSet::new();
    for job in &m.jobs {
        let name = format!("job {:?}", job.name);
        require(has_form(&job.name, "^[a-z][a-z0-9_-]*$"), || {
            format!("{name}: the name must be small letters, digits, dashes and underscores")
        })?;
        require(!job.summary.is_empty(), || format!("{name}: the summary is missing"))?;
        require(seen.insert(&job.name), || format!("{name} is there twice"))?;
        declared(m, &job.right, &name)?;
    }
    Ok(())
}

fn settings(m: &Manifest) -> Outcome {
    let mut seen = HashSet::new();
    for setting in &m.settings {
        let fault = |sentence: String| format!("setting {:?}: {sentence}", setting.name);
        let own = setting.name.strip_prefix(&format!("{}.", m.id)).unwrap_or_default();
        require(has_form(own, "^[a-z][a-z0-9_]*$"), || fault(format!("the name must be {}.name", m.id)))?;
        require(seen.insert(&setting.name), || fault("is there twice".to_owned()))?;
        require(!setting.help.is_empty(), || fault("the help is missing".to_owned()))?;
        require(KINDS.contains(&setting.kind.as_str()), || {
            fault(format!("the kind {:?} is not known; use one of {}", setting.kind, KINDS.join(", ")))
        })?;
        pattern(setting).map_err(fault)?;
        default(setting).map_err(fault)?;
    }
    Ok(())
}

fn pattern(setting: &Setting) -> Outcome {
    let Some(pattern) = &setting.pattern else { return Ok(()) };
    require(["text", "list"].contains(&setting.kind.as_str()), || {
        format!("a pattern is for text and list, not for {}", setting.kind)
    })?;
    require(pattern.starts_with('^') && pattern.ends_with('$'), || {
        "the pattern must begin with ^ and end with $".to_owned()
    })?;
    Regex::new(pattern).map_err(|e| format!("the pattern cannot be read: {e}"))?;
    require(setting.says.is_some(), || "a pattern needs `says`, the same in words".to_owned())
}

/// A default has the setting's kind and lies within its bounds.
fn default(setting: &Setting) -> Outcome {
    let value = setting.default.as_ref();
    match (setting.kind.as_str(), value) {
        ("secret", None) => Ok(()),
        ("secret", Some(_)) => Err("a secret has no default".to_owned()),
        ("text", Some(Value::String(text))) => text_default(setting, text),
        ("integer", Some(Value::Number(number))) if number.is_i64() => {
            within(setting, number.as_i64().unwrap_or_default())
        }
        ("boolean", Some(Value::Bool(_))) => Ok(()),
        ("choice", Some(Value::String(word))) => {
            require(setting.choices.contains(word), || format!("the default {word:?} is no choice"))
        }
        ("list", Some(Value::Array(entries))) => list_default(setting, entries),
        (_, None) => Err("the default is missing".to_owned()),
        (kind, Some(_)) => Err(format!("the default must be of the kind {kind}")),
    }
}

fn text_default(setting: &Setting, text: &str) -> Outcome {
    within(setting, i64::try_from(text.chars().count()).unwrap_or(i64::MAX))?;
    let kept = setting.pattern.as_ref().is_none_or(|pattern| has_form(text, pattern));
    require(kept, || format!("the default {text:?} breaks its own pattern"))
}

fn list_default(setting: &Setting, entries: &[Value]) -> Outcome {
    within(setting, i64::try_from(entries.len()).unwrap_or(i64::MAX))?;
    for entry in entries {
        let Some(text) = entry.as_str() else { return Err("a list has texts only".to_owned()) };
        let kept = setting.pattern.as_ref().is_none_or(|pattern| has_form(text, pattern));
        require(kept, || format!("the default's entry {text:?} breaks the pattern"))?;
    }
    Ok(())
}

fn within(setting: &Setting, number: i64) -> Outcome {
    let (min, max) = (setting.min.unwrap_or(i64::MIN), setting.max.unwrap_or(i64::MAX));
    require((min..=max).contains(&number), || {
        format!("the default counts {number}, which is not from {min} to {max}")
    })
}
