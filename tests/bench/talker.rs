//! A chat client that does as little as it can: it shares the machine with what is measured.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

/// Longest silence.
const PATIENCE: Duration = Duration::from_secs(60);

trait Socket: Read + Write + Send {}
impl<T: Read + Write + Send> Socket for T {}

/// A client that has logged in and is there.
pub struct Talker {
    socket: Box<dyn Socket>,
    heard: Vec<u8>,
    /// Its address, without resource.
    pub address: String,
}

impl Talker {
    /// Without TLS.
    pub fn plain(at: &str, host: &str, name: &str, password: &str) -> Self {
        Self::log_in(Box::new(connected(at)), host, name, password)
    }

    /// With TLS from the beginning; whose certificate it is does not matter here.
    pub fn secured(at: &str, host: &str, name: &str, password: &str) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let config =
            config.expect("usual versions").dangerous().with_custom_certificate_verifier(Arc::new(Any));
        let name_there = ServerName::try_from(host.to_owned()).expect("a domain");
        let tls =
            ClientConnection::new(Arc::new(config.with_no_client_auth()), name_there).expect("TLS begins");
        Self::log_in(Box::new(StreamOwned::new(tls, connected(at))), host, name, password)
    }

    fn log_in(socket: Box<dyn Socket>, host: &str, name: &str, password: &str) -> Self {
        let mut talker = Self { socket, heard: Vec::new(), address: format!("{name}@{host}") };
        let open = format!(
            "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='{host}' version='1.0'>"
        );
        talker.put(&open);
        talker.hear("</stream:features>");
        let secret = data_encoding::BASE64.encode(format!("\0{name}\0{password}").as_bytes());
        talker.put(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>"
        ));
        talker.hear("<success");
        talker.put(&open);
        talker.hear("</stream:features>");
        talker.put("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
        talker.hear("</iq>");
        talker.put("<presence/>");
        talker
    }

    fn put(&mut self, text: &str) {
        self.socket
            .write_all(text.as_bytes())
            .and_then(|()| self.socket.flush())
            .expect("the server takes it");
    }

    fn hear(&mut self, words: &str) {
        loop {
            let text = String::from_utf8_lossy(&self.heard);
            if text.contains(words) {
                return self.heard.clear();
            }
            assert!(
                self.more() > 0,
                "{} closed before {words}: {}",
                self.address,
                String::from_utf8_lossy(&self.heard)
            );
        }
    }

    fn more(&mut self) -> usize {
        let mut bytes = [0; 64 * 1024];
        let count = self.socket.read(&mut bytes).expect("the server says something in time");
        self.heard.extend_from_slice(&bytes[..count]);
        count
    }

    /// Some messages at once, numbered from there on.
    pub fn say(&mut self, to: &str, first: usize, count: usize) {
        let one = |n: usize| {
            format!(
                "<message type='chat' to='{to}' id='m{n}'><body>Message {n:05}: shall we meet at noon, or later on?</body></message>"
            )
        };
        self.put(&(first..first + count).map(one).collect::<String>());
    }

    /// Reads so many messages.
    pub fn take(&mut self, count: usize, arrived: &AtomicUsize) {
        const END: &[u8] = b"</message>";
        let mut seen = 0;
        while seen < count {
            assert!(self.more() > 0, "{} closed after {seen} messages", self.address);
            let found = self.heard.windows(END.len()).filter(|part| *part == END).count();
            let text = String::from_utf8_lossy(&self.heard);
            assert!(!text.contains("type='error'"), "{text}");
            seen += found;
            arrived.store(seen, Ordering::Relaxed);
            // What is left is the beginning of the next one's end at most.
            let left = self.heard.len().saturating_sub(END.len() - 1);
            let left = if self.heard[left..].contains(&b'>') { self.heard.len() } else { left };
            self.heard.drain(..left);
        }
        self.heard.clear();
    }
}

fn connected(at: &str) -> TcpStream {
    let socket = TcpStream::connect(at).expect("the server takes connections");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    socket.set_nodelay(true).expect("small pieces go at once");
    socket
}

/// Takes any certificate.
#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
