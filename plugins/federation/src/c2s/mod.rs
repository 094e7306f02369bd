//! Streams of our own users' clients (RFC 6120, RFC 6121) as pure decisions: what came in, what goes out, no socket and
//! no clock. `net::clients` carries it out.

mod acks;
mod login;
mod scram;
mod session;

#[cfg(test)]
mod session_tests;

pub use login::{Account, Ask, Login, Out, Rules, Told, Wish};
pub use scram::{Binding, Hash, Keys, MadeUp};
pub use session::{Act, Session};
