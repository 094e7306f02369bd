//! `federation/certificates`: certificates of single domains of ours, for enterprises that want their own. A domain without
//! one goes by the default, which is `federation/certificate`.

use std::collections::{BTreeMap, BTreeSet};

use jackfield_sdk::form::{Form, SecretEdit};
use jackfield_sdk::{Call, Failure, Host, Outcome, Problem, Reply, Secret, Tx, log, params};
use serde::{Deserialize, Serialize};

use crate::Federation;
use crate::certificate::{self, LONGEST, PEM, forget, key_of, noted, wrong};
use crate::former::{self, Former};
use crate::net::{Seen, all_seen, certificate_pair, is_certificate_for};
use crate::server::own_domains;
use crate::validity;

/// Kind of such a certificate in revisions; its id is the domain.
pub const KIND: &str = "federation/certificates";
/// What is held against one of a domain that was ours once.
pub const NOT_OURS: &str = "no enterprise has this domain any more";
/// Most of them.
const MOST: usize = 200;

const ALL: &str =
    "SELECT domain, chain, revision, changed_at FROM federation_domain_certificate ORDER BY domain";
const WRITE: &str = "INSERT INTO federation_domain_certificate (domain, chain, revision, changed_at)
    VALUES (?1, ?2, ?3 + 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    ON CONFLICT (domain) DO UPDATE SET chain = excluded.chain, revision = excluded.revision,
        changed_at = excluded.changed_at WHERE revision = ?3";
const REMOVE: &str = "DELETE FROM federation_domain_certificate WHERE domain = ?1 AND revision = ?2";

/// A certificate of one domain.
#[derive(Debug, Clone, Deserialize)]
struct Row {
    domain: String,
    chain: String,
    revision: i64,
    changed_at: String,
}

/// A domain with the certificate that it goes by.
#[derive(Serialize)]
pub struct Shown {
    /// The domain.
    pub domain: String,
    /// `uploaded`: it has its own; `default`: it goes by the default.
    origin: &'static str,
    /// Certificates that are shown, the server's own first.
    pub certificates: Vec<Seen>,
    /// What others may hold against it; empty: nothing.
    pub note: &'static str,
    /// 0: it has none of its own.
    revision: i64,
    changed_at: Option<String>,
}

impl Shown {
    /// A domain that goes by these, the default.
    pub fn with(domain: &str, certificates: Vec<Seen>) -> Self {
        let note = validity::over(&certificates);
        Self {
            domain: domain.to_owned(),
            origin: "default",
            certificates,
            note,
            revision: 0,
            changed_at: None,
        }
    }

    /// What is searched of it.
    fn searched(&self) -> String {
        let Self { domain, origin, note, .. } = self;
        format!("{domain} {origin} {note}")
    }
}

/// Certificates of domains with their keys, as PEM.
pub fn all(host: &Host) -> Result<Vec<(String, String, Secret)>, Failure> {
    let mut all = Vec::new();
    for Row { domain, chain, .. } in rows(host)? {
        match host.secret().get(&key_of(&chain))? {
            Some(key) => all.push((domain, chain, key)),
            None => log::warn!("the key of the certificate of {domain} is lost; it goes by the default"),
        }
    }
    Ok(all)
}

fn rows(host: &Host) -> Result<Vec<Row>, Failure> {
    host.db().query(ALL, params![])
}

impl Federation {
    pub(crate) fn list_certificates(&self, call: &Call<'_>) -> Outcome {
        let (part, words) = (call.part()?, call.words()?);
        let mut all = self.all_shown()?;
        all.retain(|shown| words.fit(&shown.searched()));
        part.of(all, |shown| shown.domain.clone())
    }

    pub(crate) fn read_domain_certificate(&self, call: &Call<'_>) -> Outcome {
        self.domain_shown(&call.param::<String>("domain")?.to_ascii_lowercase())
    }

    pub(crate) fn put_domain_certificate(&self, call: &Call<'_>) -> Outcome {
        let domain = call.param::<String>("domain")?.to_ascii_lowercase();
        let (chain, key) = call.form(wanted)?;
        self.refuse_foreign(&domain)?;
        certificate_pair(&chain, key.reveal()).map_err(|why| wrong("certificate", &why))?;
        if !is_certificate_for(&chain, &domain) {
            return Err(wrong("certificate", &format!("{domain} is not among the names of this one")));
        }
        let rows = rows(&self.host)?;
        let old = rows.iter().find(|row| row.domain == domain);
        call.must_match(&old.map_or(0, |old| old.revision).to_string())?;
        refuse_full(&rows, old)?;
        if call.is_dry_run() {
            let revision = old.map_or(0, |old| old.revision) + 1;
            let next = Row { domain, chain, revision, changed_at: String::new() };
            return Ok(Reply::ok(&next.shown(true))?.version(revision));
        }
        self.write_domain_certificate(call, &domain, old, (&chain, &key))?;
        self.domain_shown(&domain)
    }

    fn write_domain_certificate(
        &self,
        call: &Call<'_>,
        domain: &str,
        old: Option<&Row>,
        (chain, key): (&str, &Secret),
    ) -> Result<(), Problem> {
        self.host.secret().put(&key_of(chain), key)?;
        self.exchange(call, domain, old, Some(chain))
    }

    /// Gives a domain that certificate, or none, in place of what it has.
    fn exchange(
        &self,
        call: &Call<'_>,
        domain: &str,
        old: Option<&Row>,
        next: Option<&str>,
    ) -> Result<(), Problem> {
        let former = former::of(&self.host, domain)?;
        let written = self.host.db().tx(|tx| exchanged(tx, call.who(), domain, old, next));
        written.map_err(|failure| call.refused(failure))?;
        former.iter().for_each(|former| forget(&self.host, &former.chain));
        self.follow();
        Ok(())
    }

    /// Puts back what the domain had before; `had`: it had a certificate of its own.
    pub(crate) fn domain_certificate_back(
        &self,
        tx: &mut Tx,
        who: &str,
        domain: &str,
        had: bool,
    ) -> Result<(), Problem> {
        let rows = rows(&self.host)?;
        let old = rows.iter().find(|row| row.domain == domain);
        if !had {
            return Ok(exchanged(tx, who, domain, old, None)?);
        }
        self.refuse_foreign(domain)?;
        refuse_full(&rows, old)?;
        let former = former::to_put_back(&self.host, domain)?;
        Ok(exchanged(tx, who, domain, old, Some(&former.chain))?)
    }

    fn refuse_foreign(&self, domain: &str) -> Result<(), Problem> {
        if own_domains(&self.host)?.contains(domain) {
            return Ok(());
        }
        let detail = format!("{domain:?} is not the domain of an enterprise; change the enterprise first");
        Err(Problem::not_found(detail))
    }

    pub(crate) fn remove_domain_certificate(&self, call: &Call<'_>) -> Outcome {
        let domain = call.param::<String>("domain")?.to_ascii_lowercase();
        let missing = || Problem::not_found(format!("{domain:?} has no certificate of its own"));
        let old = rows(&self.host)?.into_iter().find(|row| row.domain == domain).ok_or_else(missing)?;
        call.must_match(&old.revision.to_string())?;
        if !call.is_dry_run() {
            self.exchange(call, &domain, Some(&old), None)?;
        }
        Reply::nothing()
    }

    fn domain_shown(&self, domain: &str) -> Outcome {
        let missing = || Problem::not_found(format!("{domain:?} is not the domain of an enterprise"));
        let shown = self.all_shown()?.into_iter().find(|shown| shown.domain == domain).ok_or_else(missing)?;
        Ok(Reply::ok(&shown)?.version(shown.revision))
    }

    /// Every domain of ours, and those that have a certificate and are ours no more.
    pub(crate) fn all_shown(&self) -> Result<Vec<Shown>, Failure> {
        let own = own_domains(&self.host)?;
        let rows: BTreeMap<String, Row> =
            rows(&self.host)?.into_iter().map(|row| (row.domain.clone(), row)).collect();
        let default = certificate::chain(&self.host)?;
        let domains: BTreeSet<&String> = own.iter().chain(rows.keys()).collect();
        let shown = domains.into_iter().map(|domain| match rows.get(domain) {
            Some(row) => row.shown(own.contains(domain)),
            None => by_default(domain, &default),
        });
        Ok(shown.collect())
    }
}

/// Adds to a transaction that the domain goes by that certificate, or by the default, and keeps the one before.
fn exchanged(
    tx: &mut Tx,
    who: &str,
    domain: &str,
    old: Option<&Row>,
    next: Option<&str>,
) -> Result<(), Failure> {
    match (next, old) {
        (Some(chain), _) => tx.run_one(WRITE, params![domain, chain, old.map_or(0, |old| old.revision)]),
        (None, Some(old)) => tx.run_one(REMOVE, params![domain, old.revision]),
        (None, None) => return Ok(()),
    };
    let former = |old: &Row| Former { chain: old.chain.clone(), authorities: String::new(), is_own: false };
    former::keep(tx, domain, old.map(former));
    let (before, after) = (old.map(|old| noted(&old.chain, "")), next.map(|chain| noted(chain, "")));
    tx.revision((KIND, domain), who, before.as_ref(), after.as_ref()).map(drop)
}

fn refuse_full(rows: &[Row], old: Option<&Row>) -> Result<(), Problem> {
    if old.is_some() || rows.len() < MOST {
        return Ok(());
    }
    Err(Problem::conflict(format!("there are {MOST} certificates, and no more fit; remove one first")))
}

impl Row {
    fn shown(&self, is_ours: bool) -> Shown {
        let shown = Shown::with(&self.domain, all_seen(&self.chain).unwrap_or_default());
        Shown {
            origin: "uploaded",
            note: if is_ours { shown.note } else { NOT_OURS },
            revision: self.revision,
            changed_at: Some(self.changed_at.clone()),
            ..shown
        }
    }
}

fn by_default(domain: &str, chain: &str) -> Shown {
    let shown = Shown::with(domain, all_seen(chain).unwrap_or_default());
    let note = match (chain.is_empty(), is_certificate_for(chain, domain)) {
        (true, _) => "federation makes a default certificate when it is first switched on",
        (false, true) => shown.note,
        (false, false) => {
            "the default certificate does not have this name, so who checks certificates refuses it"
        }
    };
    Shown { note, ..shown }
}

fn wanted(form: &mut Form<'_>) -> Option<(String, Secret)> {
    let chain = form.field("certificate").text(1..=LONGEST, &PEM).required();
    let key = form.field("key").secret_text(1..=LONGEST, &PEM);
    let key = match key? {
        SecretEdit::Set(key) => Some(key),
        SecretEdit::Keep | SecretEdit::Forget => {
            form.field("key").text(1..=LONGEST, &PEM).required().map(Secret::new)
        }
    };
    form.ignore(&["domain", "origin", "certificates", "note", "changed_at", "revision"]);
    Some((chain?, key?))
}
