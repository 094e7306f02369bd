//! `teams`: the set-up of the tenant.

use jackfield_sdk::jiff::civil::Date;
use jackfield_sdk::{Call, Document, Outcome};
use serde::Serialize;

use crate::setup::{self, Setup};
use crate::{TENANT, Teams, condition};

/// What is shown besides what was set.
#[derive(Serialize)]
struct More<'a> {
    state: &'static str,
    reason: &'a str,
    /// What to do at Microsoft's and in CloudLink's administration, in order (seed 003).
    steps: &'static [&'static str],
}

static NEW_APP: &[&str] = &[
    "As Azure administrator: register an application of your own tenant, and note its application (client) id.",
    "Give it a client secret or a certificate, and enter it here with the day on which it ends.",
    "Grant the permissions that teams/consent lists, as an administrator of the tenant.",
    "For bi-directional presence: add the redirect address and presence monitor users.",
    "As CloudLink administrator: add the Microsoft Teams integration to the customer's account.",
];

static EXISTING_APP: &[&str] = &[
    "Keep the application of uni-directional presence, and enter its id and credential here.",
    "As Azure administrator: add the redirect address, presence monitor users and the further permissions that \
     teams/consent lists.",
    "Consent again, as an administrator of the tenant.",
    "As CloudLink administrator: enable the presence feature in the existing integration.",
];

impl Teams {
    pub(crate) fn read_tenant(&self, _call: &Call<'_>) -> Outcome {
        let (document, today) = self.setup()?;
        shown(&document, today)
    }

    pub(crate) fn put_tenant(&self, call: &Call<'_>) -> Outcome {
        let _writing = self.writing();
        let (old, today) = self.setup()?;
        let wanted = call.form(|form| setup::read(form, &old.value.secrets, &old.now, today))?;
        call.must_match(&old.revision.to_string())?;
        let new = TENANT.change(&self.host, call, &old, wanted.setup, &wanted.moves)?;
        if !call.is_dry_run() && new.revision != old.revision {
            condition::of(&new.value, today).tell_after_change(&self.host);
        }
        shown(&new, today)
    }
}

fn shown(document: &Document<Setup>, today: Date) -> Outcome {
    let condition = condition::of(&document.value, today);
    let steps = if document.value.path == "existing_app" { EXISTING_APP } else { NEW_APP };
    document.reply(&More { state: condition.word, reason: &condition.reason, steps })
}
