//! A door to test against, and clients that say exactly what they are told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::http::{CertStore, Client, Config, Handler, Http, Limits, Request, Response, self_signed};

/// Body limit of every path but `/import`.
pub const BODY_LIMIT: u64 = 2 * 1024 * 1024;
/// Longest any test client waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(8);

pub struct Bench {
    pub http: Http,
    pub certificates: Arc<CertStore>,
    pub trusted: Mutex<Vec<CertificateDer<'static>>>,
    /// One message per request that has arrived at `/wait`.
    pub arrived: Receiver<()>,
    /// Lets one request at `/wait` go on.
    pub go_on: Sender<()>,
}

pub fn limits() -> Limits {
    Limits { per_address: 512, ..Limits::default() }
}

pub fn start(limits: Limits) -> Bench {
    start_with(limits, |_| {})
}

pub fn start_with(limits: Limits, adjust: impl FnOnce(&mut Config)) -> Bench {
    let (cert, key) = self_signed(&[]).unwrap();
    let certificates = Arc::new(CertStore::new(&cert, &key).unwrap());
    let (arrive, arrived) = channel();
    let (go_on, gate) = channel();
    let mut config = Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        control_socket: None,
        certificates: certificates.clone(),
        limits,
        workers: 4,
        body_limit: |_, path| if path == "/import" { 64 * BODY_LIMIT } else { BODY_LIMIT },
        spool: std::env::temp_dir(),
        handler: handler(arrive, gate),
    };
    adjust(&mut config);
    let http = Http::start(config).unwrap();
    Bench { http, certificates, trusted: Mutex::new(vec![der(&cert)]), arrived, go_on }
}

fn handler(arrive: Sender<()>, gate: Receiver<()>) -> Handler {
    let gate = Mutex::new(gate);
    Arc::new(move |request: Request| match request.path.as_str() {
        "/wait" => {
            arrive.send(()).unwrap();
            let _ = gate.lock().unwrap().recv_timeout(PATIENCE);
            text("waited")
        }
        "/panic" => panic!("on purpose"),
        "/split" => response(200, vec![("X-A".into(), "b\r\nX-C: d".into())], Vec::new()),
        "/nothing" => response(204, Vec::new(), Vec::new()),
        "/large" => response(200, Vec::new(), vec![b'x'; 32 * 1024 * 1024]),
        "/who" => text(&who(&request)),
        "/echo" => response(200, Vec::new(), request.body),
        "/headers" => text(&format!("{:?} {:?}", request.query, request.headers)),
        _ => text("hello"),
    })
}

fn who(request: &Request) -> String {
    match request.client {
        Client::Remote(address) => format!("remote {}", address.ip()),
        Client::Local { uid } => format!("local {uid}"),
    }
}

fn text(words: &str) -> Response {
    response(200, vec![("Content-Type".into(), "text/plain".into())], words.into())
}

fn response(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Response {
    Response { status, headers, body, feed: None }
}

pub fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

pub trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// A client over any connection, and what it has read but not yet looked at.
pub struct Talk<W> {
    pub wire: W,
    pub unread: Vec<u8>,
}

pub type Tls = Talk<StreamOwned<ClientConnection, TcpStream>>;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Bench {
    pub fn address(&self) -> SocketAddr {
        self.http.addresses()[0]
    }

    pub fn tcp(&self) -> TcpStream {
        let tcp = TcpStream::connect(self.address()).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp
    }

    pub fn connect(&self) -> Tls {
        self.tls_over(self.tcp())
    }

    pub fn tls_over(&self, tcp: TcpStream) -> Tls {
        let mut roots = RootCertStore::empty();
        for certificate in self.trusted.lock().unwrap().iter() {
            roots.add(certificate.clone()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        Talk { wire: StreamOwned::new(connection, tcp), unread: Vec::new() }
    }

    /// Waits until a number in the statistics is as expected.
    pub fn until(&self, what: &str, holds: impl Fn(&crate::http::Stats) -> bool) {
        let by = Instant::now() + PATIENCE;
        while !holds(&self.http.stats()) {
            assert!(Instant::now() < by, "{what}: {:?}", self.http.stats());
            std::thread::yield_now();
        }
    }
}

impl<W: Wire> Talk<W> {
    pub fn over(wire: W) -> Self {
        Self { wire, unread: Vec::new() }
    }

    pub fn say(&mut self, words: &str) {
        self.say_bytes(words.as_bytes());
    }

    pub fn say_bytes(&mut self, bytes: &[u8]) {
        self.wire.write_all(bytes).unwrap();
        self.wire.flush().unwrap();
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.say(&format!("GET {path} HTTP/1.1\r\nHost: box\r\n\r\n"));
        self.answer()
    }

    pub fn post(&mut self, path: &str, body: &[u8]) -> Answer {
        self.say(&format!("POST {path} HTTP/1.1\r\nHost: box\r\nContent-Length: {}\r\n\r\n", body.len()));
        self.say_bytes(body);
        self.answer()
    }

    /// The next answer, with the body its Content-Length announces.
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        let length = answer.head.lines().find_map(|l| l.strip_prefix("Content-Length: "));
        let length = length.map_or(0, |l| l.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.read_more(), "the answer ends early: {}", answer.head);
        }
        answer.body = self.unread.drain(..length).collect();
        answer
    }

    /// The next answer of a request that has no body in its answer.
    pub fn head(&mut self) -> Answer {
        loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                let head = String::from_utf8(head).unwrap();
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return Answer { status, head, body: Vec::new() };
            }
            let seen = String::from_utf8_lossy(&self.unread).into_owned();
            assert!(self.read_more(), "the connection ended after {seen:?}");
        }
    }

    /// The next bytes, as text.
    pub fn exactly(&mut self, length: usize) -> String {
        while self.unread.len() < length {
            assert!(self.read_more(), "the answer ends after {:?}", String::from_utf8_lossy(&self.unread));
        }
        String::from_utf8(self.unread.drain(..length).collect()).unwrap()
    }

    /// Whether the server closes without another byte.
    pub fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.read_more()
    }

    fn read_more(&mut self) -> bool {
        let mut part = [0; 16 * 1024];
        match self.wire.read(&mut part) {
            Ok(0) => false,
            Ok(count) => {
                self.unread.extend_from_slice(&part[..count]);
                true
            }
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => panic!("nothing came in {PATIENCE:?}"),
            Err(_) => false,
        }
    }
}
