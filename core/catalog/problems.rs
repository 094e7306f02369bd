//! Every problem the appliance can report, declared once: the API's error bodies, the door's refusals,
//! the API description and the documentation read this list. Leaves out field errors' wording, which
//! belongs to the field that has the rule.

use serde_json::{Value, json};

/// One kind of problem (RFC 9457): a stable code, a title for people, and the HTTP status it travels with.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// `area/what`; forms the problem's `type` URI reference.
    pub code: &'static str,
    /// HTTP status code.
    pub status: u16,
    /// One short sentence that does not change from occurrence to occurrence.
    pub title: &'static str,
}

/// Declares the problems as constants and collects them in [`ALL`].
macro_rules! problems {
    ($($name:ident $code:literal $status:literal $title:literal;)*) => {
        $(#[doc = $title] pub const $name: &Kind = &Kind { code: $code, status: $status, title: $title };)*
        /// Every declared problem, for the API description.
        pub const ALL: &[&Kind] = &[$($name),*];
    };
}

problems! {
    MALFORMED_REQUEST "http/malformed" 400 "The request is not well-formed HTTP";
    PLAIN_HTTP "http/plain" 400 "This port speaks HTTPS only";
    REQUEST_TIMEOUT "http/timeout" 408 "The request did not arrive in time";
    LENGTH_REQUIRED "http/length_required" 411 "The request body needs a Content-Length";
    BODY_TOO_LARGE "http/body_too_large" 413 "The request body is too large";
    HEAD_TOO_LARGE "http/head_too_large" 431 "The request line and headers are too large";
    OVERLOADED "http/overloaded" 503 "The appliance is busy";
    NO_ANSWER "http/no_answer" 504 "The appliance did not answer in time";
}

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body, or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong with it and what would be right.
    pub detail: String,
}

/// One occurrence of a problem, as it travels to the caller.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Which kind it is.
    pub kind: &'static Kind,
    /// What was tried, what was wrong, what to do.
    pub detail: String,
    /// The fields at fault, where there are any.
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A problem without field errors.
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new() }
    }

    /// The `application/problem+json` body.
    pub fn to_json(&self) -> Value {
        let errors = self.errors.iter().map(|e| json!({"pointer": e.pointer, "detail": e.detail}));
        json!({
            "type": format!("/problems/{}", self.kind.code),
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "errors": errors.collect::<Vec<_>>(),
        })
    }
}
