//! `cloudlink/daemon`: a second connection, separate from the integration's, that reports this server's
//! inventory and contract and opens tunnels to manage it from outside (seed 004 chapter 5). Both must use the
//! same account. The daemon's protocol is not documented publicly; the tunnels' names and the time after which
//! they stop by themselves are proposals of this product.

use jackfield_sdk::form::Form;
use jackfield_sdk::{Call, Document, FieldError, Outcome, Problem};
use serde::{Deserialize, Serialize};

use crate::setup::{Setup, account_number};
use crate::{CloudLink, DAEMON, condition};

/// Hours after which a tunnel stops by itself.
const AUTO_STOP: i64 = 8;
const LONGEST: i64 = 24;

/// Interfaces that a tunnel can lead to (seed 004 chapter 5).
static INTERFACES: &[(&str, &str)] =
    &[("msl", "MSL Server Manager"), ("micollab", "MiCollab administration"), ("mbg", "MBG administration")];

/// The daemon's set-up as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Daemon {
    /// Whether it shall connect.
    pub enabled: bool,
    /// Number of the account; empty: the integration's.
    pub account_number: String,
    /// Hours after which a tunnel stops by itself.
    pub auto_stop_hours: i64,
}

impl Default for Daemon {
    fn default() -> Self {
        Self { enabled: false, account_number: String::new(), auto_stop_hours: AUTO_STOP }
    }
}

#[derive(Serialize)]
struct More<'a> {
    state: &'static str,
    reason: &'a str,
    /// Number that the connection would use.
    account: &'a str,
    tunnels: Vec<Tunnel>,
}

#[derive(Serialize)]
struct Tunnel {
    name: &'static str,
    interface: &'static str,
    state: &'static str,
    reason: &'static str,
}

impl CloudLink {
    pub(crate) fn read_daemon(&self, _call: &Call<'_>) -> Outcome {
        shown(&DAEMON.read(&self.host)?, &self.setup()?)
    }

    pub(crate) fn put_daemon(&self, call: &Call<'_>) -> Outcome {
        let wanted = call.form(read)?;
        let _writing = self.writing();
        let old: Document<Daemon> = DAEMON.read(&self.host)?;
        call.must_match(&old.revision.to_string())?;
        let setup = self.setup()?;
        refuse_other_account(&wanted.account_number, "the integration's", &setup.account_number)?;
        let new = DAEMON.change(&self.host, call, &old, wanted, &[])?;
        if !call.is_dry_run() && new.revision != old.revision {
            self.tell_after_change();
        }
        shown(&new, &setup)
    }
}

/// A body of PUT.
pub fn read(form: &mut Form<'_>) -> Option<Daemon> {
    form.ignore(&["state", "reason", "account", "tunnels", "revision", "changed_at"]);
    let enabled = form.field("enabled").flag().required();
    let account_number = account_number(form);
    let auto_stop_hours = form.field("auto_stop_hours").whole(1..=LONGEST).or(AUTO_STOP);
    Some(Daemon { enabled: enabled?, account_number: account_number?, auto_stop_hours: auto_stop_hours? })
}

/// Both connections must use one account (seed 004 chapter 5).
pub fn refuse_other_account(wanted: &str, whose: &str, other: &str) -> Result<(), Problem> {
    if wanted.is_empty() || other.is_empty() || wanted == other {
        return Ok(());
    }
    let detail = format!(
        "account_number must be {whose} ({other}) or empty, because both connections need the same account; \
         {wanted:?} is not. To change it, empty the other one first"
    );
    Err(Problem::invalid(vec![FieldError { pointer: "/account_number".to_owned(), detail }]))
}

fn shown(document: &Document<Daemon>, setup: &Setup) -> Outcome {
    let condition = condition::of_daemon(&document.value);
    let own = document.value.account_number.as_str();
    let tunnel = |&(name, interface)| Tunnel {
        name,
        interface,
        state: "stopped",
        reason: "the daemon is not connected",
    };
    document.reply(&More {
        state: condition.word,
        reason: &condition.reason,
        account: if own.is_empty() { &setup.account_number } else { own },
        tunnels: INTERFACES.iter().map(tunnel).collect(),
    })
}
