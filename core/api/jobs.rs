//! Jobs over HTTP: what plugins were asked to do, how far it is, and asking for more.

use serde_json::Value;

use super::call::{Call, Reply};
use super::page::{self, CURSOR, LIMIT};
use super::plugin_routes;
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{INVALID, KEY_REUSED, MALFORMED_JSON, NO_PLUGIN, Problem, WRONG_TYPE};
use crate::catalog::rights::{JOBS_READ, JOBS_WRITE, Right};
use crate::catalog::shape::{Absent, Field, Kind, Shape};
use crate::engine::jobs::{self, OWN, Order};
use crate::engine::objects::text;

const WORDS: Kind = Kind::Text { min: 0, max: 1000, rule: None };
const NAME: Kind = Kind::Text { min: 1, max: 64, rule: None };
const COUNT: Kind = Kind::Integer { min: 0, max: i64::MAX };
const STATES: &[&str] = &["queued", "running", "done", "failed", "cancelled", "interrupted"];

/// A job as the API shows it.
pub static SHAPE: Shape = Shape {
    name: "Job",
    help: "Work that takes longer than a request.",
    fields: &[
        Field::read_only("id", NAME, "Identifies the job; opaque."),
        Field::required("plugin", NAME, "Plugin that does it; core: the appliance itself."),
        Field::required("name", NAME, "Which of its jobs; a plugin's manifest names them."),
        Field::optional("input", Kind::Any, Absent::Null, "Whatever the job takes."),
        Field::read_only("who", WORDS, "Who asked for it."),
        Field::read_only("state", Kind::Choice(STATES), "How it is."),
        Field::read_only("note", WORDS, "Where it is, or why it failed."),
        Field::read_only("done", COUNT, "How much is done; null: it does not run."),
        Field::read_only("total", COUNT, "How much there is to do; null: it does not run."),
        Field::read_only("result", Kind::Any, "What it answered; null: nothing yet."),
        Field::read_only("created_at", Kind::Time, "When it was asked for."),
        Field::read_only("started_at", Kind::Time, "When it began; null: not yet."),
        Field::read_only("ended_at", Kind::Time, "When it ended; null: not yet."),
    ],
};

/// The routes of jobs.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/jobs", "List jobs, newest first")
            .access(Access::Needs(JOBS_READ))
            .query([LIMIT, CURSOR])
            .answers(200, Answer::Page(&SHAPE))
            .runs(list),
        Route::new("GET", "/jobs/{id}", "Read one job")
            .access(Access::Needs(JOBS_READ))
            .answers(200, Answer::One(&SHAPE))
            .runs(|call| {
                call.engine()
                    .db
                    .read(|read| jobs::get(call.engine(), read, call.param("id")))
                    .map(Reply::json)
            }),
        Route::new("POST", "/jobs", "Ask a plugin for a job; the plugin's own right for it is needed")
            .takes(Body::Whole(&SHAPE))
            .answers(202, Answer::One(&SHAPE))
            .keyed()
            .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, NO_PLUGIN, KEY_REUSED])
            .runs(start),
        Route::new("POST", "/jobs/{id}:cancel", "Ask a job to end")
            .access(Access::Needs(JOBS_WRITE))
            .answers(202, Answer::One(&SHAPE))
            .runs(|call| {
                jobs::cancel(call.engine(), call.param("id")).map(|job| Reply::json(job).status(202))
            }),
    ]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let before = Some(page::read_cursor("jobs", &call.query)?).filter(|seq| *seq > 0);
    let limit = page::limit(&call.query);
    let (items, next) = call.engine().db.read(|read| jobs::list(call.engine(), read, before, limit))?;
    Ok(Reply::json(page::shown("jobs", items, next)))
}

fn start(call: &Call<'_>) -> Result<Reply, Problem> {
    let given = call.accepted()?;
    let (plugin, name) = (text(&given, "plugin").to_owned(), text(&given, "name").to_owned());
    let right = right_to(call, &plugin, &name)?;
    call.principal()?.demand(right)?;
    let order = Order {
        plugin,
        name,
        input: given.get("input").cloned().unwrap_or(Value::Null),
        who: call.principal()?.label.clone(),
    };
    let queued =
        call.change(move |change| jobs::queue(change.tx, &order).map(|job| Reply::json(job).status(202)));
    call.engine().jobs.rouse();
    queued
}

/// The right to ask for a job; a problem where there is no such job.
pub fn right_to(call: &Call<'_>, plugin: &str, name: &str) -> Result<&'static Right, Problem> {
    let no_job =
        || Problem::field("name", format!("names no job of {plugin} that can be asked for: {name:?}"));
    if plugin == OWN {
        return jobs::find_own(name).and_then(|own| own.by_hand).ok_or_else(no_job);
    }
    let host = call.engine().plugins.get();
    let manifest = host.and_then(|host| host.manifests().into_iter().find(|manifest| manifest.id == plugin));
    let manifest = manifest
        .ok_or_else(|| Problem::field("plugin", format!("names no plugin that can be asked: {plugin:?}")))?;
    let job = manifest.jobs.iter().find(|job| job.name == name);
    let job =
        job.ok_or_else(|| Problem::field("name", format!("names no job of the plugin {plugin}: {name:?}")))?;
    plugin_routes::right(&manifest, &job.right)
}
