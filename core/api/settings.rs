//! Settings over HTTP.

use std::sync::Arc;

use serde_json::Value;

use super::call::{Call, Reply};
use super::route::{Access, Answer, Body, Route};
use super::{openapi, page};
use crate::catalog::problems::{IF_MATCH_MISSING, INVALID, MALFORMED_JSON, Problem, STALE, WRONG_TYPE};
use crate::catalog::rights::{SETTINGS_READ, SETTINGS_WRITE};
use crate::catalog::settings::{Setting, all};
use crate::catalog::shape::{Field, Kind, Object, Shape};
use crate::engine::settings;

static SHAPE: Shape = Shape {
    name: "Setting",
    help: "One setting with its current value.",
    fields: &[
        Field::read_only("name", Kind::Text { min: 1, max: 64, rule: None }, "`area.name`."),
        Field::required(
            "value",
            Kind::Any,
            "Its value; the setting's own rule applies. A secret's is taken, and never given back: it reads as null.",
        ),
        Field::read_only("is_secret", Kind::Boolean, "Whether its value is never given back."),
        Field::read_only(
            "is_set",
            Kind::Boolean,
            "Whether somebody has set it; otherwise it follows its default.",
        ),
        Field::read_only("default", Kind::Any, "Value while nobody has set it."),
        Field::read_only("schema", Kind::Any, "What its value must be, as JSON Schema."),
        Field::read_only("help", Kind::Text { min: 1, max: 500, rule: None }, "What it does, with its unit."),
        Field::read_only(
            "revision",
            Kind::Integer { min: 0, max: i64::MAX },
            "Revision that last changed it, also its ETag; 0: it follows its default.",
        ),
        Field::read_only("changed_at", Kind::Time, "When it was last changed; null: it follows its default."),
    ],
};

/// The routes of settings.
pub fn routes() -> Vec<Route> {
    let item = "/settings/{name}";
    vec![
        Route::new("GET", "/settings", "List all settings")
            .access(Access::Needs(SETTINGS_READ))
            .answers(200, Answer::Page(&SHAPE))
            .runs(list),
        Route::new("GET", item, "Read one setting")
            .access(Access::Needs(SETTINGS_READ))
            .answers(200, Answer::One(&SHAPE))
            .runs(read),
        writing("PUT", item, "Give a setting a value").takes(Body::Whole(&SHAPE)).runs(set),
        writing("DELETE", item, "Let a setting follow its default again").runs(unset),
    ]
}

fn writing(method: &'static str, path: &str, summary: &str) -> Route {
    Route::new(method, path, summary)
        .access(Access::Needs(SETTINGS_WRITE))
        .answers(200, Answer::One(&SHAPE))
        .conditional()
        .can_rehearse()
        .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, STALE, IF_MATCH_MISSING])
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let items = call.engine().db.read(|read| {
        all()
            .iter()
            .map(|setting| Ok(shown(settings::get(read, setting)?, setting)))
            .collect::<Result<Vec<_>, Problem>>()
    })?;
    Ok(Reply::json(page::shown("settings", items, None)))
}

fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    let setting = settings::declared(call.param("name"))?;
    call.engine()
        .db
        .read(|read| settings::get(read, setting))
        .map(|object| Reply::object(shown(object, setting)))
}

/// A setting with what its value must be.
fn shown(mut object: Object, setting: &Setting) -> Object {
    object.insert("schema".to_owned(), openapi::of_value(setting.kind));
    object
}

fn set(call: &Call<'_>) -> Result<Reply, Problem> {
    let setting = settings::declared(call.param("name"))?;
    let precondition = call.precondition()?;
    let (given, engine) = (call.input.clone(), Arc::clone(call.engine()));
    call.change(move |change| {
        let current = shown(settings::get(change.tx, setting)?, setting);
        let accepted = SHAPE.accept(&given, Some(&current)).map_err(Problem::invalid)?;
        let value = accepted.get("value").unwrap_or(&Value::Null);
        let set = settings::set(change, &engine.keyring, setting, value, &precondition)?;
        Ok(Reply::object(shown(set, setting)))
    })
}

fn unset(call: &Call<'_>) -> Result<Reply, Problem> {
    let setting = settings::declared(call.param("name"))?;
    let precondition = call.precondition()?;
    call.change(move |change| {
        Ok(Reply::object(shown(settings::unset(change, setting, &precondition)?, setting)))
    })
}
