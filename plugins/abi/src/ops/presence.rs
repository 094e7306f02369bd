//! What people are doing: `presence.publish`, `presence.get`, `presence.govern`.

use serde::{Deserialize, Serialize};

/// What one source says of several accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresencePublish {
    /// `manual`, `xmpp`, `telephony`, `teams`, `cloudlink` or `calendar`.
    pub source: String,
    /// In order.
    pub changes: Vec<PresenceChange>,
}

/// What a source says of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChange {
    /// Id of the account.
    pub account: String,
    /// `available`, `busy`, `in_call`, `in_meeting`, `do_not_disturb`, `away`, `be_right_back`, `out_of_office`,
    /// `offline` or `unknown`; none takes back what the source said.
    pub state: Option<String>,
    /// Words that go with it; at most 256 characters on one line.
    #[serde(default)]
    pub note: String,
    /// Seconds after which it is over unless it is said again; none: a day, and for `manual` never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// The answer to [`PresencePublish`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresencePublished {
    /// What was not taken; all else was.
    pub refused: Vec<PresenceRefused>,
}

/// A change that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceRefused {
    /// Id of the account.
    pub account: String,
    /// Why, for people.
    pub detail: String,
}

/// Whose presence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceGet {
    /// Ids of accounts.
    pub accounts: Vec<String>,
    /// A source that is left out: what is told to a world must not come from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<String>,
}

/// The answer to [`PresenceGet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceFound {
    /// In the order asked; accounts that are not there are left out.
    pub presence: Vec<Presence>,
}

/// What an account is doing, as far as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Id of the account.
    pub account: String,
    /// As in [`PresenceChange`].
    pub state: String,
    /// Words that go with it.
    #[serde(default)]
    pub note: String,
    /// Who says so; none: nobody.
    #[serde(default)]
    pub source: Option<String>,
    /// Since when, RFC 3339 in UTC.
    #[serde(default)]
    pub since: Option<String>,
    /// Seconds since the source last said so.
    #[serde(default)]
    pub age_seconds: Option<u64>,
    /// Why this is shown, for people.
    #[serde(default)]
    pub reason: String,
}

/// Switches Teams on or off for accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceGovern {
    /// Ids of accounts.
    pub accounts: Vec<String>,
    /// Whether it is on.
    pub on: bool,
    /// Seconds for which it stays on unless it is said again; none: an hour. So a plugin that is gone governs
    /// nobody for long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<u64>,
}
