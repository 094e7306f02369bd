//! What a plugin asks of the appliance over its socket, and how it is answered: its own word on how it does at once,
//! everything else by the desk, if its manifest lists the service.

use std::sync::{Arc, PoisonError};

use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{self, Code, Failure};
use jackfield_abi::{Kind, Sent};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::link::{Link, Word};
use super::wire;

/// What a request of a plugin came to, as its answer is written.
pub type Written = Result<Box<RawValue>, Failure>;

/// An [`ops::Request`] whose arguments are as they came: who does the operation reads them.
#[derive(Debug, Deserialize)]
pub struct Asked {
    /// Operation.
    pub op: String,
    #[serde(default)]
    args: Option<Box<RawValue>>,
}

impl Asked {
    /// Its arguments.
    pub fn args(&self) -> &RawValue {
        self.args.as_deref().unwrap_or(RawValue::NULL)
    }
}

/// Whether a write notes revisions.
#[derive(Deserialize)]
struct Noting {
    #[serde(default)]
    revisions: Vec<IgnoredAny>,
}

impl Link {
    /// Answers a request of the plugin's. Whether it kept to the treaty.
    pub(super) fn asked(self: &Arc<Self>, frame: &Frame) -> bool {
        let (id, link) = (frame.id, Arc::downgrade(self));
        let Ok(request) = wire::content::<Asked>(frame) else {
            let failure =
                Failure::new(Code::BadRequest, "the request is not the JSON that the treaty describes");
            self.outbox.push(&wire::frame(Kind::Error, id, &failure));
            return false;
        };
        if request.op == ops::STATE_REPORT {
            self.reply(id, wire::arguments(request.args()).and_then(|args| self.take_word(&args)));
            return true;
        }
        if let Err(failure) = self.judge(&request) {
            self.reply(id, Err(failure));
            return true;
        }
        self.desk.serve(request, move |outcome| {
            if let Some(link) = link.upgrade() {
                link.reply(id, outcome);
            }
        });
        true
    }

    /// A manifest's services are what its reader was told that the plugin does; nothing else is done for it.
    fn judge(&self, request: &Asked) -> Result<(), Failure> {
        let noting = |args: &RawValue| serde_json::from_str::<Noting>(args.get());
        let notes =
            request.op == ops::DB_TX && noting(request.args()).is_ok_and(|asked| !asked.revisions.is_empty());
        let noting = notes.then_some(ops::REVISION_NOTE);
        let missing = |op: &&str| {
            ops::service_of(op).filter(|service| !self.granted.iter().any(|granted| granted == service))
        };
        let ops = [Some(request.op.as_str()), noting];
        let Some(service) = ops.iter().flatten().find_map(missing) else { return Ok(()) };
        let text = format!(
            "{} needs the service {service}, which the manifest of {} does not list; add it to services",
            request.op, self.desk.plugin
        );
        Err(Failure::new(Code::Denied, text))
    }

    fn take_word(&self, args: &Value) -> Written {
        let reason = args["reason"].as_str().unwrap_or_default().to_owned();
        let word = match args["state"].as_str() {
            Some("up" | "ok") => Word::Well,
            Some("degraded") => Word::Degraded(reason),
            _ => return Err(Failure::new(Code::BadRequest, "state must be up or degraded")),
        };
        *self.word.lock().unwrap_or_else(PoisonError::into_inner) = word;
        wire::written(&json!({}))
    }

    fn reply(&self, id: u64, outcome: Written) {
        let frame = match &outcome {
            Ok(written) => Frame::new(Kind::Reply, id, written.get()),
            Err(failure) => wire::frame(Kind::Error, id, failure),
        };
        if self.outbox.push_due(&frame) == Sent::TooBig {
            let failure = Failure::new(Code::BadRequest, "the answer is over 1 MiB; ask for less at a time");
            self.outbox.push_due(&wire::frame(Kind::Error, id, &failure));
        }
    }
}
