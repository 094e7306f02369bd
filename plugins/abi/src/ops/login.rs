//! Sign-ins of our own users: `login.keys`, `login.check`, `login.failed`, and `login.bind` of a plugin.

use serde::{Deserialize, Serialize};

/// Iterations of the keys that accounts have; RFC 7677 section 4 asks for at least 4,096. Every sign-in costs the client
/// that many hashes, on a telephone too, so there are no more: what is stored is sealed besides.
pub const SCRAM_ITERATIONS: u32 = 10_000;
/// Bytes of the salt of those keys. Keys that are made up, so that nobody learns which accounts there are, have as many
/// of both, and always the same salt for the same login.
pub const SCRAM_SALT_BYTES: usize = 16;

/// Whose keys, and for which mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAsk {
    /// Login id as the account has it, not escaped (XEP-0106).
    pub login: String,
    /// Domain of the account's enterprise, in any case.
    pub domain: String,
    /// For which the keys are.
    pub mechanism: Mechanism,
}

/// A mechanism of SCRAM. Channel binding needs no other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mechanism {
    /// RFC 5802.
    #[serde(rename = "SCRAM-SHA-1")]
    Sha1,
    /// RFC 7677.
    #[serde(rename = "SCRAM-SHA-256")]
    Sha256,
}

/// What a server needs for an exchange of SCRAM (RFC 5802 section 3). It can be used to try out passwords, and the
/// server key to play the server: keep it for the exchange and no longer, and log it never.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginKeys {
    /// Id of the account.
    pub account: String,
    /// Base64.
    pub salt: String,
    /// How many.
    pub iterations: u32,
    /// StoredKey, base64.
    pub stored_key: String,
    /// ServerKey, base64.
    pub server_key: String,
}

/// A password to check, as its user typed it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginCheck {
    /// As in [`LoginAsk`].
    pub login: String,
    /// As in [`LoginAsk`].
    pub domain: String,
    /// In clear.
    pub password: String,
}

/// Whose password is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginChecked {
    /// Id of the account.
    pub account: String,
}

/// Whose proof was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginFailed {
    /// As in [`LoginAsk`].
    pub login: String,
    /// As in [`LoginAsk`].
    pub domain: String,
}

/// A password for a directory to check.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginBind {
    /// Id of the account.
    pub account: String,
    /// In clear, never empty: a directory takes an empty one for no sign-in at all (RFC 4513 section 5.1.2).
    pub password: String,
}

/// These three print whose they are and nothing that opens anything.
macro_rules! close_lipped {
    ($($name:ident { $($shown:ident),* })*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($shown), &self.$shown))*.finish_non_exhaustive()
            }
        }
    )*};
}
close_lipped! {
    LoginKeys { account }
    LoginCheck { login, domain }
    LoginBind { account }
}
