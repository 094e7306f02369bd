//! How a plugin does, in one place: what its API answers, what the supervisor is told and what the doctor
//! finds are the same fact.

use std::borrow::Cow;

use jackfield_abi::ops::{Failure, Finding};

use crate::host::{Host, State};

/// How the plugin does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `state` in the API.
    pub word: &'static str,
    /// The same in words, `reason` in the API.
    pub reason: Cow<'static, str>,
    /// For the supervisor.
    pub state: State,
    /// For the doctor: `ok`, `unknown`, `warning` or `problem`.
    pub finding: &'static str,
    /// What to do; empty: nothing.
    pub advice: Cow<'static, str>,
}

impl Condition {
    /// Tells the supervisor and puts up the doctor's finding `connection`.
    pub fn tell(&self, host: &Host) -> Result<(), Failure> {
        host.report(self.state, &self.reason)?;
        host.finding(&self.finding("connection"))
    }

    /// The same after a change, which is durable by then: a host that does not listen must not make the
    /// request fail.
    pub fn tell_after_change(&self, host: &Host) {
        if let Err(failure) = self.tell(host) {
            log::warn!("the configuration was changed, but the new state could not be reported: {failure}");
        }
    }

    /// The same as a finding of the doctor's.
    pub fn finding(&self, name: &str) -> Finding {
        Finding {
            name: name.to_owned(),
            state: self.finding.to_owned(),
            detail: self.reason.to_string(),
            advice: self.advice.to_string(),
        }
    }
}
