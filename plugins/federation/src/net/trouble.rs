//! Why a partner is not reached, and what to do: told in links and by the test of a server.

use serde::Serialize;

/// The way to a partner, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Its hosts are found.
    Dns,
    /// One of them takes a connection.
    Tcp,
    /// TLS begins.
    Tls,
    /// Its certificate is what the policy asks for.
    Certificate,
    /// It speaks XMPP.
    Stream,
    /// It believes who we are.
    Authentication,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Dns, Self::Tcp, Self::Tls, Self::Certificate, Self::Stream, Self::Authentication];
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Where.
    pub step: Step,
    /// A sentence.
    pub detail: String,
    /// What to do.
    pub advice: &'static str,
    /// Whether trying again soon makes no sense: DNS has said no.
    pub is_final: bool,
}

impl Trouble {
    /// With everything.
    pub fn new(step: Step, detail: impl Into<String>, advice: &'static str) -> Self {
        Self { step, detail: detail.into(), advice, is_final: false }
    }

    /// The same where trying again soon makes no sense.
    #[must_use]
    pub fn for_good(self) -> Self {
        Self { is_final: true, ..self }
    }
}
