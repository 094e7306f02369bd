//! Whether clocks follow one source, with the confidence that four bytes allow. Being told whom to follow is not
//! proof that they agree: offsets are `skew`'s. Pure but for the hops of a chain, which the caller asks for.

use std::net::{IpAddr, Ipv4Addr};

use super::super::ntp::refid::{self, Kind};
use super::host::{Follows, Host, Standing};

/// Most hops that a chain is followed.
const MOST_HOPS: usize = 4;

/// How a host stands to the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It is the source, or follows it directly.
    Same,
    /// It follows the source through others.
    Chained,
    /// Its source cannot be seen.
    Unknown,
    /// It is not synchronised.
    Unsynchronised,
    /// It follows its own clock.
    FreeRunning,
    /// It follows something else.
    Different,
}

impl Relation {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Chained => "chained",
            Self::Unknown => "unknown",
            Self::Unsynchronised => "unsynchronised",
            Self::FreeRunning => "free_running",
            Self::Different => "different",
        }
    }
}

/// How a host stands to the source, and how sure that is.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    /// How it stands.
    pub relation: Relation,
    /// Whether the host itself says so unmistakably; else it is likely.
    pub is_proved: bool,
    /// Why, in a sentence's second half.
    pub words: String,
    /// The hosts between it and the source.
    pub hops: Vec<IpAddr>,
}

impl Tie {
    fn new(relation: Relation, is_proved: bool, words: impl Into<String>) -> Self {
        Self { relation, is_proved, words: words.into(), hops: Vec::new() }
    }

    /// The confidence in results.
    pub fn confidence(&self) -> &'static str {
        match (self.relation, self.is_proved) {
            (Relation::Unknown, _) => "none",
            (_, true) => "proved",
            (_, false) => "likely",
        }
    }
}

/// Asks the clock at an address whom it follows; `None` where it may not be asked or does not answer.
pub type Hop<'a> = dyn FnMut(Ipv4Addr, u16) -> Option<Follows> + 'a;

/// How each host stands to the expected source, or to the others where there is none to go by.
pub fn ties(hosts: &[Host], source: Option<&Host>, hop: &mut Hop<'_>) -> Vec<Tie> {
    hosts.iter().enumerate().map(|(index, host)| tie(host, index, hosts, source, hop)).collect()
}

fn tie(host: &Host, index: usize, hosts: &[Host], source: Option<&Host>, hop: &mut Hop<'_>) -> Tie {
    match host.standing {
        Standing::Hidden => return Tie::new(Relation::Unknown, false, "its source cannot be seen from here"),
        Standing::Unsynchronised => return Tie::new(Relation::Unsynchronised, true, host.words.as_str()),
        Standing::FreeRunning => return Tie::new(Relation::FreeRunning, true, host.words.as_str()),
        Standing::Synchronised | Standing::Far => {}
    }
    let Some(follows) = host.follows else {
        return Tie::new(Relation::Unknown, false, "it does not say whom it follows");
    };
    match source {
        Some(source) => {
            to_source(host, follows, source, hop).unwrap_or_else(|| to_others(follows, index, hosts))
        }
        None => to_others(follows, index, hosts),
    }
}

/// `None` where the source cannot be asked and the host's word does not name it.
fn to_source(host: &Host, follows: Follows, source: &Host, hop: &mut Hop<'_>) -> Option<Tie> {
    if host.addresses.iter().any(|address| source.addresses.contains(address)) {
        return Some(Tie::new(Relation::Same, true, format!("is {} itself", source.name)));
    }
    let known = source.follows.filter(|_| source.is_following()).map(|f| f.stratum);
    if source.is_named(follows.refid) {
        return Some(named(follows, &source.name, known));
    }
    known?;
    let walked = walk(host, follows, source, hop);
    Some(walked.unwrap_or_else(|| {
        let whom = shown(follows);
        let words = match refid::kind(follows.refid, follows.stratum) {
            Kind::Clock => format!("is a reference clock of its own ({whom})"),
            Kind::None => return Tie::new(Relation::Unknown, false, "it does not say whom it follows"),
            _ => format!("follows {whom} instead of {}", source.name),
        };
        Tie::new(Relation::Different, false, words)
    }))
}

fn named(follows: Follows, source: &str, stratum: Option<u8>) -> Tie {
    match stratum {
        Some(s) if follows.stratum == s.saturating_add(1) => {
            Tie::new(Relation::Same, true, format!("follows {source}"))
        }
        Some(s) => Tie::new(
            Relation::Same,
            false,
            format!("names {source}, though its stratum {} does not fit the source's {s}", follows.stratum),
        ),
        None => Tie::new(Relation::Same, false, format!("names {source}, which could not be asked")),
    }
}

/// Follows a chain of private addresses upward until one names the source.
fn walk(host: &Host, follows: Follows, source: &Host, hop: &mut Hop<'_>) -> Option<Tie> {
    let mut hops: Vec<IpAddr> = Vec::new();
    let mut current = follows;
    while hops.len() < MOST_HOPS && refid::kind(current.refid, current.stratum) == Kind::Address {
        let next = Ipv4Addr::from(current.refid);
        let is_loop = hops.contains(&next.into()) || host.addresses.contains(&next.into());
        if is_loop || !(next.is_private() || next.is_loopback() || next.is_link_local()) {
            return None;
        }
        current = hop(next, host.port)?;
        hops.push(next.into());
        if source.is_named(current.refid) {
            let through = hops.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let words = format!("follows {} through {through}", source.name);
            return Some(Tie { hops, ..Tie::new(Relation::Chained, true, words) });
        }
    }
    None
}

/// Without a source to go by, hosts that name the same one likely share it.
fn to_others(follows: Follows, index: usize, hosts: &[Host]) -> Tie {
    let others = hosts.iter().enumerate().filter(|(other, host)| *other != index && host.is_following());
    let others: Vec<(&Host, Follows)> = others.filter_map(|(_, host)| Some((host, host.follows?))).collect();
    let up = others
        .iter()
        .find(|(o, f)| o.is_named(follows.refid) && follows.stratum == f.stratum.saturating_add(1));
    if let Some((other, _)) = up {
        return Tie::new(Relation::Same, true, format!("follows {}", other.name));
    }
    let down = others
        .iter()
        .find(|(_, f)| hosts[index].is_named(f.refid) && f.stratum == follows.stratum.saturating_add(1));
    if let Some((other, _)) = down {
        return Tie::new(Relation::Same, true, format!("is what {} follows", other.name));
    }
    match refid::kind(follows.refid, follows.stratum) {
        Kind::Clock => {
            let words =
                format!("is a reference clock ({}), which names a kind and not a device", shown(follows));
            return Tie::new(Relation::Unknown, false, words);
        }
        Kind::None => return Tie::new(Relation::Unknown, false, "it does not say whom it follows"),
        _ => {}
    }
    let sharing: Vec<&str> =
        others.iter().filter(|(_, f)| *f == follows).map(|(o, _)| o.name.as_str()).collect();
    let rivals = others.iter().filter(|(_, f)| refid::kind(f.refid, f.stratum) == Kind::Address).count();
    match (sharing.is_empty(), rivals) {
        (false, _) => {
            let words = format!("names {}, as {} does", shown(follows), sharing.join(" and "));
            Tie::new(Relation::Same, false, words)
        }
        (true, 0) => Tie::new(Relation::Unknown, false, "no other host tells whom it follows"),
        (true, _) => {
            Tie::new(Relation::Different, false, format!("follows {}, unlike the others", shown(follows)))
        }
    }
}

fn shown(follows: Follows) -> String {
    refid::shown(follows.refid, follows.stratum)
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
