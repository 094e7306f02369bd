//! What the judgement needs of a measured host, read from the results of `ntp.query` and `http.date` that a script
//! hands back.

use std::net::IpAddr;

use jackfield_abi::ops::Failure;
use serde_json::Value;

use super::super::args::{bad, whole};
use super::super::ntp::{PORT, refid};

/// Longest name of a host in a judgement, in characters.
const NAME_LENGTH: usize = 64;

/// How a clock is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It follows something, by its own word.
    Synchronised,
    /// It is synchronised but far from its reference.
    Far,
    /// It follows itself, or nothing any more.
    FreeRunning,
    /// It says that it is not synchronised.
    Unsynchronised,
    /// Its source is not visible: no NTP, or no usable answer.
    Hidden,
}

/// Whom a clock follows, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follows {
    /// The four bytes.
    pub refid: [u8; 4],
    /// Its stratum.
    pub stratum: u8,
}

/// A measured host.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// What the script calls it.
    pub name: String,
    /// Its clock minus ours, and how wrong that may be, in seconds.
    pub offset: Option<(f64, f64)>,
    /// How its clock is known.
    pub standing: Standing,
    /// Whom it follows.
    pub follows: Option<Follows>,
    /// Every address under which it was asked.
    pub addresses: Vec<IpAddr>,
    /// Port on which it was asked.
    pub port: u16,
    /// What its probe said.
    pub words: String,
}

impl Host {
    /// Reads `{name, result}`.
    pub fn read(value: &Value) -> Result<Self, Failure> {
        let wrong = || {
            bad("ntp.judge: hosts must be a list of {name, result} with results of ntp.query or http.date")
        };
        let name = value["name"].as_str().filter(|name| !name.is_empty()).ok_or_else(wrong)?;
        Self::of(name, &value["result"]).ok_or_else(wrong)
    }

    /// A host from its result.
    pub fn of(name: &str, result: &Value) -> Option<Self> {
        let verdict = result["verdict"].as_str()?;
        let offset = result["offset_ms"].as_f64().filter(|ms| ms.is_finite()).map(|ms| ms / 1000.0);
        let error = result["error_ms"].as_f64().filter(|ms| *ms >= 0.0).unwrap_or(0.0) / 1000.0;
        Some(Self {
            name: name.chars().take(NAME_LENGTH).collect(),
            offset: offset.map(|offset| (offset, error)),
            standing: standing(verdict, result["reason"].as_str().unwrap_or_default(), result),
            follows: follows(result),
            addresses: addresses(result),
            port: whole(&result["port"]).and_then(|port| u16::try_from(port).ok()).unwrap_or(PORT),
            words: result["words"].as_str().unwrap_or_default().chars().take(300).collect(),
        })
    }

    /// Whether followers that give these four bytes follow this host.
    pub fn is_named(&self, named: [u8; 4]) -> bool {
        self.addresses.iter().any(|address| refid::of_address(*address) == named)
    }

    /// Whether its word on whom it follows is worth something.
    pub fn is_following(&self) -> bool {
        matches!(self.standing, Standing::Synchronised | Standing::Far)
    }
}

fn standing(verdict: &str, reason: &str, result: &Value) -> Standing {
    match (verdict, reason) {
        _ if result["method"] != "ntp" => Standing::Hidden,
        ("ok", _) => Standing::Synchronised,
        ("untrusted", "root_distance") => Standing::Far,
        ("untrusted", _) => Standing::FreeRunning,
        ("unsynchronised", _) => Standing::Unsynchronised,
        _ => Standing::Hidden,
    }
}

fn follows(result: &Value) -> Option<Follows> {
    let bytes = data_encoding::HEXLOWER.decode(result["refid_hex"].as_str()?.as_bytes()).ok()?;
    let stratum = whole(&result["stratum"]).and_then(|stratum| u8::try_from(stratum).ok())?;
    Some(Follows { refid: bytes.try_into().ok()?, stratum })
}

fn addresses(result: &Value) -> Vec<IpAddr> {
    let all = result["addresses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = all.iter().map(|one| &one["address"]).chain([&result["address"]]);
    let mut found: Vec<IpAddr> =
        texts.filter_map(Value::as_str).filter_map(|text| text.parse().ok()).collect();
    found.dedup();
    found
}
