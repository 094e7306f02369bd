//! A socket with a stream of XML on it: bytes in, pieces out. What they mean is not its business.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::xml::{Broken, Limits, Piece, Reader};

/// Bytes that are read at once.
const CHUNK: usize = 8 * 1024;

/// With TLS or without.
enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// While TLS begins, and after it failed.
    Gone,
}

/// What came.
#[derive(Debug)]
pub enum Input {
    /// A piece of the stream.
    Piece(Piece),
    /// Something that no stream may have.
    Broken(Broken),
    /// The connection's end, with a reason where it was no orderly one.
    Gone(Option<io::Error>),
}

/// A connection.
pub struct Wire {
    socket: Socket,
    reader: Reader,
    limits: Limits,
    buffer: Vec<u8>,
    read: usize,
}

impl Wire {
    /// On a connection that stands.
    pub fn new(socket: TcpStream, limits: Limits) -> Self {
        // Small pieces go at once; a system that cannot do that only delays them.
        let _ = socket.set_nodelay(true);
        Self {
            socket: Socket::Plain(socket),
            reader: Reader::new(limits),
            limits,
            buffer: Vec::new(),
            read: 0,
        }
    }

    /// Whether everything that came has been read, but for whitespace: some clients end a line, and nothing can be
    /// smuggled with that.
    pub fn is_drained(&self) -> bool {
        self.buffer[self.read..].trim_ascii().is_empty()
    }

    /// A new stream begins.
    pub fn restart(&mut self) {
        self.reader = Reader::new(self.limits);
    }

    /// The same inside TLS: what came in clear is forgotten.
    fn restart_secured(&mut self) {
        self.buffer = Vec::new();
        self.read = 0;
        self.restart();
    }

    /// Other limits from now on.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
        self.reader.limit(limits);
    }

    /// Begins TLS as the side that was connected to.
    pub async fn accept_tls(&mut self, acceptor: &TlsAcceptor) -> io::Result<()> {
        let Socket::Plain(plain) = std::mem::replace(&mut self.socket, Socket::Gone) else {
            return Err(gone());
        };
        self.socket = Socket::Tls(Box::new(acceptor.accept(plain).await?.into()));
        self.restart_secured();
        Ok(())
    }

    /// Begins TLS as the side that connects.
    pub async fn connect_tls(
        &mut self,
        connector: &TlsConnector,
        name: ServerName<'static>,
    ) -> io::Result<()> {
        let Socket::Plain(plain) = std::mem::replace(&mut self.socket, Socket::Gone) else {
            return Err(gone());
        };
        self.socket = Socket::Tls(Box::new(connector.connect(name, plain).await?.into()));
        self.restart_secured();
        Ok(())
    }

    /// The peer's certificates, its own first.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        let Socket::Tls(tls) = &self.socket else { return vec![] };
        let chain = tls.get_ref().1.peer_certificates().unwrap_or_default();
        chain.iter().map(|one| one.clone().into_owned()).collect()
    }

    /// The name that a client asked for (SNI).
    pub fn asked_for(&self) -> Option<&str> {
        let Socket::Tls(tls) = &self.socket else { return None };
        let TlsStream::Server(tls) = &**tls else { return None };
        tls.get_ref().1.server_name()
    }

    /// Version and cipher; none: no TLS.
    pub fn tls(&self) -> Option<String> {
        let Socket::Tls(tls) = &self.socket else { return None };
        let session = tls.get_ref().1;
        let version = self.tls_version()?;
        let cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        Some(format!("{version} {}", cipher.unwrap_or_default()).trim_end().to_owned())
    }

    /// Version of TLS; none: no TLS.
    pub fn tls_version(&self) -> Option<&'static str> {
        let Socket::Tls(tls) = &self.socket else { return None };
        match tls.get_ref().1.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_3 => Some("TLS 1.3"),
            _ => Some("TLS 1.2"),
        }
    }

    /// What only the two ends of this connection know (RFC 9266 section 2); TLS 1.3 only, because older versions need an
    /// extension for it that not everybody has.
    pub fn exporter(&self) -> Option<[u8; 32]> {
        let Socket::Tls(tls) = &self.socket else { return None };
        let TlsStream::Server(tls) = &**tls else { return None };
        let session = tls.get_ref().1;
        if session.protocol_version() != Some(rustls::ProtocolVersion::TLSv1_3) {
            return None;
        }
        session.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok()
    }

    /// Sends text; who waits for it bounds the time.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        self.socket.write_all(text.as_bytes()).await?;
        self.socket.flush().await
    }

    /// Ends our side.
    pub async fn finish(&mut self) {
        // The peer may have gone before.
        let _ = self.socket.shutdown().await;
    }

    /// The next thing that comes. Nothing is lost when the wait is given up.
    pub async fn next(&mut self) -> Input {
        loop {
            let mut rest = &self.buffer[self.read..];
            let before = rest.len();
            let piece = self.reader.next(&mut rest);
            self.read += before - rest.len();
            match piece {
                Ok(Some(piece)) => return Input::Piece(piece),
                Err(broken) => return Input::Broken(broken),
                Ok(None) => {}
            }
            match poll_fn(|cx| self.fill(cx)).await {
                Ok(0) => return Input::Gone(None),
                Ok(_) => {}
                // A peer that closes without TLS's own farewell has closed all the same.
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Input::Gone(None),
                Err(e) => return Input::Gone(Some(e)),
            }
        }
    }
}

impl Wire {
    /// Reads what is there into the buffer. A connection on which nothing comes holds no buffer: with thousands of
    /// them that is what counts.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        CHUNKS.with_borrow_mut(|chunk| {
            let mut chunk = ReadBuf::new(chunk);
            self.read = 0;
            self.buffer.clear();
            if ready_or_idle(Pin::new(&mut self.socket).poll_read(cx, &mut chunk), &mut self.buffer)?
                .is_pending()
            {
                return Poll::Pending;
            }
            self.buffer.extend_from_slice(chunk.filled());
            Poll::Ready(Ok(chunk.filled().len()))
        })
    }
}

thread_local! {
    /// Where bytes are read into, for all connections of a thread.
    static CHUNKS: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// While nothing is there the buffer's memory is given back.
fn ready_or_idle(read: Poll<io::Result<()>>, buffer: &mut Vec<u8>) -> io::Result<Poll<()>> {
    match read {
        Poll::Ready(read) => read.map(Poll::Ready),
        Poll::Pending => {
            *buffer = Vec::new();
            Ok(Poll::Pending)
        }
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "TLS has begun already")
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}
