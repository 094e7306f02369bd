//! What is recorded of a plugin's changes, and how it is asked to put one back: `revision.note`, `revision.undo`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A change of configuration, as the audit shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// Kind of object, as in the API's paths.
    pub kind: String,
    /// Id of the object.
    pub object: String,
    /// Who changed it, from [`HttpRequest::who`].
    pub who: String,
    /// Before; null when it was made.
    #[serde(default)]
    pub before: Value,
    /// After; null when it was deleted.
    #[serde(default)]
    pub after: Value,
}

/// A revision that is recorded by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The change.
    #[serde(flatten)]
    pub revision: Revision,
    /// As in [`Statements::request`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request: String,
}

/// A recorded change that somebody wants to put back. Nothing has changed the object since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// Number of the revision.
    pub n: i64,
    /// As the plugin noted it.
    pub kind: String,
    /// As the plugin noted it.
    pub object: String,
    /// How the object shall be again; null: it shall not be.
    #[serde(default)]
    pub before: Value,
    /// How it is now; null: it is not.
    #[serde(default)]
    pub after: Value,
    /// Who wants it, as revisions name them.
    pub who: String,
    /// What the change did to each object, where it was noted as several revisions in one transaction; empty: it was
    /// one. Put back all of them, and note one revision for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<UndoPart>,
}

/// One object of a change of many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoPart {
    /// As the plugin noted it.
    pub kind: String,
    /// As the plugin noted it.
    pub object: String,
    /// How the object shall be again; null: it shall not be.
    #[serde(default)]
    pub before: Value,
    /// How it is now; null: it is not.
    #[serde(default)]
    pub after: Value,
}
