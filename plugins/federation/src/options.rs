//! The settings of the manifest, read into what the server goes by.

use std::net::IpAddr;
use std::time::Duration;

use jackfield_sdk::{Code, Failure, Settings};
use serde::Deserialize;

use crate::net::{Pace, Places, Waits};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    s2s_listen: Vec<String>,
    s2s_tls_listen: Vec<String>,
    c2s_listen: Vec<String>,
    c2s_tls_listen: Vec<String>,
    dns_servers: Vec<String>,
    directory_contacts_most: usize,
    local_targets: bool,
    s2s_ping_seconds: u64,
    s2s_idle_seconds: u64,
    c2s_resume_seconds: u64,
    c2s_silence_seconds: u64,
    c2s_answer_seconds: u64,
}

/// What is read of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Where other servers are waited for.
    pub places: Places,
    /// Where clients are.
    pub client_places: Places,
    /// Name servers to ask instead of the system's.
    pub name_servers: Vec<IpAddr>,
    /// Entries of the largest directory that rosters show.
    pub directory_contacts: usize,
    /// Whether DNS may lead to this machine itself.
    pub local_targets: bool,
    /// How long links are silent.
    pub pace: Pace,
    /// How long clients are waited for.
    pub waits: Waits,
}

impl Options {
    /// Reads the settings; the error names the one that does not fit.
    pub fn read(settings: &Settings) -> Result<Self, Failure> {
        let wanted: Wanted = settings.read()?;
        let seconds = Duration::from_secs;
        Ok(Self {
            places: Places {
                plain: each("s2s_listen", &wanted.s2s_listen, "an address and port such as 0.0.0.0:5269")?,
                tls: each(
                    "s2s_tls_listen",
                    &wanted.s2s_tls_listen,
                    "an address and port such as 0.0.0.0:5270",
                )?,
            },
            client_places: Places {
                plain: each("c2s_listen", &wanted.c2s_listen, "an address and port such as 0.0.0.0:5222")?,
                tls: each(
                    "c2s_tls_listen",
                    &wanted.c2s_tls_listen,
                    "an address and port such as 0.0.0.0:5223",
                )?,
            },
            name_servers: each("dns_servers", &wanted.dns_servers, "an IP address")?,
            directory_contacts: wanted.directory_contacts_most,
            local_targets: wanted.local_targets,
            pace: Pace {
                ping_after: seconds(wanted.s2s_ping_seconds),
                idle_after: seconds(wanted.s2s_idle_seconds),
            },
            waits: Waits {
                resume: seconds(wanted.c2s_resume_seconds),
                silence: seconds(wanted.c2s_silence_seconds),
                answer: seconds(wanted.c2s_answer_seconds),
            },
        })
    }
}

fn each<T: std::str::FromStr>(name: &str, texts: &[String], rule: &str) -> Result<Vec<T>, Failure> {
    let one = |text: &String| {
        text.parse().map_err(|_| {
            Failure::new(
                Code::BadRequest,
                format!("each entry of federation.{name} must be {rule}; {text:?} is not"),
            )
        })
    };
    texts.iter().map(one).collect()
}
