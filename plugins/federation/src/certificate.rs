//! `federation/certificate`: what the server shows to others, and the authorities that it trusts besides the system's.
//! Until somebody gives it a certificate it makes one itself, which only partners with dialback take.

use std::collections::BTreeSet;

use jackfield_sdk::form::{Form, Rule, SecretEdit};
use jackfield_sdk::{Call, Code, Failure, Host, Outcome, Problem, Reply, Secret, Tx, json, log, params};
use serde::{Deserialize, Serialize};

use crate::former::{self, Former};
use crate::net::{Seen, all_seen, certificate_pair, random_id};
use crate::{Federation, validity};

/// Kind and id of the certificate in revisions.
pub const KIND: &str = "federation/certificate";
/// Names of secrets; a key's goes on with its certificate's hash, so that neither is ever without the other.
const KEY: &str = "certificate_key_";
const DIALBACK: &str = "dialback";

const READ: &str = "SELECT chain, authorities, is_own, revision, changed_at FROM federation_certificate";
const WRITE: &str =
    "UPDATE federation_certificate SET chain = ?1, authorities = ?2, is_own = ?3, revision = revision + 1,
    changed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = 1 AND revision = ?4";

const USED: &str = "SELECT (SELECT count(*) FROM federation_certificate WHERE chain = ?1)
    + (SELECT count(*) FROM federation_domain_certificate WHERE chain = ?1)
    + (SELECT count(*) FROM federation_former_certificate WHERE chain = ?1) AS times";

/// Longest PEM text.
pub const LONGEST: usize = 128 * 1024;
/// Most authorities that are given at once.
const MOST_TRUSTED: usize = 16;
/// Most names in a certificate of our own making.
const MOST_NAMES: usize = 20;
/// What a text of certificates or of a key is.
pub static PEM: Rule = Rule { says: "PEM", holds: |text| text.contains("-----BEGIN "), caseless: false };

/// The stored row.
#[derive(Debug, Clone, Deserialize)]
pub struct Stored {
    /// Certificates that are shown, as PEM.
    pub chain: String,
    /// Authorities that are trusted, as PEM.
    pub authorities: String,
    /// Whether the plugin made it itself.
    #[serde(deserialize_with = "jackfield_sdk::flag")]
    pub is_own: bool,
    revision: i64,
    changed_at: String,
}

#[derive(Deserialize)]
struct Used {
    times: i64,
}

#[derive(Serialize)]
struct Shown<'a> {
    origin: &'static str,
    certificates: Vec<Seen>,
    authorities: Vec<Seen>,
    changed_at: &'a str,
    revision: i64,
    note: &'static str,
}

struct Wanted {
    chain: Option<String>,
    key: SecretEdit,
    authorities: Option<String>,
}

impl Stored {
    /// The row, with a certificate for these domains where nobody has given one.
    pub fn read(host: &Host, own: &BTreeSet<String>) -> Result<(Self, Secret), Failure> {
        let stored = row(host)?;
        let wanted: BTreeSet<String> = own.iter().take(MOST_NAMES).cloned().collect();
        let names = |chain: &str| {
            all_seen(chain).ok().and_then(|mut seen| Some(seen.first_mut()?.names.iter().cloned().collect()))
        };
        let key = host.secret().get(&key_of(&stored.chain))?;
        match key {
            Some(key) if !stored.is_own || names(&stored.chain).as_ref() == Some(&wanted) => {
                Ok((stored, key))
            }
            _ => made(host, &stored, own),
        }
    }

    /// Adds to a transaction that `next` takes its place, and that it is kept for a while.
    fn replaced(&self, next: &Self, tx: &mut Tx, who: &str) -> Result<(), Failure> {
        let Self { chain, authorities, is_own, revision, .. } = self.clone();
        let (before, after) = (noted(&chain, &authorities), noted(&next.chain, &next.authorities));
        tx.run_one(WRITE, params![next.chain, next.authorities, next.is_own, revision]);
        former::keep(tx, former::DEFAULT, Some(Former { chain, authorities, is_own }));
        tx.revision((KIND, KIND), who, Some(&before), Some(&after)).map(drop)
    }
}

/// The secret of dialback, made at the first start.
pub fn dialback_secret(host: &Host) -> Result<Secret, Failure> {
    if let Some(secret) = host.secret().get(DIALBACK)? {
        return Ok(secret);
    }
    let secret = Secret::new(random_id() + &random_id());
    host.secret().put(DIALBACK, &secret)?;
    Ok(secret)
}

/// Name of the secret that is the key of a certificate.
pub fn key_of(chain: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, chain.as_bytes());
    KEY.to_owned() + &data_encoding::HEXLOWER.encode(&hash.as_ref()[..16])
}

/// Forgets the key of a certificate, unless it is still used or kept. What is left over would only take room.
pub fn forget(host: &Host, chain: &str) {
    let done = host.db().first::<Used>(USED, params![chain]).and_then(|used| match used {
        Some(Used { times: 0 }) => host.secret().delete(&key_of(chain)).map(drop),
        _ => Ok(()),
    });
    if let Err(failure) = done {
        log::warn!("the key of the certificate before could not be forgotten: {failure}");
    }
}

/// The default certificate as PEM; empty: none was made yet.
pub fn chain(host: &Host) -> Result<String, Failure> {
    Ok(row(host)?.chain)
}

fn row(host: &Host) -> Result<Stored, Failure> {
    let missing = "the row of federation_certificate is missing; restore the latest backup";
    host.db().first(READ, params![])?.ok_or_else(|| Failure::new(Code::Internal, missing))
}

fn made(host: &Host, stored: &Stored, own: &BTreeSet<String>) -> Result<(Stored, Secret), Failure> {
    let failed = |e: rcgen::Error| Failure::new(Code::Internal, format!("no certificate could be made: {e}"));
    let key = rcgen::KeyPair::generate().map_err(failed)?;
    let mut wanted = rcgen::CertificateParams::new(own.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>())
        .map_err(failed)?;
    wanted.distinguished_name.push(rcgen::DnType::CommonName, "Jackfield federation");
    let chain = wanted.self_signed(&key).map_err(failed)?.pem();
    let key = Secret::new(key.serialize_pem());
    host.secret().put(&key_of(&chain), &key)?;
    host.db().tx(|tx| {
        tx.run_one(WRITE, params![chain, stored.authorities, true, stored.revision]);
        Ok(())
    })?;
    forget(host, &stored.chain);
    Ok((row(host)?, key))
}

impl Federation {
    pub(crate) fn read_certificate(&self, _call: &Call<'_>) -> Outcome {
        shown(&row(&self.host)?)
    }

    pub(crate) fn put_certificate(&self, call: &Call<'_>) -> Outcome {
        let wanted = call.form(wanted)?;
        let stored = row(&self.host)?;
        call.must_match(&stored.revision.to_string())?;
        let next = self.checked_certificate(&stored, &wanted)?;
        if !call.is_dry_run() {
            if let SecretEdit::Set(key) = &wanted.key {
                self.host.secret().put(&key_of(&next.chain), key)?;
            }
            let former = former::of(&self.host, former::DEFAULT)?;
            let written = self.host.db().tx(|tx| stored.replaced(&next, tx, call.who()));
            written.map_err(|failure| call.refused(failure))?;
            former.iter().for_each(|former| forget(&self.host, &former.chain));
            self.follow();
        }
        shown(&if call.is_dry_run() { next } else { row(&self.host)? })
    }

    /// Puts back what was there before the present certificate and authorities.
    pub(crate) fn certificate_back(&self, tx: &mut Tx, who: &str) -> Result<(), Problem> {
        let stored = row(&self.host)?;
        let Former { chain, authorities, is_own } = former::to_put_back(&self.host, former::DEFAULT)?;
        let next = Stored { chain, authorities, is_own, ..stored.clone() };
        Ok(stored.replaced(&next, tx, who)?)
    }

    fn checked_certificate(&self, stored: &Stored, wanted: &Wanted) -> Result<Stored, Problem> {
        let mut next = stored.clone();
        if let Some(authorities) = &wanted.authorities {
            if !authorities.is_empty() {
                all_seen(authorities).map_err(|why| wrong("trusted", &why))?;
            }
            next.authorities.clone_from(authorities);
        }
        let key = match &wanted.key {
            SecretEdit::Keep => None,
            SecretEdit::Forget => return Err(wrong("key", "it cannot be taken away from its certificate")),
            SecretEdit::Set(key) => Some(key.clone()),
        };
        match (&wanted.chain, key) {
            (None, None) => {}
            (Some(chain), Some(key)) => {
                certificate_pair(chain, key.reveal()).map_err(|why| wrong("certificate", &why))?;
                next.chain.clone_from(chain);
                next.is_own = false;
            }
            (Some(_), None) => {
                return Err(wrong("key", "a new certificate comes with its key; it is missing"));
            }
            (None, Some(_)) => {
                return Err(wrong("certificate", "a new key comes with its certificate; it is missing"));
            }
        }
        Ok(next)
    }
}

fn wanted(form: &mut Form<'_>) -> Option<Wanted> {
    let chain = form.field("certificate").text(1..=LONGEST, &PEM).optional();
    let key = form.field("key").secret_text(1..=LONGEST, &PEM);
    let authorities =
        form.field("trusted").list(MOST_TRUSTED, |one| one.text(1..=LONGEST, &PEM).required()).optional();
    form.ignore(&["origin", "certificates", "authorities", "changed_at", "revision", "note"]);
    Some(Wanted { chain: chain?, key: key?, authorities: authorities?.map(|all| all.join("\n")) })
}

/// A field of a certificate that does not do.
pub fn wrong(field: &str, why: &str) -> Problem {
    let mut errors = jackfield_sdk::Errors::new();
    errors.note(
        format!("/{field}"),
        format!("{field} must be PEM of a server's certificate and its key; {why}"),
    );
    errors.done().err().unwrap_or_else(|| Problem::new(500, "the certificate was refused"))
}

/// What a revision has of a certificate: whose it is, and who is trusted.
pub fn noted(chain: &str, authorities: &str) -> jackfield_sdk::Value {
    let subjects = |pem: &str| -> Vec<_> {
        all_seen(pem).unwrap_or_default().into_iter().map(|seen| seen.subject).collect()
    };
    json!({"certificates": subjects(chain), "authorities": subjects(authorities)})
}

fn shown(stored: &Stored) -> Outcome {
    let certificates = all_seen(&stored.chain).unwrap_or_default();
    let (origin, note) = match (certificates.is_empty(), stored.is_own) {
        (true, _) => ("none", "federation makes one for itself when it is first switched on"),
        (false, true) => (
            "self_signed",
            "only partners that are content with dialback take a certificate that nobody vouches for",
        ),
        (false, false) => ("uploaded", validity::over(&certificates)),
    };
    let authorities = all_seen(&stored.authorities).unwrap_or_default();
    let shown = Shown {
        origin,
        certificates,
        authorities,
        changed_at: &stored.changed_at,
        revision: stored.revision,
        note,
    };
    Ok(Reply::ok(&shown)?.version(stored.revision))
}
