//! Routes as declarations: what a route takes, needs and answers is said once, and the dispatcher, the
//! checks and the API description all read it.

use super::BASE;
use super::call::{Call, Reply};
use crate::catalog::problems::{Kind as ProblemKind, Problem};
use crate::catalog::rights::Right;
use crate::catalog::shape::{Field, Shape};

/// Who may call.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever may open the machine's control socket.
    ThisMachine,
    /// Whoever holds the right.
    Needs(&'static Right),
}

/// What the body must be.
#[derive(Clone, Copy)]
pub enum Body {
    /// There is none.
    None,
    /// A whole object.
    Whole(&'static Shape),
    /// A whole object, or nothing at all where every field may be left out.
    Optional(&'static Shape),
    /// The fields to change (RFC 7396).
    Patch(&'static Shape),
    /// Any JSON; the plugin that takes it checks it.
    Free,
    /// Lines of CSV (RFC 4180), read as they are needed.
    Csv,
    /// A photo; which of `engine::photos`'s media types it is said to be is the call's input.
    Image,
}

/// What the answer is.
#[derive(Clone, Copy)]
pub enum Answer {
    /// One object.
    One(&'static Shape),
    /// A page of objects.
    Page(&'static Shape),
    /// Nothing.
    Nothing,
    /// JSON described elsewhere.
    Json,
    /// Whatever a plugin answers well.
    Plugin,
    /// Plain text.
    Text,
    /// Server-sent events, for as long as the caller listens.
    Events,
    /// Lines of CSV (RFC 4180).
    Csv,
    /// A photo: one of `engine::photos`'s media types.
    Image,
}

type Run = Box<dyn Fn(&Call<'_>) -> Result<Reply, Problem> + Send + Sync>;

/// One route.
pub struct Route {
    /// Upper-case method.
    pub method: &'static str,
    /// Path with `{name}` for parameters.
    pub path: String,
    /// One sentence for people.
    pub summary: String,
    /// Who may call.
    pub access: Access,
    /// Query parameters.
    pub query: Vec<Field>,
    /// Headers that mean something here, each with what.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Whether other query parameters are passed on as text; the plugin that takes them checks them.
    pub passes_query: bool,
    /// What the body must be.
    pub body: Body,
    /// HTTP status of success.
    pub status: u16,
    /// What success carries.
    pub answer: Answer,
    /// Whether `If-Match` is needed.
    pub conditional: bool,
    /// Whether `If-Match` is needed once the object is there.
    pub conditional_once_made: bool,
    /// Whether `?dry_run=1` is understood.
    pub dry_run: bool,
    /// Whether a repetition with the same idempotency key gets the first answer again.
    pub keyed: bool,
    /// Problems beyond those that any route may answer.
    pub problems: Vec<&'static ProblemKind>,
    /// Does it.
    pub run: Run,
}

/// Whether a route is meant.
#[derive(Debug, PartialEq, Eq)]
pub enum Match {
    /// Yes, with the path's parameters.
    Yes(Vec<(String, String)>),
    /// The path is, the method is not.
    OtherMethod,
    /// No.
    No,
}

impl Route {
    /// A route below the API's base.
    pub fn new(method: &'static str, path: &str, summary: impl Into<String>) -> Self {
        Self::outside(method, &format!("{BASE}{path}"), summary)
    }

    /// A route outside the API's base.
    pub fn outside(method: &'static str, path: &str, summary: impl Into<String>) -> Self {
        Self {
            method,
            path: path.to_owned(),
            summary: summary.into(),
            access: Access::SignedIn,
            query: Vec::new(),
            headers: Vec::new(),
            passes_query: false,
            body: Body::None,
            status: 200,
            answer: Answer::Nothing,
            conditional: false,
            conditional_once_made: false,
            dry_run: false,
            keyed: false,
            problems: Vec::new(),
            run: Box::new(|_| Ok(Reply::empty())),
        }
    }

    /// Sets who may call.
    pub fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// Sets the query parameters.
    pub fn query(self, fields: impl Into<Vec<Field>>) -> Self {
        Self { query: fields.into(), ..self }
    }

    /// Declares a header that may be sent.
    pub fn header(mut self, name: &'static str, help: &'static str) -> Self {
        self.headers.push((name, help));
        self
    }

    /// Passes any query parameter on as text.
    pub fn any_query(self) -> Self {
        Self { passes_query: true, ..self }
    }

    /// Sets what the body must be.
    pub fn takes(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// Sets what success is.
    pub fn answers(self, status: u16, answer: Answer) -> Self {
        Self { status, answer, ..self }
    }

    /// Makes `If-Match` needed.
    pub fn conditional(self) -> Self {
        Self { conditional: true, ..self }
    }

    /// Makes `If-Match` needed to change what is there, and wrong to make what is not.
    pub fn conditional_once_made(self) -> Self {
        Self { conditional_once_made: true, ..self }
    }

    /// Makes `?dry_run=1` understood.
    pub fn can_rehearse(self) -> Self {
        let keyed = self.method == "POST";
        Self { dry_run: true, keyed, ..self }
    }

    /// Declares problems beyond those that any route may answer.
    pub fn fails(self, problems: &[&'static ProblemKind]) -> Self {
        Self { problems: problems.to_vec(), ..self }
    }

    /// Sets what it does.
    pub fn runs(self, run: impl Fn(&Call<'_>) -> Result<Reply, Problem> + Send + Sync + 'static) -> Self {
        Self { run: Box::new(run), ..self }
    }

    /// Makes `Idempotency-Key` understood.
    pub fn keyed(self) -> Self {
        Self { keyed: true, ..self }
    }

    /// How many parameters its path has.
    pub fn parameters(&self) -> usize {
        self.path.matches('{').count()
    }

    /// Whether this route is meant; HEAD is answered as GET.
    pub fn matches(&self, method: &str, path: &str) -> Match {
        let Some(params) = captures(&self.path, path) else { return Match::No };
        let method = if method == "HEAD" { "GET" } else { method };
        if method == self.method { Match::Yes(params) } else { Match::OtherMethod }
    }
}

/// The parameters of a path that fits a template. A template's last segment may end in `:verb`; parameters
/// never contain a slash or a colon.
fn captures(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (template, template_verb) = split_verb(template);
    let (path, verb) = split_verb(path);
    let (wanted, given) = (template.split('/'), path.split('/'));
    if verb != template_verb || wanted.clone().count() != given.clone().count() {
        return None;
    }
    let mut params = Vec::new();
    for (wanted, given) in wanted.zip(given) {
        match wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
            Some(name) if !given.is_empty() => params.push((name.to_owned(), decoded(given)?)),
            _ if wanted == given => {}
            _ => return None,
        }
    }
    Some(params)
}

fn split_verb(path: &str) -> (&str, Option<&str>) {
    match path.rsplit_once(':') {
        Some((before, verb)) if !verb.contains('/') => (before, Some(verb)),
        _ => (path, None),
    }
}

fn decoded(segment: &str) -> Option<String> {
    percent_encoding::percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(template: &str, path: &str) -> Option<Vec<(String, String)>> {
        captures(template, path)
    }

    #[test]
    fn parameters_are_taken_and_decoded() {
        let expected = vec![("id".to_owned(), "a b".to_owned())];
        assert_eq!(params("/things/{id}", "/things/a%20b"), Some(expected.clone()));
        assert_eq!(params("/things/{id}:undo", "/things/a%20b:undo"), Some(expected));
    }

    #[test]
    fn a_verb_is_part_of_the_route() {
        assert_eq!(params("/things/{id}", "/things/7:undo"), None);
        assert_eq!(params("/things/{id}:undo", "/things/7"), None);
        assert_eq!(params("/things/{id}:undo", "/things/7:redo"), None);
    }

    #[test]
    fn an_empty_parameter_or_other_length_does_not_fit() {
        assert_eq!(params("/things/{id}", "/things/"), None);
        assert_eq!(params("/things/{id}", "/things/1/2"), None);
        assert_eq!(params("/things/{id}", "/things/%ff"), None);
    }

    #[test]
    fn a_wrong_method_is_told_apart_from_a_wrong_path() {
        let route = Route::new("GET", "/things", "");
        assert_eq!(route.matches("HEAD", "/api/v1/things"), Match::Yes(Vec::new()));
        assert_eq!(route.matches("PUT", "/api/v1/things"), Match::OtherMethod);
        assert_eq!(route.matches("PUT", "/api/v1/thing"), Match::No);
    }
}
