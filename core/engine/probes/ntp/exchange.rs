//! Asking one clock: a few requests, each bounded in time; of the answers the one with the smallest delay counts,
//! because its error is the smallest. Never sets a clock.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime};

use super::classify::{Judged, Sample, Verdict, accept, classify};
use super::packet::{Stamp, request};
use crate::engine::secrets::random;

/// Pause between two requests: a burst without any looks like an attack to some servers.
const PAUSE: Duration = Duration::from_millis(40);
/// Room for a packet with extensions, in bytes.
const ROOM: usize = 1024;

/// How to ask.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Requests to send while answers come, 1 to 8.
    pub samples: u64,
    /// How long to wait for one answer.
    pub reply_within: Duration,
}

/// What asking came to.
#[derive(Debug, Clone)]
pub struct Found {
    /// How the clock is to be taken.
    pub judged: Judged,
    /// The best answer, where there was one.
    pub sample: Option<Sample>,
    /// Answers that counted.
    pub samples: u64,
    /// Whether it asked to be left alone, be it after good answers.
    pub is_kissed: bool,
}

/// Asks the clock at an address.
pub fn ask(clock: SocketAddr, plan: Plan) -> Found {
    let mut kept: Vec<Sample> = Vec::new();
    let (mut failed, mut is_kissed) = (None, false);
    for round in 0..plan.samples {
        match answer(clock, plan.reply_within, round == 0) {
            Ok(sample) => {
                is_kissed = classify(&sample).verdict == Verdict::Kiss;
                // A kiss after good answers ends the asking and takes nothing from them.
                if !is_kissed || kept.is_empty() {
                    kept.push(sample);
                }
                if is_kissed || round + 1 == plan.samples {
                    break;
                }
                std::thread::sleep(PAUSE);
            }
            Err(judged) => {
                failed = Some(judged);
                break;
            }
        }
    }
    let samples = u64::try_from(kept.len()).unwrap_or(u64::MAX);
    let best = kept.into_iter().min_by(|a, b| a.delay.total_cmp(&b.delay));
    let judged = best.as_ref().map(classify).or(failed);
    let silent = || Judged::new(Verdict::NoAnswer, "timeout", "did not answer");
    Found { judged: judged.unwrap_or_else(silent), sample: best, samples, is_kissed }
}

/// One answer. A first question that stays without one is asked once more, over a socket that also hears other
/// hosts: a packet may be lost, and a server with two addresses may answer from the wrong one.
fn answer(clock: SocketAddr, within: Duration, is_first: bool) -> Result<Sample, Judged> {
    match exchange(clock, within, Hears::OnlyTheClock) {
        Err(judged) if is_first && judged.reason == "timeout" => exchange(clock, within, Hears::Anybody),
        outcome => outcome,
    }
}

/// Whose packets a socket hears. One that hears only the clock is also told when nothing listens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hears {
    OnlyTheClock,
    Anybody,
}

fn exchange(clock: SocketAddr, within: Duration, hears: Hears) -> Result<Sample, Judged> {
    let told = |error: Error| told(&error, clock, within);
    let socket = UdpSocket::bind(any(clock.ip())).map_err(told)?;
    if hears == Hears::OnlyTheClock {
        socket.connect(clock).map_err(told)?;
    }
    let cookie = Stamp(u64::from_ne_bytes(random::<8>().map_err(|p| no_cookie(&p.detail))?));
    let (sent_at, sent) = (Instant::now(), Stamp::of(SystemTime::now()));
    match hears {
        Hears::OnlyTheClock => socket.send(&request(cookie)),
        Hears::Anybody => socket.send_to(&request(cookie), clock),
    }
    .map_err(told)?;
    let mut discarded = None;
    loop {
        let left = within.saturating_sub(sent_at.elapsed());
        if left.is_zero() {
            return Err(discarded.unwrap_or_else(|| told(ErrorKind::TimedOut.into())));
        }
        socket.set_read_timeout(Some(left)).map_err(told)?;
        let mut packet = [0; ROOM];
        let (length, from) = match socket.recv_from(&mut packet) {
            Ok(received) => received,
            Err(error) if is_time_out(&error) => continue,
            Err(error) => return Err(told(error)),
        };
        // By the steady clock, so that a step of ours meanwhile does not count as the host's.
        let received = Stamp(sent.0.wrapping_add(ticks(sent_at.elapsed())));
        let taken = if from.ip().to_canonical() == clock.ip().to_canonical() && from.port() == clock.port() {
            accept(&packet[..length], cookie, sent, received)
        } else {
            Err(stranger(from))
        };
        match taken {
            Ok(sample) => return Ok(sample),
            // The real answer may still come.
            Err(judged) => discarded = Some(judged),
        }
    }
}

fn any(like: IpAddr) -> SocketAddr {
    let any = match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(any, 0)
}

/// A span in NTP's units of 2^-32 s; spans here are seconds at most.
fn ticks(span: Duration) -> u64 {
    (span.as_secs() << 32) | ((u64::from(span.subsec_nanos()) << 32) / 1_000_000_000)
}

fn is_time_out(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn stranger(from: SocketAddr) -> Judged {
    let words = format!("the answer came from {from} and not from the address that was asked");
    Judged::new(Verdict::Discarded, "wrong_source", words)
}

fn no_cookie(cause: &str) -> Judged {
    Judged::new(Verdict::NoAnswer, "not_sent", format!("could not be asked: {cause}"))
}

fn told(error: &Error, clock: SocketAddr, within: Duration) -> Judged {
    let (reason, words) = match error.kind() {
        ErrorKind::TimedOut => (
            "timeout",
            format!(
                "did not answer within {} ms: a telephone system is often only a client of NTP, else a firewall drops UDP {}",
                within.as_millis(),
                clock.port()
            ),
        ),
        ErrorKind::ConnectionRefused => {
            ("refused", format!("refuses UDP {}: nothing there serves the time", clock.port()))
        }
        ErrorKind::HostUnreachable => {
            ("host_unreachable", "cannot be reached: no such host, or no route".to_owned())
        }
        ErrorKind::NetworkUnreachable => {
            ("network_unreachable", "is in a network that cannot be reached".to_owned())
        }
        ErrorKind::PermissionDenied => {
            ("blocked_here", "cannot be asked: a firewall on this machine forbids it".to_owned())
        }
        _ => ("not_sent", format!("could not be asked: {error}")),
    };
    Judged::new(Verdict::NoAnswer, reason, words)
}
