//! One careful connection: connect, listen half a second without a word, close our half, look what is said to that.
//! Nothing is sent, but for a ClientHello where TLS was asked for; so no licence and no call is ever taken.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::greeting::{recognise, shown};

/// How long a service may speak first.
const LISTEN: Duration = Duration::from_millis(500);
/// How long a service may answer to our half being closed.
const AFTERWARDS: Duration = Duration::from_millis(200);
/// Most bytes that are read.
const ROOM: usize = 512;

/// What a port did, every outcome told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Sort of outcome.
    pub verdict: &'static str,
    /// Which of that sort.
    pub reason: &'static str,
    /// What to think of it, for the administrator.
    pub words: String,
    /// What it said, safe to print; empty when it said nothing.
    pub greeting: String,
}

impl Outcome {
    fn new(verdict: &'static str, reason: &'static str, words: impl Into<String>) -> Self {
        Self { verdict, reason, words: words.into(), greeting: String::new() }
    }
}

enum Heard {
    Bytes(Vec<u8>),
    Silence,
    Closed,
    Reset,
}

/// Tries one port. `hello` is a ClientHello to send after the silence.
pub fn touch(port: SocketAddr, connect_within: Duration, hello: Option<&[u8]>) -> Outcome {
    let mut stream = match TcpStream::connect_timeout(&port, connect_within) {
        Ok(stream) => stream,
        Err(error) => return unconnected(&error, connect_within),
    };
    match hear(&mut stream, LISTEN) {
        Heard::Bytes(bytes) => spoke(&bytes),
        Heard::Closed => dropped("closed_at_once"),
        Heard::Reset => dropped("reset_at_once"),
        Heard::Silence => {
            hello.and_then(|hello| offer_tls(&mut stream, hello, connect_within)).unwrap_or_else(|| {
                afterwards(&mut stream, if hello.is_some() { "reachable, takes no TLS" } else { "reachable" })
            })
        }
    }
}

fn hear(stream: &mut TcpStream, within: Duration) -> Heard {
    let until = Instant::now() + within;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return Heard::Silence;
        }
        let mut bytes = [0; ROOM];
        match stream.read(&mut bytes) {
            Ok(0) => return Heard::Closed,
            Ok(length) => return Heard::Bytes(bytes[..length].to_vec()),
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) => {}
            Err(_) => return Heard::Reset,
        }
    }
}

/// Quiet in clear, an answer to a ClientHello: TLS only. A refusal in TLS proves it as well as a ServerHello does.
fn offer_tls(stream: &mut TcpStream, hello: &[u8], within: Duration) -> Option<Outcome> {
    stream.set_write_timeout(Some(within)).and_then(|()| stream.write_all(hello)).ok()?;
    let Heard::Bytes(bytes) = hear(stream, within) else { return None };
    let reason = match bytes.as_slice() {
        [0x16, 3, ..] => "server_hello",
        [0x15, 3, ..] => "tls_alert",
        _ => return Some(spoke(&bytes)),
    };
    let words = "speaks TLS only: use the TLS port of the PBX here, or switch TLS on for this one";
    Some(Outcome::new("tls_only", reason, words))
}

/// A web server that was told nothing often complains once our half is closed.
fn afterwards(stream: &mut TcpStream, words: &str) -> Outcome {
    let quiet =
        || Outcome::new("open", "quiet", format!("{words}; most likely a CSTA listener that waits for us"));
    if stream.shutdown(Shutdown::Write).is_err() {
        return quiet();
    }
    match hear(stream, AFTERWARDS) {
        Heard::Bytes(bytes) if !recognise(&bytes).may_be_csta => spoke(&bytes),
        Heard::Bytes(bytes) => Outcome { greeting: shown(&bytes), ..quiet() },
        _ => quiet(),
    }
}

fn spoke(bytes: &[u8]) -> Outcome {
    let service = recognise(bytes);
    let outcome = match service.kind {
        "office_400_busy" => {
            Outcome::new("wrong_service", service.kind, format!("answers BUSY: {}", service.name))
        }
        _ if service.may_be_csta => {
            Outcome::new("open", "greeting", format!("reachable, and {} speaks first", service.name))
        }
        _ => Outcome::new(
            "wrong_service",
            service.kind,
            format!("{} answers here: the port is mapped to something else", service.name),
        ),
    };
    Outcome { greeting: shown(bytes), ..outcome }
}

fn dropped(reason: &'static str) -> Outcome {
    let words = "accepts and drops the connection at once: no free slot, this appliance's address is not allowed, \
                 the gateway has no mapping behind it, or a firewall ends it";
    Outcome::new("dropped", reason, words)
}

fn unconnected(error: &Error, within: Duration) -> Outcome {
    match error.kind() {
        ErrorKind::ConnectionRefused => Outcome::new(
            "refused",
            "refused",
            "nothing listens: the port is not added in the PBX, or not in the X25 gateway",
        ),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Outcome::new(
            "filtered",
            "timeout",
            format!(
                "no answer within {} ms: a firewall drops it, or the queue behind the port is full",
                within.as_millis()
            ),
        ),
        ErrorKind::HostUnreachable => Outcome::new(
            "unreachable",
            "host_unreachable",
            "the host cannot be reached: it is off, or routing or VLAN is wrong",
        ),
        ErrorKind::NetworkUnreachable => Outcome::new(
            "unreachable",
            "network_unreachable",
            "its network cannot be reached: routing or VLAN is wrong",
        ),
        ErrorKind::ConnectionReset => dropped("reset_at_once"),
        ErrorKind::PermissionDenied => {
            Outcome::new("not_tried", "blocked_here", "a firewall on this machine forbids the connection")
        }
        _ => Outcome::new("not_tried", "not_sent", format!("the connection could not be tried: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_keeps_a_connection_from_being_made_has_its_own_reason() {
        let table = [
            (ErrorKind::ConnectionRefused, "refused", "refused"),
            (ErrorKind::TimedOut, "filtered", "timeout"),
            (ErrorKind::HostUnreachable, "unreachable", "host_unreachable"),
            (ErrorKind::NetworkUnreachable, "unreachable", "network_unreachable"),
            (ErrorKind::ConnectionReset, "dropped", "reset_at_once"),
            (ErrorKind::PermissionDenied, "not_tried", "blocked_here"),
            (ErrorKind::AddrNotAvailable, "not_tried", "not_sent"),
        ];
        for (kind, verdict, reason) in table {
            let outcome = unconnected(&kind.into(), Duration::from_secs(1));
            assert_eq!((outcome.verdict, outcome.reason), (verdict, reason), "{}", outcome.words);
        }
    }
}
