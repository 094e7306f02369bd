//! A small HTTPS client: one connection for each request, so that every request meets a fresh door, and
//! bytes go out exactly as a test wrote them. It trusts the one certificate whose fingerprint was printed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};
use serde_json::{Value, json};

use super::{Answer, Follower, READ};

const BASE: &str = "/api/v1";
/// Longer than the appliance waits for a plugin.
const PATIENCE: Duration = Duration::from_secs(45);

/// Speaks to one appliance, with the credentials it was given.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    headers: Vec<(String, String)>,
}

/// A request being written.
pub struct Call<'a> {
    client: &'a Client,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Client {
    /// A client without credentials that trusts the certificate with this SHA-256.
    pub fn new(address: SocketAddr, fingerprint: &str) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let pinned = Arc::new(Pinned { fingerprint: hexadecimal(fingerprint), provider: provider.clone() });
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("ring speaks TLS 1.2 and 1.3").dangerous();
        let tls = builder.with_custom_certificate_verifier(pinned).with_no_client_auth();
        Self { address, tls: Arc::new(tls), headers: Vec::new() }
    }

    /// The same client with a token.
    pub fn with_token(&self, token: &str) -> Self {
        self.with_header("Authorization", &format!("Bearer {token}"))
    }

    /// The same client with one more header on every request.
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The value of an unlabelled figure of `/metrics`.
    #[track_caller]
    pub fn figure(&self, name: &str) -> f64 {
        let page = self.root("GET", "/metrics").send().expect(200);
        let text = String::from_utf8_lossy(&page.bytes);
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("/metrics has no {name}"))
    }

    /// What it trusts, for connections that a test makes byte by byte.
    pub fn tls(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }

    /// The cookie that it sends.
    pub fn cookie(&self) -> String {
        let found = self.headers.iter().find(|(name, _)| name == "Cookie");
        found.map(|(_, value)| value.clone()).expect("this client has signed in")
    }

    /// Signs in as an administrator: a client with the session's cookie, and the session's CSRF value.
    pub fn sign_in(&self, name: &str, password: &str) -> (Self, String) {
        let begun = self.post("/session", &json!({"name": name, "password": password})).expect(201);
        let cookie = begun.header("set-cookie").expect("signing in sets a cookie");
        let pair = cookie.split(';').next().expect("a cookie has a value");
        let csrf = begun.json["csrf"].as_str().expect("a session has a csrf value");
        (self.with_header("Cookie", pair), csrf.to_owned())
    }

    /// Reads a path below the API's base.
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send()
    }

    /// Posts JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path).json(body).send()
    }

    /// Replaces the version with this ETag.
    pub fn put(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.call("PUT", path).header("If-Match", etag).json(body).send()
    }

    /// Changes some fields of the version with this ETag.
    pub fn patch(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.call("PATCH", path).header("If-Match", etag).json(body).send()
    }

    /// Deletes the version with this ETag.
    pub fn delete(&self, path: &str, etag: &str) -> Answer {
        self.call("DELETE", path).header("If-Match", etag).send()
    }

    /// A request below the API's base, to be written further.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        self.root(method, &format!("{BASE}{path}"))
    }

    /// A request of any path, to be written further.
    pub fn root(&self, method: &str, path: &str) -> Call<'_> {
        let (method, path) = (method.to_owned(), path.to_owned());
        Call { client: self, method, path, headers: self.headers.clone(), body: None }
    }
}

impl Call<'_> {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").bytes(body.to_string().into_bytes())
    }

    /// Sets a body of any bytes, without saying what they are.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends the request and reads the answer to its end.
    #[track_caller]
    pub fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        let received = exchange(self.client, &self.written());
        let received = received.unwrap_or_else(|e| panic!("{what}: no answer: {e}"));
        Answer::parse(&what, &received)
    }

    /// Sends the request and follows the events that it is answered with.
    #[track_caller]
    pub fn follow(self) -> Follower {
        let (mut stream, sent) = begin(self.client, &self.written()).expect("the appliance is reached");
        sent.expect("the request can be sent");
        stream.flush().expect("the request can be sent");
        stream.sock.set_read_timeout(Some(READ)).expect("a read can have a deadline");
        Follower::over(stream)
    }

    /// Sends the request to an appliance that may die meanwhile; `None` when no whole answer came.
    pub fn try_send(self) -> Option<Answer> {
        let received = exchange(self.client, &self.written()).ok()?;
        let body = received.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&received[..body]).to_lowercase();
        let declared: usize = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
        (received.len() - body == declared).then(|| Answer::parse(&self.path, &received))
    }

    fn written(&self) -> Vec<u8> {
        let Self { client, method, path, headers, body } = self;
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", client.address);
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        if let Some(body) = body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        let mut request = (head + "\r\n").into_bytes();
        request.extend(body.iter().flatten());
        request
    }
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Connects and sends; the inner result is the sending's.
fn begin(client: &Client, request: &[u8]) -> std::io::Result<(Stream, std::io::Result<()>)> {
    let socket = TcpStream::connect_timeout(&client.address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_nodelay(true)?;
    let name = ServerName::from(client.address.ip());
    let connection = ClientConnection::new(client.tls.clone(), name).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, socket);
    // The door may answer and close before it has read all of a request that it refuses.
    let sent = stream.write_all(request).and_then(|()| stream.flush());
    Ok((stream, sent))
}

fn exchange(client: &Client, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let (mut stream, sent) = begin(client, request)?;
    let mut received = Vec::new();
    let read = match sent {
        Ok(()) => stream.read_to_end(&mut received).map(drop),
        Err(_) => read_what_arrived(&mut stream, &mut received),
    };
    if received.is_empty() { sent.and(read).map(|()| received) } else { Ok(received) }
}

/// Reads without writing, which would fail on a connection whose other side has gone.
fn read_what_arrived(stream: &mut Stream, received: &mut Vec<u8>) -> std::io::Result<()> {
    let StreamOwned { conn, sock } = stream;
    while conn.wants_read() && conn.read_tls(sock)? > 0 {
        let state = conn.process_new_packets().map_err(std::io::Error::other)?;
        let mut plain = vec![0; state.plaintext_bytes_to_read()];
        conn.reader().read_exact(&mut plain)?;
        received.extend(plain);
    }
    Ok(())
}

/// Accepts exactly one certificate.
#[derive(Debug)]
struct Pinned {
    fingerprint: Vec<u8>,
    provider: Arc<CryptoProvider>,
}

fn hexadecimal(fingerprint: &str) -> Vec<u8> {
    let digits: String = fingerprint.chars().filter(char::is_ascii_hexdigit).collect();
    data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).expect("a fingerprint is hexadecimal")
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let seen = ring::digest::digest(&ring::digest::SHA256, certificate);
        match seen.as_ref() == self.fingerprint {
            true => Ok(ServerCertVerified::assertion()),
            false => {
                Err(Error::General("the certificate is not the one whose fingerprint was printed".into()))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
