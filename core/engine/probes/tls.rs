//! What probes need of TLS, told from outside: the library belongs to the door, which the engine does not know.

use std::io::{self, Read, Write};

/// A conversation over any stream.
pub trait Conversation: Read + Write + Send {}

impl<T: Read + Write + Send> Conversation for T {}

/// TLS to other hosts. Certificates are not judged: nothing secret is sent and only a clock is read, from hosts
/// whose certificates are often their own.
pub trait Tls: Send + Sync {
    /// The bytes of a ClientHello for this host.
    fn hello(&self, host: &str) -> io::Result<Vec<u8>>;
    /// A conversation with this host over another one, whose time limits hold.
    fn secure(&self, stream: Box<dyn Conversation>, host: &str) -> io::Result<Box<dyn Conversation>>;
}
