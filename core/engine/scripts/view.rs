//! A script as the API shows it: what is kept of it, and how it does now.

use jackfield_db::Read;
use serde_json::{Value, json};

use super::rows::{self, number};
use crate::catalog::hooks::SCRIPTS;
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::{Engine, objects};
use crate::host::State;

/// Every script, by name.
pub fn list(engine: &Engine) -> Result<Vec<Object>, Problem> {
    let scripts = engine.db.read(rows::all)?;
    scripts.into_iter().map(|script| shown(engine, script)).collect()
}

/// A stored script with how it does.
pub fn shown(engine: &Engine, script: Object) -> Result<Object, Problem> {
    engine.db.read(|read| shown_by(engine, read, script))
}

/// The same inside a transaction.
pub fn shown_by(engine: &Engine, read: &Read<'_>, mut script: Object) -> Result<Object, Problem> {
    let name = objects::text(&script, "name").to_owned();
    let served = engine.scripts.of(&name).filter(|one| Some(one.active) == number(&script, "active"));
    let obstacle = obstacle(engine);
    let (state, reason) = match (&served, number(&script, "active")) {
        (_, None) => ("not_published", String::new()),
        (Some(one), Some(n)) => match (&one.failure, obstacle) {
            (Some(cause), _) if one.version == n => ("failed", format!("version {n} does not load: {cause}")),
            (Some(cause), _) => (
                "failed",
                format!("version {} serves, because version {n} does not load: {cause}", one.version),
            ),
            (None, Some(why)) => ("failed", why),
            (None, None) => ("active", String::new()),
        },
        // Published this moment: it was loaded before.
        (None, Some(_)) => ("active", String::new()),
    };
    let serving = match &served {
        Some(one) => Some(one.version).filter(|n| state == "active" || *n != one.active),
        None => number(&script, "active"),
    };
    let registers = match served.as_ref().and_then(|one| one.registers.clone()) {
        Some(registers) => registers.to_json(),
        None => registered(read, &name, &script)?,
    };
    script.insert("state".to_owned(), state.into());
    script.insert("reason".to_owned(), reason.into());
    script.insert("serving".to_owned(), serving.into());
    script.insert("registers".to_owned(), registers);
    if let Value::Object(figures) = engine.scripts.tallies.shown(&name) {
        script.extend(figures);
    }
    Ok(script)
}

/// What the published version registers, or else the one that was put last.
fn registered(read: &Read<'_>, name: &str, script: &Object) -> Result<Value, Problem> {
    let n = number(script, "active").or_else(|| number(script, "latest")).unwrap_or_default();
    let version = rows::one_version(read, name, n)?;
    Ok(version.get("registers").cloned().unwrap_or_else(|| json!([])))
}

/// Why the process that runs scripts does not serve.
pub fn obstacle(engine: &Engine) -> Option<String> {
    let host = engine.plugins.get()?;
    let status = host.list().into_iter().find(|status| status.id == SCRIPTS)?;
    let serves = matches!(status.state, State::Up | State::Degraded | State::Starting);
    (!serves).then(|| format!("the process that runs scripts does not serve: {}", status.reason))
}
