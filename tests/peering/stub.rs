//! A directory that says what no directory would: the bytes of each answer are the test's. It lets everybody in.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// One BER element.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..=127 => bytes.push(u8::try_from(short).expect("short")),
        long => {
            bytes.push(0x84);
            bytes.extend(u32::try_from(long).expect("a message").to_be_bytes());
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// A message of that number.
fn message(id: u8, operation: &[u8], controls: &[u8]) -> Vec<u8> {
    element(0x30, &[&[2, 1, id][..], operation, controls].concat())
}

fn result(tag: u8, code: u8) -> Vec<u8> {
    element(tag, &[10, 1, code, 4, 0, 4, 0])
}

/// An entry: its name, and attributes with their values.
pub fn entry(name: &[u8], attributes: &[(&str, Vec<Vec<u8>>)]) -> Vec<u8> {
    let list: Vec<u8> = attributes
        .iter()
        .flat_map(|(kind, values)| {
            let values: Vec<u8> = values.iter().flat_map(|value| element(4, value)).collect();
            element(0x30, &[element(4, kind.as_bytes()), element(0x31, &values)].concat())
        })
        .collect();
    element(0x64, &[element(4, name), element(0x30, &list)].concat())
}

/// Somebody with a login, a last name and a key.
pub fn person(login: &str, more: &[(&str, Vec<Vec<u8>>)]) -> Vec<u8> {
    let text = |text: &str| vec![text.as_bytes().to_vec()];
    let usual = [
        ("entryUUID", text(&format!("key-{login}"))),
        ("uid", text(login)),
        ("sn", text(&format!("Of {login}"))),
    ];
    let own = usual.into_iter().filter(|(kind, _)| more.iter().all(|(other, _)| other != kind));
    let all: Vec<_> = own.chain(more.iter().cloned()).collect();
    entry(format!("uid={login},dc=ocs,dc=example").as_bytes(), &all)
}

/// What is done instead of an answer, or after a part of it.
#[derive(Clone)]
pub enum Turn {
    /// Sends an operation.
    Send(Vec<u8>),
    /// Sends bytes that are no message.
    Raw(Vec<u8>),
    /// Ends the search; the text is where the next page begins, empty for none.
    Done(&'static str),
    /// Ends it with that result.
    Fails(u8),
    /// Ends the connection.
    Drop,
    /// Says nothing more.
    Hang,
}

/// The server; every connection has a thread. Ended when dropped.
pub struct Stub {
    port: u16,
    ending: Arc<AtomicBool>,
    _listening: JoinHandle<()>,
}

/// A search as it came.
pub struct Asked {
    /// Scope `base`.
    pub is_base: bool,
    request: Vec<u8>,
}

impl Asked {
    /// Whether a text is in it: a name, or an attribute.
    pub fn names(&self, text: &str) -> bool {
        self.request.windows(text.len()).any(|part| part == text.as_bytes())
    }
}

impl Stub {
    /// Starts one that answers searches so.
    pub fn start(answer: impl Fn(&Asked) -> Vec<Turn> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (ending, answer) = (Arc::new(AtomicBool::new(false)), Arc::new(answer));
        let is_ending = Arc::clone(&ending);
        let listening = std::thread::spawn(move || {
            for socket in listener.incoming() {
                if is_ending.load(Ordering::Acquire) {
                    return;
                }
                let (answer, is_ending) = (Arc::clone(&answer), Arc::clone(&is_ending));
                let Ok(socket) = socket else { continue };
                std::thread::spawn(move || drop(serve(socket, &*answer, &is_ending)));
            }
        });
        Self { port, ending, _listening: listening }
    }

    /// A synchronizer that reads it.
    pub fn synchronizer(&self) -> Value {
        json!({
            "description": "Stub", "domain": "ocs.example", "host": "127.0.0.1", "port": self.port, "tls": "none",
            "base_dn": "dc=ocs,dc=example", "filter": "(objectClass=*)",
            "mapping": {"user_id": "entryUUID", "login": "uid", "distinguished_name": "entryDN"},
        })
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(
    mut socket: TcpStream,
    answer: &dyn Fn(&Asked) -> Vec<Turn>,
    ending: &AtomicBool,
) -> std::io::Result<()> {
    loop {
        let request = read(&mut socket)?;
        // SEQUENCE, INTEGER of one octet, operation.
        let (id, tag) =
            (request[request.len() - body(&request) + 2], request[request.len() - body(&request) + 3]);
        match tag {
            0x60 => socket.write_all(&message(id, &result(0x61, 0), &[]))?,
            0x63 => {
                let asked = Asked { is_base: scope(&request) == 0, request };
                for turn in answer(&asked) {
                    play(&mut socket, id, &turn, ending)?;
                }
            }
            _ => return Ok(()),
        }
    }
}

fn play(socket: &mut TcpStream, id: u8, turn: &Turn, ending: &AtomicBool) -> std::io::Result<()> {
    match turn {
        Turn::Send(operation) => socket.write_all(&message(id, operation, &[])),
        Turn::Raw(bytes) => socket.write_all(bytes),
        Turn::Done(next) => {
            let value = element(0x30, &[&[2, 1, 0][..], &element(4, next.as_bytes())].concat());
            let control = [element(4, b"1.2.840.113556.1.4.319"), element(4, &value)].concat();
            let controls = element(0xa0, &element(0x30, &control));
            socket.write_all(&message(id, &result(0x65, 0), &controls))
        }
        Turn::Fails(code) => socket.write_all(&message(id, &result(0x65, *code), &[])),
        Turn::Drop => Err(std::io::ErrorKind::ConnectionAborted.into()),
        Turn::Hang => {
            while !ending.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(std::io::ErrorKind::ConnectionAborted.into())
        }
    }
}

/// Bytes of a message's content.
fn body(message: &[u8]) -> usize {
    let head = if message[1] < 0x80 { 2 } else { 2 + usize::from(message[1] & 0x7f) };
    message.len() - head
}

/// The scope of a search: the first ENUMERATED after the base.
fn scope(request: &[u8]) -> u8 {
    let at = request.windows(2).position(|pair| pair == [10, 1]).expect("a search has a scope");
    request[at + 2]
}

fn read(socket: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; 2];
    socket.read_exact(&mut message)?;
    let length = match message[1] {
        short @ 0..=127 => usize::from(short),
        long => {
            let mut digits = vec![0; usize::from(long & 0x7f)];
            socket.read_exact(&mut digits)?;
            message.extend_from_slice(&digits);
            digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit))
        }
    };
    let head = message.len();
    message.resize(head + length, 0);
    socket.read_exact(&mut message[head..])?;
    Ok(message)
}
