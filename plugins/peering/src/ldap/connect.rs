//! The way to a directory: its addresses, a connection, TLS. The same for the test, for runs and for signing in.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use jackfield_sdk::Host;

use super::ber::{ENUMERATED, Reader};
use super::line::{Line, Stop};
use super::tls::{self, Seen, Stream};
use super::trouble::{Step, Trouble};
use super::wire::{Lost, Wire};
use super::words;
use crate::synchronizer::Tls;

/// Longest wait for a name.
const RESOLVE: Duration = Duration::from_secs(10);
/// Longest wait for one address.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for all of them.
const CONNECT_ALL: Duration = Duration::from_secs(10);
/// Longest handshake, with what comes before it.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Most addresses that are tried.
const MOST_ADDRESSES: usize = 8;

/// StartTLS (RFC 4511 section 4.14.1).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;

const BLOCKED: &str = "Check host and port, that the server runs, and that no firewall is in the way";
const NAME: &str = "Check the host's spelling, and that the appliance's name servers know it";
const CERTIFICATE: &str =
    "Upload the certificate of the authority that signed it, and write the host as the certificate has it";
const NO_TLS: &str = "Check that the server has a certificate, and that port and encryption belong together: 636 for ldaps, 389 for starttls";

/// Where a directory is.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    /// Host name or address.
    pub host: &'t str,
    /// Port.
    pub port: u16,
    /// How the connection is kept from listeners.
    pub tls: Tls,
    /// Authorities to trust besides the system's, PEM.
    pub authorities: Option<&'t str>,
}

/// What is seen on the way, also where it fails.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// Steps that are done, with what was seen.
    pub done: Vec<(Step, String)>,
    /// What TLS showed.
    pub seen: Seen,
}

/// Goes the way.
pub fn connect<'s>(
    host: &Host,
    target: &Target<'_>,
    stop: Stop<'s>,
    course: &mut Course,
) -> Result<Wire<'s>, Trouble> {
    let addresses = resolve(host, target)?;
    let shown: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    course.done.push((Step::Resolve, format!("{} is {}", target.host, shown.join(", "))));
    let (socket, address) = reach(&addresses, stop)?;
    course.done.push((Step::Connect, format!("{address} takes connections")));
    let line = Line::new(socket, stop);
    match target.tls {
        Tls::Off => {
            let clear = "without TLS: everything, the password too, crosses the network in clear";
            course.done.push((Step::Tls, clear.to_owned()));
            Ok(Wire::new(Stream::Clear(line)))
        }
        Tls::Ldaps => secure(line, target, course),
        Tls::Upgrade => secure(upgrade(line)?, target, course),
    }
}

/// The system's resolver has no bound of its own, so it works beside us; a thread that is left behind ends by itself.
fn resolve(host: &Host, target: &Target<'_>) -> Result<Vec<SocketAddr>, Trouble> {
    if let Ok(address) = target.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, target.port)]);
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let (name, port) = (target.host.to_owned(), target.port);
    let look = move || {
        // Nobody is told when it took too long.
        let _ = sender.try_send((name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>));
    };
    let fail = |detail: String| Trouble::new(Step::Resolve, detail, NAME);
    host.spawn("ldap-resolve", look).map_err(|failure| fail(failure.msg))?;
    let named = match receiver.recv_timeout(RESOLVE) {
        Ok(named) => named,
        Err(_) => return Err(fail(format!("no name server said within 10 s where {} is", target.host))),
    };
    let mut addresses = named.map_err(|e| fail(format!("{} has no address: {e}", target.host)))?;
    addresses.truncate(MOST_ADDRESSES);
    if addresses.is_empty() {
        return Err(fail(format!("{} has no address", target.host)));
    }
    Ok(addresses)
}

fn reach(addresses: &[SocketAddr], stop: Stop<'_>) -> Result<(TcpStream, SocketAddr), Trouble> {
    let until = Instant::now() + CONNECT_ALL;
    let mut last = "no address was tried".to_owned();
    for address in addresses {
        let left = until.saturating_duration_since(Instant::now()).min(CONNECT);
        if stop() {
            return Err(Trouble::cancelled(Step::Connect));
        }
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, left) {
            Ok(socket) => return prepared(socket).map(|socket| (socket, *address)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                last = format!("{address} does not answer within {} s", left.as_secs().max(1));
            }
            Err(error) => last = format!("{address} takes no connection: {error}"),
        }
    }
    Err(Trouble::new(Step::Connect, last, BLOCKED))
}

fn prepared(socket: TcpStream) -> Result<TcpStream, Trouble> {
    let failed = |e: io::Error| Trouble::new(Step::Connect, format!("the socket cannot be used: {e}"), "");
    socket.set_nodelay(true).map_err(failed)?;
    Ok(socket)
}

fn secure<'s>(mut line: Line<'s>, target: &Target<'_>, course: &mut Course) -> Result<Wire<'s>, Trouble> {
    line.allow(HANDSHAKE);
    let begun = tls::begin(line, target.host, target.authorities, &mut course.seen);
    let advice = if course.seen.certificate.is_some() { CERTIFICATE } else { NO_TLS };
    let stream = begun.map_err(|cause| Trouble::new(Step::Tls, cause, advice))?;
    course
        .done
        .push((Step::Tls, format!("{}, and its certificate is for {}", course.seen.agreed, target.host)));
    Ok(Wire::new(Stream::Tls(Box::new(stream))))
}

/// Asks for TLS on a connection in clear.
fn upgrade(line: Line<'_>) -> Result<Line<'_>, Trouble> {
    let mut wire = Wire::new(Stream::Clear(line));
    wire.allow(HANDSHAKE);
    let asked = ask_for_tls(&mut wire).map_err(|lost| lost.trouble(Step::Tls, NO_TLS))?;
    if asked != words::SUCCESS {
        let detail = format!("it does not begin TLS: {} (result {asked})", words::of(asked));
        return Err(Trouble::new(Step::Tls, detail, NO_TLS));
    }
    wire.into_clear().map_err(|lost| lost.trouble(Step::Tls, NO_TLS))
}

fn ask_for_tls(wire: &mut Wire<'_>) -> Result<i64, Lost> {
    let id = wire.send(|writer| writer.nest(EXTENDED_REQUEST, |inner| inner.put(0x80, START_TLS)), |_| {})?;
    let answer = wire.receive()?;
    if answer.id != id || answer.tag != EXTENDED_RESPONSE {
        return Err(Lost::Nonsense("it answers another question than whether TLS may begin"));
    }
    Ok(Reader::new(answer.content).number(ENUMERATED)?)
}

impl Lost {
    /// As what went wrong at a step.
    pub fn trouble(self, step: Step, advice: &'static str) -> Trouble {
        let detail = match self {
            Self::Nonsense(cause) => cause.to_owned(),
            Self::Socket(error) if error.to_string() == "cancelled" => return Trouble::cancelled(step),
            Self::Socket(error) => match error.kind() {
                io::ErrorKind::TimedOut => "it did not answer in time".to_owned(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                    "it ended the connection before it had answered".to_owned()
                }
                _ => format!("the connection broke: {error}"),
            },
        };
        Trouble::new(step, detail, advice)
    }
}
