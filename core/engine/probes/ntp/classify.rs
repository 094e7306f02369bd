//! What a reply means: whether it answers us at all, whether its clock may be believed, and why not. Pure; an offset
//! is worked out for clocks that are not synchronised as well, because "seven minutes off and not synchronised" is
//! what an administrator needs to hear.

use super::packet::{Reply, Stamp, TooShort, decode};
use super::refid::{self, Kind};

/// Beyond this root distance a clock is not to be believed, in seconds (RFC 5905 calls it MAXDIST).
const FAR: f64 = 1.5;
/// A clock that was last set longer ago runs freely, in seconds: servers say LI 0 all the same.
const FROZEN: f64 = 3600.0;
/// From this stratum up a clock without any root distance made its stratum up.
const INVENTED_STRATUM: u8 = 10;
const SERVER: u8 = 4;
const NOT_SYNCHRONISED: u8 = 3;

/// How a clock is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Synchronised and near enough to its reference.
    Ok,
    /// Answers, but follows nothing that could be trusted.
    Untrusted,
    /// Says itself that it is not synchronised.
    Unsynchronised,
    /// Asks to be left alone.
    Kiss,
    /// What came back is no answer to the question.
    Discarded,
    /// Nothing came back.
    NoAnswer,
    /// The host's name leads to no address.
    NoAddress,
}

impl Verdict {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Untrusted => "untrusted",
            Self::Unsynchronised => "unsynchronised",
            Self::Kiss => "kiss",
            Self::Discarded => "discarded",
            Self::NoAnswer => "no_answer",
            Self::NoAddress => "no_address",
        }
    }
}

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// How the clock is to be taken.
    pub verdict: Verdict,
    /// Stable name of the reason; empty when all is well.
    pub reason: &'static str,
    /// The reason in a sentence's second half.
    pub words: String,
}

impl Judged {
    /// A verdict with its reason.
    pub fn new(verdict: Verdict, reason: &'static str, words: impl Into<String>) -> Self {
        Self { verdict, reason, words: words.into() }
    }
}

/// One exchange, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What came back.
    pub reply: Reply,
    /// The host's clock minus ours, in seconds; `None` where the reply carries no time.
    pub offset: Option<f64>,
    /// Round trip without the host's own time, in seconds.
    pub delay: f64,
}

impl Sample {
    /// How far from the truth the clock may be by its own word, in seconds.
    pub fn root_distance(&self) -> f64 {
        self.reply.root_delay / 2.0 + self.reply.root_dispersion
    }

    /// How wrong the offset may be, in seconds.
    pub fn error(&self) -> f64 {
        self.delay.max(0.0) / 2.0 + self.root_distance()
    }

    /// Seconds since the clock was last set, by its own time.
    pub fn reference_age(&self) -> Option<f64> {
        let Reply { reference, transmit, .. } = self.reply;
        (reference.is_known() && transmit.is_known()).then(|| transmit.since(reference))
    }
}

/// Takes a packet as the answer to our request, or says why it is none.
pub fn accept(packet: &[u8], cookie: Stamp, sent: Stamp, received: Stamp) -> Result<Sample, Judged> {
    let reply = decode(packet).map_err(|TooShort(length)| {
        let words = format!("a packet of {length} bytes came back; NTP has 48");
        Judged::new(Verdict::Discarded, "short_packet", words)
    })?;
    if reply.mode != SERVER {
        let words = format!("a packet of mode {} came back instead of a server's answer", reply.mode);
        return Err(Judged::new(Verdict::Discarded, "wrong_mode", words));
    }
    if reply.originate != cookie {
        let words = "the answer does not carry the cookie of the question: stale, or forged";
        return Err(Judged::new(Verdict::Discarded, "wrong_cookie", words));
    }
    Ok(measured(reply, sent, received))
}

/// Offset and delay by RFC 5905 section 8. A kiss carries no time.
fn measured(reply: Reply, sent: Stamp, received: Stamp) -> Sample {
    let there = reply.receive.since(sent);
    let back = reply.transmit.since(received);
    let has_time = reply.receive.is_known() && reply.transmit.is_known();
    let is_kiss = kiss(&reply).is_some();
    Sample {
        reply,
        offset: (has_time && !is_kiss).then_some(f64::midpoint(there, back)),
        delay: received.since(sent) - reply.transmit.since(reply.receive),
    }
}

/// How the clock behind a sample is to be taken.
pub fn classify(sample: &Sample) -> Judged {
    let found = kiss(&sample.reply)
        .or_else(|| unsynchronised(&sample.reply))
        .or_else(|| own_clock(sample))
        .or_else(|| untrusted(sample));
    found.unwrap_or_else(|| Judged::new(Verdict::Ok, "", "synchronised"))
}

/// Real kisses; what servers send while they start looks alike and is not one.
fn kiss(reply: &Reply) -> Option<Judged> {
    if reply.stratum != 0 {
        return None;
    }
    let code = refid::ascii(reply.refid)?;
    let (reason, words) = match code.as_str() {
        "INIT" | "STEP" => return None,
        "RATE" => ("kiss_rate", "asks us to ask less often (RATE)".to_owned()),
        "DENY" => ("kiss_deny", "refuses us (DENY): allow this appliance on that server".to_owned()),
        "RSTR" => {
            ("kiss_rstr", "refuses us by its rules (RSTR): allow this appliance on that server".to_owned())
        }
        "NTSN" => ("kiss_ntsn", "has lost the keys of authenticated time (NTSN)".to_owned()),
        other if other.starts_with('X') => {
            ("kiss_experimental", format!("sent an experimental kiss ({other}), which means nothing here"))
        }
        other => ("kiss_other", format!("sent the kiss {other}")),
    };
    Some(Judged::new(Verdict::Kiss, reason, words))
}

fn unsynchronised(reply: &Reply) -> Option<Judged> {
    let (reason, words) = match (reply.stratum, refid::ascii(reply.refid).as_deref()) {
        (0, Some(code)) => ("not_ready", format!("is not synchronised yet ({code}): it has just started")),
        (0, None) => ("not_ready", "is not synchronised: it follows no source yet".to_owned()),
        (16.., _) => ("stratum_16", format!("says that it is not synchronised (stratum {})", reply.stratum)),
        _ if reply.leap == NOT_SYNCHRONISED => {
            ("leap_3", "says that it is not synchronised (leap indicator 3)".to_owned())
        }
        _ => return None,
    };
    Some(Judged::new(Verdict::Unsynchronised, reason, words))
}

fn own_clock(sample: &Sample) -> Option<Judged> {
    let Reply { refid, stratum, .. } = sample.reply;
    let follows_itself = refid::kind(refid, stratum) == Kind::LocalClock;
    let is_invented = stratum >= INVENTED_STRATUM && sample.root_distance() == 0.0;
    let (reason, words) = match (follows_itself, is_invented) {
        (true, _) => ("local_clock", format!("follows its own clock ({})", refid::shown(refid, stratum))),
        (false, true) => (
            "free_running",
            format!("has stratum {stratum} and no distance at all: it follows its own clock"),
        ),
        _ => return None,
    };
    Some(Judged::new(Verdict::Untrusted, reason, words + "; that it is right is luck"))
}

fn untrusted(sample: &Sample) -> Option<Judged> {
    let distance = sample.root_distance();
    if distance > FAR {
        let words = format!("may be {distance:.1} s from the truth by its own word (root distance)");
        return Some(Judged::new(Verdict::Untrusted, "root_distance", words));
    }
    let age = sample.reference_age().filter(|age| *age > FROZEN)?;
    let words = format!("was last set {:.0} minutes ago and runs freely since", age / 60.0);
    Some(Judged::new(Verdict::Untrusted, "frozen", words))
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
