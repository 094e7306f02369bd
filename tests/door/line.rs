//! One TLS connection that a test holds open: from a source address of its choice, for as many requests as it
//! likes, byte by byte if it wants. The whole of 127.0.0.0/8 is this machine, so clients can have many addresses.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::harness::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A plain connection from `127.0.0.LAST` (or on into 127.0.1.0/24 and so forth).
pub fn dial(from: Ipv4Addr, to: SocketAddr) -> Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddr::from((from, 0)))?;
    connect(&socket, &to)?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A TLS connection that is kept open.
pub struct Line {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Line {
    /// Connects from that address and shakes hands.
    pub fn open(from: Ipv4Addr, to: SocketAddr, tls: Arc<ClientConfig>) -> Result<Self> {
        let connection = ClientConnection::new(tls, ServerName::from(to.ip())).map_err(Error::other)?;
        let mut line = Self { stream: StreamOwned::new(connection, dial(from, to)?) };
        line.stream.flush()?;
        while line.stream.conn.is_handshaking() {
            line.stream.conn.complete_io(&mut line.stream.sock)?;
        }
        Ok(line)
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Makes a GET request with these header lines and reads the answer to its declared end.
    pub fn get(&mut self, path: &str, headers: &str) -> Result<Answer> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: box\r\n{headers}\r\n").as_bytes())?;
        let mut received = Vec::new();
        while !is_whole(&received) {
            let mut bytes = [0; 16 * 1024];
            let length = self.stream.read(&mut bytes)?;
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            received.extend(&bytes[..length]);
        }
        Ok(Answer::parse(path, &received))
    }

    /// Reads until the other side closes.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // With or without a goodbye: what matters here is what was said before.
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }

    /// The socket, for a test that goes on without TLS.
    pub fn into_parts(self) -> (ClientConnection, TcpStream) {
        (self.stream.conn, self.stream.sock)
    }
}

fn is_whole(received: &[u8]) -> bool {
    let Some(head) = received.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&received[..head]).to_lowercase();
    let declared =
        text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    declared.is_none_or(|length: usize| received.len() >= head + 4 + length)
}
