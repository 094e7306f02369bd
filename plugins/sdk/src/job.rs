//! A job as its plugin sees it: what to do, and whom to tell how far it is.

use jackfield_abi::ops::{Code, Failure, JOB_PROGRESS};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::host::Host;
use crate::plugin::Request;

/// One run of a job.
pub struct Job<'a> {
    host: &'a Host,
    request: &'a Request,
    order: Order,
}

#[derive(Deserialize)]
struct Order {
    job: String,
    name: String,
    #[serde(default)]
    input: Value,
    #[serde(default)]
    who: String,
}

impl<'a> Job<'a> {
    pub(crate) fn new(host: &'a Host, request: &'a Request) -> Result<Self, Failure> {
        Ok(Self { host, request, order: request.args()? })
    }

    /// Which run this is.
    pub fn id(&self) -> &str {
        &self.order.job
    }

    /// Which of the manifest's jobs it is.
    pub fn name(&self) -> &str {
        &self.order.name
    }

    /// Who asked for it, as revisions name them.
    pub fn who(&self) -> &str {
        &self.order.who
    }

    /// What it was started with.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_path_to_error::deserialize(self.order.input.clone()).map_err(|e| {
            let text = format!("`{}` of the job's input cannot be used: {}", e.path(), e.inner());
            Failure::new(Code::BadRequest, text)
        })
    }

    /// Whether it should end early.
    pub fn is_cancelled(&self) -> bool {
        self.request.is_cancelled()
    }

    /// Tells how far it is; an error when it should end, so that `?` ends it.
    pub fn progress(&self, done: u64, total: u64, note: &str) -> Result<(), Failure> {
        let cancelled = || Failure::new(Code::Timeout, format!("the job was cancelled at {done} of {total}"));
        if self.is_cancelled() {
            return Err(cancelled());
        }
        let told = json!({"job": self.id(), "done": done, "total": total, "note": note});
        let answer = self.host.call(JOB_PROGRESS, told)?;
        if answer["cancelled"] == true { Err(cancelled()) } else { Ok(()) }
    }
}
