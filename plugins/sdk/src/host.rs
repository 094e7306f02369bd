//! What a plugin can ask and tell the host. A handle: clone it freely, use it from any thread.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jackfield_abi::Kind;
use jackfield_abi::ops::{self, Failure, Finding, JobPlan, JobPlans, Revision};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::chat::Chat;
use crate::db::Db;
use crate::directory::Directory;
use crate::login::Logins;
use crate::message::{Answer, read, typed};
use crate::people::Colleagues;
use crate::presence::People;
use crate::served;
use crate::shared::Shared;

/// How long a call waits, unless it says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The host.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
}

/// How the plugin does, in [`Host::report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should.
    Up,
    /// It works in part, or the world outside does not answer.
    Degraded,
    /// It does not work.
    Failed,
}

impl Host {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Asks for an operation of the treaty's and waits at most 30 seconds.
    pub fn call(&self, op: &str, args: impl Serialize) -> Answer {
        self.call_within(op, args, PATIENCE)
    }

    /// Asks and waits at most so long.
    pub fn call_within(&self, op: &str, args: impl Serialize, patience: Duration) -> Answer {
        read(op, &self.shared.call(op, &args, patience)?)
    }

    /// Asks, and reads the answer from its text.
    pub(crate) fn asked<T: DeserializeOwned>(&self, op: &str, args: impl Serialize) -> Result<T, Failure> {
        read(op, &self.shared.call(op, &args, PATIENCE)?)
    }

    /// The plugin's own tables.
    pub fn db(&self) -> Db<'_> {
        Db::new(self)
    }

    /// The plugin's own secrets.
    pub fn secret(&self) -> Secrets<'_> {
        Secrets(self)
    }

    /// Finding people in the corporate directory.
    pub fn colleagues(&self) -> Colleagues<'_> {
        Colleagues(self)
    }

    /// What people are doing.
    pub fn presence(&self) -> People<'_> {
        People(self)
    }

    /// Chat messages.
    pub fn chat(&self) -> Chat<'_> {
        Chat(self)
    }

    /// Accounts and contacts that a synchronization brings.
    pub fn directory(&self) -> Directory<'_> {
        Directory(self)
    }

    /// Passwords of users.
    pub fn login(&self) -> Logins<'_> {
        Logins(self)
    }

    /// Publishes an event of the manifest's `publishes`.
    pub fn event(&self, name: &str, object: &str) -> Result<(), Failure> {
        self.call(ops::EVENT_PUBLISH, json!({"event": name, "object": object})).map(drop)
    }

    /// Says how the plugin does, in words for the operator.
    pub fn report(&self, state: State, reason: &str) -> Result<(), Failure> {
        self.call(ops::STATE_REPORT, json!({"state": state, "reason": reason})).map(drop)
    }

    /// Asks for one of the plugin's own jobs, in the name of whoever wants it; answers its id.
    pub fn queue_job(&self, name: &str, input: &Value, who: &str) -> Result<String, Failure> {
        let answer = self.call(ops::JOB_QUEUE, json!({"name": name, "input": input, "who": who}))?;
        Ok(answer["job"].as_str().unwrap_or_default().to_owned())
    }

    /// Plans jobs by the clock, in place of all that were planned before; answers when each is due, by key.
    pub fn plan_jobs(&self, plans: Vec<JobPlan>) -> Result<BTreeMap<String, Option<String>>, Failure> {
        let mut answer = self.call(ops::JOB_PLANS, JobPlans { plans })?;
        typed(ops::JOB_PLANS, answer["next"].take())
    }

    /// Puts up a finding for the doctor.
    pub fn finding(&self, finding: &Finding) -> Result<(), Failure> {
        self.call(ops::CHECK_REPORT, finding).map(drop)
    }

    /// Records a change of configuration that is not in the plugin's tables; one that is goes with its
    /// transaction, by [`crate::Tx::revision`].
    pub fn revision(&self, revision: &Revision) -> Result<(), Failure> {
        let note = ops::Note { revision: revision.clone(), request: served::current() };
        self.call(ops::REVISION_NOTE, note).map(drop)
    }

    /// Runs that on a thread of the plugin's own. It must end soon after [`crate::Plugin::stop`] was called;
    /// a panic there ends the process as one in the plugin's functions does.
    pub fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
        self.shared.spawn(name, run)
    }

    /// Answers a request that [`crate::Plugin::on_message`] took; false when it has been answered before.
    pub fn answer(&self, id: u64, answer: Result<Value, Failure>) -> bool {
        self.shared.answer(id, answer)
    }

    /// Sends raw bytes, where an operation says so.
    pub fn data(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.shared.tell(Kind::Data, bytes)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({:?})", self.shared.phase())
    }
}

/// The plugin's own secrets, kept encrypted by the host.
pub struct Secrets<'a>(&'a Host);

impl Secrets<'_> {
    /// Keeps one under a name.
    pub fn put(&self, name: &str, secret: &Secret) -> Result<(), Failure> {
        self.0.call(ops::SECRET_PUT, json!({"name": name, "value": secret.reveal()})).map(drop)
    }

    /// The one of that name, if there is one.
    pub fn get(&self, name: &str) -> Result<Option<Secret>, Failure> {
        let answer = self.0.call(ops::SECRET_GET, json!({"name": name}))?;
        Ok(answer["value"].as_str().map(Secret::new))
    }

    /// Forgets the one of that name.
    pub fn delete(&self, name: &str) -> Result<(), Failure> {
        self.0.call(ops::SECRET_DELETE, json!({"name": name})).map(drop)
    }
}

/// Text that nothing prints by accident.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for where it must be used.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
