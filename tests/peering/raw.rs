//! A sister appliance that a test plays by hand: a certificate and frames, right or wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use jackfield_sdk::tls::AnyCertificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::{Value, json};

/// Whom the test plays.
pub struct Actor {
    pub name: String,
    tls: Arc<ClientConfig>,
}

/// A connection of the actor's.
pub struct Line(StreamOwned<ClientConnection, TcpStream>);

impl Actor {
    /// With a certificate of that name and a key of its own.
    pub fn new(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a DNS name");
        let cert = params.self_signed(&key).expect("a certificate");
        let chain = vec![CertificateDer::from(cert.der().to_vec())];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = builder.expect("ring speaks TLS").dangerous();
        let tls = builder
            .with_custom_certificate_verifier(AnyCertificate::required(&provider))
            .with_client_auth_cert(chain, key);
        let mut tls = tls.expect("the pair fits");
        tls.alpn_protocols = vec![b"jackfield-peering".to_vec()];
        Self { name: name.to_owned(), tls: Arc::new(tls) }
    }

    pub fn connect(&self, place: SocketAddr) -> Line {
        let socket = TcpStream::connect(place).expect("a connection");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
        socket.set_write_timeout(Some(Duration::from_secs(20))).expect("a time");
        let name = ServerName::try_from("sister.example").expect("a name");
        let client = ClientConnection::new(Arc::clone(&self.tls), name).expect("a client");
        Line(StreamOwned::new(client, socket))
    }

    /// Uses a code; what is answered.
    pub fn redeem(&self, place: SocketAddr, code: &Value, enterprise: &str) -> Value {
        let mut line = self.connect(place);
        line.say(&json!({"type": "redeem", "invitation": code["i"], "secret": code["s"], "party": {
            "enterprise": enterprise, "description": "Played", "domain": format!("{enterprise}.example.com"),
            "hostname": self.name, "address": "127.0.0.1:9",
        }}));
        line.hear().expect("an answer")
    }

    /// A hello as it should be.
    pub fn hello(&self, from: &str, to: &str) -> Value {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        json!({
            "type": "hello", "protocols": [1, 1], "level": 2, "version": "9.9.9", "hostname": self.name,
            "address": "127.0.0.1:9", "from": from, "to": to, "domain": format!("{from}.example.com"),
            "clock": now.as_secs(),
        })
    }
}

/// What a code holds.
pub fn inside(code: &str) -> Value {
    let body = code.strip_prefix("jackfield1-").expect("a code").rsplit_once('-').expect("a sum").0;
    let inside = data_encoding::BASE64URL_NOPAD.decode(body.as_bytes()).expect("base64");
    serde_json::from_slice(&inside).expect("JSON")
}

impl Line {
    pub fn say(&mut self, frame: &Value) {
        let text = frame.to_string();
        self.write(&[&u32::try_from(text.len()).expect("a length").to_be_bytes(), text.as_bytes()].concat());
    }

    /// Bytes as they are. The other side may have ended the connection.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).and_then(|()| self.0.flush());
    }

    /// The next frame; none: the connection has ended.
    pub fn hear(&mut self) -> Option<Value> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).ok()?;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut bytes).ok()?;
        Some(serde_json::from_slice(&bytes).expect("a frame is JSON"))
    }

    /// The next frame of that type; the test fails when the connection ends before.
    #[track_caller]
    pub fn hear_of(&mut self, kind: &str) -> Value {
        while let Some(frame) = self.hear() {
            if frame["type"] == kind {
                return frame;
            }
        }
        panic!("the connection ended without {kind}")
    }
}
