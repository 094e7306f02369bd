//! One call: the request with everything about it that has been checked, and the one way to make a change
//! (dry run, idempotency key, revision's origin) that all routes share.

use std::fs::File;
use std::io::{Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use jackfield_db::{OwnerTx, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::route::{Access, Answer, Body, Route};
use super::{Api, authenticate, conditions, page};
use crate::catalog::problems::{CSRF, DENIED, HEADER, MALFORMED_JSON, Problem, SIGN_IN, WRONG_TYPE};
use crate::catalog::shape::Object;
use crate::engine::access::Principal;
use crate::engine::change::{Change, Origin, Precondition};
use crate::engine::events::Fired;
use crate::engine::idempotency::KeyUse;
use crate::engine::secrets::Keyring;
use crate::engine::{Engine, Mode, fault, objects};
use crate::http::{Client, Feed, Request, Response};

const KEY_LENGTH: usize = 128;
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
    /// The rest of an answer that goes on; it cannot be kept for a repetition, and nothing that can be repeated has one.
    #[serde(skip)]
    feed: Rest,
}

/// In a slot, so that an answer can be copied: the first that becomes bytes has it.
type Rest = Option<Arc<Mutex<Option<Box<dyn Feed>>>>>;

impl Reply {
    /// Nothing, successfully.
    pub fn empty() -> Self {
        Self { status: 204, headers: Vec::new(), body: None, content_type: JSON.to_owned(), feed: None }
    }

    /// Some JSON.
    pub fn json(body: impl Into<Value>) -> Self {
        Self { status: 200, body: Some(body.into()), ..Self::empty() }
    }

    /// Plain text.
    pub fn text(content_type: &str, text: String) -> Self {
        Self { status: 200, body: Some(text.into()), content_type: content_type.to_owned(), ..Self::empty() }
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
            None => Vec::new(),
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

fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// One call under way.
pub struct Call<'a> {
    /// The API.
    pub api: &'a Api,
    /// The request as it came.
    pub request: &'a Request,
    /// Query parameters, checked.
    pub query: Object,
    /// The body as JSON; null when the route takes none.
    pub input: Value,
    route: &'a Route,
    params: Vec<(String, String)>,
    principal: Option<Principal>,
    mode: Mode,
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
            Some(tag) if conditions::is_known(asked, &tag) => Ok(Reply { body: None, ..reply }.status(304)),
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

    /// Makes a change: once per idempotency key, durably or as a dry run, recorded with its origin.
    pub fn change(
        &self,
        work: impl FnOnce(&Change<'_>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        self.change_in(self.mode, work)
    }

    /// Makes a change durably although it may only prepare a dry run.
    pub fn commit(
        &self,
        work: impl FnOnce(&Change<'_>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        self.change_in(Mode::Commit, work)
    }

    fn change_in(
        &self,
        mode: Mode,
        work: impl FnOnce(&Change<'_>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let (key, engine) = (self.key_use()?, Arc::clone(self.engine()));
        self.engine().change(self.origin(), mode, move |change| {
            once(key.as_ref(), change.tx, &engine.keyring, || work(change))
        })
    }

    /// The same with a plugin's statements in it; `work` gives the events besides the answer.
    pub fn change_as(
        &self,
        plugin: &str,
        work: impl FnOnce(&OwnerTx<'_>) -> Result<(Reply, Vec<Fired>), Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let (key, engine) = (self.key_use()?, Arc::clone(self.engine()));
        self.engine().change_as(plugin, self.mode, move |tx| {
            let mut fired = Vec::new();
            let reply = once(key.as_ref(), tx, &engine.keyring, || {
                let (reply, events) = work(tx)?;
                fired = events;
                Ok(reply)
            });
            Ok((reply?, fired))
        })
    }

    /// Asks something outside the database and its transactions for the answer: once per idempotency key. What
    /// fails is asked again, unless it changed something.
    pub fn once_outside(
        &self,
        plugin: &str,
        ask: impl FnOnce() -> Result<Reply, Problem>,
    ) -> Result<Reply, Problem> {
        let Some(key) = self.key_use()? else { return ask() };
        // Held before looking, so that an answer that is being kept right now is found.
        let _held = self.engine().in_hand.hold(self.id, plugin, &key)?;
        if let Some(reply) = self.kept(&key)? {
            return Ok(reply);
        }
        let answered = ask();
        if self.is_rehearsal() {
            return answered;
        }
        let (db, keyring) = (&self.engine().db, &self.engine().keyring);
        let kept = match &answered {
            Ok(reply) => reply.clone(),
            Err(problem) if problem.kind.status >= 500 => return answered,
            Err(problem) if db.read(|read| key.is_marked(read, keyring))? => Reply::problem(problem),
            Err(_) => return answered,
        };
        let engine = Arc::clone(self.engine());
        db.write(move |tx| keep(&key, tx, &engine.keyring, &kept))?;
        answered
    }

    /// The answer that was kept for the call's idempotency key, if it has one that was used before.
    pub fn replayed(&self) -> Result<Option<Reply>, Problem> {
        self.key_use()?.map_or(Ok(None), |key| self.kept(&key))
    }

    fn kept(&self, key: &KeyUse) -> Result<Option<Reply>, Problem> {
        let keyring = &self.engine().keyring;
        self.engine().db.read(|read| key.find(read, keyring))?.map(|kept| repeated(&kept)).transpose()
    }

    /// The idempotency key of a POST. Callers who are not signed in have none of their own to use.
    fn key_use(&self) -> Result<Option<KeyUse>, Problem> {
        let Some(key) = self.request.header("idempotency-key").filter(|_| self.route.keyed) else {
            return Ok(None);
        };
        let Some(principal) = &self.principal else { return Ok(None) };
        if key.is_empty() || key.len() > KEY_LENGTH {
            return Err(Problem::new(
                HEADER,
                format!("The Idempotency-Key must be 1 to {KEY_LENGTH} characters long."),
            ));
        }
        let Request { method, path, query, body, .. } = self.request;
        let mut hash = Sha256::new();
        [method.as_bytes(), path.as_bytes(), query.as_bytes(), body].iter().for_each(|part| {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        });
        if let Some(upload) = &self.request.upload {
            hash_upload(&mut hash, upload).map_err(|e| fault("read the body again", &e.to_string()))?;
        }
        let fingerprint = hash.finalize().to_vec();
        Ok(Some(KeyUse { principal: principal.key.clone(), key: key.to_owned(), fingerprint }))
    }

    /// Status of success as the route declares it, and no body where it declares none.
    pub fn done(&self, reply: Reply) -> Reply {
        match self.route.answer {
            Answer::Nothing => Reply::empty(),
            _ => reply.status(self.route.status),
        }
    }
}

/// Does it, unless the key was used before; then the first answer is given again.
fn once(
    key: Option<&KeyUse>,
    tx: &Tx<'_>,
    keyring: &Keyring,
    work: impl FnOnce() -> Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    let Some(key) = key else { return work() };
    if let Some(kept) = key.find(tx, keyring)? {
        return repeated(&kept);
    }
    let reply = work()?;
    keep(key, tx, keyring, &reply)?;
    Ok(reply)
}

fn keep(key: &KeyUse, tx: &Tx<'_>, keyring: &Keyring, reply: &Reply) -> Result<(), Problem> {
    let kept = serde_json::to_vec(reply).map_err(|e| fault("keep an answer", &e.to_string()))?;
    key.keep(tx, keyring, &kept)
}

fn repeated(kept: &[u8]) -> Result<Reply, Problem> {
    let reply: Reply = serde_json::from_slice(kept).map_err(|e| fault("repeat an answer", &e.to_string()))?;
    Ok(reply.header("Idempotency-Replayed", "true".to_owned()))
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

/// The same body must be told from another one although it is not in memory.
fn hash_upload(hash: &mut Sha256, mut upload: &File) -> std::io::Result<()> {
    upload.rewind()?;
    let mut gulp = vec![0; 64 * 1024];
    loop {
        match upload.read(&mut gulp)? {
            0 => return upload.rewind(),
            count => hash.update(&gulp[..count]),
        }
    }
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
    let (expected, patch) = match body {
        Body::None => return Ok(Value::Null),
        Body::Optional(_) if request.body.is_empty() => return Ok(Value::Object(Object::new())),
        Body::Whole(_) | Body::Optional(_) | Body::Free => (JSON, false),
        Body::Patch(_) => ("application/merge-patch+json", true),
        Body::Csv => ("text/csv", false),
    };
    let given = request.header("content-type").unwrap_or(JSON);
    let media = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media != expected && !(patch && media == JSON) {
        return Err(Problem::new(WRONG_TYPE, format!("Send the body as {expected}, not as {given}.")));
    }
    if matches!(body, Body::Csv) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&request.body).map_err(|e| {
        let detail = match request.body.is_empty() {
            true => "The body is empty; a JSON object is needed.".to_owned(),
            false => format!("The body is not JSON: {e}."),
        };
        Problem::new(MALFORMED_JSON, detail)
    })
}
