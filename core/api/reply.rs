//! What a route answers, before it becomes bytes: any JSON or text with its status and headers.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::objects;
use crate::http::{Feed, Response};

const JSON: &str = "application/json";

/// An answer before it becomes bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// Headers beyond the usual ones.
    pub headers: Vec<(String, String)>,
    /// JSON, or plain text where it is a JSON string and the route says so.
    pub body: Option<Value>,
    content_type: String,
    /// A body that is no text; like the rest of one that goes on, it is not kept for a repetition.
    #[serde(skip)]
    bytes: Vec<u8>,
    /// The rest of an answer that goes on; it cannot be kept for a repetition, and nothing that can be repeated has one.
    #[serde(skip)]
    feed: Rest,
}

/// In a slot, so that an answer can be copied: the first that becomes bytes has it.
type Rest = Option<Arc<Mutex<Option<Box<dyn Feed>>>>>;

impl Reply {
    /// Nothing, successfully.
    pub fn empty() -> Self {
        let (headers, bytes) = (Vec::new(), Vec::new());
        Self { status: 204, headers, body: None, content_type: JSON.to_owned(), bytes, feed: None }
    }

    /// Some JSON.
    pub fn json(body: impl Into<Value>) -> Self {
        Self { status: 200, body: Some(body.into()), ..Self::empty() }
    }

    /// Plain text.
    pub fn text(content_type: &str, text: String) -> Self {
        Self { status: 200, body: Some(text.into()), content_type: content_type.to_owned(), ..Self::empty() }
    }

    /// A picture.
    pub fn image(content_type: &str, bytes: Vec<u8>) -> Self {
        Self { status: 200, bytes, content_type: content_type.to_owned(), ..Self::empty() }
    }

    /// Server-sent events.
    pub fn events(feed: impl Feed + 'static) -> Self {
        let feed: Box<dyn Feed> = Box::new(feed);
        let feed = Some(Arc::new(Mutex::new(Some(feed))));
        Self { status: 200, content_type: "text/event-stream".to_owned(), feed, ..Self::empty() }
    }

    /// An object with its revision as ETag.
    pub fn object(object: Object) -> Self {
        let etag = etag(objects::revision(&object));
        Self::json(object).header("ETag", etag)
    }

    /// A problem as RFC 9457 has it.
    pub fn problem(problem: &Problem) -> Self {
        let mut reply = Self { status: problem.kind.status, ..Self::json(problem.to_json()) };
        "application/problem+json".clone_into(&mut reply.content_type);
        if let Some(seconds) = problem.retry_after {
            reply = reply.header("Retry-After", seconds.to_string());
        }
        match &problem.allow {
            Some(methods) => reply.header("Allow", methods.clone()),
            None if problem.kind.status == 401 => reply.header("WWW-Authenticate", "Bearer".to_owned()),
            None => reply,
        }
    }

    /// The same without its body.
    pub fn without_body(self) -> Self {
        Self { body: None, bytes: Vec::new(), ..self }
    }

    /// The same with another status.
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with one more header.
    pub fn header(mut self, name: &str, value: String) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }

    /// As bytes, with the headers every answer has.
    pub fn into_response(self, request: &str) -> Response {
        let mut headers = self.headers;
        let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        add("Request-Id", request);
        add("Cache-Control", "no-store");
        add("X-Content-Type-Options", "nosniff");
        add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
        let body = match self.body {
            None => self.bytes,
            Some(Value::String(text)) if self.content_type != JSON => text.into_bytes(),
            Some(json) => json.to_string().into_bytes(),
        };
        let feed = self.feed.and_then(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).take());
        if !body.is_empty() || feed.is_some() {
            add("Content-Type", &self.content_type);
        }
        Response { status: self.status, headers, body, feed }
    }
}

/// The ETag of an object whose last change was that revision.
pub fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}
