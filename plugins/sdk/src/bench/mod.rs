//! A test bench: a plugin in this process, and a host that a test scripts. What arrives at the plugin goes
//! one message at a time, as the treaty has it; answers to its questions come from closures. Left out: the
//! process, its confinement, and SQL; those are the appliance's own tests.
//!
//! ```
//! use jackfield_sdk::{Call, Config, Failure, Host, Outcome, Plugin, Reply, Routes, bench::FakeHost, json};
//!
//! struct Hello;
//! impl Plugin for Hello {
//!     const ID: &'static str = "hello";
//!     const VERSION: &'static str = "1.0.0";
//!     const OPS: &'static [&'static str] = &["http"];
//!     fn start(_: Host, _: Config) -> Result<Self, Failure> { Ok(Self) }
//!     fn routes() -> Routes<Self> { Routes::new().get("hello", Self::greet) }
//! }
//! impl Hello {
//!     fn greet(&self, call: &Call<'_>) -> Outcome { Reply::ok(&json!({"hello": call.who()})) }
//! }
//!
//! let bench = FakeHost::new().start::<Hello>().unwrap();
//! assert_eq!(bench.get("hello").body, json!({"hello": "tester"}));
//! ```

mod directory;
mod manifest;
mod running;
mod wire;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jackfield_abi::ops::{self, Code, Failure, HostHello, Limits, LoginKeys};
use serde_json::{Map, Value, json};

pub use manifest::differences;
pub use running::{Asked, Bench};

use crate::message::Answer;
use crate::plugin::Plugin;
use wire::Wire;

type Script = Box<dyn FnMut(Value) -> Answer + Send>;
type Scripts = HashMap<String, Script>;

/// A host before its plugin is started. Without a script it keeps secrets and what synchronizers bring in memory, accepts
/// every report, all presence and all messages (which nobody sees again), knows nobody who signs in, and refuses everything
/// else.
pub struct FakeHost {
    settings: Map<String, Value>,
    limits: Limits,
    scripts: Scripts,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeHost {
    /// A host without settings.
    #[must_use]
    pub fn new() -> Self {
        Self { settings: Map::new(), limits: Limits::default(), scripts: usual() }
    }

    /// Sets one of the plugin's settings, by its full name: `echo.greeting`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the bounds that the plugin is told.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Scripts the answers to an operation. The closure may block: then the host's other answers wait too.
    #[must_use]
    pub fn answer(mut self, op: &str, script: impl FnMut(Value) -> Answer + Send + 'static) -> Self {
        self.scripts.insert(op.to_owned(), Box::new(script));
        self
    }

    /// Lets one user sign in: `login.keys` gives these keys for that login and domain, `login.check` takes that
    /// password, and all others are refused.
    #[must_use]
    pub fn user(self, login: &str, domain: &str, password: &str, keys: LoginKeys) -> Self {
        let (account, password) = (keys.account.clone(), password.to_owned());
        let person = [login.to_owned(), domain.to_owned()];
        let named = person.clone();
        let is_meant = |args: &Value, person: &[String; 2]| {
            [&args["login"], &args["domain"]] == [&person[0], &person[1]]
        };
        self.answer(ops::LOGIN_KEYS, move |args| match is_meant(&args, &named) {
            true => Ok(json!(keys)),
            false => Err(Failure::new(Code::NotFound, "the fake host does not know that login")),
        })
        .answer(ops::LOGIN_CHECK, move |args| {
            match is_meant(&args, &person) && args["password"] == password.as_str() {
                true => Ok(json!({"account": account})),
                false => Err(Failure::new(Code::Denied, "login or password is wrong")),
            }
        })
    }

    /// Starts the plugin, or gives its refusal.
    pub fn start<P: Plugin>(self) -> Result<Bench, Failure> {
        let Self { settings, limits, scripts } = self;
        let services = ops::SERVICES.iter().map(|name| (*name).to_owned()).collect();
        let config = HostHello { version: env!("CARGO_PKG_VERSION").to_owned(), services, settings, limits };
        Bench::start::<P>(Arc::new(Wire::default()), config, scripts)
    }
}

/// What a host does that nobody has scripted.
fn usual() -> Scripts {
    let secrets: Arc<Mutex<HashMap<String, Value>>> = Arc::default();
    let mut scripts = Scripts::new();
    let told = [ops::EVENT_PUBLISH, ops::CHECK_REPORT, ops::STATE_REPORT, ops::LOGIN_FAILED];
    for op in told {
        scripts.insert(op.to_owned(), Box::new(|_| Ok(json!({}))));
    }
    scripts.insert(ops::JOB_PROGRESS.to_owned(), Box::new(|_| Ok(json!({"cancelled": false}))));
    scripts.insert(ops::REVISION_NOTE.to_owned(), Box::new(|_| Ok(json!({"n": 1}))));
    scripts.extend(people());
    scripts.extend(directory::scripts());
    for (op, code) in [(ops::LOGIN_KEYS, Code::NotFound), (ops::LOGIN_CHECK, Code::Denied)] {
        let refuse = move |_: Value| Err(Failure::new(code, "the fake host knows nobody who signs in"));
        scripts.insert(op.to_owned(), Box::new(refuse));
    }
    for op in [ops::SECRET_PUT, ops::SECRET_GET, ops::SECRET_DELETE] {
        let secrets = Arc::clone(&secrets);
        scripts.insert(op.to_owned(), Box::new(move |args| Ok(secret(&secrets, op, &args))));
    }
    scripts
}

/// Everything about people is taken, and there is nothing to see.
fn people() -> impl Iterator<Item = (String, Script)> {
    let nothing = [
        (ops::PRESENCE_PUBLISH, json!({"refused": []})),
        (ops::PRESENCE_GET, json!({"presence": []})),
        (ops::PRESENCE_GOVERN, json!({"unknown": []})),
        (ops::MESSAGE_PENDING, json!({"messages": [], "next": null})),
        (ops::MESSAGE_HISTORY, json!({"messages": [], "next": null})),
        (ops::MESSAGE_SEARCH, json!({"messages": [], "complete": true, "count": 0})),
        (ops::MESSAGE_DELIVERED, json!({"delivered": 0})),
        (ops::MESSAGE_FAILED, json!({"failed": 0})),
        (ops::MESSAGE_ARCHIVE, json!({})),
    ];
    let stored = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&stored);
    let store = move |stored: &AtomicUsize| {
        let id = format!("msg-{}", stored.fetch_add(1, Ordering::Relaxed) + 1);
        json!({"id": id, "at": "2026-01-31T08:00:00.000Z", "duplicate": false})
    };
    let accept: (String, Script) = (ops::MESSAGE_ACCEPT.to_owned(), Box::new(move |_| Ok(store(&stored))));
    let accept_all = move |args: Value| {
        let all = args["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(json!({"accepted": all.iter().map(|_| store(&counted)).collect::<Vec<_>>()}))
    };
    let accept_all: (String, Script) = (ops::MESSAGE_ACCEPT_ALL.to_owned(), Box::new(accept_all));
    let same = |(op, answer): (&str, Value)| -> (String, Script) {
        (op.to_owned(), Box::new(move |_| Ok(answer.clone())))
    };
    nothing.into_iter().map(same).chain([accept, accept_all])
}

fn secret(secrets: &Mutex<HashMap<String, Value>>, op: &str, args: &Value) -> Value {
    let mut secrets = secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let name = args["name"].as_str().unwrap_or_default();
    match op {
        ops::SECRET_GET => return json!({"value": secrets.get(name)}),
        ops::SECRET_PUT => secrets.insert(name.to_owned(), args["value"].clone()),
        _ => secrets.remove(name),
    };
    json!({})
}
