//! What the appliance tells the rest of itself after a change is durable. Names are `noun.past`; the
//! payload says which object, never the object itself, so that rights are checked where it is read.

/// One kind of event.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// `noun.past`.
    pub name: &'static str,
    /// What happened.
    pub help: &'static str,
}

macro_rules! events {
    ($($name:ident $text:literal $help:literal;)*) => {
        $(#[doc = $help] pub const $name: &Event = &Event { name: $text, help: $help };)*
        /// Every declared event.
        pub const ALL: &[&Event] = &[$($name),*];
    };
}

events! {
    ENTERPRISE_CHANGED "enterprise.changed" "An enterprise was made, changed or deleted";
    NODE_CHANGED "pbx_node.changed" "A PBX node was made, changed or deleted";
    ACCOUNT_CHANGED "account.changed" "An account was made, changed or deleted";
    ACCOUNTS_CHANGED "accounts.changed" "Many accounts were made, changed or deleted at once; the object is the revision";
    PROFILE_CHANGED "profile.changed" "A user profile was made, changed or deleted";
    TRUSTED_SERVER_CHANGED "trusted_server.changed" "A trusted server was made, changed or deleted";
    SCHEDULE_CHANGED "schedule.changed" "A schedule was made, changed or deleted";
    PEER_CHANGED "peer.changed" "A peer was made, changed or deleted";
    SETTINGS_CHANGED "settings.changed" "A setting has a new value";
    HOOK_CHANGED "hook.changed" "A script was put, published, rolled back or deleted, or another version of it serves";
    ADMIN_CHANGED "admin.changed" "An administrator was made, changed or deleted";
    CHECK_CHANGED "check.changed" "A check is in another state";
    TOKEN_CHANGED "token.changed" "An API token was made or revoked";
}
