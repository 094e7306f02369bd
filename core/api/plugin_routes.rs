//! Routes that plugins answer: found by their manifests, checked like any other (who calls, rights, CSRF,
//! body, If-Match, dry run), then handed to the plugin's process.

use std::sync::Arc;
use std::time::Duration;

use jackfield_abi::ops::{self, Code, Failure, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::BASE;
use super::call::{Call, Reply};
use super::expected;
use super::route::{Access, Answer, Body, Match, Route};
use crate::catalog::problems::{
    CONFLICT, DENIED, FieldError, IF_MATCH_MISSING, INVALID, KEY_IN_USE, KEY_REUSED, Kind as ProblemKind,
    MALFORMED_JSON, METHOD, NO_PLUGIN, NOT_FOUND, NOT_HERE, OVERLOADED, PLUGIN_FAULT, Problem, STALE,
    UNANSWERED, WRONG_TYPE,
};
use crate::catalog::rights::{self, Right, Role};
use crate::engine::{Engine, deployment, fault};
use crate::host::manifest::{self, Manifest};
use crate::host::{Host, State, Status};
use crate::http::Request;

/// Longest time a plugin may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Problems that a plugin's route may answer.
const FAILURES: &[&ProblemKind] = &[
    INVALID,
    MALFORMED_JSON,
    WRONG_TYPE,
    DENIED,
    CONFLICT,
    STALE,
    IF_MATCH_MISSING,
    NO_PLUGIN,
    NOT_HERE,
    PLUGIN_FAULT,
];

/// A route with the parameters of the path.
type Meant = (Route, Vec<(String, String)>);
type Found = Result<Meant, Problem>;

/// The plugin's route that a request means; `None` when its path is no plugin's. Where core or a plugin has the
/// path with other methods, `allowed` lists them.
pub fn find(
    engine: &Engine,
    request: &Request,
    path: &str,
    allowed: &mut Vec<&'static str>,
) -> Option<Found> {
    let area = path.strip_prefix(BASE)?.strip_prefix('/')?.split(['/', ':']).next()?;
    let host = engine.plugins.get();
    let manifests = host.map(Host::manifests).unwrap_or_default();
    if let Some(manifest) = manifests.iter().find(|manifest| manifest.id == area) {
        return Some(among(manifest, request, path));
    }
    let serves = |manifest: &&Arc<Manifest>| manifest.serves.iter().any(|segment| segment == area);
    for manifest in manifests.iter().filter(serves) {
        if let Some(found) = look(manifest, request, path, allowed).transpose() {
            return Some(found);
        }
    }
    if !allowed.is_empty() {
        return None;
    }
    missing(host, area, path, &manifests)
}

/// A route that says why there is no plugin to answer a path.
fn missing(host: Option<&Host>, area: &str, path: &str, manifests: &[Arc<Manifest>]) -> Option<Found> {
    let expected = expected::plugin_of(area, path);
    let meant = expected.unwrap_or(area);
    let known = host.and_then(|host| host.list().into_iter().find(|status| status.id == meant));
    let reason = match known {
        Some(_) if manifests.iter().any(|manifest| manifest.id == meant) => return None,
        Some(status) => out_of_order(&status),
        None => absent(expected?),
    };
    Some(Ok((telling(reason), Vec::new())))
}

/// A route that says why there is none, to those who are signed in.
fn telling(reason: Problem) -> Route {
    Route::new("GET", "", "Why a plugin does not serve").any_query().runs(move |_| Err(reason.clone()))
}

/// The routes of all plugins, with the names and versions of those. A manifest that cannot be read as routes is
/// told in the log and left out.
pub fn all(engine: &Engine) -> (Vec<String>, Vec<Route>) {
    let manifests = engine.plugins.get().map(Host::manifests).unwrap_or_default();
    let names = manifests.iter().map(|manifest| format!("{} {}", manifest.id, manifest.version)).collect();
    let declared =
        manifests.iter().flat_map(|manifest| manifest.routes.iter().map(move |route| (manifest, route)));
    (names, declared.filter_map(|(manifest, declared)| route(manifest, declared).ok()).collect())
}

fn absent(area: &str) -> Problem {
    Problem::new(NO_PLUGIN, format!("The plugin {area} is not installed here."))
}

fn out_of_order(status: &Status) -> Problem {
    // While it starts or stops there is no reason yet.
    let state = json!(status.state);
    let now = format!("it is {}", state.as_str().unwrap_or("not there"));
    let reason = if status.reason.is_empty() { &now } else { &status.reason };
    Problem::new(NO_PLUGIN, format!("The plugin {} does not serve: {reason}", status.id))
}

/// A plugin's route that fits; `allowed` gains the methods of those that fit but for theirs.
fn look(
    manifest: &Manifest,
    request: &Request,
    path: &str,
    allowed: &mut Vec<&'static str>,
) -> Result<Option<Meant>, Problem> {
    for declared in &manifest.routes {
        let route = route(manifest, declared)?;
        match route.matches(&request.method, path) {
            Match::Yes(params) => return Ok(Some((route, params))),
            Match::OtherMethod => allowed.push(route.method),
            Match::No => {}
        }
    }
    Ok(None)
}

fn among(manifest: &Manifest, request: &Request, path: &str) -> Found {
    let mut allowed = Vec::new();
    if let Some(found) = look(manifest, request, path, &mut allowed)? {
        return Ok(found);
    }
    if allowed.is_empty() {
        let detail = format!("The plugin {} has no {}.", manifest.id, request.path);
        return Err(Problem::new(NOT_FOUND, detail));
    }
    let methods = allowed.join(", ");
    Err(Problem::new(METHOD, format!("{} takes {methods}, not {}.", request.path, request.method))
        .allowing(methods))
}

/// A route of a manifest as one of the API's own.
fn route(manifest: &Manifest, declared: &manifest::Route) -> Result<Route, Problem> {
    let access = match &declared.right {
        None if declared.public => Access::Public,
        None => Access::SignedIn,
        Some(name) => Access::Needs(right(manifest, name)?),
    };
    let (plugin, template) = (manifest.id.clone(), declared.path.clone());
    let mut route =
        Route::new(method(&declared.method)?, &format!("/{}", declared.path), declared.summary.clone())
            .access(access)
            .takes(if declared.body { Body::Free } else { Body::None })
            .answers(200, Answer::Plugin)
            .fails(FAILURES)
            .any_query()
            .runs(move |call| {
                // What an enterprise has of its own, such as the directory of its accounts, is no peering.
                if sets_up(call) && !template.starts_with("enterprises/") {
                    call.engine().db.read(|read| deployment::refuse(read, &plugin))?;
                }
                ask(call, &plugin, &template)
            });
    route.conditional = declared.conditional;
    route.dry_run = declared.dry_run;
    if declared.method == "POST" && !declared.public {
        route = route.keyed();
        route.problems.extend([KEY_REUSED, KEY_IN_USE, UNANSWERED]);
    }
    Ok(route)
}

/// Looking at what is there, taking it away and switching it off are always allowed.
fn sets_up(call: &Call<'_>) -> bool {
    !matches!(call.method(), "GET" | "DELETE") && call.input.get("enabled") != Some(&Value::Bool(false))
}

fn method(name: &str) -> Result<&'static str, Problem> {
    const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];
    let known = METHODS.iter().copied().find(|method| *method == name);
    known.ok_or_else(|| fault("read a plugin's manifest", &format!("{name} is no method")))
}

/// The rights that the plugins bring.
pub fn rights(engine: &Engine) -> Vec<&'static Right> {
    let manifests = engine.plugins.get().map(Host::manifests).unwrap_or_default();
    let declared =
        manifests.iter().flat_map(|m| m.rights.iter().map(move |declared| right(m, &declared.name)));
    declared.filter_map(Result::ok).collect()
}

/// A right that a manifest declares.
pub fn right(manifest: &Manifest, name: &str) -> Result<&'static Right, Problem> {
    let declared = manifest.rights.iter().find(|right| right.name == name);
    let declared =
        declared.ok_or_else(|| fault("read a plugin's manifest", &format!("the right {name} is missing")))?;
    let least = Role::parse(&declared.role).unwrap_or(Role::Admin);
    rights::bring(name, least, &declared.help)
        .ok_or_else(|| fault("add a plugin's right", "there are too many; restart the appliance"))
}

fn ask(call: &Call<'_>, plugin: &str, template: &str) -> Result<Reply, Problem> {
    call.once_outside(plugin, || answered(call, plugin, template))
}

fn answered(call: &Call<'_>, plugin: &str, template: &str) -> Result<Reply, Problem> {
    let host = call.engine().plugins.get().ok_or_else(|| absent(plugin))?;
    let request = HttpRequest {
        method: call.method().to_owned(),
        path: call.request.path.strip_prefix(BASE).unwrap_or_default().trim_matches('/').to_owned(),
        route: template.to_owned(),
        params: call.params(),
        query: call.query.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        body: call.input.clone(),
        request: call.id().to_owned(),
        who: call.principal().map_or_else(|_| "nobody signed in".to_owned(), |who| who.label.clone()),
        if_match: if_match(call)?,
        dry_run: call.is_rehearsal(),
    };
    let answered = host.request(plugin, ops::HTTP, &json!(request), PATIENCE);
    let answer = answered.map_err(|failure| in_the_way(host, plugin, &failure))?;
    let answer: HttpResponse = serde_json::from_value(answer).map_err(|e| {
        Problem::new(PLUGIN_FAULT, format!("The plugin {plugin} gave an answer that does not fit: {e}."))
    })?;
    reply(answer)
}

/// What `If-Match` names, as the treaty has it: one version, `*`, or null.
fn if_match(call: &Call<'_>) -> Result<Value, Problem> {
    match call.request.header("if-match") {
        None if call.is_conditional() => call.precondition().map(|_| Value::Null),
        None => Ok(Value::Null),
        Some(given) => Ok(given.trim().trim_matches('"').into()),
    }
}

fn in_the_way(host: &Host, plugin: &str, failure: &Failure) -> Problem {
    let status = host.list().into_iter().find(|status| status.id == plugin);
    match (failure.code, status) {
        (Code::Unavailable, Some(status)) if status.state != State::Up => out_of_order(&status),
        (Code::Unavailable | Code::NotFound, _) => {
            Problem::new(NO_PLUGIN, format!("The plugin {plugin}: {}", failure.msg))
        }
        (Code::Busy, _) => {
            Problem::new(OVERLOADED, format!("The plugin {plugin}: {}", failure.msg)).retry_after(1)
        }
        _ => Problem::new(PLUGIN_FAULT, format!("The plugin {plugin} failed: {}", failure.msg)),
    }
}

fn reply(answer: HttpResponse) -> Result<Reply, Problem> {
    if answer.status >= 400 {
        return Err(problem(&answer));
    }
    let mut reply = match answer.body {
        Value::Null => Reply::empty(),
        body => Reply::json(body),
    };
    if let Some(tag) = answer.etag {
        reply = reply.header("ETag", format!("\"{tag}\""));
    }
    Ok(reply.status(answer.status))
}

/// A plugin's refusal in the API's words; a status that the API has no word for counts as a fault.
fn problem(answer: &HttpResponse) -> Problem {
    let kind = match answer.status {
        403 => DENIED,
        404 => NOT_FOUND,
        409 => CONFLICT,
        412 => STALE,
        428 => IF_MATCH_MISSING,
        400 | 422 => INVALID,
        503 => NO_PLUGIN,
        _ => PLUGIN_FAULT,
    };
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let errors = answer.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let errors = errors.iter().map(|e| FieldError { pointer: text(e, "pointer"), detail: text(e, "detail") });
    Problem::new(kind, text(&answer.body, "detail")).with_errors(errors.collect())
}
