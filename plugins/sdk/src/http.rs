//! One API request as a handler sees it, and its answer. Who may call, how much and how often is core's.

use std::str::FromStr;

use jackfield_abi::ops::{Code, Failure, HttpRequest, HttpResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::form::{self, Form};
use crate::plugin::Request;
use crate::problem::{Problem, parsed};

/// What a handler returns.
pub type Outcome = Result<Reply, Problem>;

/// An API request.
#[derive(Debug)]
pub struct Call<'a> {
    /// As core sent it.
    pub http: &'a HttpRequest,
    /// What carries it: deadline and cancellation.
    pub request: &'a Request,
    pub(crate) params: Vec<(&'a str, &'a str)>,
}

impl Call<'_> {
    /// Who calls, as revisions name them.
    pub fn who(&self) -> &str {
        &self.http.who
    }

    /// A parameter of the path; one that is not of that type means no such object.
    pub fn param<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        let text = self.params.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        let text = text.ok_or_else(|| Problem::new(500, format!("the route has no parameter `{name}`")))?;
        text.parse().map_err(|_| Problem::not_found(format!("there is no `{}`", self.http.path)))
    }

    /// A parameter of the query, if it is there.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.http.query.get(name).and_then(Value::as_str)
    }

    /// The body as a structure; 422 names the field that does not fit.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        parsed(self.http.body.clone())
    }

    /// The body read field by field, or 422 with everything that is wrong ([`crate::form`]).
    pub fn form<T>(&self, fill: impl FnOnce(&mut Form<'_>) -> Option<T>) -> Result<T, Problem> {
        form::read(&self.http.body, fill)
    }

    /// Whether nothing may be changed.
    pub fn is_dry_run(&self) -> bool {
        self.http.dry_run
    }

    /// Refuses with 412 unless the caller's `If-Match` names this version, any, or none was asked for. Of a
    /// tag with a dash only what is before it is compared: the rest changes with what else the answer shows.
    pub fn must_match(&self, version: &str) -> Result<(), Problem> {
        let is_meant =
            |asked: &str| asked == "*" || asked == version || asked.split('-').next() == Some(version);
        match &self.http.if_match {
            Value::Null => Ok(()),
            Value::String(asked) if is_meant(asked) => Ok(()),
            _ => Err(Problem::stale()),
        }
    }

    /// Why a write was not kept. A conflict means that what was read before it was no longer so; a caller who
    /// named a version must read again, anybody else may simply repeat.
    pub fn refused(&self, failure: Failure) -> Problem {
        match (failure.code, &self.http.if_match) {
            (Code::Conflict, Value::String(asked)) if asked != "*" => Problem::stale(),
            (Code::Conflict, _) => Problem::conflict(
                "something that this depends on was changed at the same moment, and nothing was kept; repeat \
                 the request",
            ),
            _ => failure.into(),
        }
    }
}

/// A good answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply(HttpResponse);

impl Reply {
    /// 200 with a body.
    pub fn ok(body: &impl Serialize) -> Outcome {
        Self::with(200, body)
    }

    /// 201 with a body.
    pub fn created(body: &impl Serialize) -> Outcome {
        Self::with(201, body)
    }

    /// 202 with a body: begun, not done.
    pub fn accepted(body: &impl Serialize) -> Outcome {
        Self::with(202, body)
    }

    /// 204.
    pub fn nothing() -> Outcome {
        Ok(Self(HttpResponse { status: 204, body: Value::Null, etag: None }))
    }

    /// Any status with a body.
    pub fn with(status: u16, body: &impl Serialize) -> Outcome {
        let unwritable = |e| Problem::new(500, format!("the answer cannot be written as JSON: {e}"));
        Ok(Self(HttpResponse { status, body: serde_json::to_value(body).map_err(unwritable)?, etag: None }))
    }

    /// The same with the object's version, for its ETag.
    #[must_use]
    pub fn version(self, version: impl ToString) -> Self {
        Self(HttpResponse { etag: Some(version.to_string()), ..self.0 })
    }

    pub(crate) fn response(self) -> HttpResponse {
        self.0
    }
}
