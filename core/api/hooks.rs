//! The site's scripts over HTTP: what is kept, what serves, and how one version takes the place of another.

mod shapes;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::route::{Access, Answer, Body, Route};
use super::{dialing, page};
use crate::catalog::hooks::{self, Mode};
use crate::catalog::problems::{
    CONFLICT, HOOK_REFUSED, HOOKS_UNAVAILABLE, IF_MATCH_MISSING, INVALID, KEY_REUSED, MALFORMED_JSON,
    NOT_FOUND, Problem, STALE, WRONG_TYPE,
};
use crate::catalog::rights::{HOOKS_READ, HOOKS_WRITE};
use crate::catalog::shape::{Object, check};
use crate::engine::dial;
use crate::engine::scripts::{self, Panel, Turn};

use shapes::{DRAFT, NAME, PLACE, SHAPE, TRIAL, VERSION, WHICH, WHOLE_VERSION};

/// The routes of scripts.
pub fn routes() -> Vec<Route> {
    let item = "/hooks/{name}";
    vec![
        reading("/hooks", "List the site's scripts and how they do", Answer::Page(&SHAPE)).runs(list),
        reading("/hooks:catalog", "List the places at which scripts are asked", Answer::Page(&PLACE))
            .runs(|_| Ok(Reply::json(page::shown("hook-catalog", catalogue(), None)))),
        reading(item, "Read one script and how it does", Answer::One(&SHAPE)).runs(read),
        reading(
            "/hooks/{name}/versions",
            "List the versions of a script, newest first",
            Answer::Page(&VERSION),
        )
        .runs(versions),
        reading(
            "/hooks/{name}/versions/{n}",
            "Read one version with its source",
            Answer::One(&WHOLE_VERSION),
        )
        .runs(version),
        Route::new(
            "PUT",
            item,
            "Try a new version and keep it; what is active stays so until one is published",
        )
        .access(Access::Needs(HOOKS_WRITE))
        .takes(Body::Whole(&DRAFT))
        .answers(200, Answer::One(&SHAPE))
        .conditional_once_made()
        .can_rehearse()
        .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, CONFLICT, STALE, IF_MATCH_MISSING, HOOKS_UNAVAILABLE])
        .runs(put),
        Route::new("DELETE", item, "Delete a script; what it decided, nobody decides any more")
            .access(Access::Needs(HOOKS_WRITE))
            .answers(204, Answer::Nothing)
            .conditional()
            .can_rehearse()
            .fails(&[STALE, IF_MATCH_MISSING])
            .runs(remove),
        publishing(
            "publish",
            "Let a version serve, once it has been tried; if it does not load, the old one stays",
        )
        .runs(|call| publish(call, |script| Ok(scripts::number(script, "latest").unwrap_or_default()))),
        Route::new(
            "POST",
            "/hooks/{name}:dry-run",
            "Ask what would be dialed if a candidate served; tried on the workbench, nothing is kept or counted",
        )
        .access(Access::Needs(HOOKS_WRITE))
        .takes(Body::Whole(&TRIAL))
        .answers(200, Answer::One(&dialing::ANSWER))
        .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, HOOKS_UNAVAILABLE])
        .runs(dry_run),
        publishing("rollback", "Let a version serve again that served before")
            .runs(|call| publish(call, before)),
    ]
}

fn reading(path: &str, summary: &str, answer: Answer) -> Route {
    Route::new("GET", path, summary).access(Access::Needs(HOOKS_READ)).answers(200, answer)
}

fn publishing(verb: &str, summary: &str) -> Route {
    Route::new("POST", &format!("/hooks/{{name}}:{verb}"), summary)
        .access(Access::Needs(HOOKS_WRITE))
        .takes(Body::Optional(&WHICH))
        .answers(200, Answer::One(&SHAPE))
        .conditional()
        .can_rehearse()
        .fails(&[
            INVALID,
            MALFORMED_JSON,
            WRONG_TYPE,
            KEY_REUSED,
            STALE,
            IF_MATCH_MISSING,
            HOOK_REFUSED,
            HOOKS_UNAVAILABLE,
        ])
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    Ok(Reply::json(page::shown("hooks", scripts::list(call.engine())?, None)))
}

fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    let script = call.engine().db.read(|read| scripts::get(read, call.param("name")))?;
    scripts::shown(call.engine(), script).map(Reply::object)
}

fn versions(call: &Call<'_>) -> Result<Reply, Problem> {
    let name = call.param("name");
    let found = call.engine().db.read(|read| {
        scripts::get(read, name)?;
        scripts::versions(read, name)
    })?;
    Ok(Reply::json(page::shown("hook-versions", found, None)))
}

fn version(call: &Call<'_>) -> Result<Reply, Problem> {
    let name = call.param("name");
    let n: i64 = call.param("n").parse().map_err(|_| {
        Problem::new(NOT_FOUND, format!("{:?} is not the number of a version.", call.param("n")))
    })?;
    let found = call.engine().db.read(|read| {
        scripts::get(read, name)?;
        let mut version = scripts::one_version(read, name, n)?;
        version.insert("source".to_owned(), scripts::source(read, name, n)?.into());
        Ok::<_, Problem>(version)
    })?;
    Ok(Reply::json(found))
}

fn put(call: &Call<'_>) -> Result<Reply, Problem> {
    let name = call.param("name");
    check(NAME, &json!(name), "/name").map_err(Problem::invalid)?;
    let seen = call.precondition_if_any()?;
    let given = call.accepted()?;
    let text = |field: &str| given.get(field).and_then(Value::as_str).unwrap_or_default();
    let draft = scripts::draft(call.engine(), name, text("source"), text("note"), &call.principal()?.label)?;
    let engine = std::sync::Arc::clone(call.engine());
    call.change(move |change| {
        let script = scripts::put(change, &draft, seen.as_ref())?;
        shown_now(&engine, change.tx, script)
    })
}

/// Inside its transaction a script is shown without asking the database for another reader.
fn shown_now(
    engine: &crate::engine::Engine,
    read: &jackfield_db::Read<'_>,
    script: Object,
) -> Result<Reply, Problem> {
    scripts::shown_by(engine, read, script).map(Reply::object)
}

fn remove(call: &Call<'_>) -> Result<Reply, Problem> {
    let seen = call.precondition()?;
    let name = call.param("name").to_owned();
    let _turn = Turn::of(call.engine(), &name);
    call.change(move |change| scripts::remove(change, &name, &seen).map(|()| Reply::empty()))
}

/// Tries the version and lets it serve. The answer is made once it does.
fn publish(call: &Call<'_>, otherwise: fn(&Object) -> Result<i64, Problem>) -> Result<Reply, Problem> {
    let seen = call.precondition()?;
    let named = call.accepted()?.get("version").and_then(Value::as_i64);
    let is_rollback = call.request.path.ends_with(":rollback");
    let engine = call.engine();
    let name = call.param("name");
    let wanted = |script: &Object| named.map_or_else(|| otherwise(script), Ok);
    let publication = scripts::prepare(engine, name, wanted, call.is_rehearsal())?;
    let (trial, who) = (publication.trial(), call.principal()?.label.clone());
    let shown = std::sync::Arc::clone(engine);
    let reply = call.change(move |change| {
        if is_rollback {
            trial.refuse_unproven(change.tx)?;
        }
        let script = trial.swap(change, &who, &seen)?;
        shown_now(&shown, change.tx, script)
    })?;
    publication.settle();
    Ok(reply)
}

/// What would be dialed if the candidate served, by the code that dials.
fn dry_run(call: &Call<'_>) -> Result<Reply, Problem> {
    let (question, engine, name) = (call.accepted()?, call.engine(), call.param("name"));
    check(NAME, &json!(name), "/name").map_err(Problem::invalid)?;
    let (caller, wish) = (dialing::caller(&question)?, dialing::wish(&question)?);
    let given = question.get("source").and_then(Value::as_str);
    let version = question.get("version").and_then(Value::as_i64);
    let source = match (given, version) {
        (Some(_), Some(_)) => {
            return Err(Problem::field("version", "and source are both given: give one of them"));
        }
        (Some(source), None) => source.to_owned(),
        (None, version) => engine.db.read(|read| {
            let script = scripts::get(read, name)?;
            let n = version.or_else(|| scripts::number(&script, "latest")).unwrap_or_default();
            scripts::source(read, name, n)
        })?,
    };
    let panel = Panel::with_candidate(engine, name, &source)?;
    Ok(Reply::json(json!(dial::decide_by(engine, &panel, &caller, &wish)?)))
}

/// The version that was active before.
fn before(script: &Object) -> Result<i64, Problem> {
    scripts::number(script, "previous").ok_or_else(|| {
        Problem::new(HOOK_REFUSED, "No other version was active before. Name the version to roll back to.")
    })
}

fn catalogue() -> Vec<Object> {
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let one = |hook: &&hooks::Hook| {
        let mode = match hook.mode {
            Mode::Chain => "chain",
            Mode::First => "first",
            Mode::Single => "single",
            Mode::All => "all",
        };
        let shown = json!({
            "name": hook.shown(), "mode": mode, "safepoints": hook.safepoints,
            "wall_ms": ms(hook.wall), "waiting_ms": ms(hook.waiting),
            "most_calls": if hook.calls.is_empty() { 0 } else { hooks::MOST_CALLS }, "calls": hook.calls,
            "on_failure": hook.on_failure,
        });
        shown.as_object().cloned().unwrap_or_default()
    };
    hooks::ALL.iter().map(one).collect()
}
