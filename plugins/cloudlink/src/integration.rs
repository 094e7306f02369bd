//! `cloudlink`: how the connection for users and chat is set up. The daemon has a connection of its own.

use jackfield_sdk::{Call, Document, Outcome, Problem};
use serde::Serialize;

use crate::addresses::{self, Address};
use crate::daemon::{Daemon, refuse_other_account};
use crate::setup::{self, Missing, Setup};
use crate::{CloudLink, DAEMON, INTEGRATION, condition};

/// What is shown besides what was set.
#[derive(Serialize)]
struct More<'a> {
    state: &'static str,
    reason: &'a str,
    missing: Vec<Missing>,
    addresses: Vec<Address>,
}

impl CloudLink {
    pub(crate) fn read_setup(&self, _call: &Call<'_>) -> Outcome {
        shown(&INTEGRATION.read(&self.host)?)
    }

    pub(crate) fn put_setup(&self, call: &Call<'_>) -> Outcome {
        let _writing = self.writing();
        let old: Document<Setup> = INTEGRATION.read(&self.host)?;
        let wanted = call.form(|form| setup::read(form, &old.value.secrets, &old.now))?;
        call.must_match(&old.revision.to_string())?;
        let daemon = DAEMON.read::<Daemon>(&self.host)?.value;
        refuse_other_account(&wanted.setup.account_number, "the daemon's", &daemon.account_number)?;
        let new = INTEGRATION.change(&self.host, call, &old, wanted.setup, &wanted.moves)?;
        if !call.is_dry_run() && new.revision != old.revision {
            self.tell_after_change();
        }
        shown(&new)
    }

    /// The set-up as it is now.
    pub(crate) fn setup(&self) -> Result<Setup, Problem> {
        Ok(INTEGRATION.read::<Setup>(&self.host)?.value)
    }
}

fn shown(document: &Document<Setup>) -> Outcome {
    let condition = condition::of(&document.value);
    let more = More {
        state: condition.word,
        reason: &condition.reason,
        missing: document.value.missing(),
        addresses: addresses::of(&document.value),
    };
    document.reply(&more)
}
