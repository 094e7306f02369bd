//! What others know this appliance as: its certificate of peering, which has the names of its web certificate and keeps
//! its key when those change; and where it is reached.

use std::net::SocketAddr;

use jackfield_sdk::abi::site;
use jackfield_sdk::{Code, Failure, Host, Secret, Settings, json, log, params};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;

use crate::sister::certificate::{self, Seen, qualified};
use crate::sister::frame::FORMER_NAMES;
use crate::wire::{Tls, split};

/// Name of the secret.
const KEY: &str = "certificate_key";
const READ: &str = "SELECT certificate, names, hostname, formerly FROM peering_self";
const WRITE: &str =
    "INSERT INTO peering_self (id, certificate, names, hostname, formerly) VALUES (1, ?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET certificate = excluded.certificate, names = excluded.names,
        hostname = excluded.hostname, formerly = excluded.formerly";

#[derive(Deserialize)]
#[serde(default)]
struct Given {
    enabled: bool,
    listen: Vec<String>,
    address: String,
}

impl Default for Given {
    fn default() -> Self {
        Self { enabled: true, listen: vec!["[::]:8444".to_owned()], address: String::new() }
    }
}

/// The settings of the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether there are links at all.
    pub enabled: bool,
    /// Where others may dial.
    pub listen: Vec<SocketAddr>,
    /// Where others reach us, HOST:PORT; empty: our name, with the first port of `listen`.
    address: String,
}

/// Who this appliance is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Here {
    /// The name to go by.
    pub hostname: String,
    /// All its names.
    pub names: Vec<String>,
    /// Names that it had before.
    pub formerly: Vec<String>,
    /// SHA-256 of its key.
    pub key: String,
    /// SHA-256 of its certificate.
    pub fingerprint: String,
}

#[derive(Deserialize)]
struct Site {
    deployment: String,
}

#[derive(Deserialize)]
struct Stored {
    certificate: String,
    names: String,
    hostname: String,
    formerly: String,
}

impl Options {
    /// Reads the settings; the error names the one that does not fit.
    pub fn read(settings: &Settings) -> Result<Self, Failure> {
        let Given { enabled, listen, address } = settings.read()?;
        let bad = |text: String| Failure::new(Code::BadRequest, text);
        let place = |text: &String| {
            let wrong =
                || bad(format!("listen must be addresses and ports such as 0.0.0.0:8444; {text:?} is not"));
            text.parse().map_err(|_| wrong())
        };
        if !address.is_empty() {
            split(&address).map_err(|why| bad(format!("address {why}; {address:?} is not")))?;
        }
        Ok(Self { enabled, listen: listen.iter().map(place).collect::<Result<_, _>>()?, address })
    }

    /// Where others reach this appliance.
    pub fn address(&self, here: &Here) -> String {
        self.address_of(&here.hostname)
    }

    /// Where others reach an appliance of that name.
    pub fn address_of(&self, hostname: &str) -> String {
        if !self.address.is_empty() {
            return self.address.clone();
        }
        let port = self.listen.first().map_or(8444, SocketAddr::port);
        format!("{hostname}:{port}")
    }
}

/// Who this appliance is now, with its certificate; made, or made anew with the same key, where its names are others.
pub fn read(host: &Host) -> Result<(Here, Tls), Failure> {
    let stored = host.db().first::<Stored>(READ, params![])?;
    let key = host.secret().get(KEY)?;
    let names = names(host, key.as_ref())?;
    if let (Some(stored), Some(key)) = (&stored, &key)
        && list(&stored.names) == names
    {
        return whole(stored, &names, key);
    }
    if stored.is_some() && key.is_none() {
        log::warn!(
            "the key of peering's certificate is gone; a new one is made, and peers must be invited anew"
        );
    }
    let key = host.secret().get(KEY)?;
    let made = certificate::make(&names, key.as_ref().map(Secret::reveal)).map_err(unable)?;
    let key = Secret::new(made.key);
    host.secret().put(KEY, &key)?;
    let before = stored.as_ref();
    let hostname = chosen(&names, before.map(|stored| stored.hostname.as_str()));
    let formerly = former(before, &hostname, &names);
    let stored = Stored {
        certificate: made.certificate,
        names: json!(names).to_string(),
        hostname,
        formerly: json!(formerly).to_string(),
    };
    let Stored { certificate, names: written, hostname, formerly } = &stored;
    super::rows::run(host, WRITE, params![certificate, written, hostname, formerly])?;
    whole(&stored, &names, &key)
}

fn unable(why: String) -> Failure {
    Failure::new(Code::Internal, why)
}

fn whole(stored: &Stored, names: &[String], key: &Secret) -> Result<(Here, Tls), Failure> {
    let tls = Tls::new(&stored.certificate, key.reveal()).map_err(unable)?;
    let der = CertificateDer::from_pem_slice(stored.certificate.as_bytes()).ok();
    let seen = der
        .and_then(|der| Seen::of(&der))
        .ok_or_else(|| unable("our certificate cannot be read".to_owned()))?;
    let here = Here {
        hostname: stored.hostname.clone(),
        names: names.to_vec(),
        formerly: list(&stored.formerly),
        key: seen.key,
        fingerprint: seen.fingerprint,
    };
    Ok((here, tls))
}

/// Why this kind of deployment has no peering (seed 002); none: it may have it.
pub fn lack(host: &Host) -> Option<String> {
    let site = host.db().first::<Site>("SELECT deployment FROM core_site", params![]);
    site.ok().flatten().and_then(|site| site::lacks(&site.deployment, "Peering"))
}

/// Names of the web certificate that others can use. Where it has none, one is made of the machine's name and the key,
/// which no other appliance has.
fn names(host: &Host, key: Option<&Secret>) -> Result<Vec<String>, Failure> {
    let answer = host.call("peer.here", json!({}))?;
    let names: Vec<String> = serde_json::from_value(answer["names"].clone()).unwrap_or_default();
    let usable = qualified(&names);
    if !usable.is_empty() {
        return Ok(usable);
    }
    let own = certificate::make(&[], key.map(Secret::reveal)).map_err(unable)?;
    if key.is_none() {
        host.secret().put(KEY, &Secret::new(own.key))?;
    }
    let der = CertificateDer::from_pem_slice(own.certificate.as_bytes()).ok();
    let seen =
        der.and_then(|der| Seen::of(&der)).ok_or_else(|| unable("our key cannot be read".to_owned()))?;
    Ok(vec![made_up(&names, &seen.key)])
}

/// A name below `internal`, which is reserved for networks of one's own.
fn made_up(names: &[String], key: &str) -> String {
    let label = |name: &&String| {
        !name.starts_with("localhost") && !name.contains([':', '.', '*']) && !name.is_empty()
    };
    let machine = names.iter().find(label).map_or("jackfield", String::as_str);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let machine: String = machine.chars().take(40).map(plain).collect();
    format!("{}-{}.internal", machine.trim_matches('-'), key.get(..8).unwrap_or(key))
}

fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The name before as long as it is there, so that nothing moves for nothing.
fn chosen(names: &[String], before: Option<&str>) -> String {
    let kept = names.iter().find(|name| Some(name.as_str()) == before);
    kept.or(names.first()).cloned().unwrap_or_default()
}

fn former(before: Option<&Stored>, hostname: &str, names: &[String]) -> Vec<String> {
    let old = before.map(|stored| (list(&stored.formerly), list(&stored.names))).unwrap_or_default();
    let mut all: Vec<String> = old.1.into_iter().chain(old.0).filter(|name| !name.is_empty()).collect();
    all.retain(|name| name != hostname && !names.contains(name));
    all.dedup();
    all.truncate(FORMER_NAMES);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_gone_is_remembered_as_former() {
        let stored = |names: &[&str], formerly: &[&str]| Stored {
            certificate: String::new(),
            names: json!(names).to_string(),
            hostname: names[0].to_owned(),
            formerly: json!(formerly).to_string(),
        };
        let now = ["c.example".to_owned()];
        let before = stored(&["b.example"], &["a.example"]);
        assert_eq!(chosen(&now, Some("b.example")), "c.example");
        assert_eq!(former(Some(&before), "c.example", &now), ["b.example", "a.example"]);
        assert_eq!(former(Some(&stored(&["c.example"], &["a.example"])), "c.example", &now), ["a.example"]);
        assert_eq!(chosen(&["x.example".to_owned(), "y.example".to_owned()], Some("y.example")), "y.example");
        assert_eq!(chosen(&[], Some("y.example")), "");
    }

    #[test]
    fn a_machine_without_a_whole_name_gets_one_that_no_other_has() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            made_up(&names(&["localhost", "Box_1", "127.0.0.1", "::1"]), "0123456789"),
            "box-1-01234567.internal"
        );
        assert_eq!(made_up(&[], "0123456789"), "jackfield-01234567.internal");
    }

    #[test]
    fn it_is_reached_by_its_name_unless_somebody_says_otherwise() {
        let here = Here { hostname: "uc.example".into(), ..Here::default() };
        let listen = vec!["127.0.0.1:9000".parse().unwrap()];
        let mut options = Options { enabled: true, listen, address: String::new() };
        assert_eq!(options.address(&here), "uc.example:9000");
        options.address = "10.0.0.1:1".into();
        assert_eq!(options.address(&here), "10.0.0.1:1");
    }
}
