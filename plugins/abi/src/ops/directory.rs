//! What a synchronization writes: the accounts of an enterprise or the contacts of a peer, as a directory or a sister
//! appliance has them. One run is opened, told all (or what is new), and closed; until then nothing is changed.

use serde::{Deserialize, Serialize};

/// Most bytes of a photo: what an Active Directory lets its `thumbnailPhoto` have (its schema, `rangeUpper`). In base64
/// it passes the usual bounds of XMPP servers on a stanza, 256 KiB.
pub const PHOTO_BYTES: usize = 102_400;

/// Begins a run. One at a time of each synchronizer; one that is silent for ten minutes is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryOpen {
    /// Whose run it is.
    pub owner: DirectoryOwner,
    /// Enterprise that the accounts or contacts belong to.
    pub enterprise: String,
    /// Peer whose contacts they are; none: they are accounts of the enterprise.
    #[serde(default)]
    pub peer: Option<String>,
    /// Who started it, as revisions name them.
    pub who: String,
    /// Whether to say what would be done, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether somebody has said that an empty answer, or many removals, are meant.
    #[serde(default)]
    pub confirm: bool,
    /// Share of what is there, in percent, beyond which removals must be confirmed.
    #[serde(default = "default_share")]
    pub removal_share: u8,
    /// Days for which a removed one is kept hidden; 0: it is deleted at once.
    #[serde(default = "default_days")]
    pub grace_days: u16,
    /// Whether everything will be told, so that what is not told is gone; false: what is new and what is gone.
    #[serde(default = "yes")]
    pub full: bool,
    /// Whether new accounts are put into use; contacts never are.
    #[serde(default = "yes")]
    pub deploy: bool,
    /// Profile of new accounts; none: the Default User Profile.
    #[serde(default)]
    pub profile: Option<String>,
}

/// Whose a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryOwner {
    /// Id of the synchronizer, the plugin's own: 1 to 120 ASCII letters, digits and `/ . _ -`, such as `peer/peer-1a2b`.
    /// The appliance puts the plugin's id and a slash before it.
    pub synchronizer: String,
}

fn default_share() -> u8 {
    20
}

fn default_days() -> u16 {
    30
}

fn yes() -> bool {
    true
}

/// The answer to [`DirectoryOpen`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryOpened {
    /// Names the run in what follows.
    pub run: String,
}

/// Tells entries of a run, at most 500.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryPut {
    /// Which run.
    pub run: String,
    /// Entries.
    pub entries: Vec<DirectoryEntry>,
}

/// A person as the source has them. A field that is left out keeps what is there; an empty text clears it. The rules of
/// the fields are those of accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// The source's own stable key, such as objectGUID in hex; 1 to 256 characters.
    pub key: String,
    /// What tells one version of the entry from the next; 1 to 128 characters. With the same key and hash nothing is
    /// compared and nothing written.
    pub hash: String,
    /// Login ID; needed.
    #[serde(default)]
    pub login_id: String,
    /// Last name; needed.
    #[serde(default)]
    pub last_name: String,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// Folder below the top, or below the peer's, such as `Sales/Paris`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// PBX node by name or id, of an account; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pbx_node: Option<String>,
    /// XMPP address of a contact, where it is not the login at the peer's domain; empty: it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Photo: base64 (RFC 4648 section 4) of a JPEG or PNG of at most [`PHOTO_BYTES`]. One that is wrong is refused by
    /// itself: all else is taken, the photo that is there stays, and the entry counts as new when it is told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<String>,
}

/// The answer to [`DirectoryPut`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryTaken {
    /// How many were known in this version already.
    pub unchanged: u64,
    /// What was not taken; all else was. One that is there already stays as it is.
    pub refused: Vec<DirectoryRefused>,
}

/// Why an entry is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryRefused {
    /// Key of the entry.
    pub key: String,
    /// Field that is wrong.
    pub field: String,
    /// The rule and the value, for people.
    pub detail: String,
}

/// Tells what is gone from the source, in a run that is not full; at most 5,000 keys. Those that are not known are no
/// error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryGone {
    /// Which run.
    pub run: String,
    /// Keys.
    pub keys: Vec<String>,
}

/// The answer to `directory.since`: accounts that were made, changed or deleted, for a plugin that follows them. Contacts
/// of peers are not among them, as long as they are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryNews {
    /// Ids, each once.
    pub accounts: Vec<String>,
    /// What to ask for next; opaque, and good until the appliance is started anew.
    pub next: String,
    /// Whether there is more already.
    pub more: bool,
}

/// How the source was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryOutcome {
    /// To its end.
    Complete,
    /// Not to its end: nothing is changed, whoever confirms it.
    Failed,
}

/// Ends a run: everything that was told is done as one change, or nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryClose {
    /// Which run.
    pub run: String,
    /// How the source was read.
    pub outcome: DirectoryOutcome,
    /// What went wrong, for people.
    #[serde(default)]
    pub detail: String,
}

/// The answer to [`DirectoryClose`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryClosed {
    /// New ones.
    pub adds: u64,
    /// Those that became different, or are back.
    pub changes: u64,
    /// Those that are gone.
    pub removals: u64,
    /// Entries that were not taken.
    pub refused: u64,
    /// Those that were already so.
    pub unchanged: u64,
    /// Why nothing was changed; none: it was, unless it is a dry run.
    pub held: Option<DirectoryHeld>,
    /// The one revision of all changes; none: nothing was changed.
    pub revision: Option<i64>,
    /// The first thousand entries that were not taken.
    #[serde(default)]
    pub refusals: Vec<DirectoryRefused>,
    /// Of a dry run, and of a run that was held: whom it would add, change and remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<DirectoryList>,
}

/// Why a run changed nothing. The same is in the view `core_directory_questions` until a run goes through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryHeld {
    /// `failed`, `empty` or `removals`; the last two can be confirmed.
    pub reason: String,
    /// The same in a sentence, with what to do.
    pub what: String,
}

/// The first of each, at most a thousand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryList {
    /// New ones.
    pub adds: Vec<DirectoryPerson>,
    /// Those that become different.
    pub changes: Vec<DirectoryPerson>,
    /// Those that go.
    pub removals: Vec<DirectoryPerson>,
}

/// Somebody in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryPerson {
    /// The source's key.
    pub key: String,
    /// Login ID.
    pub login_id: String,
    /// First and last name.
    pub name: String,
}

/// Deletes everything that a synchronizer has brought, because it is deleted itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryForget {
    /// Whose.
    pub owner: DirectoryOwner,
    /// Who deletes it, as revisions name them.
    pub who: String,
    /// Whether to say how many there are, and delete nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// The answer to [`DirectoryForget`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryForgotten {
    /// How many were deleted.
    pub removals: u64,
    /// The one revision; none: there was nothing.
    pub revision: Option<i64>,
}

/// What a peer said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerDomain {
    /// Id of the peer.
    pub peer: String,
    /// Domain that its people's addresses end in.
    pub domain: String,
    /// Version of its software, as far as it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}
