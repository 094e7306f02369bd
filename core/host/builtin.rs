//! Units whose process runs the appliance's own code instead of a plugin's library: supervised, confined and
//! counted like a plugin, without a folder, a signature, tables or routes. Here is which there are, what
//! stands for their manifest, and the way from their process's start to the code that does their work.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use jackfield_abi::frame::Frame;
use jackfield_abi::ops::HostHello;
use jackfield_abi::{ABI, Sent};

use super::child::{Inside, Outside};
use super::gate::Gate;
use super::manifest::Manifest;
use super::policy::Pace;
use super::refusal::{Refusal, Rule};
use super::seal::{Sealed, seal};
use super::verify::{ABI_MAJOR, Verified};
use super::{Timing, child};
use crate::catalog::hooks::{SCRIPT_OPS, SCRIPTS, WORKBENCH};

/// The hidden verb of the command line that runs such a unit.
pub const VERB: &str = "script-host";

/// A unit of the appliance's own.
#[derive(Debug, PartialEq, Eq)]
pub struct Builtin {
    /// Its id, which no plugin may have.
    pub id: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// Operations it answers.
    pub ops: &'static [&'static str],
    /// Bound of its process's memory, in MiB.
    pub memory_mib: u32,
}

/// All of them.
pub const ALL: &[Builtin] = &[
    Builtin {
        id: SCRIPTS,
        summary: "Runs the site's own rules and checks",
        ops: SCRIPT_OPS,
        memory_mib: 1024,
    },
    Builtin {
        id: WORKBENCH,
        summary: "Tries rules and checks that are not published yet",
        ops: SCRIPT_OPS,
        memory_mib: 1024,
    },
];

/// Whether no plugin may have that id.
pub fn is_reserved(id: &str) -> bool {
    ALL.iter().any(|builtin| builtin.id == id)
}

impl Builtin {
    /// What stands for the files of a plugin. There is nothing to load, so there is nothing to distrust; the
    /// version stands for the library's hash, so that an upgrade clears the record of deaths.
    pub fn verified(&self, version: &str) -> Result<Verified, Refusal> {
        let nothing = File::open("/dev/null").and_then(|mut nothing| seal(&mut nothing));
        let nothing = nothing.map_err(|e| {
            Refusal::new(Rule::Missing, format!("an empty piece of memory cannot be made: {e}"))
        })?;
        let sealed = Sealed { code: nothing.code, sha256: format!("version {version}") };
        Ok(Verified { manifest: self.manifest(version), sealed, page: None, signed_by: None })
    }

    fn manifest(&self, version: &str) -> Manifest {
        Manifest {
            id: self.id.to_owned(),
            version: version.to_owned(),
            abi: ABI_MAJOR,
            library: String::new(),
            sha256: String::new(),
            summary: self.summary.to_owned(),
            services: vec!["log/1".to_owned()],
            ops: self.ops.iter().map(|op| (*op).to_owned()).collect(),
            events: Vec::new(),
            publishes: Vec::new(),
            net: Vec::new(),
            memory_mib: self.memory_mib,
            console: String::new(),
            console_sha256: String::new(),
            title: String::new(),
            serves: Vec::new(),
            routes: Vec::new(),
            rights: Vec::new(),
            jobs: Vec::new(),
            settings: Vec::new(),
            migrations: Vec::new(),
        }
    }
}

/// The times of supervision for such a unit, which answers while somebody dials.
pub fn timing(general: &Timing) -> Timing {
    let ms = Duration::from_millis;
    Timing {
        tick: general.tick.min(ms(200)),
        ping: general.ping.min(ms(1000)),
        stop: general.stop.min(ms(1000)),
        unanswered: general.unanswered.min(ms(1000)),
        ..*general
    }
}

/// When such a unit is started again: sooner than a plugin, because calls wait for its rules.
pub fn pace(general: &Pace) -> Pace {
    Pace { first_wait: general.first_wait.min(Duration::from_millis(200)), ..*general }
}

/// How the code of such a unit sends; never waits.
pub type Send = Arc<dyn Fn(&Frame) -> Sent + std::marker::Send + Sync>;

/// Runs the process of such a unit to its end. `start` is called once the process is confined; what it gives
/// takes the messages.
pub fn run<I: Inside + 'static>(start: impl FnOnce(Send, &HostHello) -> Result<I, String>) -> ! {
    child::run_with(|_, order| {
        let id = order.id.clone().unwrap_or_default();
        let begin = move |gate: &'static Gate, hello: &HostHello| {
            let send: Send = Arc::new(|frame| gate.take(frame.kind as u32, frame.id, &frame.bytes));
            match start(send, hello) {
                Ok(inside) => Some(Box::new(inside) as Box<dyn Inside>),
                Err(cause) => {
                    gate.note(&cause);
                    None
                }
            }
        };
        Ok(Outside { id, abi: ABI, begin })
    })
}
