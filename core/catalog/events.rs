//! What the appliance tells the rest of itself after a change is durable. Names are `noun.past`; the
//! payload says which object, never the object itself, so that rights are checked where it is read.

use super::rights::{
    ACCOUNTS_READ, ADMINS_READ, CHECKS_READ, ENTERPRISES_READ, HOOKS_READ, MESSAGES_READ, NODES_READ,
    PEERS_READ, PLUGINS_READ, PRESENCE_READ, PROFILES_READ, Right, SCHEDULES_READ, SETTINGS_READ,
    TOKENS_READ, TRUSTED_SERVERS_READ,
};

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
    DIRECTORY_CHANGED "directory.changed" "A synchronization has changed an enterprise's accounts or a peer's contacts; the object is the enterprise or the peer";
    PROFILE_CHANGED "profile.changed" "A user profile was made, changed or deleted";
    TRUSTED_SERVER_CHANGED "trusted_server.changed" "A trusted server was made, changed or deleted";
    SCHEDULE_CHANGED "schedule.changed" "A schedule was made, changed or deleted";
    PEER_CHANGED "peer.changed" "A peer was made, changed or deleted";
    PRESENCE_CHANGED "presence.changed" "What is shown of an account's presence is another";
    MESSAGE_SENT "message.sent" "A message of an account is stored for its way; the object is the account";
    MESSAGE_RECEIVED "message.received" "A message for an account is stored; the object is the account";
    SETTINGS_CHANGED "settings.changed" "A setting has a new value";
    HOOK_CHANGED "hook.changed" "A script was put, published, rolled back or deleted, or another version of it serves";
    PLUGIN_CHANGED "plugin.changed" "A plugin was switched off or on";
    ADMIN_CHANGED "admin.changed" "An administrator was made, changed or deleted";
    CHECK_CHANGED "check.changed" "A check is in another state";
    TOKEN_CHANGED "token.changed" "An API token was made or revoked";
}

/// The right without which one of the appliance's own events is not told; none: it is not one of these.
pub fn right(name: &str) -> Option<&'static Right> {
    let found = READERS.iter().find(|(event, _)| event.name == name);
    found.map(|(_, right)| *right)
}

const READERS: &[(&Event, &Right)] = &[
    (ENTERPRISE_CHANGED, ENTERPRISES_READ),
    (NODE_CHANGED, NODES_READ),
    (ACCOUNT_CHANGED, ACCOUNTS_READ),
    (ACCOUNTS_CHANGED, ACCOUNTS_READ),
    (DIRECTORY_CHANGED, ACCOUNTS_READ),
    (PROFILE_CHANGED, PROFILES_READ),
    (TRUSTED_SERVER_CHANGED, TRUSTED_SERVERS_READ),
    (SCHEDULE_CHANGED, SCHEDULES_READ),
    (PEER_CHANGED, PEERS_READ),
    (PRESENCE_CHANGED, PRESENCE_READ),
    (MESSAGE_SENT, MESSAGES_READ),
    (MESSAGE_RECEIVED, MESSAGES_READ),
    (SETTINGS_CHANGED, SETTINGS_READ),
    (HOOK_CHANGED, HOOKS_READ),
    (PLUGIN_CHANGED, PLUGINS_READ),
    (ADMIN_CHANGED, ADMINS_READ),
    (CHECK_CHANGED, CHECKS_READ),
    (TOKEN_CHANGED, TOKENS_READ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_right_to_follow_it() {
        let without: Vec<_> = ALL.iter().filter(|event| right(event.name).is_none()).collect();
        assert!(without.is_empty(), "add them to READERS, or nobody is told: {without:?}");
    }
}
