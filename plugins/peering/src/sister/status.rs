//! The words of a peer's status: each tells a cause apart from the others, so that somebody knows what to do.

use serde::{Deserialize, Serialize};

use super::frame::{Reason, Refuse};

/// How a peer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// There is no trust yet, or no attempt has ended.
    NeverConnected,
    /// The link stands.
    Connected,
    /// The link stands, and the directory is being brought.
    Syncing,
    /// No connection comes about.
    Unreachable,
    /// The certificate over there has another key or name.
    CertificateMismatch,
    /// The other side does not take us.
    NotTrusted,
    /// There is no protocol in common.
    VersionTooOld,
    /// The other side has no such enterprise.
    EnterpriseNotFound,
    /// Nothing is to be connected.
    Disabled,
    /// This kind of deployment has no peering (seed 002).
    NotSupported,
}

impl Word {
    /// As the API has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeverConnected => "never_connected",
            Self::Connected => "connected",
            Self::Syncing => "syncing",
            Self::Unreachable => "unreachable",
            Self::CertificateMismatch => "certificate_mismatch",
            Self::NotTrusted => "not_trusted",
            Self::VersionTooOld => "version_too_old",
            Self::EnterpriseNotFound => "enterprise_not_found",
            Self::Disabled => "disabled",
            Self::NotSupported => "not_supported",
        }
    }

    /// What somebody can do about it; empty: nothing is to be done.
    pub fn advice(self) -> &'static str {
        match self {
            Self::NeverConnected => {
                "Invite the other appliance, or accept its invitation, for the two enterprises."
            }
            Self::Unreachable => {
                "Look whether the other appliance runs, whether its name leads to it, and whether firewalls let the \
                 port through."
            }
            Self::CertificateMismatch => {
                "Compare both certificates. If the appliance over there was really made anew or renamed, correct the \
                 hostname here, or have it invite this one again."
            }
            Self::NotTrusted => {
                "Have the other side invite this appliance again, for these two enterprises; or delete the peer here."
            }
            Self::VersionTooOld => "Bring the older one of the two appliances to a newer version.",
            Self::EnterpriseNotFound => {
                "Correct the peer enterprise ID: choose it from the other side's list."
            }
            Self::NotSupported => "Delete the peers, or correct the setting site.deployment.",
            Self::Connected | Self::Syncing | Self::Disabled => "",
        }
    }
}

/// Why there is no link, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The word.
    pub word: Word,
    /// In words.
    pub detail: String,
    /// What should have been, where something was compared.
    #[serde(default)]
    pub expected: String,
    /// What was found instead.
    #[serde(default)]
    pub found: String,
}

impl Trouble {
    /// Without a comparison.
    pub fn new(word: Word, detail: impl Into<String>) -> Self {
        Self { word, detail: detail.into(), expected: String::new(), found: String::new() }
    }

    /// With one.
    pub fn compared(word: Word, detail: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (expected, found) = (expected.into(), found.into());
        Self { word, detail: format!("{detail}: expected {expected}, found {found}"), expected, found }
    }

    /// What a refusal of the other side means here.
    pub fn of(refuse: &Refuse) -> Self {
        let word = match refuse.code {
            Reason::NotTrusted | Reason::Invitation | Reason::Disabled => Word::NotTrusted,
            Reason::CertificateMismatch => Word::CertificateMismatch,
            Reason::EnterpriseNotFound => Word::EnterpriseNotFound,
            Reason::VersionTooOld => Word::VersionTooOld,
            Reason::Duplicate | Reason::Busy | Reason::BadFrame | Reason::Internal => Word::Unreachable,
        };
        let detail = format!("the other side says: {}", refuse.detail);
        Self { word, detail, expected: refuse.expected.clone(), found: refuse.found.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_written_as_it_is_named() {
        for word in [Word::NeverConnected, Word::CertificateMismatch, Word::EnterpriseNotFound, Word::Syncing]
        {
            assert_eq!(serde_json::to_value(word).unwrap(), word.name());
        }
    }

    #[test]
    fn a_comparison_shows_both_sides() {
        let trouble =
            Trouble::compared(Word::CertificateMismatch, "its certificate has another name", "a", "b");
        assert_eq!(trouble.detail, "its certificate has another name: expected a, found b");
    }
}
