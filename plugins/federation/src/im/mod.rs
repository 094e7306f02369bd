//! Instant messaging and presence of our own users. One thread, the office, owns everything about them and works without
//! locks: sockets hand it calls, it takes those of a moment in one turn, and its parts decide what follows.
//!
//! Left out: sockets and streams (`net`, `c2s`, `s2s`), and what outlives the process (the appliance's store).

mod access;
mod accounts;
mod avatar;
mod chat;
mod desk;
mod effect;
mod office;
mod out;
mod outside;
mod parcel;
mod photos;
mod presence;
mod roster;
mod search;
mod services;
mod sessions;
mod site;
mod vcard;

pub use desk::{Call, Desk, Keys, NewSession, SessionId};
pub use office::open;
pub use out::{Delivery, End, Next, Out, Outs};
pub use outside::Outside;
pub use roster::watch_counts;
