//! The certificate that was gone by before the present one. It is kept with its sealed key for a week, so that the change
//! can be undone; of each domain there is one at most, because only the latest change of a thing is ever undone.

use std::time::{Duration, Instant};

use jackfield_sdk::{Failure, Host, Problem, Tx, flag, log, params};
use serde::Deserialize;

use crate::certificate::{forget, key_of};

/// Stands for the domain where it is the default certificate.
pub const DEFAULT: &str = "";

const KEPT_DAYS: i64 = 7;
/// Pause between two looks for what has been kept long enough.
const PAUSE: Duration = Duration::from_secs(3600);

const ONE: &str = "SELECT chain, authorities, is_own FROM federation_former_certificate WHERE domain = ?1";
const KEEP: &str =
    "INSERT INTO federation_former_certificate (domain, chain, authorities, is_own, replaced_at)
    VALUES (?1, ?2, ?3, ?4, unixepoch())
    ON CONFLICT (domain) DO UPDATE SET chain = excluded.chain, authorities = excluded.authorities,
        is_own = excluded.is_own, replaced_at = excluded.replaced_at";
const DROP: &str = "DELETE FROM federation_former_certificate WHERE domain = ?1";
const OVER: &str = "SELECT chain, authorities, is_own FROM federation_former_certificate WHERE replaced_at < unixepoch() - ?1";
const DROP_OVER: &str = "DELETE FROM federation_former_certificate WHERE replaced_at < unixepoch() - ?1";

/// A certificate that was replaced or taken away.
#[derive(Debug, Clone, Deserialize)]
pub struct Former {
    /// Certificates, as PEM; empty: none had been made yet.
    pub chain: String,
    /// Authorities that were trusted with it, as PEM; of a single domain's always empty.
    pub authorities: String,
    /// Whether the plugin had made it itself.
    #[serde(deserialize_with = "flag")]
    pub is_own: bool,
}

/// What that domain went by before, if it is still kept.
pub fn of(host: &Host, domain: &str) -> Result<Option<Former>, Failure> {
    host.db().first(ONE, params![domain])
}

/// The same, to be put back; the problem says why it cannot be.
pub fn to_put_back(host: &Host, domain: &str) -> Result<Former, Problem> {
    let gone = || {
        Problem::conflict(format!(
            "the certificate before and its key were kept for {KEPT_DAYS} days and are forgotten; give federation that \
             certificate with its key again, and the authorities that it shall trust"
        ))
    };
    let former = of(host, domain)?.ok_or_else(gone)?;
    let has_key = former.chain.is_empty() || host.secret().get(&key_of(&former.chain))?.is_some();
    if has_key { Ok(former) } else { Err(gone()) }
}

/// Keeps what a domain goes by no more; none: it had nothing of its own.
pub fn keep(tx: &mut Tx, domain: &str, former: Option<Former>) {
    match former {
        Some(Former { chain, authorities, is_own }) => {
            tx.run(KEEP, params![domain, chain, authorities, is_own])
        }
        None => tx.run(DROP, params![domain]),
    };
}

/// Forgets, from time to time, what has been kept long enough.
#[derive(Debug, Default)]
pub struct Sweep {
    next: Option<Instant>,
}

impl Sweep {
    /// Does it if it is time.
    pub fn turn(&mut self, host: &Host, now: Instant) {
        if self.next.is_some_and(|next| now < next) {
            return;
        }
        self.next = Some(now + PAUSE);
        if let Err(failure) = sweep(host) {
            log::warn!("certificates that were replaced could not be forgotten: {failure}");
        }
    }
}

fn sweep(host: &Host) -> Result<(), Failure> {
    let kept_seconds = KEPT_DAYS * 24 * 3600;
    let over: Vec<Former> = host.db().query(OVER, params![kept_seconds])?;
    if over.is_empty() {
        return Ok(());
    }
    host.db().tx(|tx| {
        tx.run(DROP_OVER, params![kept_seconds]);
        Ok(())
    })?;
    over.iter().for_each(|former| forget(host, &former.chain));
    Ok(())
}
