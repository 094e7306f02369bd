//! The door's certificate: from the files that the configuration names, else made at the first start. Files are looked
//! at again while the appliance runs; a bad new one changes nothing.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::host_name;
use crate::catalog::counted;
use crate::catalog::problems::Problem;
use crate::config::Config;
use crate::engine::doctor::{Finding, State};
use crate::engine::secrets::{Secret, store};
use crate::engine::{Engine, clock, fault, own_names};
use crate::http::{self, CertStore};

const WARN_DAYS: i64 = 14;
const SELF_SIGNED: &str = "tls.self_signed";

/// Tells whether a file was changed, replaced or removed; the time alone misses an older file moved in.
type Stamp = Option<(u64, u64, i64, i64)>;

/// The certificate in use, and where it came from.
pub struct Certificate {
    engine: Arc<Engine>,
    files: Option<(PathBuf, PathBuf)>,
    seen: [Stamp; 2],
    store: Arc<CertStore>,
}

impl Certificate {
    /// The certificate to start with.
    pub fn load(config: &Config, engine: Arc<Engine>) -> Result<Self, String> {
        let files = config.certificate.clone();
        let seen = files.as_ref().map(stamps).unwrap_or_default();
        let (cert, key) = match &files {
            Some((cert, key)) => (read_pem(cert)?, read_pem(key)?),
            None => {
                let pem = self_signed(&engine, &config.listen).map_err(|problem| problem.detail)?;
                (pem.clone(), pem)
            }
        };
        let store = Arc::new(CertStore::new(cert.reveal(), key.reveal()).map_err(|e| e.to_string())?);
        let loaded = Self { engine, files, seen, store };
        loaded.report();
        Ok(loaded)
    }

    /// What the door takes it from, the later ones as well.
    pub fn store(&self) -> Arc<CertStore> {
        Arc::clone(&self.store)
    }

    /// Its SHA-256, as browsers show it.
    pub fn fingerprint(&self) -> String {
        self.store.fingerprint()
    }

    /// Reports how long it is still valid, and takes up files that have changed.
    pub fn look(&mut self) {
        self.report();
        if self.files.as_ref().is_some_and(|files| stamps(files) != self.seen) {
            self.reload();
        }
    }

    /// Puts the files' certificate into use; a bad one changes nothing and is reported.
    pub fn reload(&mut self) {
        let Some(files) = &self.files else { return };
        self.seen = stamps(files);
        match self.replace(files) {
            Ok(()) => log::info!("new certificate in use: SHA-256 {}", self.fingerprint()),
            Err(cause) => log::error!("the new certificate is not used, the old one stays: {cause}"),
        }
        self.report();
    }

    fn replace(&self, (cert, key): &(PathBuf, PathBuf)) -> Result<(), String> {
        let (cert, key) = (read_pem(cert)?, read_pem(key)?);
        self.store.replace(cert.reveal(), key.reveal()).map_err(|e| e.to_string())
    }

    fn report(&self) {
        own_names::set(self.store.names());
        let days = (self.store.not_after() - clock::unix()).div_euclid(24 * 3600);
        let advice =
            "Put a new certificate into the files named in the configuration; it is taken up within seconds.";
        let finding = match days {
            ..0 => Finding::bad(State::Problem, "the certificate has expired", advice),
            0..WARN_DAYS => Finding::bad(
                State::Warning,
                format!("expires in {}", counted(days.unsigned_abs(), "day")),
                advice,
            ),
            _ => Finding::ok(format!("valid for {}", counted(days.unsigned_abs(), "day"))),
        };
        self.engine.board.report("certificate", finding);
    }
}

fn stamps((cert, key): &(PathBuf, PathBuf)) -> [Stamp; 2] {
    let stamp = |file: &Path| file.metadata().ok().map(|m| (m.ino(), m.len(), m.mtime(), m.mtime_nsec()));
    [stamp(cert), stamp(key)]
}

fn read_pem(file: &Path) -> Result<Secret, String> {
    let text = std::fs::read_to_string(file);
    text.map(Secret::new)
        .map_err(|e| format!("Cannot read {}: {e}. Check [http] cert and key.", file.display()))
}

/// The certificate made at the first start; kept in the database, sealed, because its key is a secret.
fn self_signed(engine: &Engine, listen: &[SocketAddr]) -> Result<Secret, Problem> {
    if let Some(known) = engine.db.read(|read| engine.keyring.load(read, SELF_SIGNED))? {
        return Ok(known);
    }
    let mut names = vec![host_name()];
    names.extend(listen.iter().filter(|a| !a.ip().is_unspecified()).map(|a| a.ip().to_string()));
    let made = http::self_signed(&names).map_err(|e| fault("make a certificate", &e.to_string()))?;
    let pem = Secret::new(format!("{}{}", made.0, made.1));
    let sealed = engine.keyring.seal_named(SELF_SIGNED, &pem)?;
    engine.db.write(move |tx| store(tx, SELF_SIGNED, &sealed))?;
    Ok(pem)
}
