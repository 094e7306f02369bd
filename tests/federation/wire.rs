//! A raw connection: says text and hears text, so that a test can say what no program would.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Longest wait for words.
const PATIENCE: Duration = Duration::from_secs(40);

/// The connection, and what came over it that was not heard yet.
pub struct Line {
    socket: TcpStream,
    heard: String,
}

impl Line {
    /// Connects.
    pub fn connect(to: impl ToSocketAddrs) -> Self {
        let socket = TcpStream::connect(to).expect("the port takes connections");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time-out");
        socket.set_write_timeout(Some(PATIENCE)).expect("a time-out");
        Self { socket, heard: String::new() }
    }

    /// Connects to a server as a client, without TLS, and logs `bob` in with the password `secret`.
    pub fn log_in(address: &str, host: &str) -> Self {
        let mut bob = Self::opened(address, host);
        // NUL bob NUL secret
        bob.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGJvYgBzZWNyZXQ=</auth>");
        bob.hear("<success");
        bob.say(&open(host));
        bob.hear("</stream:features>");
        bob.say(
            "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>desk</resource></bind></iq>",
        );
        bob.hear("</iq>");
        bob.say("<presence/>");
        bob
    }

    /// Asks for the roster: only who has done that hears all of subscriptions (RFC 6121 section 2.2).
    #[must_use]
    pub fn interested(mut self) -> Self {
        self.say("<iq type='get' id='contacts'><query xmlns='jabber:iq:roster'/></iq>");
        self.hear("contacts");
        self
    }

    /// Connects to a server as a client that has not logged in.
    pub fn opened(address: &str, host: &str) -> Self {
        let mut line = Self::connect((address, 5222));
        line.say(&open(host));
        line.hear("</stream:features>");
        line
    }

    /// Says it; the other side may have gone.
    pub fn say(&mut self, text: &str) {
        self.say_bytes(text.as_bytes());
    }

    /// Says bytes.
    pub fn say_bytes(&mut self, bytes: &[u8]) {
        // What is refused halfway is what some tests are about.
        let _ = self.socket.write_all(bytes);
    }

    /// Ends one direction of the connection, or both.
    pub fn shut(&self, how: Shutdown) {
        self.socket.shutdown(how).expect("the connection stands");
    }

    /// Ends the connection with a reset instead of a farewell.
    pub fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.socket, Some(Duration::ZERO)).expect("a socket");
    }

    /// Says it byte by byte, with that pause before each, for as long as the other side listens; everything it said.
    pub fn drip(&mut self, bytes: &[u8], pause: Duration) -> String {
        self.socket.set_read_timeout(Some(pause)).expect("a time-out");
        for byte in bytes {
            if self.more().is_none() {
                return std::mem::take(&mut self.heard);
            }
            self.say_bytes(&[*byte]);
        }
        self.hear_out()
    }

    /// Everything up to these words, which must come.
    #[track_caller]
    pub fn hear(&mut self, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.heard.find(words) {
                let rest = self.heard.split_off(at + words.len());
                return std::mem::replace(&mut self.heard, rest);
            }
            let more = self.more();
            assert!(more.is_some() && Instant::now() < until, "{words:?} did not come: {}", self.heard);
        }
    }

    /// Everything up to the end of the connection, which must come.
    #[track_caller]
    pub fn hear_out(&mut self) -> String {
        let until = Instant::now() + PATIENCE;
        while self.more().is_some() {
            assert!(Instant::now() < until, "the connection does not end: {}", self.heard);
        }
        std::mem::take(&mut self.heard)
    }

    /// Reads on; none: the connection has ended.
    fn more(&mut self) -> Option<()> {
        let mut bytes = [0; 4096];
        match self.socket.read(&mut bytes) {
            Ok(0) => None,
            Ok(count) => {
                self.heard += &String::from_utf8_lossy(&bytes[..count]);
                Some(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Some(()),
            Err(_) => None,
        }
    }
}

fn open(host: &str) -> String {
    format!(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='{host}' version='1.0'>"
    )
}
