//! A raw line with TLS, so that a test can say to our clients' ports what no client would.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use jackfield_sdk::tls::AnyCertificate;
use rustls::client::Resumption;
use rustls::crypto::ring as provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection, StreamOwned, SupportedProtocolVersion};

use super::authority::Leaf;
use super::scram::Prover;

/// Longest wait for words.
const PATIENCE: Duration = Duration::from_secs(40);

/// The connection, and what came over it that was not heard yet.
pub struct Secure {
    tls: StreamOwned<ClientConnection, TcpStream>,
    domain: &'static str,
    heard: String,
}

/// What clients ask for by ALPN (XEP-0368).
pub const CLIENT: &[u8] = b"xmpp-client";

/// TLS in these versions, with any certificate, for that protocol, and nothing kept of earlier connections.
pub fn any_certificate(versions: &[&'static SupportedProtocolVersion], protocol: &[u8]) -> Arc<ClientConfig> {
    with_identity(versions, protocol, None)
}

/// The same, showing a certificate where one is asked for.
pub fn with_identity(
    versions: &[&'static SupportedProtocolVersion],
    protocol: &[u8],
    own: Option<&Leaf>,
) -> Arc<ClientConfig> {
    let crypto = Arc::new(provider::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&crypto))
        .with_protocol_versions(versions)
        .expect("ring speaks TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(AnyCertificate::required(&crypto));
    let mut config = match own {
        Some(own) => {
            let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("PEM");
            config.with_client_auth_cert(vec![own.der().into()], key).expect("a key that fits")
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

impl Secure {
    /// Connects to a port where TLS begins at once.
    pub fn connect(port: u16) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).expect("the port takes connections");
        Self::over(socket, any_certificate(ALL_VERSIONS, CLIENT), "home.example")
    }

    /// The same over that connection, with that TLS, to that domain.
    pub fn over(socket: TcpStream, config: Arc<ClientConfig>, domain: &'static str) -> Self {
        Self { tls: begun(socket, config, domain), domain, heard: String::new() }
    }

    /// The same, after a header of its and one of ours.
    pub fn opened(port: u16) -> Self {
        let mut line = Self::connect(port);
        line.open();
        line
    }

    /// Begins a stream.
    pub fn open(&mut self) -> String {
        self.say(&format!(
            "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='{}' version='1.0'>",
            self.domain
        ));
        self.hear("</stream:features>")
    }

    /// Says it; the other side may have gone.
    pub fn say(&mut self, text: &str) {
        let _ = self.tls.write_all(text.as_bytes()).and_then(|()| self.tls.flush());
    }

    /// Begins to prove who it is.
    pub fn auth(&mut self, mechanism: &str, text: &str) {
        let text = BASE64.encode(text.as_bytes());
        self.say(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>{text}</auth>"
        ));
    }

    /// Goes on with it.
    pub fn response(&mut self, text: &str) {
        let text = BASE64.encode(text.as_bytes());
        self.say(&format!("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{text}</response>"));
    }

    /// What only the two ends of this connection know (RFC 9266).
    pub fn exporter(&self) -> Vec<u8> {
        let data = self.tls.conn.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""));
        data.expect("TLS stands").to_vec()
    }

    /// Proves a password by SCRAM-SHA-256, bound to the connection where `gs2` says so; what success says.
    #[track_caller]
    pub fn proves(&mut self, prover: &mut Prover, gs2: &str, channel: &[u8]) -> String {
        let mechanism = if channel.is_empty() { "SCRAM-SHA-256" } else { "SCRAM-SHA-256-PLUS" };
        self.auth(mechanism, &prover.first(gs2));
        let first = self.challenge("challenge");
        self.response(&prover.last(&first, gs2, channel));
        self.challenge("success")
    }

    /// Binds that resource on a new stream, after the proof.
    #[track_caller]
    pub fn binds(&mut self, resource: &str) {
        self.open();
        self.say(&format!(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>{resource}</resource></bind></iq>"
        ));
        self.hear("</jid>");
        self.hear("</iq>");
    }

    /// The certificate that was shown, DER.
    pub fn certificate(&self) -> Vec<u8> {
        self.tls.conn.peer_certificates().and_then(<[_]>::first).expect("TLS stands").to_vec()
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

    /// The words of the next challenge, or of success.
    #[track_caller]
    pub fn challenge(&mut self, element: &str) -> String {
        let text = self.hear(&format!("</{element}>"));
        let text = text.rsplit_once("</").expect("it ends").0;
        let text = text.rsplit_once('>').expect("it begins").1;
        String::from_utf8(BASE64.decode(text.as_bytes()).expect("base64")).expect("UTF-8")
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

    /// Everything that has come so far and was not heard; none: the connection has ended.
    #[allow(dead_code, reason = "a benchmark asks for it")]
    pub fn so_far(&mut self) -> Option<String> {
        self.tls.sock.set_nonblocking(true).expect("a socket");
        let is_open = loop {
            let before = self.heard.len();
            if self.more().is_none() {
                break false;
            }
            if self.heard.len() == before {
                break true;
            }
        };
        self.tls.sock.set_nonblocking(false).expect("a socket");
        is_open.then(|| std::mem::take(&mut self.heard))
    }

    /// Reads on; none: the connection has ended.
    fn more(&mut self) -> Option<()> {
        let mut bytes = [0; 4096];
        match self.tls.read(&mut bytes) {
            Ok(0) => None,
            Ok(count) => {
                self.heard += &String::from_utf8_lossy(&bytes[..count]);
                Some(())
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Some(()),
                _ => None,
            },
        }
    }
}

/// TLS on that connection, with a server of that name.
fn begun(
    socket: TcpStream,
    config: Arc<ClientConfig>,
    name: &str,
) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time-out");
    StreamOwned::new(ClientConnection::new(config, name).expect("a session"), socket)
}

/// The certificate that servers which ask for that name are shown where TLS begins at once.
pub fn shown(place: &str, name: &str) -> Vec<u8> {
    let socket = TcpStream::connect(place).expect("the port takes connections");
    let mut tls = begun(socket, any_certificate(ALL_VERSIONS, b"xmpp-server"), name);
    let until = Instant::now() + PATIENCE;
    while tls.conn.is_handshaking() {
        match tls.conn.complete_io(&mut tls.sock) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("TLS does not begin: {error}"),
            _ => assert!(Instant::now() < until, "TLS does not begin"),
        }
    }
    tls.conn.peer_certificates().expect("a certificate")[0].to_vec()
}
