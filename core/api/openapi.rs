//! The API description (OpenAPI 3.1), made from the same declarations that route and check.

mod schemas;

use std::sync::PoisonError;

use serde_json::{Map, Value, json};

use super::call::Reply;
use super::conditions::ENTITY_TAGS;
use super::page::DRY_RUN;
use super::route::{Access, Answer, Body, Route};
use super::{Api, plugin_routes};
use crate::catalog::events::{ALL as EVENTS, right};
use crate::catalog::problems::{ALL as PROBLEMS, ANYWHERE, CSRF, DENIED, Kind as ProblemKind, SIGN_IN};
use crate::catalog::rights::ALL as RIGHTS;
use crate::catalog::shape::{Absent, Kind};
use crate::engine::photos::MEDIA_TYPES;

use schemas::{Direction, Shapes, kind_schema};

/// The route of the description.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/openapi.json", "This description")
            .access(Access::Public)
            .answers(200, Answer::Json)
            .runs(|call| Ok(Reply::json(current(call.api)))),
    ]
}

/// The description of what is served now; made anew only when other plugins serve.
fn current(api: &Api) -> Value {
    let (names, brought) = plugin_routes::all(&api.engine);
    let mut known = api.description.lock().unwrap_or_else(PoisonError::into_inner);
    match &*known {
        Some((of, description)) if *of == names => description.clone(),
        _ => {
            let description = describe(api.routes.iter().chain(&brought));
            *known = Some((names, description.clone()));
            description
        }
    }
}

/// The schema of a value that stands by itself.
pub fn of_value(kind: Kind) -> Value {
    kind_schema(&mut Shapes::default(), kind, Direction::In)
}

/// Describes the routes.
fn describe<'a>(routes: impl Iterator<Item = &'a Route>) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut shapes = Shapes::default();
    for route in routes {
        let path = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        // Core's own come first, and win where a plugin has the same.
        let method = route.method.to_ascii_lowercase();
        if path.get(&method).is_none() {
            path[method] = operation(route, &mut shapes);
        }
    }
    shapes.0.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Jackfield",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Configuration and state of a Jackfield appliance. Times are UTC (RFC 3339), ids are opaque.",
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "paths": paths,
        "x-rights": RIGHTS.iter().map(|right| json!({"name": right.name, "role": right.least.name(), "help": right.help})).collect::<Vec<_>>(),
        "x-events": EVENTS.iter().map(|event| json!({"name": event.name, "right": right(event.name).map(|right| right.name), "help": event.help})).collect::<Vec<_>>(),
        "components": {
            "schemas": shapes.0,
            "responses": problem_responses(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
                "session": {"type": "apiKey", "in": "cookie", "name": super::authenticate::COOKIE,
                            "description": "The console's session; writes also need the header X-CSRF-Token."},
            },
        },
    })
}

fn operation(route: &Route, shapes: &mut Shapes) -> Value {
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(route),
        "tags": [tag(route)],
        "parameters": parameters(route, shapes),
        "responses": responses(route, shapes),
        "security": security(route),
    });
    match route.body {
        Body::None => {}
        Body::Csv => operation["requestBody"] = body("text/csv", json!({"type": "string"})),
        Body::Image => operation["requestBody"] = json!({"required": true, "content": images()}),
        Body::Optional(shape) => {
            operation["requestBody"] = body("application/json", shapes.input(shape, Direction::In));
            operation["requestBody"]["required"] = false.into();
        }
        Body::Free => operation["requestBody"] = body("application/json", json!({})),
        Body::Whole(shape) => {
            operation["requestBody"] = body("application/json", shapes.input(shape, Direction::In))
        }
        Body::Patch(shape) => {
            operation["requestBody"] =
                body("application/merge-patch+json", shapes.input(shape, Direction::Patch));
        }
    }
    if let Access::Needs(right) = route.access {
        operation["x-right"] = right.name.into();
    }
    operation
}

/// A picture of either sort: bytes, which need no schema (OpenAPI 3.1.0 section 4.8.14.1).
fn images() -> Value {
    MEDIA_TYPES.iter().map(|media| ((*media).to_owned(), json!({}))).collect()
}

fn body(media: &str, schema: Value) -> Value {
    json!({"required": true, "content": {media: {"schema": schema}}})
}

/// The first word of the path that is not a parameter.
fn tag(route: &Route) -> &str {
    let path = route.path.strip_prefix(super::BASE).unwrap_or("");
    path.split('/').nth(1).filter(|word| !word.is_empty()).unwrap_or("health")
}

fn operation_id(route: &Route) -> String {
    let path = route.path.strip_prefix(super::BASE).unwrap_or(&route.path);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(route.method.to_ascii_lowercase(), |id, word| format!("{id}_{word}"))
}

fn parameters(route: &Route, shapes: &mut Shapes) -> Vec<Value> {
    let path = route.path.split(['/', ':']).filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = path
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let query = route.query.iter().copied().chain(route.dry_run.then_some(DRY_RUN));
    for field in query {
        let mut schema = kind_schema(shapes, field.kind, Direction::In);
        if let Some(default) = field.absent.value().filter(|value| !value.is_null()) {
            schema["default"] = default;
        }
        let mut parameter =
            json!({"name": field.name, "in": "query", "description": field.help, "schema": schema});
        if matches!(field.absent, Absent::Refused) {
            parameter["required"] = true.into();
        }
        parameters.push(parameter);
    }
    if route.conditional {
        let mut parameter = header("If-Match", true, "ETag of the version that is changed, or *.");
        parameter["schema"]["pattern"] = ENTITY_TAGS.into();
        parameters.push(parameter);
    }
    if route.conditional_once_made {
        let help = "ETag of the version that is changed, or *; left out to make what is not there.";
        let mut parameter = header("If-Match", false, help);
        parameter["schema"]["pattern"] = ENTITY_TAGS.into();
        parameters.push(parameter);
    }
    parameters.extend(route.headers.iter().map(|(name, help)| header(name, false, help)));
    if route.keyed {
        parameters.push(header(
            "Idempotency-Key",
            false,
            "A repetition with the same key gets the first answer again, for 24 hours.",
        ));
    }
    parameters
}

fn header(name: &str, required: bool, help: &str) -> Value {
    json!({"name": name, "in": "header", "required": required, "description": help, "schema": {"type": "string", "minLength": 1, "maxLength": 128}})
}

fn security(route: &Route) -> Value {
    match route.access {
        Access::Public => json!([]),
        _ => json!([{"token": []}, {"session": []}]),
    }
}

fn responses(route: &Route, shapes: &mut Shapes) -> Value {
    let mut responses = Map::new();
    let status = match route.answer {
        // A plugin's own; what exactly is its documentation's.
        Answer::Plugin => "2XX".to_owned(),
        _ => route.status.to_string(),
    };
    responses.insert(status, success(route, shapes));
    if route.method == "GET" && matches!(route.answer, Answer::One(_) | Answer::Image) {
        responses.insert("304".to_owned(), json!({"description": "The caller has this version already."}));
    }
    if route.path == "/readyz" {
        responses.insert(
            "503".to_owned(),
            json!({"description": "Not ready.", "content": {"application/json": {"schema": {}}}}),
        );
    }
    for status in problem_statuses(route) {
        responses.entry(status.to_string()).or_insert_with(|| problem_reference(status));
    }
    Value::Object(responses)
}

fn problems_of(route: &Route) -> impl Iterator<Item = &'static ProblemKind> {
    let closed: &[&ProblemKind] =
        if matches!(route.access, Access::Public) { &[] } else { &[SIGN_IN, DENIED, CSRF] };
    ANYWHERE.iter().chain(closed).chain(&route.problems).copied().collect::<Vec<_>>().into_iter()
}

fn problem_statuses(route: &Route) -> Vec<u16> {
    let mut statuses: Vec<u16> = problems_of(route).map(|kind| kind.status).collect();
    // The door answers these before a route is known.
    statuses.extend([408, 411, 413, 431, 504]);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn problem_reference(status: u16) -> Value {
    json!({"$ref": format!("#/components/responses/Problem{status}")})
}

/// One response for each status that a problem can have.
fn problem_responses() -> Map<String, Value> {
    let mut responses = Map::new();
    for kind in PROBLEMS {
        let titles = PROBLEMS.iter().filter(|other| other.status == kind.status).map(|other| other.title);
        let response = json!({
            "description": titles.collect::<Vec<_>>().join("; or "),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        });
        responses.insert(format!("Problem{}", kind.status), response);
    }
    responses
}

fn success(route: &Route, shapes: &mut Shapes) -> Value {
    let json_of =
        |schema: Value| json!({"description": "Done.", "content": {"application/json": {"schema": schema}}});
    match route.answer {
        Answer::Nothing => json!({"description": "Done."}),
        Answer::Json | Answer::Plugin => json_of(json!({})),
        Answer::Text => {
            json!({"description": "Done.", "content": {"text/plain": {"schema": {"type": "string"}}}})
        }
        Answer::Events => {
            json!({"description": "Events, one after the other.", "content": {"text/event-stream": {"schema": {"type": "string"}}}})
        }
        Answer::Csv => {
            json!({"description": "Done.", "content": {"text/csv": {"schema": {"type": "string"}}}})
        }
        Answer::Image => json!({"description": "Done.", "content": images()}),
        Answer::One(shape) => json_of(shapes.output(shape)),
        Answer::Page(shape) => json_of(page_schema(&shapes.output(shape))),
    }
}

fn page_schema(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": item},
            "next": {"type": ["string", "null"], "description": "Cursor of the next page; null: this is the last."},
        },
    })
}

fn problem_schema() -> Value {
    let text = |help: &str| json!({"type": "string", "description": help});
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail", "errors"],
        "properties": {
            "type": {
                "type": "string",
                "description": "Stable name of the problem.",
                "enum": PROBLEMS.iter().map(|kind| format!("/problems/{}", kind.code)).collect::<Vec<_>>(),
            },
            "title": text("The problem in general."),
            "status": {"type": "integer", "description": "HTTP status."},
            "detail": text("This occurrence: what was tried, what was wrong, what to do."),
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": text("JSON pointer into the body, or ?name for a query parameter."),
                    "detail": text("What is wrong there and what would be right."),
                },
            }},
        },
    })
}
