//! One call: the request with everything about it that has been checked. How it makes a change is in `once.rs`.

use std::sync::Arc;

use serde_json::Value;

pub use super::reply::Reply;
use super::route::{Access, Answer, Body, Route};
use super::{Api, authenticate, conditions, page};
use crate::catalog::problems::{CSRF, DENIED, MALFORMED_JSON, Problem, SIGN_IN, WRONG_TYPE};
use crate::catalog::shape::Object;
use crate::engine::access::Principal;
use crate::engine::change::{Origin, Precondition};
use crate::engine::photos::MEDIA_TYPES;
use crate::engine::{Engine, Mode, fault};
use crate::http::{Client, Request};

const JSON: &str = "application/json";

/// One call under way.
pub struct Call<'a> {
    /// The API.
    pub api: &'a Api,
    /// The request as it came.
    pub request: &'a Request,
    /// Query parameters, checked.
    pub query: Object,
    /// The body as JSON; null when the route takes none. Of a picture its media type.
    pub input: Value,
    route: &'a Route,
    params: Vec<(String, String)>,
    principal: Option<Principal>,
    /// Whether a change is kept.
    pub(super) mode: Mode,
    id: &'a str,
}

impl<'a> Call<'a> {
    /// Checks who calls, the query and the body, in this order.
    pub fn begin(
        api: &'a Api,
        route: &'a Route,
        request: &'a Request,
        params: Vec<(String, String)>,
        id: &'a str,
    ) -> Result<Self, Problem> {
        let principal = match route.access {
            Access::Public => None,
            _ => Some(admitted(api, route, request)?),
        };
        let (query, mode) = page::read_query(route, &request.query)?;
        let input = read_body(route.body, request)?;
        Ok(Self { api, request, query, input, route, params, principal, mode, id })
    }

    /// Does what the route does, and answers 304 when the caller has that version already.
    pub fn run(&self) -> Result<Reply, Problem> {
        let reply = (self.route.run)(self)?;
        let tag = reply.headers.iter().find(|(name, _)| name == "ETag").map(|(_, value)| value.clone());
        let asked = self.request.header("if-none-match").filter(|_| self.route.method == "GET");
        match tag {
            Some(tag) if conditions::is_known(asked, &tag) => Ok(reply.without_body().status(304)),
            _ => Ok(reply),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &'a Arc<Engine> {
        &self.api.engine
    }

    /// A parameter of the path.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// All parameters of the path.
    pub fn params(&self) -> Object {
        self.params.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
    }

    /// The caller, where the route needs one.
    pub(super) fn caller(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// Whether an idempotency key counts for the route.
    pub(super) fn is_keyed(&self) -> bool {
        self.route.keyed
    }

    /// Id of the request, as the log and revisions name it.
    pub fn id(&self) -> &str {
        self.id
    }

    /// The route's method.
    pub fn method(&self) -> &'static str {
        self.route.method
    }

    /// Whether the caller must name the version to change.
    pub fn is_conditional(&self) -> bool {
        self.route.conditional
    }

    /// The body's fields, for routes that take a whole object.
    pub fn accepted(&self) -> Result<Object, Problem> {
        match self.route.body {
            Body::Whole(shape) | Body::Optional(shape) => {
                shape.accept(&self.input, None).map_err(Problem::invalid)
            }
            _ => Err(fault("read the body", "the route declares none")),
        }
    }

    /// Who calls; routes that are public have nobody.
    pub fn principal(&self) -> Result<&Principal, Problem> {
        self.principal.as_ref().ok_or_else(sign_in)
    }

    /// Where the caller is, for records and for slowing down guessing.
    pub fn from(&self) -> String {
        match self.request.client {
            Client::Remote(address) => address.ip().to_canonical().to_string(),
            Client::Local { .. } => "this machine".to_owned(),
        }
    }

    /// Who makes a change, from where and by which way.
    pub fn origin(&self) -> Origin {
        let who = self.principal.as_ref().map_or("nobody signed in", |p| &p.label);
        let by_cookie = self.principal.as_ref().is_some_and(|p| p.csrf.is_some());
        let via = match self.request.client {
            Client::Local { .. } => "cli",
            Client::Remote(_) if by_cookie => "console",
            Client::Remote(_) => "api",
        };
        Origin { who: who.to_owned(), from: self.from(), via, request: self.id.to_owned() }
    }

    /// The versions that the caller means to change.
    pub fn precondition(&self) -> Result<Precondition, Problem> {
        conditions::precondition(self.request.header("if-match"))
    }

    /// The same where `If-Match` may be missing, because the object may not be there yet.
    pub fn precondition_if_any(&self) -> Result<Option<Precondition>, Problem> {
        self.request.header("if-match").map(|given| conditions::precondition(Some(given))).transpose()
    }

    /// Whether the caller only asks what would happen.
    pub fn is_rehearsal(&self) -> bool {
        self.mode == Mode::DryRun
    }

    /// Status of success as the route declares it, and no body where it declares none.
    pub fn done(&self, reply: Reply) -> Reply {
        match self.route.answer {
            Answer::Nothing => Reply::empty(),
            _ => reply.status(self.route.status),
        }
    }
}

fn admitted(api: &Api, route: &Route, request: &Request) -> Result<Principal, Problem> {
    let principal = authenticate::caller(&api.engine, request)?.ok_or_else(sign_in)?;
    match (route.access, request.client) {
        (Access::Needs(right), _) => principal.demand(right)?,
        (Access::ThisMachine, Client::Remote(_)) => {
            return Err(Problem::new(
                DENIED,
                "This is answered only to the command line on the machine itself.",
            ));
        }
        _ => {}
    }
    if let Some(csrf) = principal.csrf.as_deref().filter(|_| route.method != "GET") {
        check_csrf(csrf, request)?;
    }
    Ok(principal)
}

fn sign_in() -> Problem {
    Problem::new(SIGN_IN, "Send `Authorization: Bearer TOKEN`, or sign in at the console.")
}

fn check_csrf(csrf: &str, request: &Request) -> Result<(), Problem> {
    match request.header("x-csrf-token") {
        Some(given) if given == csrf => Ok(()),
        _ => Err(Problem::new(
            CSRF,
            "Send the session's csrf value in the header X-CSRF-Token; GET session gives it.",
        )),
    }
}

fn read_body(body: Body, request: &Request) -> Result<Value, Problem> {
    let expected: &[&str] = match body {
        Body::None => return Ok(Value::Null),
        Body::Optional(_) if request.body.is_empty() => return Ok(Value::Object(Object::new())),
        Body::Whole(_) | Body::Optional(_) | Body::Free => &[JSON],
        Body::Patch(_) => &["application/merge-patch+json", JSON],
        Body::Csv => &["text/csv"],
        Body::Image => &MEDIA_TYPES,
    };
    let given = request.header("content-type").unwrap_or(JSON);
    let media = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !expected.contains(&media.as_str()) {
        let expected = expected.join(" or ");
        return Err(Problem::new(WRONG_TYPE, format!("Send the body as {expected}, not as {given}.")));
    }
    match body {
        Body::Csv => return Ok(Value::Null),
        Body::Image => return Ok(media.into()),
        _ => {}
    }
    serde_json::from_slice(&request.body).map_err(|e| {
        let detail = match request.body.is_empty() {
            true => "The body is empty; a JSON object is needed.".to_owned(),
            false => format!("The body is not JSON: {e}."),
        };
        Problem::new(MALFORMED_JSON, detail)
    })
}
