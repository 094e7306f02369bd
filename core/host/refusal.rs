//! Why a plugin is not run at all. A refusal is for good: nothing is tried again until the files change or an
//! operator asks. What may pass by itself is not a refusal but an end of the process, with a back-off.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which rule was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A file that must be there is not, or cannot be read.
    Missing,
    /// A link, a device or a folder where a plain file must be.
    FileKind,
    /// A file or folder belongs to somebody else.
    Owner,
    /// Others than the owner may write to a file or folder.
    Mode,
    /// There is no signature.
    Unsigned,
    /// There is no key to check a signature with.
    NoKey,
    /// The signature is not by any of the keys.
    Signature,
    /// The manifest is wrong.
    Manifest,
    /// The library is not the one that the manifest names.
    Hash,
    /// Built for another major version of the treaty.
    Abi,
    /// Needs a service that this appliance does not have.
    Service,
    /// The file cannot be loaded as a library.
    NotALibrary,
    /// The library says it is another plugin.
    Identity,
    /// What it needs of the appliance could not be made ready.
    Preparation,
    /// A route of it is another plugin's.
    Claim,
    /// The process could not be confined.
    Confinement,
}

/// One refusal: the rule and a sentence that says what was seen and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The broken rule.
    pub rule: Rule,
    /// What was tried, what was wrong, what to do next.
    pub sentence: String,
}

impl Refusal {
    /// A refusal by that rule.
    pub fn new(rule: Rule, sentence: impl Into<String>) -> Self {
        Self { rule, sentence: sentence.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Refusal {}
