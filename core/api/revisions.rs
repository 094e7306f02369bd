//! Revisions over HTTP: who changed what, and undoing one change. A caller sees the revisions of what they
//! may see, and may undo what they could have changed themselves.

use std::sync::Arc;

use serde_json::Value;

use super::call::{Call, Reply};
use super::page::{self, CURSOR, LIMIT};
use super::plugin_routes;
use super::route::{Access, Answer, Route};
use crate::catalog::problems::{
    CONFLICT, IN_USE, INVALID, KEY_REUSED, NO_PLUGIN, NOT_FOUND, NOT_UNDOABLE, PLUGIN_FAULT, Problem,
    SUPERSEDED,
};
use crate::catalog::rights::{
    ACCOUNTS_PASSWORD, ACCOUNTS_READ, HOOKS_READ, HOOKS_WRITE, REVISIONS_READ, REVISIONS_UNDO, Right,
    SETTINGS_READ, SETTINGS_WRITE,
};
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::engine::objects::{self, text};
use crate::engine::plugins::undo::{Plan, maker};
use crate::engine::revisions::{self, Page};
use crate::engine::{login, scripts, settings};

const WORDS: Kind = Kind::Text { min: 1, max: 200, rule: None };
const NUMBER: Kind = Kind::Integer { min: 1, max: i64::MAX };

static CHANGE: Shape = Shape {
    name: "FieldChange",
    help: "One field that a change altered.",
    fields: &[
        Field::read_only("field", WORDS, "Name of the field."),
        Field::read_only("before", Kind::Any, "Its value before; null also where there was none."),
        Field::read_only("after", Kind::Any, "Its value after; null also where there is none."),
    ],
};

static PART: Shape = Shape {
    name: "RevisionPart",
    help: "What a change did to one of many objects.",
    fields: &[
        Field::read_only("action", Kind::Choice(&["create", "change", "delete"]), "What was done."),
        Field::read_only("kind", WORDS, "Kind of object, as in the API's paths."),
        Field::read_only("object", WORDS, "Id of the object."),
        Field::read_only(
            "changes",
            Kind::Objects(&CHANGE),
            "The fields that differ between before and after.",
        ),
        Field::read_only("before", Kind::Any, "The object before; null when it was made."),
        Field::read_only("after", Kind::Any, "The object after; null when it was deleted."),
    ],
};

static SHAPE: Shape = Shape {
    name: "Revision",
    help: "One change.",
    fields: &[
        Field::read_only("n", NUMBER, "Its number; later changes have greater ones."),
        Field::read_only("at", Kind::Time, "When it was made."),
        Field::read_only("who", WORDS, "Who made it, such as `admin alice`."),
        Field::read_only("from", WORDS, "Network address, or `this machine`."),
        Field::read_only(
            "via",
            Kind::Choice(&["api", "console", "cli", "plugin", "appliance"]),
            "How it came in; appliance: by itself.",
        ),
        Field::read_only("action", Kind::Choice(&["create", "change", "delete"]), "What was done."),
        Field::read_only("kind", WORDS, "Kind of object, as in the API's paths."),
        Field::read_only("object", WORDS, "Id of the object."),
        Field::read_only(
            "changes",
            Kind::Objects(&CHANGE),
            "The fields that differ between before and after.",
        ),
        Field::read_only(
            "before",
            Kind::Any,
            "The object before; null when it was made, and for a change of many.",
        ),
        Field::read_only(
            "after",
            Kind::Any,
            "The object after, or what came of a change of many; null when it was deleted.",
        ),
        Field::read_only(
            "parts",
            Kind::Integer { min: 0, max: i64::MAX },
            "How many objects were changed with it or by it; see its parts.",
        ),
        Field::read_only("undoes", NUMBER, "Number of the revision that it puts back; null: none."),
        Field::read_only("undone_by", NUMBER, "Number of the revision that put it back; null: none."),
        Field::read_only("request", WORDS, "Id of the request, as the log shows it."),
    ],
};

const fn filter(name: &'static str, help: &'static str) -> Field {
    Field::optional(name, WORDS, Absent::Null, help)
}

/// The routes of revisions.
pub fn routes() -> Vec<Route> {
    let filters = [
        filter("kind", "Only of this kind."),
        filter("object", "Only those that changed this object, also as one of many."),
        filter("who", "Only by them."),
        Field::optional("since", Kind::Time, Absent::Null, "Only from this time on."),
        Field::optional("until", Kind::Time, Absent::Null, "Only before this time."),
    ];
    vec![
        Route::new("GET", "/revisions", "List revisions, newest first")
            .access(Access::Needs(REVISIONS_READ))
            .query([LIMIT, CURSOR].into_iter().chain(filters).collect::<Vec<_>>())
            .answers(200, Answer::Page(&SHAPE))
            .runs(list),
        Route::new("GET", "/revisions/{n}", "Read one revision")
            .access(Access::Needs(REVISIONS_READ))
            .answers(200, Answer::One(&SHAPE))
            .runs(|call| visible(call, number(call)?).map(Reply::json)),
        Route::new("GET", "/revisions/{n}/parts", "List what a change did to each of many objects")
            .access(Access::Needs(REVISIONS_READ))
            .query([LIMIT, CURSOR])
            .answers(200, Answer::Page(&PART))
            .runs(parts),
        Route::new(
            "POST",
            "/revisions/{n}:undo",
            "Put one change back; answers with the revision that does so",
        )
        .access(Access::Needs(REVISIONS_UNDO))
        .answers(201, Answer::One(&SHAPE))
        .can_rehearse()
        .fails(&[SUPERSEDED, NOT_UNDOABLE, CONFLICT, IN_USE, INVALID, KEY_REUSED, NO_PLUGIN, PLUGIN_FAULT])
        .runs(undo),
    ]
}

/// Rights to see and to change a kind of object; a plugin's are named after it.
fn rights_of(call: &Call<'_>, kind: &str) -> Option<(&'static Right, &'static Right)> {
    if kind == settings::KIND {
        return Some((SETTINGS_READ, SETTINGS_WRITE));
    }
    if kind == scripts::KIND {
        return Some((HOOKS_READ, HOOKS_WRITE));
    }
    if kind == login::KIND {
        return Some((ACCOUNTS_READ, ACCOUNTS_PASSWORD));
    }
    if let Some(resource) = objects::find(kind) {
        return Some((resource.read, resource.write));
    }
    let area = kind.split('/').next().unwrap_or_default();
    let manifest =
        call.engine().plugins.get()?.manifests().into_iter().find(|manifest| manifest.id == area)?;
    let named = |verb: &str| {
        let name = format!("{area}:{verb}");
        let declared = manifest.rights.iter().any(|right| right.name == name);
        declared.then(|| plugin_routes::right(&manifest, &name).ok())?
    };
    Some((named("read")?, named("write")?))
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let before = Some(page::read_cursor("revisions", &call.query)?).filter(|n| *n > 0);
    let given = |name: &str| Some(call.query.get(name)?.as_str()?.to_owned());
    let time = |name: &str| Some(format!("{:.3}", given(name)?.parse::<jiff::Timestamp>().ok()?));
    let page = Page {
        limit: page::limit(&call.query),
        before,
        hidden: hidden(call)?,
        kind: given("kind"),
        object: given("object"),
        who: given("who"),
        since: time("since"),
        until: time("until"),
    };
    let (items, next) = call.engine().db.read(|read| revisions::list(read, &page))?;
    Ok(Reply::json(page::shown("revisions", items, next)))
}

/// The kinds that the caller may not see.
fn hidden(call: &Call<'_>) -> Result<Vec<String>, Problem> {
    let who = call.principal()?;
    let plugins = call.engine().plugins.get().map(|host| host.manifests()).unwrap_or_default();
    let known = objects::ALL
        .iter()
        .map(|resource| resource.name.to_owned())
        .chain([settings::KIND, scripts::KIND].map(str::to_owned));
    let known = known.chain(plugins.iter().map(|manifest| manifest.id.clone()));
    Ok(known.filter(|kind| rights_of(call, kind).is_some_and(|(read, _)| !who.holds(read))).collect())
}

fn number(call: &Call<'_>) -> Result<i64, Problem> {
    let given = call.param("n");
    given.parse().map_err(|_| Problem::new(NOT_FOUND, format!("{given:?} is not the number of a revision.")))
}

fn visible(call: &Call<'_>, n: i64) -> Result<Object, Problem> {
    let revision = call.engine().db.read(|read| revisions::get(read, n))?;
    if let Some((read, _)) = rights_of(call, text(&revision, "kind")) {
        call.principal()?.demand(read)?;
    }
    Ok(revision)
}

fn parts(call: &Call<'_>) -> Result<Reply, Problem> {
    let n = number(call)?;
    visible(call, n)?;
    let (after, limit) = (page::read_cursor("parts", &call.query)?, page::limit(&call.query));
    let hidden = hidden(call)?;
    let (items, next) =
        call.engine().db.read(|read| revisions::list_parts(read, n, after, limit, &hidden))?;
    Ok(Reply::json(page::shown("parts", items, next)))
}

fn undo(call: &Call<'_>) -> Result<Reply, Problem> {
    let n = number(call)?;
    let revision = visible(call, n)?;
    let kinds = call.engine().db.read(|read| revisions::kinds_of(read, n))?;
    let kinds = kinds.iter().map(String::as_str).chain([text(&revision, "kind")]);
    for (_, write) in kinds.filter_map(|kind| rights_of(call, kind)) {
        call.principal()?.demand(write)?;
    }
    // What the undoing would let serve is tried before, as when it is published.
    let _turn = match text(&revision, "kind") == scripts::KIND {
        true => {
            let before = revision.get("before").and_then(Value::as_object);
            let name = text(&revision, "object");
            Some(scripts::prepare_undo(call.engine(), name, before, call.is_rehearsal())?)
        }
        false => None,
    };
    let Some(plugin) = maker(&revision) else {
        let engine = Arc::clone(call.engine());
        return call.change(move |change| {
            revisions::undo(change, &engine.keyring, n).map(|done| Reply::json(done).status(201))
        });
    };
    // Before the plugin is asked: what was put back by this very key is a later change by now.
    if let Some(reply) = call.replayed()? {
        return Ok(reply);
    }
    let plan = Plan::make(call.engine(), plugin, &revision, &call.principal()?.label)?;
    let request = call.id().to_owned();
    call.change_as(plugin, move |tx| {
        let (done, fired) = plan.run(tx, &request)?;
        Ok((Reply::json(done).status(201), fired))
    })
}
