//! Chat messages between people here and elsewhere: accepted means on the disk, sent again means stored once, what
//! nobody has fetched waits. Plugins carry them to XMPP clients, other servers and sister sites; this part only
//! keeps. Nobody reads texts through the API: administrators see numbers, people their own chats.
//!
//! Whose name a message bears is vouched for by the plugin that brings it: it alone has seen how the sender signed in or
//! which domain the other server proved. So `message/1` is a grant of trust like a mail server's; this part only refuses
//! messages between strangers, and addresses at our domains that no account has.

mod accept;
pub mod address;
mod reading;
mod sweep;

#[cfg(test)]
mod tests;

pub use accept::{accept, delivered};
pub use reading::{Waiting, account, history, pending, summary};
pub use sweep::sweep;

/// Longest text, in bytes.
pub const BODY_BYTES: usize = 32 * 1024;
/// Longest id that a sender's side may give, in bytes.
pub const ORIGIN_BYTES: usize = 256;
/// Most messages read at once.
pub const READ_AT_ONCE: usize = 100;
/// Most messages reported as arrived at once.
pub const DELIVERED_AT_ONCE: usize = 1000;
