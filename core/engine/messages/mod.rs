//! Chat messages between people here and elsewhere: accepted means on the disk, sent again means stored once, what
//! nobody has fetched waits. Plugins carry them to XMPP clients, other servers and sister sites; this part only
//! keeps. Nobody reads texts through the API: administrators see numbers, people their own chats.
//!
//! Whose name a message bears is vouched for by the plugin that brings it: it alone has seen how the sender signed in or
//! which domain the other server proved. So `message/1` is a grant of trust like a mail server's; this part only refuses
//! messages between strangers, and addresses at our domains that no account has.

mod accept;
pub mod address;
mod backlogs;
mod ending;
mod numbers;
mod reading;
mod search;
mod sweep;

#[cfg(test)]
mod tests;

pub use accept::{Accepted, accept, accept_all};
pub use backlogs::Backlogs;
pub use ending::{delivered, failed};
pub use reading::{Waiting, account, history, pending, summary};
pub use search::search;
pub use sweep::sweep;

/// Longest text, in bytes.
pub const BODY_BYTES: usize = 32 * 1024;
/// Longest id that a sender's side may give, in bytes.
pub const ORIGIN_BYTES: usize = 256;
/// Longest envelope, in bytes.
pub const ENVELOPE_BYTES: usize = 16 * 1024;
/// Most messages read at once.
pub const READ_AT_ONCE: usize = 100;
/// Bytes of texts and envelopes after which a part of what is read ends, so that it fits into one message of the treaty.
pub const READ_BYTES: usize = 256 * 1024;
/// Most messages taken at once.
pub const ACCEPTED_AT_ONCE: usize = 256;
/// Most messages whose waiting ends at once.
pub const ENDED_AT_ONCE: usize = 1000;
/// Longest reason for a message that did not arrive, in characters.
pub const REASON_CHARS: usize = 500;
