//! Asking a web server for nothing but its `Date`: HEAD requests over one connection, each answer's head read within
//! a time limit and a size.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::super::tls::{Conversation, Tls};
use super::url::Url;

/// Most bytes of an answer's head.
const ROOM: usize = 16 * 1024;

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The server's `Date`, in seconds since 1970.
    pub date: Option<f64>,
    /// When the request was sent and the answer was there, by our clock, in seconds since 1970.
    pub sent: f64,
    /// See `sent`.
    pub received: f64,
    /// Whether it comes from a cache, with the date of when it was put there.
    pub is_cached: bool,
    /// Whether something stands between us and the server.
    pub is_relayed: bool,
    /// Whether the connection can be used again.
    pub stays: bool,
}

/// Time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For one wait.
    pub within: Duration,
    /// For all of it: a server that sends a byte now and then gains nothing.
    pub until: Instant,
}

/// A stream whose reads keep to the limits.
struct Bounded {
    stream: TcpStream,
    limits: Limits,
}

impl Read for Bounded {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Error> {
        let left = self.limits.until.saturating_duration_since(Instant::now()).min(self.limits.within);
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(bytes)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.stream.flush()
    }
}

/// A connection to a web server.
pub struct Talk {
    stream: Box<dyn Conversation>,
    request: Vec<u8>,
}

impl Talk {
    /// Connects, with TLS where the address says so.
    pub fn open(server: SocketAddr, url: &Url, tls: Option<&dyn Tls>, limits: Limits) -> Result<Self, Error> {
        let stream = TcpStream::connect_timeout(&server, limits.within)?;
        stream.set_write_timeout(Some(limits.within))?;
        stream.set_nodelay(true)?;
        let stream = Bounded { stream, limits };
        let stream: Box<dyn Conversation> = match tls {
            Some(tls) => tls.secure(Box::new(stream), &url.host)?,
            None => Box::new(stream),
        };
        let request = format!(
            "HEAD {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: jackfield\r\nCache-Control: no-cache\r\nAccept: */*\r\n\r\n",
            url.path,
            url.authority()
        );
        Ok(Self { stream, request: request.into_bytes() })
    }

    /// One question and its answer.
    pub fn ask(&mut self, within: Duration) -> Result<Answer, Error> {
        let (began, sent) = (Instant::now(), now());
        self.stream.write_all(&self.request)?;
        self.stream.flush()?;
        let mut head = Vec::new();
        let received = loop {
            if began.elapsed() > within {
                return Err(ErrorKind::TimedOut.into());
            }
            let mut bytes = [0; 2048];
            let length = self.stream.read(&mut bytes)?;
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            // By the steady clock, so that a step of ours does not count as the host's.
            let received = sent + began.elapsed().as_secs_f64();
            head.extend_from_slice(&bytes[..length]);
            if let Some(end) = find_end(&head) {
                // Whatever follows the head of an answer to HEAD should not be there.
                let is_clean = end == head.len();
                head.truncate(end);
                break (received, is_clean);
            }
            if head.len() > ROOM {
                return Err(Error::new(ErrorKind::InvalidData, "the answer's head is too long"));
            }
        };
        read(&head, sent, received.0, received.1)
    }
}

/// Our clock, in seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn find_end(head: &[u8]) -> Option<usize> {
    head.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn read(head: &[u8], sent: f64, received: f64, is_clean: bool) -> Result<Answer, Error> {
    let text = String::from_utf8_lossy(head);
    if !text.starts_with("HTTP/1.") {
        return Err(Error::new(ErrorKind::InvalidData, "the answer is not HTTP"));
    }
    let field = |name: &str| {
        let fields = text.lines().skip(1).filter_map(|line| line.split_once(':'));
        let found = fields.into_iter().find(|(n, _)| n.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let date = field("date").and_then(|date| httpdate::parse_http_date(&date).ok());
    let closes = field("connection").is_some_and(|value| value.to_ascii_lowercase().contains("close"));
    Ok(Answer {
        date: date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs_f64()),
        sent,
        received,
        is_cached: field("age").is_some(),
        is_relayed: field("via").is_some() || field("x-cache").is_some(),
        stays: text.starts_with("HTTP/1.1") && !closes && is_clean,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(fields: &str) -> Answer {
        read(format!("HTTP/1.1 404 Not Found\r\n{fields}\r\n\r\n").as_bytes(), 1.0, 2.0, true).unwrap()
    }

    #[test]
    fn the_date_counts_whatever_the_status() {
        let found = answer("date:  Thu, 01 Jan 1970 00:16:40 GMT\r\nServer: x");
        assert_eq!(
            found,
            Answer {
                date: Some(1000.0),
                sent: 1.0,
                received: 2.0,
                is_cached: false,
                is_relayed: false,
                stays: true
            }
        );
        assert_eq!(answer("Date: yesterday").date, None);
        assert_eq!(answer("Server: x").date, None);
    }

    #[test]
    fn caches_relays_and_ends_are_noticed() {
        assert!(answer("Age: 0").is_cached);
        assert!(answer("Via: 1.1 proxy").is_relayed);
        assert!(!answer("Connection: Close").stays);
        assert!(read(b"SSH-2.0-x\r\n\r\n", 0.0, 0.0, true).is_err());
    }

    proptest! {
        #[test]
        fn no_head_upsets_it(head in proptest::collection::vec(any::<u8>(), 0..300)) {
            let whole = [b"HTTP/1.1 200 OK\r\nDate: ".as_slice(), &head].concat();
            prop_assert!(read(&whole, 0.0, 1.0, true).is_ok());
        }
    }
}
