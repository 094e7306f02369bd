//! What two sister appliances say to each other, as decisions without sockets, threads or rows: times and what is known
//! come in as arguments. PROTOCOL.md beside the manifest is the same in words.

mod bounds;
pub mod certificate;
pub mod code;
pub mod frame;
pub mod hello;
pub mod link;
pub mod people;
pub mod post;
pub mod share;
pub mod status;
