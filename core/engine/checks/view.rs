//! Checks as the API, the doctor and the metrics see them.

use std::time::Instant;

use serde_json::{Value, json};

use super::roster::{Slot, every};
use super::store::{self, Known};
use super::{FINDINGS, State};
use crate::catalog::nearest;
use crate::catalog::problems::{NOT_FOUND, Problem};
use crate::catalog::shape::Object;
use crate::engine::Engine;
use crate::engine::doctor::{self, Finding};

/// Most figures of one check.
const MOST_FIGURES: usize = 16;

/// Every check; without a running appliance as it stood last.
pub fn list(engine: &Engine) -> Result<Vec<Object>, Problem> {
    if engine.checks.is_running() {
        engine.checks.follow();
        return Ok(engine.checks.roster().slots.iter().map(|(name, slot)| shown(name, slot)).collect());
    }
    let stored = engine.db.read(store::all)?;
    Ok(stored.iter().map(|(name, known)| remembered(name, known)).collect())
}

/// One check with its newest runs, newest first.
pub fn find(engine: &Engine, name: &str, limit: usize) -> Result<Object, Problem> {
    let found = list(engine)?.into_iter().find(|check| check.get("name").is_some_and(|n| n == name));
    let mut check = found.ok_or_else(|| among(engine, name))?;
    let history = engine.db.read(|read| store::history(read, name, limit))?;
    check.insert("history".to_owned(), json!(history));
    Ok(check)
}

fn among(engine: &Engine, name: &str) -> Problem {
    let known: Vec<String> = engine.checks.roster().slots.keys().cloned().collect();
    let meant = nearest(name, known.iter().map(String::as_str));
    let mut problem = absent(name);
    problem.detail += &meant.map(|meant| format!(" Did you mean {meant:?}?")).unwrap_or_default();
    problem
}

/// There is no such check.
pub fn absent(name: &str) -> Problem {
    Problem::new(NOT_FOUND, format!("There is no check {name:?}. Checks are called SCRIPT.CHECK."))
}

/// A check that is registered.
pub fn shown(name: &str, slot: &Slot) -> Object {
    let mut check = remembered(name, &slot.known);
    let left = slot.due.saturating_duration_since(Instant::now());
    let next = jiff::Timestamp::now() + jiff::SignedDuration::try_from(left).unwrap_or_default();
    let registered = json!({
        "script": slot.check.script, "version": slot.check.version, "place": slot.check.place(),
        "every_s": every(&slot.check).as_secs(), "next_run": format!("{next:.0}"),
        "running": slot.running.is_some(),
    });
    check.extend(registered.as_object().cloned().unwrap_or_default());
    check
}

/// What is known of a check, whether it is registered or not.
fn remembered(name: &str, known: &Known) -> Object {
    let run = known.last_run.as_ref();
    let check = json!({
        "name": name,
        "state": known.standing.state.name(),
        "doubt": known.standing.doubt.map(State::name),
        "since": known.since,
        "detail": run.map_or("has not run yet", |run| &run.detail),
        "advice": run.map_or("", |run| &run.advice),
        "script": name.split('.').next().unwrap_or_default(), "version": null, "place": null,
        "every_s": null, "next_run": null, "running": false,
        "last_ok": known.last_ok, "last_run": run, "history": null,
    });
    check.as_object().cloned().unwrap_or_default()
}

/// What the doctor says of checks that are not as they should be.
pub fn told(engine: &Engine) -> Vec<(String, Finding)> {
    let roster = engine.checks.roster();
    roster
        .slots
        .iter()
        .filter_map(|(name, slot)| Some((format!("{FINDINGS}{name}"), finding(slot)?)))
        .collect()
}

fn finding(slot: &Slot) -> Option<Finding> {
    let state = match slot.known.standing.state {
        State::Pending | State::Ok | State::Notice => return None,
        State::NotMeasurable | State::Unknown => doctor::State::Unknown,
        State::Warning => doctor::State::Warning,
        State::Error | State::Critical => doctor::State::Problem,
    };
    let run = slot.known.last_run.as_ref()?;
    let advice = match run.advice.as_str() {
        "" => format!("See {} and the history of the check.", slot.check.place()),
        advice => advice.to_owned(),
    };
    Some(Finding::bad(state, run.detail.as_str(), advice))
}

/// A check's figures for the metrics.
pub struct Figures {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// How long its last run took, in seconds.
    pub took: Option<f64>,
    /// Numbers that it gave, by name.
    pub values: Vec<(String, f64)>,
}

/// Figures of every check.
pub fn figures(engine: &Engine) -> Vec<Figures> {
    let roster = engine.checks.roster();
    let of_one = |(name, slot): (&String, &Slot)| {
        let run = slot.known.last_run.as_ref();
        Figures {
            name: name.clone(),
            state: slot.known.standing.state,
            took: run.map(|run| std::time::Duration::from_millis(run.took_ms).as_secs_f64()),
            values: run.map(|run| values(&run.data)).unwrap_or_default(),
        }
    };
    roster.slots.iter().map(of_one).collect()
}

fn values(data: &Value) -> Vec<(String, f64)> {
    let fields = data.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).take(MOST_FIGURES).collect()
}
