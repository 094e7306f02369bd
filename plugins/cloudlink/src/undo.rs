//! Puts a recorded change back, by the same rules as a new one. Secrets stay as they are, because the
//! old ones are not kept, or go with what they belong to.

use jackfield_sdk::{Document, Problem, Tx, Undo, Value, form, json};

use crate::daemon::{self, Daemon, refuse_other_account};
use crate::setup::{self, Setup};
use crate::{CloudLink, DAEMON, INTEGRATION};

impl CloudLink {
    pub(crate) fn put_back(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        let setup: Document<Setup> = INTEGRATION.read(&self.host)?;
        let daemon: Document<Daemon> = DAEMON.read(&self.host)?;
        if undo.kind == DAEMON.kind {
            let back = form::read(&body(undo, &Daemon::default()), daemon::read)?;
            refuse_other_account(&back.account_number, "the integration's", &setup.value.account_number)?;
            return DAEMON.put_back(undo, tx, &daemon, back);
        }
        let mut body = body(undo, &Setup::default());
        forget_needless(&mut body);
        let back = form::read(&body, |form| setup::read(form, &setup.value.secrets, &setup.now))?.setup;
        refuse_other_account(&back.account_number, "the daemon's", &daemon.value.account_number)?;
        INTEGRATION.put_back(undo, tx, &setup, back)
    }
}

/// A secret stays as it is, unless what it belongs to is put back to nothing.
fn forget_needless(body: &mut Value) {
    let is_empty = |value: &Value| value.as_str().unwrap_or_default().is_empty();
    if is_empty(&body["proxy"]["user"]) {
        body["proxy_password"] = Value::Null;
    }
    if is_empty(&body["client_id"]) {
        body["client_secret"] = Value::Null;
    }
}

/// As it was; before the first change it was as it comes.
fn body(undo: &Undo, usual: &impl serde::Serialize) -> Value {
    if undo.before.is_null() { json!(usual) } else { undo.before.clone() }
}
