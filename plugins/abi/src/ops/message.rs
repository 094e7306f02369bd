//! Chat messages that the appliance keeps: `message.accept` and its kin.

use serde::{Deserialize, Serialize};

use super::Failure;

/// A chat message to be stored. Addresses are bare (`node@domain`); an account's is its login id, escaped as in
/// XEP-0106, at its enterprise's domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// Address of who wrote it.
    pub from: String,
    /// Address of who shall get it.
    pub to: String,
    /// The text; at most 32 KiB.
    pub body: String,
    /// Id that the sender's side gave it: sent again under the same one, it is stored once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_id: Option<String>,
    /// What else the plugin wants back with it, such as a subject, in words of its own; at most 16 KiB. The appliance does
    /// not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
}

/// The answer to [`NewMessage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAccepted {
    /// Id of the stored message.
    pub id: String,
    /// When it was stored first, RFC 3339 in UTC.
    #[serde(default)]
    pub at: String,
    /// Whether it had been stored before.
    pub duplicate: bool,
}

/// The answer to several messages, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesAccepted {
    /// What came of each.
    pub accepted: Vec<MessageTaken>,
}

/// What came of one of several messages: a [`MessageAccepted`], or a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageTaken {
    /// As in [`MessageAccepted`]; empty: it was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// As in [`MessageAccepted`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// As in [`MessageAccepted`].
    #[serde(default)]
    pub duplicate: bool,
    /// Why it was refused; none: it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Which messages that wait; exactly one of the first four.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePending {
    /// Those for this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Those for this address; where it is an account's, those for the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Those for any address of this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Those for addresses that are no account's here, whatever their domain.
    #[serde(default)]
    pub elsewhere: bool,
    /// Only those after this cursor.
    #[serde(default)]
    pub after: i64,
    /// Most messages, at most 100.
    #[serde(default = "default_messages")]
    pub limit: usize,
}

/// Which conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHistory {
    /// One of the two addresses.
    pub of: String,
    /// The other one.
    pub with: String,
    /// Only those before this cursor; none: from the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Most messages, at most 100.
    #[serde(default = "default_messages")]
    pub limit: usize,
}

/// Which part of a person's archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSearch {
    /// Address of the account.
    pub of: String,
    /// Only those from or to this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Only those stored at this time or later, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Only those stored at this time or earlier, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The first ones after the message of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The last ones before the message of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The last ones of all, instead of the first.
    #[serde(default)]
    pub last: bool,
    /// Most messages, at most 100; fewer come when their texts are long.
    #[serde(default = "default_messages")]
    pub limit: usize,
}

/// Part of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesFound {
    /// In the order of time.
    pub messages: Vec<Message>,
    /// Whether there are no more in the direction that was asked for.
    pub complete: bool,
    /// How many there are in all, whatever the part; none: more than 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

fn default_messages() -> usize {
    50
}

/// Some messages, and where the next begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// In order.
    pub messages: Vec<Message>,
    /// Cursor of the next part; none: this is the last.
    pub next: Option<i64>,
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Id.
    pub id: String,
    /// Address of who wrote it.
    pub from: String,
    /// Address of who gets it.
    pub to: String,
    /// The text.
    pub body: String,
    /// When it was stored, RFC 3339 in UTC.
    pub at: String,
    /// `in` from elsewhere, `out` to elsewhere, `local` between accounts of the appliance.
    pub direction: String,
    /// When it arrived; none: it waits, or has failed.
    pub delivered_at: Option<String>,
    /// When it was clear that it will not arrive; none: it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<String>,
    /// Why it did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Id that the sender's side gave it.
    #[serde(default)]
    pub origin_id: Option<String>,
    /// As in [`NewMessage`]; none: it came without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
}
