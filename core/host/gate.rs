//! What a plugin may send, judged inside its own process before anything reaches the appliance.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jackfield_abi::ops::Log;
use jackfield_abi::{Kind, MESSAGE_BYTES, Sent, frame::Frame};

use super::outbox::Outbox;
use super::wire;

/// The way out of a plugin's process.
pub struct Gate {
    /// Where frames go; also the child's own.
    pub outbox: Outbox,
    is_shut: AtomicBool,
    malformed: AtomicU64,
}

impl Gate {
    /// An open gate before that outbox.
    pub fn new(outbox: Outbox) -> Self {
        Self { outbox, is_shut: AtomicBool::new(false), malformed: AtomicU64::new(0) }
    }

    /// Takes one message of the plugin; never waits.
    pub fn take(&self, kind: u32, id: u64, bytes: &[u8]) -> Sent {
        if self.is_shut.load(Ordering::Acquire) {
            return Sent::Closed;
        }
        if bytes.len() > MESSAGE_BYTES {
            return Sent::TooBig;
        }
        match Kind::from_number(kind).filter(|kind| is_allowed(*kind, id, bytes)) {
            Some(kind) => self.outbox.push(&Frame::new(kind, id, bytes)),
            None => self.refuse(),
        }
    }

    /// Writes a line of the process itself into the log.
    pub fn note(&self, line: &str) {
        let line = Log { level: "error".to_owned(), target: String::new(), msg: line.to_owned() };
        self.outbox.push(&wire::frame(Kind::Log, 0, &line));
    }

    /// Counts a message that could not even be looked at.
    pub fn refuse(&self) -> Sent {
        self.malformed.fetch_add(1, Ordering::Relaxed);
        Sent::Malformed
    }

    /// Messages turned away as malformed so far.
    pub fn malformed(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// Takes nothing more: the plugin has been stopped.
    pub fn shut(&self) {
        self.is_shut.store(true, Ordering::Release);
    }
}

/// The treaty's rules for what a plugin sends: its requests are odd, its answers even, the rest is 0; all but
/// DATA is text.
fn is_allowed(kind: Kind, id: u64, bytes: &[u8]) -> bool {
    let is_id_right = match kind {
        Kind::Request | Kind::Cancel => id % 2 == 1,
        Kind::Reply | Kind::Error => id != 0 && id.is_multiple_of(2),
        Kind::Hello | Kind::Log => id == 0,
        Kind::Data => true,
        Kind::Event | Kind::Ping | Kind::Pong => false,
    };
    is_id_right && (kind == Kind::Data || std::str::from_utf8(bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn each_kind_passes_with_the_ids_of_its_side_only() {
        let (here, _there) = UnixStream::pair().unwrap();
        let gate = Gate::new(Outbox::new(here));
        let rows: &[(u32, u64, &[u8], Sent)] = &[
            (Kind::Hello as u32, 0, b"{}", Sent::Ok),
            (Kind::Request as u32, 1, b"{}", Sent::Ok),
            (Kind::Request as u32, 2, b"{}", Sent::Malformed),
            (Kind::Request as u32, 0, b"{}", Sent::Malformed),
            (Kind::Reply as u32, 2, b"{}", Sent::Ok),
            (Kind::Reply as u32, 1, b"{}", Sent::Malformed),
            (Kind::Error as u32, 0, b"{}", Sent::Malformed),
            (Kind::Cancel as u32, 3, b"", Sent::Ok),
            (Kind::Log as u32, 0, b"\xff", Sent::Malformed),
            (Kind::Data as u32, 9, b"\xff", Sent::Ok),
            (Kind::Ping as u32, 0, b"", Sent::Malformed),
            (Kind::Pong as u32, 0, b"", Sent::Malformed),
            (99, 0, b"", Sent::Malformed),
            (Kind::Data as u32, 0, &[0; MESSAGE_BYTES + 1], Sent::TooBig),
        ];
        for (kind, id, bytes, expected) in rows {
            assert_eq!(gate.take(*kind, *id, bytes), *expected, "kind {kind}, id {id}");
        }
        assert_eq!(gate.malformed(), 8);
        gate.shut();
        assert_eq!(gate.take(Kind::Hello as u32, 0, b"{}"), Sent::Closed);
    }
}
