//! How much and how long the door puts up with: every number an administrator may change while it runs.
//! Leaves out the sizes of heads and buffers, which are fixed by design and stand where they are used.

use std::time::Duration;

/// Caps and deadlines of the door; the defaults suit an appliance on a company network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open TLS connections in total.
    pub connections: usize,
    /// Open TLS connections of one IPv4 address or one IPv6 /64 network.
    pub per_address: usize,
    /// Complete requests that may wait for a free worker; one more is answered 503.
    pub waiting: usize,
    /// From accept (including the TLS handshake), or from the first byte of a later request, to the end of
    /// the request head.
    pub head: Duration,
    /// From the end of the head to the end of the body, before the allowance for its size.
    pub body: Duration,
    /// Bytes of declared body that earn one more second.
    pub body_rate: u64,
    /// Longest silence of a worker before the client gets 504; also the longest wait for a free worker.
    pub answer: Duration,
    /// How long a connection may stay open between two requests.
    pub idle: Duration,
    /// How long a client may take for each 64 KiB of an answer.
    pub stalled: Duration,
    /// Longest silence of an answer that goes on, before it gives a sign of life.
    pub beat: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            per_address: 64,
            waiting: 256,
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            body_rate: 64 * 1024,
            answer: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            stalled: Duration::from_secs(30),
            beat: Duration::from_secs(15),
        }
    }
}

/// What a client connection is waiting for, and therefore which limit runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The rest of a request head.
    Head,
    /// The rest of a request body of that declared length in bytes.
    Body(u64),
    /// A free worker.
    Worker,
    /// A worker's answer.
    Answer,
    /// The client taking what was written to it.
    Client,
    /// The next request.
    Idle,
    /// Something to tell in an answer that goes on.
    News,
    /// The client's end of a connection that is being closed.
    Farewell,
}

/// How long a closed connection is drained, so that the client reads the last answer before a reset.
const FAREWELL: Duration = Duration::from_secs(5);

impl Limits {
    /// The longest time for one wait.
    pub fn patience(&self, wait: Wait) -> Duration {
        match wait {
            Wait::Head => self.head,
            Wait::Body(declared) => self.body + Duration::from_secs(declared / self.body_rate.max(1)),
            Wait::Worker | Wait::Answer => self.answer,
            Wait::Client => self.stalled,
            Wait::Idle => self.idle,
            Wait::News => self.beat,
            Wait::Farewell => FAREWELL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_body_earns_more_time() {
        let limits = Limits::default();
        assert_eq!(limits.patience(Wait::Body(10)), Duration::from_secs(30));
        assert_eq!(limits.patience(Wait::Body(1024 * 1024)), Duration::from_secs(46));
    }
}
