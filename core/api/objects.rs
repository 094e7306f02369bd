//! The routes that every kind of object has: list, read, make, replace, change some fields, delete. They
//! are made from the resource's declaration.

use serde_json::Value;

use super::call::{Call, Reply};
use super::directory::SEARCH;
use super::page::{self, CURSOR, LIMIT};
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{
    CONFLICT, IF_MATCH_MISSING, IN_USE, INVALID, KEY_REUSED, MALFORMED_JSON, NOT_HERE, Problem, STALE,
    WRONG_TYPE,
};
use crate::catalog::rules::Check;
use crate::catalog::shape::{Absent, Field, Kind, Object};
use crate::engine::objects::{self, Act, Hidden, Page, Resource};

/// All routes of all kinds of objects.
pub fn routes() -> Vec<Route> {
    objects::ALL.iter().flat_map(|resource| of_resource(resource)).collect()
}

fn of_resource(resource: &'static Resource) -> Vec<Route> {
    let mut routes = vec![list(resource), create(resource), read(resource)];
    if resource.changeable {
        routes.push(replace(resource));
        routes.push(patch(resource));
    }
    routes.push(remove(resource));
    routes
}

fn collection(resource: &Resource) -> String {
    format!("/{}", resource.name)
}

fn item(resource: &Resource) -> String {
    format!("/{}/{{id}}", resource.name)
}

fn list(resource: &'static Resource) -> Route {
    let narrowed = resource.filters.iter().filter_map(|name| resource.shape.field(name));
    let filters = narrowed
        .map(|f| Field::optional(f.name, sought(f.kind), Absent::Null, "Only those with this value."));
    let search = resource.is_searchable().then_some(SEARCH);
    Route::new("GET", &collection(resource), format!("List {}, in the order they were made", resource.name))
        .access(Access::Needs(resource.read))
        .query([LIMIT, CURSOR].into_iter().chain(filters).chain(search).collect::<Vec<_>>())
        .answers(200, Answer::Page(resource.shape))
        .runs(move |call| {
            let page = asked(call, resource)?;
            let (items, next) = call.engine().db.read(|read| resource.list(read, &page))?;
            Ok(Reply::json(page::shown(resource.name, items, next)))
        })
}

/// What may be looked for in a field. A rule that the API description only names is no reason to refuse a
/// question: what breaks it is found nowhere.
fn sought(kind: Kind) -> Kind {
    match kind {
        Kind::Text { max, rule: Some(rule), .. } if matches!(rule.check, Check::Format(..)) => {
            Kind::Text { min: 0, max, rule: None }
        }
        other => other,
    }
}

fn asked(call: &Call<'_>, resource: &'static Resource) -> Result<Page, Problem> {
    let given = |name: &'static str| Some((name, call.query.get(name)?.as_str()?.to_owned()));
    Ok(Page {
        limit: page::limit(&call.query),
        after: page::read_cursor(resource.name, &call.query)?,
        filters: resource.filters.iter().filter_map(|name| given(name)).collect(),
        words: given(SEARCH.name).map(|(_, words)| words).unwrap_or_default(),
    })
}

fn read(resource: &'static Resource) -> Route {
    Route::new("GET", &item(resource), format!("Read one {}", resource.one))
        .access(Access::Needs(resource.read))
        .answers(200, Answer::One(resource.shape))
        .runs(move |call| {
            call.engine().db.read(|read| resource.get(read, call.param("id"))).map(Reply::object)
        })
}

fn create(resource: &'static Resource) -> Route {
    Route::new("POST", &collection(resource), format!("Make one {}", resource.one))
        .access(Access::Needs(resource.write))
        .takes(Body::Whole(resource.shape))
        .answers(201, Answer::One(resource.shape))
        .can_rehearse()
        .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, CONFLICT, NOT_HERE, KEY_REUSED])
        .runs(move |call| {
            let accepted = call.accepted()?;
            let mut hidden = (resource.hide)(&call.input, Act::Create)?;
            if call.is_rehearsal() {
                // What will never work is not shown.
                hidden.once = None;
            }
            call.change(move |change| {
                resource.create(change, accepted, &hidden).map(|made| shown_once(resource, made, hidden))
            })
        })
}

/// The answer to making an object: where it is, and what is only ever shown here.
fn shown_once(resource: &Resource, mut made: Object, hidden: Hidden) -> Reply {
    if let Some((field, secret)) = hidden.once {
        made.insert(field.to_owned(), secret.reveal().into());
    }
    let place = format!("{}/{}/{}", super::BASE, resource.name, objects::text(&made, "id"));
    Reply::object(made).status(201).header("Location", place)
}

fn replace(resource: &'static Resource) -> Route {
    changing(resource, "PUT", format!("Replace one {}", resource.one))
        .takes(Body::Whole(resource.shape))
        .runs(move |call| rewrite(call, resource, |_, given| given))
}

fn patch(resource: &'static Resource) -> Route {
    changing(resource, "PATCH", format!("Change some fields of one {}", resource.one))
        .takes(Body::Patch(resource.shape))
        .runs(move |call| rewrite(call, resource, merged))
}

fn changing(resource: &'static Resource, method: &'static str, summary: String) -> Route {
    Route::new(method, &item(resource), summary)
        .access(Access::Needs(resource.write))
        .answers(200, Answer::One(resource.shape))
        .conditional()
        .can_rehearse()
        .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, CONFLICT, NOT_HERE, STALE, IF_MATCH_MISSING])
}

fn rewrite(
    call: &Call<'_>,
    resource: &'static Resource,
    wanted: fn(&Object, Value) -> Value,
) -> Result<Reply, Problem> {
    let precondition = call.precondition()?;
    let hidden = (resource.hide)(&call.input, Act::Replace)?;
    let (id, given) = (call.param("id").to_owned(), call.input.clone());
    call.change(move |change| {
        let before = resource.get(change.tx, &id)?;
        precondition.check(objects::revision(&before))?;
        let accepted =
            resource.shape.accept(&wanted(&before, given), Some(&before)).map_err(Problem::invalid)?;
        resource.replace(change, &before, accepted, &hidden).map(Reply::object)
    })
}

/// The stored object with the given fields laid over it; null takes a field away, so that it becomes what it
/// is when left out (RFC 7396; values here are never nested deeper).
fn merged(stored: &Object, given: Value) -> Value {
    let Value::Object(fields) = given else { return given };
    let mut whole = stored.clone();
    for (name, value) in fields {
        match value {
            Value::Null => drop(whole.remove(&name)),
            value => drop(whole.insert(name, value)),
        }
    }
    Value::Object(whole)
}

fn remove(resource: &'static Resource) -> Route {
    Route::new("DELETE", &item(resource), format!("Delete one {}", resource.one))
        .access(Access::Needs(resource.write))
        .answers(204, Answer::Nothing)
        .conditional()
        .can_rehearse()
        .fails(&[IN_USE, CONFLICT, STALE, IF_MATCH_MISSING])
        .runs(move |call| {
            let precondition = call.precondition()?;
            let id = call.param("id").to_owned();
            call.change(move |change| resource.remove(change, &id, &precondition).map(|()| Reply::empty()))
        })
}
