//! A socket that waits no longer than it was told, however slowly bytes drip, and that ends when it is told to.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How often somebody who waits looks whether to end.
const LOOK_UP: Duration = Duration::from_millis(250);

/// Whether to end.
pub type Stop<'s> = &'s (dyn Fn() -> bool + Sync);

/// The socket.
pub struct Line<'s> {
    socket: TcpStream,
    until: Instant,
    stop: Stop<'s>,
}

impl<'s> Line<'s> {
    /// Over a connection; nothing is waited for until [`Self::allow`].
    pub fn new(socket: TcpStream, stop: Stop<'s>) -> Self {
        Self { socket, until: Instant::now(), stop }
    }

    /// From now on everything together may take so long.
    pub fn allow(&mut self, time: Duration) {
        self.until = Instant::now() + time;
    }

    /// The time for one wait; an error when there is none left, or when we are to end.
    fn slice(&self) -> io::Result<Duration> {
        if (self.stop)() {
            return Err(io::Error::other("cancelled"));
        }
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(left.min(LOOK_UP)),
        }
    }
}

fn has_waited(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

impl Read for Line<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.socket.set_read_timeout(Some(self.slice()?))?;
            match self.socket.read(buffer) {
                Err(error) if has_waited(&error) => {}
                done => return done,
            }
        }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.socket.set_write_timeout(Some(self.slice()?))?;
            match self.socket.write(bytes) {
                Err(error) if has_waited(&error) => {}
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (ours, listener.accept().unwrap().0)
    }

    #[test]
    fn a_wait_ends_in_time_although_bytes_drip() {
        let (ours, mut theirs) = connected();
        let mut line = Line::new(ours, &|| false);
        line.allow(Duration::from_millis(300));
        theirs.write_all(b"ab").unwrap();
        let mut one = [0];
        assert_eq!(line.read(&mut one).unwrap(), 1);
        assert_eq!(line.read(&mut one).unwrap(), 1);
        assert_eq!(line.read(&mut one).unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(theirs);
    }

    #[test]
    fn a_wait_ends_when_it_is_told_to() {
        let (ours, theirs) = connected();
        let ending = AtomicBool::new(false);
        let stop = || ending.swap(true, Ordering::AcqRel);
        let mut line = Line::new(ours, &stop);
        line.allow(Duration::from_secs(60));
        let error = line.read(&mut [0]).unwrap_err();
        assert_eq!(error.to_string(), "cancelled");
        drop(theirs);
    }
}
