//! What an API request may fail with: an HTTP status, a sentence, and the fields that are wrong. Core makes
//! `application/problem+json` of it (RFC 9457).

use jackfield_abi::ops::{Code, Failure, HttpResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong and what is right.
    pub detail: String,
}

/// Why an API request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status, from 400 on.
    pub status: u16,
    /// What was tried, what was wrong, what to do.
    pub detail: String,
    /// The fields that are wrong.
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A problem of that status.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, detail)
    }

    /// 409: collides with something that is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, detail)
    }

    /// 412: the object has changed since the caller read it.
    pub fn stale() -> Self {
        Self::new(412, "the object has changed since you read it; read it again and repeat your change")
    }

    /// 422 with the fields that are wrong; of very many the first.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut all = Errors::new();
        errors.into_iter().for_each(|error| all.note(error.pointer, error.detail));
        all.problem()
    }

    pub(crate) fn response(self) -> HttpResponse {
        let body = json!({"detail": self.detail, "errors": self.errors});
        HttpResponse { status: self.status, body, etag: None }
    }

    /// For operations that answer no API request; every wrong field is named in the text.
    pub(crate) fn failure(self) -> Failure {
        let code = match self.status {
            403 => Code::Denied,
            404 => Code::NotFound,
            409 | 412 => Code::Conflict,
            400..=499 => Code::BadRequest,
            503 => Code::Unavailable,
            504 => Code::Timeout,
            _ => Code::Internal,
        };
        let fields: Vec<_> = self.errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect();
        Failure::new(code, if fields.is_empty() { self.detail } else { fields.join("; ") })
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match failure.code {
            Code::BadRequest => 400,
            Code::Denied => 403,
            Code::NotFound => 404,
            Code::Conflict => 409,
            Code::Busy | Code::Unavailable => 503,
            Code::Timeout => 504,
            Code::Panic | Code::Internal => 500,
        };
        Self::new(status, failure.msg)
    }
}

/// Most errors in one answer, so that it always fits into a message.
const MOST_ERRORS: usize = 100;

/// Wrong fields, collected so that the caller hears of all at once; [`crate::form`] fills it. Of very many it
/// keeps the first 100 and the count.
#[derive(Debug, Default)]
pub struct Errors {
    first: Vec<FieldError>,
    count: usize,
}

impl Errors {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Notes one; `detail` is the whole sentence.
    pub fn note(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.insert(self.count, pointer.into(), detail.into());
    }

    /// Notes the field unless the claim holds; `detail` says what it must be: "must be above 0".
    pub fn check(&mut self, holds: bool, pointer: &str, detail: impl Into<String>) -> &mut Self {
        if !holds {
            self.note(pointer, detail);
        }
        self
    }

    /// Fine when there are none, otherwise 422.
    pub fn done(&mut self) -> Result<(), Problem> {
        if self.count == 0 { Ok(()) } else { Err(std::mem::take(self).problem()) }
    }

    /// Notes one before others.
    pub(crate) fn insert(&mut self, place: usize, pointer: String, detail: String) {
        self.count += 1;
        if place < MOST_ERRORS {
            self.first.insert(place.min(self.first.len()), FieldError { pointer, detail });
            self.first.truncate(MOST_ERRORS);
        }
    }

    fn problem(self) -> Problem {
        let detail = match (self.count, self.first.as_slice()) {
            (1, [one]) => format!("{}: {}", one.pointer, one.detail),
            (count, _) if count > MOST_ERRORS => {
                format!("{count} fields are wrong; the first {MOST_ERRORS} are listed")
            }
            (count, _) => format!("{count} fields are wrong"),
        };
        Problem { status: 422, detail, errors: self.first }
    }
}

/// JSON as a structure, or 422 that names the field.
pub fn parsed<T: DeserializeOwned>(body: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(body).map_err(|e| {
        let pointer = e.path().iter().map(step).collect();
        Problem::invalid(vec![FieldError { pointer, detail: e.into_inner().to_string() }])
    })
}

fn step(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", escaped(key)),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    }
}

/// A field's name as part of a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(rename = "a/b")]
        _list: Vec<u8>,
    }

    #[test]
    fn a_wrong_field_is_pointed_at() {
        let problem = parsed::<Body>(json!({"a/b": [1, "two"]})).unwrap_err();
        assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, "/a~1b/1"));
        assert!(problem.errors[0].detail.contains("invalid type"), "{}", problem.errors[0].detail);
    }

    #[test]
    fn all_wrong_fields_are_told_at_once() {
        let mut errors = Errors::new();
        errors.check(true, "/a", "x").check(false, "/b", "be y").check(false, "/c", "be z");
        let problem = errors.done().unwrap_err();
        assert_eq!(problem.errors.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>(), ["/b", "/c"]);
        assert_eq!(Errors::new().done(), Ok(()));
    }

    #[test]
    fn of_very_many_wrong_fields_the_first_are_told_and_all_are_counted() {
        let mut errors = Errors::new();
        (0..4000).for_each(|i| errors.note(format!("/{i}"), "x"));
        errors.insert(0, "/first".to_owned(), "y".to_owned());
        let problem = errors.done().unwrap_err();
        assert_eq!((problem.errors.len(), problem.errors[0].pointer.as_str()), (100, "/first"));
        assert_eq!(problem.detail, "4001 fields are wrong; the first 100 are listed");
    }

    #[test]
    fn a_failure_becomes_the_status_that_fits() {
        let status = |code| Problem::from(Failure::new(code, "x")).status;
        assert_eq!([Code::NotFound, Code::Busy, Code::Panic].map(status), [404, 503, 500]);
    }
}
