//! A kept-alive HTTP/1.1 connection, with or without TLS, that does no more than a benchmark needs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::Outcome;

const PATIENCE: Duration = Duration::from_secs(20);

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// The connection.
pub struct Connection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// A request as it goes over the wire; `headers` are whole lines.
pub fn request(method: &str, path: &str, headers: &str, body: Option<&str>) -> Vec<u8> {
    let body = body.unwrap_or_default();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{length}\r\n{body}").into_bytes()
}

impl Connection {
    /// Over a stream that is ready for requests.
    pub fn over(stream: impl Read + Write + Send + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: vec![0; 16 * 1024] }
    }

    /// With TLS, after the handshake.
    pub fn tls(to: SocketAddr, trust: Arc<ClientConfig>) -> Outcome<Self> {
        let mut connection = ClientConnection::new(trust, ServerName::try_from("localhost")?)?;
        let mut socket = dial(to)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(Self::over(StreamOwned::new(connection, socket)))
    }

    /// Sends a request, reads the answer to its end, and insists on its status.
    pub fn ask(&mut self, request: &[u8], status: u16) -> Outcome<()> {
        self.stream.write_all(request)?;
        self.stream.flush()?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(2 * filled, 0);
            }
            let length = self.stream.read(&mut self.buffer[filled..])?;
            if length == 0 {
                return Err("the connection was closed in the middle of an answer".into());
            }
            filled += length;
            let Some(answered) = whole(&self.buffer[..filled])? else { continue };
            if answered != status {
                let said = String::from_utf8_lossy(&self.buffer[..filled]).into_owned();
                return Err(format!("expected {status}: {said}").into());
            }
            return Ok(());
        }
    }
}

/// A connection without TLS.
pub fn dial(to: SocketAddr) -> Outcome<TcpStream> {
    let socket = TcpStream::connect(to)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// The status, once the answer is complete.
fn whole(received: &[u8]) -> Outcome<Option<u16>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(received)? else { return Ok(None) };
    let declared = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let declared = declared.ok_or("an answer without Content-Length")?;
    let length: usize = std::str::from_utf8(declared.value)?.parse()?;
    Ok((received.len() >= start + length).then_some(head.code.unwrap_or_default()))
}
