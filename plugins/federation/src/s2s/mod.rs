//! Streams between servers (RFC 6120, XEP-0220, XEP-0178) as pure decisions: what came in, what goes out, no socket
//! and no clock. `net` carries it out.

pub mod address;
pub mod dialback;
mod initiator;
mod policy;
mod responder;
mod shared;
pub mod stanza;

#[cfg(test)]
mod initiator_tests;
#[cfg(test)]
mod responder_tests;

pub use initiator::{Errand, Initiator, Lost};
pub use policy::{Policy, Rules};
pub use responder::Responder;
pub use shared::{Condition, Judge, Out, Pair, Question, Verified};
