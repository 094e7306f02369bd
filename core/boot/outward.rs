//! Joins two neighbours that do not know each other: the engine's probes want TLS, the door's library has it.

use std::io;

use crate::engine::probes::tls::{Conversation, Tls};
use crate::http::outbound;

/// TLS to other hosts.
pub struct Outward;

impl Tls for Outward {
    fn hello(&self, host: &str) -> io::Result<Vec<u8>> {
        outbound::client_hello(host)
    }

    fn secure(&self, stream: Box<dyn Conversation>, host: &str) -> io::Result<Box<dyn Conversation>> {
        Ok(Box::new(outbound::secure(stream, host)?))
    }
}
