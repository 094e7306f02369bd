//! One non-blocking connection: clear bytes in and out over TCP, TLS or a Unix socket. Leaves out what the
//! bytes mean and how many may be kept.
//!
//! Readiness is edge-triggered: `readable` and `writable` stay true until the kernel says otherwise.

use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::sync::Arc;

use mio::event::Event;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustls::{ServerConfig, ServerConnection};

use super::buffer::Buffer;

/// Most bytes TLS keeps encrypted for one client.
const TLS_BUFFER: usize = 64 * 1024;

/// Most reads in one go: TLS records need not hold a single clear byte.
const MOST_READS: usize = 32;

/// The first byte of a TLS connection: a handshake record (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// A connected socket of either kind.
#[derive(Debug)]
pub enum Socket {
    /// From the network, or to a worker.
    Tcp(TcpStream),
    /// From the control socket.
    Unix(UnixStream),
}

/// What a silent connection turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Still silent.
    Silent,
    /// A TLS handshake, or nonsense that TLS will refuse in its own terms.
    Tls,
    /// A letter, as every HTTP method starts with.
    PlainHttp,
}

/// A connection and its readiness.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    tls: Option<Box<ServerConnection>>,
    readable: bool,
    writable: bool,
    ended: bool,
}

impl Stream {
    /// Takes over a socket and watches it under `token`.
    pub fn new(mut socket: Socket, registry: &Registry, token: Token) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        match &mut socket {
            Socket::Tcp(tcp) => registry.register(tcp, token, interest)?,
            Socket::Unix(unix) => registry.register(unix, token, interest)?,
        }
        Ok(Self { socket, tls: None, readable: false, writable: false, ended: false })
    }

    /// Notes what an event says about the socket.
    pub fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
    }

    /// Whether the other side will send no more.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether clear bytes can be sent: no handshake stands in the way.
    pub fn is_open(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.is_handshaking())
    }

    /// Whether nothing is left inside TLS to be sent.
    pub fn is_flushed(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.wants_write())
    }

    /// Looks at the first byte without taking it.
    pub fn opening(&mut self) -> io::Result<Opening> {
        let Socket::Tcp(tcp) = &self.socket else { return Ok(Opening::Silent) };
        let mut first = [0];
        match tcp.peek(&mut first) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) if first[0] != TLS_HANDSHAKE && first[0].is_ascii_alphabetic() => Ok(Opening::PlainHttp),
            Ok(_) => Ok(Opening::Tls),
            Err(e) if is_later(&e) => {
                self.readable = false;
                Ok(Opening::Silent)
            }
            Err(e) => Err(e),
        }
    }

    /// Begins TLS as the server.
    pub fn start_tls(&mut self, config: &Arc<ServerConfig>) -> io::Result<()> {
        let mut tls = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        tls.set_buffer_limit(Some(TLS_BUFFER));
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    /// Reads what is there, until `into` holds `cap` bytes or others should have their turn; returns whether
    /// anything moved.
    pub fn receive(&mut self, into: &mut Buffer, cap: usize) -> io::Result<bool> {
        let mut moved = false;
        for _ in 0..MOST_READS {
            if into.len() >= cap || !self.receive_once(into, cap)? {
                break;
            }
            moved = true;
        }
        Ok(moved)
    }

    fn receive_once(&mut self, into: &mut Buffer, cap: usize) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else {
            return self.read_clear(into, cap);
        };
        match into.fill_ready(&mut tls.reader(), cap) {
            Ok(count) if count > 0 => return Ok(true),
            Err(e) if is_later(&e) => {}
            // The client ended TLS properly (0 bytes) or just left; no more will come either way.
            Ok(_) => self.ended = true,
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => self.ended = true,
            Err(e) => return Err(e),
        }
        if self.ended { Ok(false) } else { self.read_encrypted() }
    }

    fn read_clear(&mut self, into: &mut Buffer, cap: usize) -> io::Result<bool> {
        if !self.readable || self.ended {
            return Ok(false);
        }
        let outcome = match &mut self.socket {
            Socket::Tcp(tcp) => into.fill(tcp, cap),
            Socket::Unix(unix) => into.fill(unix, cap),
        };
        self.after_read(outcome)
    }

    fn read_encrypted(&mut self) -> io::Result<bool> {
        let Some(tls) = self.tls.as_mut().filter(|_| self.readable) else { return Ok(false) };
        let outcome = match &mut self.socket {
            Socket::Tcp(tcp) => tls.read_tls(tcp),
            Socket::Unix(unix) => tls.read_tls(unix),
        };
        if let Err(refused) = tls.process_new_packets() {
            // The alert tells the client why; the connection is over whether or not it gets through.
            let _ = self.write_encrypted();
            return Err(io::Error::new(ErrorKind::InvalidData, refused));
        }
        // The end of the stream shows in the reader, after the last clear bytes.
        match outcome {
            Ok(0) => self.readable = false,
            other => return self.after_read(other),
        }
        Ok(true)
    }

    fn after_read(&mut self, outcome: io::Result<usize>) -> io::Result<bool> {
        match outcome {
            Ok(0) => self.ended = true,
            Ok(_) => return Ok(true),
            Err(e) if e.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(e) if is_later(&e) => self.readable = false,
            Err(e) => return Err(e),
        }
        Ok(false)
    }

    /// Writes as much as the socket takes; returns how many bytes it took.
    pub fn send(&mut self, from: &mut Buffer) -> io::Result<usize> {
        let mut taken = 0;
        loop {
            self.encrypt(from)?;
            let count = if self.tls.is_some() { self.write_encrypted()? } else { self.write_clear(from)? };
            if count == 0 {
                return Ok(taken);
            }
            taken += count;
        }
    }

    fn encrypt(&mut self, from: &mut Buffer) -> io::Result<()> {
        let Some(tls) = self.tls.as_mut().filter(|tls| !tls.is_handshaking()) else { return Ok(()) };
        if !from.is_empty() {
            let count = tls.writer().write(from.data())?;
            from.consume(count);
        }
        Ok(())
    }

    fn write_clear(&mut self, from: &mut Buffer) -> io::Result<usize> {
        if !self.writable || from.is_empty() {
            return Ok(0);
        }
        let outcome = match &mut self.socket {
            Socket::Tcp(tcp) => tcp.write(from.data()),
            Socket::Unix(unix) => unix.write(from.data()),
        };
        let count = self.after_write(outcome)?;
        from.consume(count);
        Ok(count)
    }

    fn write_encrypted(&mut self) -> io::Result<usize> {
        let Some(tls) = self.tls.as_mut().filter(|tls| self.writable && tls.wants_write()) else {
            return Ok(0);
        };
        let outcome = match &mut self.socket {
            Socket::Tcp(tcp) => tls.write_tls(tcp),
            Socket::Unix(unix) => tls.write_tls(unix),
        };
        self.after_write(outcome)
    }

    fn after_write(&mut self, outcome: io::Result<usize>) -> io::Result<usize> {
        match outcome {
            Err(e) if is_later(&e) => {
                self.writable = false;
                Ok(0)
            }
            other => other,
        }
    }

    /// Ends our side of TLS; the notice still has to be sent.
    pub fn say_goodbye(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
    }

    /// Ends our side of the socket.
    pub fn shut_writing(&self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(tcp) => tcp.shutdown(Shutdown::Write),
            Socket::Unix(unix) => unix.shutdown(Shutdown::Write),
        }
    }

    /// Our own address, for texts.
    pub fn local_text(&self) -> String {
        match &self.socket {
            Socket::Tcp(tcp) => tcp.local_addr().map_or_else(|_| "this host".into(), |a| a.to_string()),
            Socket::Unix(_) => "localhost".into(),
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
