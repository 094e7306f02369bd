//! The HTTP API: turns requests into calls of the engine and answers in JSON. Each resource has a file;
//! what they share (routes, calls, authentication, changes) has one file each. Knows HTTP words, leaves
//! sockets to `http` and meaning to `engine`.

mod accounts;
mod authenticate;
mod call;
mod checks;
mod claim;
mod conditions;
mod dialing;
mod directory;
mod doctor;
mod events;
mod expected;
mod health;
mod hooks;
mod jobs;
mod messages;
mod objects;
mod once;
mod openapi;
mod page;
mod passwords;
mod photos;
mod plugin_routes;
mod plugins;
mod presence;
mod reply;
mod revisions;
mod route;
mod session;
mod settings;
mod streams;
mod texts;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use serde_json::Value;

use crate::catalog::problems::{METHOD, NOT_FOUND, Problem};
use crate::engine::{Engine, secrets};
use crate::http::{Request, Response, Stats};
use call::{Call, Reply};
use health::Traffic;
use route::{Match, Route};
use streams::Streams;

/// Where the API begins.
pub const BASE: &str = "/api/v1";
/// Largest body of an ordinary request, in bytes.
pub const BODY_LIMIT: u64 = 1024 * 1024;

/// Largest body of an import, in bytes.
const IMPORT_LIMIT: u64 = 64 * 1024 * 1024;

/// Largest body of a request, in bytes.
pub fn body_limit(_: &str, path: &str) -> u64 {
    if path.strip_prefix(BASE) == Some(accounts::IMPORT) { IMPORT_LIMIT } else { BODY_LIMIT }
}

/// The API with everything it needs to answer.
pub struct Api {
    engine: Arc<Engine>,
    routes: Vec<Route>,
    /// The API description, and the plugins that it is of.
    description: Mutex<Option<(Vec<String>, Value)>>,
    traffic: Traffic,
    streams: Arc<Streams>,
    door: OnceLock<Box<dyn Fn() -> Stats + Send + Sync>>,
}

impl Api {
    /// The API on an engine.
    pub fn new(engine: Arc<Engine>) -> Self {
        let (description, traffic, door) = (Mutex::new(None), Traffic::default(), OnceLock::new());
        Self { engine, routes: routes(), description, traffic, streams: Arc::default(), door }
    }

    /// The engine that it works on.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Tells the metrics where the door's numbers are, once there is a door.
    pub fn watch_door(&self, stats: impl Fn() -> Stats + Send + Sync + 'static) {
        drop(self.door.set(Box::new(stats)));
    }

    /// Ends the event streams of those who may not read them any more; called about once a second.
    pub fn end_unwelcome(&self) {
        match self.streams.end_unwelcome(&self.engine) {
            Ok(true) => self.engine.news.rouse(),
            Ok(false) => {}
            Err(problem) => log::warn!("could not see who may still follow events: {}", problem.detail),
        }
    }

    /// Answers one request, whatever it is.
    pub fn answer(&self, request: &Request) -> Response {
        let began = Instant::now();
        let id = secrets::random_text().map_or_else(|_| "none".to_owned(), |text| text[..12].to_owned());
        let reply = self.dispatch(request, &id).unwrap_or_else(|problem| Reply::problem(&problem));
        self.traffic.count(reply.status, began.elapsed());
        log::debug!("{id} {} {} {} in {:?}", request.method, request.path, reply.status, began.elapsed());
        reply.into_response(&id)
    }

    fn dispatch(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let path = request.path.trim_end_matches('/');
        let mut allowed = Vec::new();
        for (route, found) in self.meant(&request.method, path) {
            match found {
                Match::Yes(params) => return Call::begin(self, route, request, params, id)?.run(),
                Match::OtherMethod => allowed.push(route.method),
                Match::No => {}
            }
        }
        match plugin_routes::find(&self.engine, request, path, &mut allowed) {
            Some(found) => {
                found.and_then(|(route, params)| Call::begin(self, &route, request, params, id)?.run())
            }
            None => Err(nowhere(request, &allowed)),
        }
    }

    /// The routes at an address, whatever their method. Where a word and a parameter both fit, the word is meant
    /// (OpenAPI 3.1.0 section 4.8.8.2).
    fn meant(&self, method: &str, path: &str) -> Vec<(&Route, Match)> {
        let mut fitting: Vec<_> =
            self.routes.iter().map(|route| (route, route.matches(method, path))).collect();
        fitting.retain(|(_, found)| *found != Match::No);
        let fewest = fitting.iter().map(|(route, _)| route.parameters()).min();
        fitting.retain(|(route, _)| Some(route.parameters()) == fewest);
        fitting
    }
}

fn nowhere(request: &Request, allowed: &[&'static str]) -> Problem {
    if allowed.is_empty() {
        return Problem::new(
            NOT_FOUND,
            format!("There is no {}. {BASE}/openapi.json lists what there is.", request.path),
        );
    }
    let methods = allowed
        .iter()
        .flat_map(|method| if *method == "GET" { &["GET", "HEAD"] } else { std::slice::from_ref(method) });
    let methods = methods.copied().collect::<Vec<_>>().join(", ");
    Problem::new(METHOD, format!("{} takes {methods}, not {}.", request.path, request.method))
        .allowing(methods)
}

/// Every route, in the order the API description shows them.
fn routes() -> Vec<Route> {
    let mut routes = claim::routes();
    routes.extend(session::routes());
    routes.extend(accounts::routes());
    routes.extend(objects::routes());
    routes.extend(passwords::routes());
    routes.extend(photos::routes());
    routes.extend(events::routes());
    routes.extend(presence::routes());
    routes.extend(messages::routes());
    routes.extend(directory::routes());
    routes.extend(dialing::routes());
    routes.extend(hooks::routes());
    routes.extend(settings::routes());
    routes.extend(revisions::routes());
    routes.extend(plugins::routes());
    routes.extend(jobs::routes());
    routes.extend(checks::routes());
    routes.extend(doctor::routes());
    routes.extend(health::routes());
    routes.extend(openapi::routes());
    routes
}

#[cfg(test)]
mod tests {
    use super::{BASE, routes};
    use crate::catalog::segments::is_core;

    #[test]
    fn no_plugin_may_be_named_like_a_part_of_the_api() {
        for route in routes() {
            // What lies outside of the base is out of plugins' reach.
            let Some(path) = route.path.strip_prefix(BASE) else { continue };
            let first = path.trim_start_matches('/').split(['/', ':', '.', '?']).next().unwrap_or_default();
            assert!(is_core(first), "add {first:?} to catalog/segments.rs: {}", route.path);
        }
    }
}
