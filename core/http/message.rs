//! A request and a response as the rest of the appliance sees them: plain values without any trace of the
//! HTTP library, so that the command line can hand the same values to the API without a server.

use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;

/// Who sent the request, as far as the transport can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A TLS connection through the door.
    Remote(SocketAddr),
    /// The control socket in the state directory: whoever may open it administers this machine.
    Local {
        /// Unix user id of the other side.
        uid: u32,
    },
}

/// One request, whole.
#[derive(Debug, Clone)]
pub struct Request {
    /// Upper-case method.
    pub method: String,
    /// Path without the query, still percent-encoded, always starting with `/`.
    pub path: String,
    /// Query without the `?`, still percent-encoded; empty when absent.
    pub query: String,
    /// Header names in lower case, in order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body; empty when absent, and when it was too large for memory.
    pub body: Vec<u8>,
    /// A body that was too large for memory, to be read from where it stands.
    pub upload: Option<Arc<File>>,
    /// Who sent it.
    pub client: Client,
}

impl Request {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// One response, whole; or the beginning of one that goes on.
#[derive(Debug)]
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    /// Headers besides Content-Length, Date and Connection, which the server adds.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What follows while there is something to tell; the body is empty then, and the connection ends with it.
    pub feed: Option<Box<dyn Feed>>,
}

/// The rest of an answer that goes on. The door's thread asks for it when the client has taken what was written
/// before, so nothing here may wait, and what is not asked for is not made. Dropped when the client is gone.
pub trait Feed: Send + std::fmt::Debug {
    /// Adds what there is to tell, until `out` holds about `room` bytes; nothing when there is nothing now.
    fn pull(&mut self, out: &mut Vec<u8>, room: usize) -> Flow;

    /// Adds a sign of life, after a silence.
    fn beat(&mut self, out: &mut Vec<u8>);
}

/// Whether an answer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It goes on, now or when there is news.
    Open,
    /// What was added was the last.
    Ended,
}
