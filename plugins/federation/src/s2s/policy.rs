//! Who may be talked to, and how sure of them one must be. Asked in both directions.

use serde::{Deserialize, Serialize};

/// What a partner must prove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// A certificate of its domain that is trusted.
    #[default]
    VerifiedTls,
    /// TLS with any certificate, and dialback (XEP-0220).
    TlsDialback,
    /// Dialback, also without TLS: anybody on the way reads and changes everything.
    PlainDialback,
}

impl Policy {
    /// Names as the API has them, the default first.
    pub const WORDS: [&'static str; 3] = ["verified_tls", "tls_dialback", "plain_dialback"];

    /// The one of that name.
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::VerifiedTls, Self::TlsDialback, Self::PlainDialback];
        Self::WORDS.iter().position(|known| *known == word).map(|at| all[at])
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// What the appliance knows of domains.
pub trait Rules {
    /// Whether it is the domain of an enterprise of ours.
    fn serves(&self, domain: &str) -> bool;
    /// Whether we say who we are as that domain: also as one that was ours a moment ago, to take leave.
    fn speaks_for(&self, domain: &str) -> bool {
        self.serves(domain)
    }
    /// What that domain must prove; none: it is not talked to.
    fn partner(&self, domain: &str) -> Option<Policy>;
}
