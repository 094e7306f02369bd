//! Puts a recorded change back, by the same rules as a new one. Secrets stay as they are, with the days on which
//! they end: the old ones are not kept.

use jackfield_sdk::{Document, Problem, Tx, Undo, Value, form, json};

use crate::setup::{self, Setup};
use crate::{TENANT, Teams, users};

impl Teams {
    pub(crate) fn put_back(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        if undo.kind == users::KIND {
            return self.put_user_back(undo, tx);
        }
        let (now, today) = self.setup()?;
        let body = body(undo, &now);
        let back = form::read(&body, |form| setup::read(form, &now.value.secrets, &now.now, today))?.setup;
        TENANT.put_back(undo, tx, &now, back)
    }
}

/// As it was, but for the secrets' days; before the first change it was as it comes.
fn body(undo: &Undo, now: &Document<Setup>) -> Value {
    let mut body = if undo.before.is_null() { json!(Setup::default()) } else { undo.before.clone() };
    body["client_secret_expires"] = json!(now.value.client_secret_expires);
    body["certificate_expires"] = json!(now.value.certificate_expires);
    body
}
