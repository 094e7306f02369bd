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
    INTERNAL "internal" 500 "The appliance met a fault of its own";
    STORAGE_FULL "storage/full" 507 "The disk is full";
    STORAGE_BUSY "storage/busy" 503 "The database is busy";
    NOT_FOUND "request/not_found" 404 "There is nothing at this address";
    METHOD "request/method" 405 "This address does not take that method";
    HEADER "request/header" 400 "A header is wrong";
    QUERY "request/query" 400 "A query parameter is wrong";
    MALFORMED_JSON "request/malformed_json" 400 "The body is not JSON";
    WRONG_TYPE "request/wrong_type" 415 "The body has a type that is not taken here";
    INVALID "request/invalid" 422 "The body breaks a rule";
    IF_MATCH_MISSING "change/if_match_missing" 428 "A change must say which version it changes";
    STALE "change/stale" 412 "The object was changed meanwhile";
    CONFLICT "change/conflict" 409 "It collides with something that is there already";
    IN_USE "change/in_use" 409 "Something else still depends on it";
    NOT_HERE "deployment/not_supported" 409 "This kind of deployment does not have it";
    SUPERSEDED "revisions/superseded" 409 "A later change stands in the way";
    NOT_UNDOABLE "revisions/not_undoable" 409 "This kind of change cannot be undone";
    KEY_REUSED "request/idempotency_key_reused" 422 "The idempotency key was used for another request";
    KEY_IN_USE "request/idempotency_key_in_use" 409 "The first request with this key is still being answered";
    UNANSWERED "request/unanswered" 409 "This was begun before and came to no good end";
    SIGN_IN "access/sign_in" 401 "Sign in first";
    BAD_CREDENTIALS "access/bad_credentials" 401 "Name or password is wrong";
    DENIED "access/denied" 403 "You may not do this";
    CSRF "access/csrf" 403 "The request does not carry the session's CSRF value";
    THROTTLED "access/throttled" 429 "Too many failed attempts";
    NO_PLUGIN "plugins/unavailable" 503 "The plugin that serves this does not";
    PLUGIN_COMMAND "plugins/refused" 409 "The plugin cannot do that now";
    PLUGIN_FAULT "plugins/fault" 502 "The plugin failed";
    HOOK_REFUSED "hooks/refused" 409 "The script is not taken into use";
    HOOKS_UNAVAILABLE "hooks/unavailable" 503 "The process that runs scripts does not serve";
    CHECKS_IDLE "checks/unavailable" 503 "Checks cannot be run now";
    CHECK_UNFINISHED "checks/unfinished" 504 "The check did not finish in time";
    PRESENCE_GOVERNED "presence/governed" 409 "Another world says what this account is doing";
    MESSAGES_ARCHIVED "messages/archived" 409 "Chat is read-only";
    MESSAGES_WAITING "messages/queue_full" 409 "Too many messages wait for the recipient";
    TOO_MANY_STREAMS "events/too_many" 429 "Too many event streams are open";
    CLAIMED "claim/done" 409 "The appliance has been claimed already";
    CLAIM_CODE "claim/wrong_code" 403 "The claim code is wrong";
}

/// The problems that any route may answer, whatever it does.
pub const ANYWHERE: &[&Kind] =
    &[QUERY, NOT_FOUND, METHOD, THROTTLED, INTERNAL, OVERLOADED, STORAGE_BUSY, STORAGE_FULL];

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body, or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong with it and what would be right.
    pub detail: String,
}

impl FieldError {
    /// An error at a field of the outermost object; the empty name is the object itself.
    pub fn at(field: &str, detail: impl Into<String>) -> Self {
        let pointer = if field.is_empty() { String::new() } else { pointer_to(field) };
        Self { pointer, detail: detail.into() }
    }
}

/// The JSON pointer to a field of the outermost object (RFC 6901 section 3).
pub fn pointer_to(field: &str) -> String {
    format!("/{}", field.replace('~', "~0").replace('/', "~1"))
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
    /// Seconds after which trying again makes sense, where that is known.
    pub retry_after: Option<u64>,
    /// Methods that would be taken, where the method was wrong.
    pub allow: Option<String>,
}

impl Problem {
    /// A problem without field errors.
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), retry_after: None, allow: None }
    }

    /// The same problem, with the time after which trying again makes sense.
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The same problem, with the methods that would be taken.
    pub fn allowing(self, methods: String) -> Self {
        Self { allow: Some(methods), ..self }
    }

    /// The same problem, with the fields at fault.
    pub fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// A body that breaks rules, field by field.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{} {}", one.pointer, one.detail).trim_start().to_owned(),
            several => format!("{} fields break a rule; nothing was changed", several.len()),
        };
        Self::new(INVALID, detail).with_errors(errors)
    }

    /// A body with one value, at that JSON pointer, that breaks a rule.
    pub fn at(pointer: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
    }

    /// A body with one field that breaks a rule.
    pub fn field(field: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::at(field, detail)])
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
