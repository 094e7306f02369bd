//! What an author writes: the [`Plugin`] trait, and what its functions are handed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jackfield_abi::Kind;
use jackfield_abi::ops::{Code, Event, Failure, Finding, HostHello, Limits, Metric, Undo};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::db::Tx;
use crate::host::{Host, Secret};
use crate::job::Job;
use crate::problem::Problem;
use crate::routes::Routes;

/// A plugin. Its functions take `&self`, because jobs, requests and events each have threads of their own;
/// what changes is behind a `Mutex`. A panic in any of them ends the process, and the host starts a new one.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// As in the manifest: small letters, digits and `_`, beginning with a letter, at most 32.
    const ID: &'static str;
    /// As in the manifest; mostly `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// Operations it answers, as in the manifest.
    const OPS: &'static [&'static str];
    /// Threads that answer requests other than jobs; at least 1.
    const WORKERS: usize = 1;
    /// Threads that run jobs; at least 1.
    const JOBS: usize = 1;
    /// How many requests, jobs and events may wait, each; beyond that requests are refused as busy and
    /// events are dropped with a line in the log.
    const QUEUE: usize = 64;

    /// Checks the configuration and makes the plugin. An error refuses the start; its text is what the
    /// operator reads. The host cannot be asked anything yet: do that in [`Self::ready`].
    fn start(host: Host, config: Config) -> Result<Self, Failure>;

    /// Runs once before the first request or event; here the host can be asked. An error ends the process,
    /// and the host tries again later.
    fn ready(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// What answers API requests, by method and path.
    fn routes() -> Routes<Self> {
        Routes::new()
    }

    /// Runs a job to its end.
    fn job(&self, job: &Job<'_>) -> Result<Value, Failure> {
        Err(Failure::new(Code::NotFound, format!("this plugin has no job `{}`", job.name())))
    }

    /// Looks at itself for the doctor.
    fn doctor(&self) -> Result<Vec<Finding>, Failure> {
        Ok(Vec::new())
    }

    /// Its figures as they are now, for `/metrics`, where they are `jackfield_ID_NAME`. Called where [`Self::OPS`] has
    /// `metrics`, every few seconds; the answer has a second.
    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    /// Takes new settings; an error keeps the old ones and is shown to whoever changed them.
    fn settings_changed(&self, _settings: Settings) -> Result<(), Failure> {
        Ok(())
    }

    /// Says how a change that the plugin noted is put back, by its own rules: fills the transaction with what
    /// makes the object as `undo.before` has it, and notes the revision of the same kind and object. It does
    /// nothing itself: the host runs the transaction, or only rehearses it, and refuses a change that was
    /// followed by another one. Called where [`Self::OPS`] has `revision.undo`.
    fn undo(&self, undo: &Undo, _tx: &mut Tx) -> Result<(), Problem> {
        Err(Problem::conflict(format!("changes of `{}` are not put back; change it by hand", undo.kind)))
    }

    /// Says whether a password is that of the user whom an account from a directory stands for. A failure's code says
    /// which: `Denied` it is not, `Unavailable` the directory was not reached, in words, `NotFound` the account is not
    /// from a directory of this plugin's. Called where [`Self::OPS`] has `login.bind`; the answer has 10 seconds
    /// ([`Request::remaining`]). Neither the password nor what could confirm one may be kept or logged.
    fn bind(&self, _account: &str, _password: &Secret, _request: &Request) -> Result<(), Failure> {
        Err(Failure::new(Code::NotFound, "this plugin asks no directory"))
    }

    /// Hears an event that the manifest asks for. In order, one at a time.
    fn event(&self, _event: Event) {}

    /// Answers an operation that none of the functions above stands for.
    fn request(&self, request: &Request) -> Result<Value, Failure> {
        Err(Failure::new(Code::BadRequest, format!("this plugin does not answer `{}`", request.op)))
    }

    /// Sees every request, event, cancellation and raw message first, on the host's thread, and must return
    /// within 100 ms; for plugins that have an event loop. A request it takes is answered later, by
    /// [`Host::answer`].
    fn on_message(&self, _message: &Message<'_>) -> Taken {
        Taken::Passed
    }

    /// Ends what the plugin runs by itself, and wakes what blocks in it. Requests still running are marked
    /// as cancelled before; the host answers nothing any more.
    fn stop(&self, _deadline: Duration) {}
}

/// What a plugin is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Version of the appliance.
    pub version: String,
    /// Services it offers, such as `db/1`.
    pub services: Vec<String>,
    /// Values of the plugin's settings.
    pub settings: Settings,
    /// Bounds that the host enforces.
    pub limits: Limits,
}

impl Config {
    pub(crate) fn new(hello: HostHello, plugin: &str) -> Self {
        let HostHello { version, services, settings, limits } = hello;
        Self { version, services, settings: Settings::new(settings, plugin), limits }
    }
}

/// Values of the plugin's settings, by their names without the plugin's id: `greeting`, not `echo.greeting`. A
/// secret is null while nobody has set it: a field of the type `Option<Secret>` in [`Self::read`]'s structure.
#[derive(Clone)]
pub struct Settings(Map<String, Value>);

impl fmt::Debug for Settings {
    /// The names alone, because some values are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Settings {
    pub(crate) fn new(all: Map<String, Value>, plugin: &str) -> Self {
        let short = |name: String| match name.strip_prefix(plugin).and_then(|rest| rest.strip_prefix('.')) {
            Some(rest) => rest.to_owned(),
            None => name,
        };
        Self(all.into_iter().map(|(name, value)| (short(name), value)).collect())
    }

    /// All of them as a structure; names the setting that does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let whole = Value::Object(self.0.clone());
        serde_path_to_error::deserialize(whole).map_err(|e| {
            let text = format!("the setting `{}` cannot be used: {}", e.path(), e.inner());
            Failure::new(Code::BadRequest, text)
        })
    }

    /// The secret of that name, if somebody has set it.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).and_then(Value::as_str).map(Secret::new)
    }

    /// One of them as it came.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// A request of the host's.
pub struct Request {
    /// Its number, for [`Host::answer`].
    pub id: u64,
    /// Operation.
    pub op: String,
    /// Its arguments.
    pub args: Value,
    pub(crate) until: Option<Instant>,
    pub(crate) cancelled: Arc<AtomicBool>,
}

impl fmt::Debug for Request {
    /// Without its arguments, some of which are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("id", &self.id).field("op", &self.op).finish_non_exhaustive()
    }
}

impl Request {
    /// Whether nobody waits for the answer any more: taken back, too late, or the plugin is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire) || self.remaining() == Some(Duration::ZERO)
    }

    /// Time left for the answer; none: no bound.
    pub fn remaining(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// The arguments as a structure.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_path_to_error::deserialize(self.args.clone()).map_err(|e| {
            let text = format!("`{}` of `{}` cannot be used: {}", e.path(), self.op, e.inner());
            Failure::new(Code::BadRequest, text)
        })
    }
}

/// A message as it came, for [`Plugin::on_message`].
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What it is.
    pub kind: Kind,
    /// Which request it belongs to; 0 for none.
    pub id: u64,
    /// What it says, borrowed for the call.
    pub bytes: &'a [u8],
}

/// Whose a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The plugin has dealt with it, or will.
    Mine,
    /// It goes the usual way.
    Passed,
}
