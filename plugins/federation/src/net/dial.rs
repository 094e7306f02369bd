//! Opens a stream to a partner: finds its hosts, connects, and goes through TLS and authentication. The same way for
//! stanzas, for questions about keys and for the test of a server, so that the test tells what will happen.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout, timeout_at};

use super::hub::Hub;
use super::known::{Known, Partner};
use super::resolve::{Names, Target};
use super::tls::{Seen, seen};
use super::trouble::{Step, Trouble};
use super::wire::{Input, Wire};
use crate::s2s::{Errand, Initiator, Judge, Lost, Out, Pair, Verified};
use crate::xml::{BEFORE, Broken, Piece};

/// Longest wait for one host.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest wait for all hosts.
const CONNECT_ALL: Duration = Duration::from_secs(30);
/// Head start of an address before the next one is tried beside it (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// Longest way from the connection to the stream.
const NEGOTIATE: Duration = Duration::from_secs(30);

/// What is seen on the way, also where it fails.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// Steps that are done, with what was seen.
    pub done: Vec<(Step, String)>,
    /// Address that was connected to.
    pub address: String,
    /// Version and cipher.
    pub tls: Option<String>,
    /// The partner's certificate.
    pub certificate: Option<Seen>,
    /// Names that it should have one of.
    pub expected: Vec<String>,
    /// What is wrong with it.
    pub fault: String,
    /// How the partner knows us.
    pub authenticated_by: Option<&'static str>,
    /// What is waited for once the connection stands.
    pub at: Option<Step>,
}

/// What to do where a partner does not answer at that step.
pub fn silent(step: Step) -> &'static str {
    if step == Step::Authentication { UNVERIFIED } else { BLOCKED }
}

/// A stream that carries stanzas, or the answer to a question.
pub enum Reached {
    /// It carries.
    Stream(Box<Wire>, Box<Initiator>),
    /// The answer.
    Answer(Verified),
}

/// Goes the way; `course` tells how far.
pub async fn dial(hub: &Hub, pair: &Pair, errand: Errand, course: &mut Course) -> Result<Reached, Trouble> {
    let known = hub.present.get();
    let Some(partner) = known.partner(&pair.to) else {
        let detail = format!("{} is not among the federated servers", pair.to);
        return Err(Trouble::new(Step::Dns, detail, "Add it to the table.").for_good());
    };
    course.expected = expected(&partner, &pair.to);
    let (socket, target) = timeout(CONNECT_ALL, connect(&known, pair, &partner, course))
        .await
        .map_err(|_| Trouble::new(Step::Tcp, "no host took the connection within 30 seconds", BLOCKED))??;
    let until = tokio::time::Instant::now() + NEGOTIATE;
    let mut at = Step::Stream;
    let way = Way { hub, known: &known, pair, partner: &partner };
    let reached = timeout_at(until, way.negotiate(socket, &target, errand, course, &mut at)).await;
    reached.unwrap_or_else(|_| {
        let detail = "the server took the connection and then did not answer within 30 seconds";
        Err(Trouble::new(at, detail, silent(at)))
    })
}

const UNVERIFIED: &str = "The server asks the host that DNS names for our domain. See that its SRV record leads here, that port 5269 is open to us, \
     and that the server federates with our domain.";
const BLOCKED: &str = "Check that a firewall lets TCP through to that port, and that the server runs.";

fn expected(partner: &Partner, domain: &str) -> Vec<String> {
    std::iter::once(domain.to_owned()).chain(partner.tls_name.clone()).collect()
}

async fn connect(
    known: &Known,
    pair: &Pair,
    partner: &Partner,
    course: &mut Course,
) -> Result<(TcpStream, Target), Trouble> {
    let names = Names::new(known)?;
    let targets = names.targets(&pair.to, partner).await?;
    let listed: Vec<_> = targets.iter().map(|target| format!("{}:{}", target.host, target.port)).collect();
    let mut last = None;
    for target in targets {
        // A host that the administrator named may be any.
        let is_local_allowed = known.local_targets || partner.server.is_some();
        let addresses = match names.addresses(&target, is_local_allowed).await {
            Ok(addresses) => addresses,
            Err(trouble) => {
                last = Some(trouble);
                continue;
            }
        };
        if !course.done.iter().any(|(step, _)| *step == Step::Dns) {
            course.done.push((Step::Dns, format!("the hosts are {}", listed.join(", "))));
        }
        match timeout(CONNECT, race(addresses)).await {
            Ok(Ok((socket, address))) => {
                course.address = address.to_string();
                course.done.push((Step::Tcp, format!("{address} takes connections")));
                return Ok((socket, target));
            }
            Ok(Err((address, error))) => last = Some(refused(&target, address, &error)),
            Err(_) => {
                let detail = format!("{}:{} did not answer within 10 seconds", target.host, target.port);
                last = Some(Trouble::new(Step::Tcp, detail, BLOCKED));
            }
        }
    }
    Err(last.unwrap_or_else(|| {
        Trouble::new(Step::Dns, "there is no host to connect to", "Name the host in the field Server.")
    }))
}

fn refused(target: &Target, address: Option<SocketAddr>, error: &std::io::Error) -> Trouble {
    let at = address.map_or_else(|| target.host.clone(), |address| address.to_string());
    let port = target.port;
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Trouble::new(
            Step::Tcp,
            format!("{at} refuses connections: nothing listens on port {port}"),
            "Check port and host, and that the server's XMPP service runs.",
        ),
        _ => Trouble::new(Step::Tcp, format!("{at} cannot be reached: {error}"), BLOCKED),
    }
}

/// The first address that takes the connection; each has a head start before the next.
async fn race(
    addresses: Vec<SocketAddr>,
) -> Result<(TcpStream, SocketAddr), (Option<SocketAddr>, std::io::Error)> {
    let mut tries = JoinSet::new();
    for (address, turn) in addresses.into_iter().zip(0_u32..) {
        tries.spawn(async move {
            sleep(STAGGER * turn).await;
            (TcpStream::connect(address).await, address)
        });
    }
    let mut last = (None, std::io::ErrorKind::AddrNotAvailable.into());
    while let Some(tried) = tries.join_next().await {
        match tried {
            Ok((Ok(socket), address)) => return Ok((socket, address)),
            Ok((Err(error), address)) => last = (Some(address), error),
            Err(_) => {}
        }
    }
    Err(last)
}

/// The way after the connection.
struct Way<'a> {
    hub: &'a Hub,
    known: &'a Known,
    pair: &'a Pair,
    partner: &'a Partner,
}

impl Way<'_> {
    async fn negotiate(
        &self,
        socket: TcpStream,
        target: &Target,
        errand: Errand,
        course: &mut Course,
        at: &mut Step,
    ) -> Result<Reached, Trouble> {
        let mut wire = Wire::new(socket, BEFORE);
        let secret = self.hub.secret.clone();
        let mut machine = Initiator::new(self.pair.clone(), self.partner.policy, errand, secret);
        let mut outs = if target.is_direct {
            machine.secured(self.begin_tls(&mut wire, course).await?)
        } else {
            machine.start()
        };
        loop {
            let mut more = Vec::new();
            for out in outs {
                match out {
                    Out::Send(text) => {
                        wire.send(&text).await.map_err(|error| broken_off(*at, &error.to_string()))?
                    }
                    Out::StartTls if !wire.is_drained() => {
                        return Err(broken_off(
                            Step::Tls,
                            "it sent more before TLS began, as an attacker on the way would",
                        ));
                    }
                    Out::StartTls => more.extend(machine.secured(self.begin_tls(&mut wire, course).await?)),
                    Out::Restart => wire.restart(),
                    Out::Ready(_) => {
                        course.done.extend(self.passed(course));
                        let by = if machine.has_external() { "external" } else { "dialback" };
                        course.authenticated_by = Some(by);
                        course
                            .done
                            .push((Step::Authentication, format!("the server believes who we are ({by})")));
                        return Ok(Reached::Stream(Box::new(wire), Box::new(machine)));
                    }
                    Out::Answer(verified) => {
                        // A farewell; the answer is there.
                        let _ = wire.send("</stream:stream>").await;
                        wire.finish().await;
                        return Ok(Reached::Answer(verified));
                    }
                    Out::Verify(_) | Out::Stanza(..) => {}
                    Out::Close => {
                        wire.finish().await;
                        course.done.extend(self.passed(course).into_iter().filter(|_| *at != Step::Stream));
                        return Err(self.lost(machine.lost(), course));
                    }
                }
            }
            course.at = Some(*at);
            outs = if more.is_empty() { self.hear(&mut wire, &mut machine, at).await? } else { more };
        }
    }

    /// Steps that a stream beyond them has shown to be well.
    fn passed(&self, course: &Course) -> Vec<(Step, String)> {
        let mut passed = Vec::new();
        match &course.tls {
            Some(tls) => {
                passed.push((Step::Tls, tls.clone()));
                let word = if course.fault.is_empty() {
                    "the certificate is good".to_owned()
                } else {
                    format!("{}; the row of the table takes it all the same", course.fault)
                };
                passed.push((Step::Certificate, word));
            }
            None => {
                let word = "without TLS, as the row of the table allows".to_owned();
                passed.extend([(Step::Tls, word.clone()), (Step::Certificate, word)]);
            }
        }
        passed.push((Step::Stream, "the server speaks XMPP".to_owned()));
        passed
    }

    async fn hear(
        &self,
        wire: &mut Wire,
        machine: &mut Initiator,
        at: &mut Step,
    ) -> Result<Vec<Out>, Trouble> {
        match wire.next().await {
            Input::Piece(Piece::Open { root, default_ns }) => {
                let outs = machine.opened(&root, &default_ns);
                if wire.tls().is_some() {
                    *at = Step::Authentication;
                }
                Ok(outs)
            }
            Input::Piece(Piece::Child(element)) => Ok(machine.element(&element)),
            Input::Piece(Piece::Close) => Ok(machine.closed()),
            Input::Broken(Broken::Malformed(why) | Broken::Restricted(why) | Broken::TooMuch(why)) => {
                Err(broken_off(*at, &why))
            }
            Input::Gone(None) => Ok(machine.closed()),
            Input::Gone(Some(error)) => Err(broken_off(*at, &error.to_string())),
        }
    }

    async fn begin_tls(&self, wire: &mut Wire, course: &mut Course) -> Result<Judge, Trouble> {
        let name = ServerName::try_from(self.pair.to.clone()).map_err(|_| {
            Trouble::new(
                Step::Tls,
                "the domain cannot be asked for in TLS",
                "Check the spelling of the domain.",
            )
        })?;
        wire.connect_tls(self.known.tls.connector(&self.pair.from), name).await.map_err(|error| {
            let detail = format!("TLS does not begin: {error}");
            Trouble::new(Step::Tls, detail, "The server may speak only TLS older than 1.2. Ask its administrator; on a trusted network the row may allow dialback without TLS.")
        })?;
        course.tls = wire.tls();
        let chain = wire.chain();
        course.certificate = chain.first().and_then(|leaf| seen(leaf));
        let names: Vec<&str> = course.expected.iter().map(String::as_str).collect();
        let verdict = self.known.tls.judge(&chain, &names);
        course.fault = verdict.clone().err().unwrap_or_default();
        Ok(Box::new(move |_| verdict.clone()))
    }

    fn lost(&self, lost: Option<&Lost>, course: &mut Course) -> Trouble {
        let Some(lost) = lost else { return broken_off(Step::Stream, "without a reason") };
        let (step, advice) = match lost {
            Lost::NoTls | Lost::TlsRefused => (
                Step::Tls,
                "Have TLS switched on there. On a trusted network the row of the table may allow dialback without TLS.",
            ),
            Lost::Certificate(why) => {
                if let Some(tls) = &course.tls {
                    course.done.push((Step::Tls, tls.clone()));
                }
                (Step::Certificate, certificate_advice(why))
            }
            Lost::NoMechanism => (
                Step::Authentication,
                "The server wants a certificate of ours that it trusts. Give federation one, from an authority that is trusted there.",
            ),
            Lost::Denied(_) => (Step::Authentication, UNVERIFIED),
            Lost::Ended(_) if course.tls.is_some() => (
                Step::Authentication,
                "Read the server's reason. Often our certificate is not trusted there, or our domain is not on its list.",
            ),
            Lost::Ended(_) => (
                Step::Stream,
                "Read the server's reason; often our domain is not on its list, or it is not the right server.",
            ),
            Lost::Foreign(_) => (
                Step::Stream,
                "Check host and port: something else than an XMPP server for servers answers there.",
            ),
        };
        Trouble::new(step, lost.to_string(), advice)
    }
}

fn certificate_advice(why: &str) -> &'static str {
    if why.contains("has expired") {
        return "Ask its administrator to renew the certificate.";
    }
    if why.contains("wrong name") {
        return "Check the domain. If the server is a hub, put the certificate's name into the row as tls_name.";
    }
    if why.contains("not valid yet") {
        return "Compare the clocks of both machines.";
    }
    if why.contains("not trusted here") || why.contains("nobody but itself") {
        return "Add its authority to those that federation trusts, or let the row be content with dialback over TLS.";
    }
    "Ask its administrator for a certificate for servers."
}

fn broken_off(step: Step, why: &str) -> Trouble {
    let detail = format!("the connection breaks off: {why}");
    Trouble::new(step, detail, "Check host and port, and the server's own log.")
}
