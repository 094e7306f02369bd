//! Why a directory is not reached or not read, and what to do: told by the test of a synchronizer and by runs.

use serde::Serialize;

/// The way to a directory's people, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Its host has addresses.
    Resolve,
    /// One of them takes a connection.
    Connect,
    /// TLS begins, and the certificate is its own and trusted.
    Tls,
    /// It lets us in.
    Bind,
    /// The place where the search begins is there.
    Base,
    /// The filter finds entries.
    Filter,
    /// Entries become people.
    Sample,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 7] =
        [Self::Resolve, Self::Connect, Self::Tls, Self::Bind, Self::Base, Self::Filter, Self::Sample];
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Where.
    pub step: Step,
    /// What was tried and what was wrong, without a full stop.
    pub detail: String,
    /// What to do; empty: nothing can be said.
    pub advice: &'static str,
    /// Whether somebody told us to end.
    pub is_cancelled: bool,
}

impl Trouble {
    /// With everything.
    pub fn new(step: Step, detail: impl Into<String>, advice: &'static str) -> Self {
        Self { step, detail: detail.into(), advice, is_cancelled: false }
    }

    /// Somebody told us to end.
    pub fn cancelled(step: Step) -> Self {
        Self { is_cancelled: true, ..Self::new(step, "it was cancelled", "") }
    }

    /// The same at another step.
    pub fn at(self, step: Step) -> Self {
        Self { step, ..self }
    }

    /// In one sentence.
    pub fn sentence(&self) -> String {
        if self.advice.is_empty() { self.detail.clone() } else { format!("{}. {}", self.detail, self.advice) }
    }
}
