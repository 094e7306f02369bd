//! Plugins over HTTP: how each does, and what an operator can do about it.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::page;
use super::route::{Access, Answer, Route};
use crate::catalog::events::PLUGIN_CHANGED;
use crate::catalog::problems::{NO_PLUGIN, NOT_FOUND, PLUGIN_COMMAND, Problem};
use crate::catalog::rights::{PLUGINS_READ, PLUGINS_WRITE};
use crate::catalog::shape::{Field, Kind, Object, Shape};
use crate::engine::change::Entry;
use crate::engine::objects::text;
use crate::engine::{Mode, revisions};
use crate::host::Host;

const WORDS: Kind = Kind::Text { min: 0, max: 8192, rule: None };
const COUNT: Kind = Kind::Integer { min: 0, max: i64::MAX };
const STATES: &[&str] =
    &["starting", "up", "degraded", "backoff", "quarantined", "disabled", "refused", "stopping"];

static MEASURE: Shape = Shape {
    name: "Confinement",
    help: "One thing that holds a plugin's process.",
    fields: &[
        Field::read_only("name", WORDS, "What holds it."),
        Field::read_only("is_enforced", Kind::Boolean, "Whether the kernel enforces it."),
        Field::read_only("detail", WORDS, "What exactly, or why not."),
    ],
};

static SHAPE: Shape = Shape {
    name: "Plugin",
    help: "A plugin and how it does.",
    fields: &[
        Field::read_only("id", WORDS, "Name of its folder, tables and routes."),
        Field::read_only("builtin", Kind::Boolean, "Whether it is a part of the appliance, not a plugin."),
        Field::read_only("version", WORDS, "Its version; empty while its manifest cannot be read."),
        Field::read_only("summary", WORDS, "What it does."),
        Field::read_only("title", WORDS, "Its name for people, as the console's navigation has it."),
        Field::read_only("page", WORDS, "Address of its console page, an ES module; null: it has none."),
        Field::read_only("state", Kind::Choice(STATES), "How it does."),
        Field::read_only("reason", WORDS, "Why, in words."),
        Field::read_only("since", Kind::Time, "Since when it is in that state."),
        Field::read_only("next_try", Kind::Time, "When something will be done about it; null: nothing will."),
        Field::read_only("restarts", COUNT, "How often its process was started again."),
        Field::read_only("pid", COUNT, "Its process; null: none."),
        Field::read_only("memory_bytes", COUNT, "Memory of its own that the process holds; null: none."),
        Field::read_only("confinement", Kind::Objects(&MEASURE), "What holds the process."),
        Field::read_only("signed_by", WORDS, "Key that signed it; null: none, as in development."),
        Field::read_only("last_end", WORDS, "Why its process ended last; empty: never."),
        Field::read_only("in_flight", Kind::Sequence { of: &WORDS, max: 1024 }, "Requests in its hands."),
        Field::read_only("misbehaviour", COUNT, "Messages that broke the treaty."),
        Field::read_only("late_answers", COUNT, "Answers that came too late."),
        Field::read_only("dropped_lines", COUNT, "Log lines over the rate, dropped."),
        Field::read_only("last_lines", Kind::Sequence { of: &WORDS, max: 1024 }, "Its last log lines."),
    ],
};

type Command = fn(&Host, &str) -> Result<(), String>;

const COMMANDS: &[(&str, &str, Command)] = &[
    ("restart", "Stop a plugin and start it again", Host::restart),
    (
        "replace",
        "Start what is in the plugin's folder now, and end the old process once it is idle",
        Host::replace,
    ),
    ("disable", "Switch a plugin off", Host::disable),
    ("enable", "Switch a plugin on", Host::enable),
    ("clear-quarantine", "Forget a plugin's deaths and start it", Host::clear_quarantine),
];

/// The routes of plugins.
pub fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new("GET", "/plugins", "List plugins and how they do")
            .access(Access::Needs(PLUGINS_READ))
            .answers(200, Answer::Page(&SHAPE))
            .fails(&[NO_PLUGIN])
            .runs(|call| {
                let items = host(call)?.list().iter().map(|status| shown(&json!(status))).collect();
                Ok(Reply::json(page::shown("plugins", items, None)))
            }),
        Route::new("GET", "/plugins/{id}", "Read one plugin")
            .access(Access::Needs(PLUGINS_READ))
            .answers(200, Answer::One(&SHAPE))
            .fails(&[NO_PLUGIN])
            .runs(|call| one(call).map(Reply::json)),
    ];
    routes.extend(COMMANDS.iter().map(|(verb, summary, command)| ordering(verb, summary, *command)));
    routes
}

fn ordering(verb: &'static str, summary: &str, command: Command) -> Route {
    Route::new("POST", &format!("/plugins/{{id}}:{verb}"), summary)
        .access(Access::Needs(PLUGINS_WRITE))
        .answers(200, Answer::One(&SHAPE))
        .fails(&[NO_PLUGIN, PLUGIN_COMMAND])
        .runs(move |call| {
            let before = one(call)?;
            command(host(call)?, call.param("id")).map_err(|cause| Problem::new(PLUGIN_COMMAND, cause))?;
            log::info!("{}: {}", call.principal()?.label, call.request.path);
            let was_enabled = text(&before, "state") != "disabled";
            // Not by how it is then: the process may take a moment to end.
            let is_enabled = match verb {
                "disable" => false,
                "enable" => true,
                _ => was_enabled,
            };
            record(call, was_enabled, is_enabled)?;
            one(call).map(Reply::json)
        })
}

/// What outlives a restart is a change like any other; a plugin that is only started again is as it was.
fn record(call: &Call<'_>, before: bool, after: bool) -> Result<(), Problem> {
    if before == after {
        return Ok(());
    }
    let id = call.param("id").to_owned();
    let state = |is_enabled: bool| Object::from_iter([("enabled".to_owned(), is_enabled.into())]);
    call.engine().change(call.origin(), Mode::Commit, move |change| {
        let (before, after) = (state(before), state(after));
        let entry = Entry {
            kind: revisions::PLUGINS,
            object: &id,
            before: Some(&before),
            after: Some(&after),
            event: PLUGIN_CHANGED.name,
        };
        change.record(&entry).map(drop)
    })
}

fn host<'a>(call: &Call<'a>) -> Result<&'a Host, Problem> {
    let host = call.engine().plugins.get();
    host.ok_or_else(|| {
        Problem::new(NO_PLUGIN, "Plugins are supervised only while the appliance runs. Start it first.")
    })
}

fn one(call: &Call<'_>) -> Result<Object, Problem> {
    let id = call.param("id");
    let found = host(call)?.list().into_iter().find(|status| status.id == id);
    let found = found.ok_or_else(|| Problem::new(NOT_FOUND, format!("There is no plugin {id:?}.")))?;
    Ok(shown(&json!(found)))
}

/// The status with its instants as the API writes them.
fn shown(status: &Value) -> Object {
    let mut object = status.as_object().cloned().unwrap_or_default();
    for field in ["since", "next_try"] {
        let instant = object
            .get(field)
            .and_then(Value::as_i64)
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        object.insert(field.to_owned(), instant.map(|at| format!("{at:.3}")).into());
    }
    object
}
