//! `federation/certificates`: certificates of single domains of ours, for enterprises that want their own. A domain without
//! one goes by the default, which is `federation/certificate`.

use std::collections::{BTreeMap, BTreeSet};

use jackfield_sdk::form::{Form, SecretEdit};
use jackfield_sdk::{Call, Failure, Host, Outcome, Part, Problem, Reply, Secret, log, params};
use serde::{Deserialize, Serialize};

use crate::Federation;
use crate::certificate::{self, LONGEST, PEM, forget, key_of, noted, wrong};
use crate::net::{Seen, all_seen, certificate_pair, is_certificate_for};
use crate::server::own_domains;

/// Kind of such a certificate in revisions; its id is the domain.
pub const KIND: &str = "federation/certificates";
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
struct Shown {
    domain: String,
    /// `uploaded`: it has its own; `default`: it goes by the default.
    origin: &'static str,
    certificates: Vec<Seen>,
    /// What others may hold against it; empty: nothing.
    note: &'static str,
    /// 0: it has none of its own.
    revision: i64,
    changed_at: Option<String>,
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
        let Part { limit, after } = call.part()?;
        let all = self.all_shown()?.into_iter().filter(|shown| shown.domain.as_str() > after);
        let mut part: Vec<Shown> = all.take(limit + 1).collect();
        let has_more = part.len() > limit;
        part.truncate(limit);
        let next = part.last().filter(|_| has_more).map(|last| last.domain.as_str());
        Reply::list(&part, next)
    }

    pub(crate) fn read_domain_certificate(&self, call: &Call<'_>) -> Outcome {
        self.domain_shown(&call.param::<String>("domain")?.to_ascii_lowercase())
    }

    pub(crate) fn put_domain_certificate(&self, call: &Call<'_>) -> Outcome {
        let domain = call.param::<String>("domain")?.to_ascii_lowercase();
        let (chain, key) = call.form(wanted)?;
        if !own_domains(&self.host)?.contains(&domain) {
            let detail =
                format!("{domain:?} is not the domain of an enterprise; change the enterprise first");
            return Err(Problem::not_found(detail));
        }
        certificate_pair(&chain, key.reveal()).map_err(|why| wrong("certificate", &why))?;
        if !is_certificate_for(&chain, &domain) {
            return Err(wrong("certificate", &format!("{domain} is not among the names of this one")));
        }
        let rows = rows(&self.host)?;
        let old = rows.iter().find(|row| row.domain == domain);
        call.must_match(&old.map_or(0, |old| old.revision).to_string())?;
        if old.is_none() && rows.len() >= MOST {
            return Err(Problem::conflict(format!(
                "there are {MOST} certificates, and no more fit; remove one first"
            )));
        }
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
        let (before, after) = (old.map(|old| noted(&old.chain, "")), noted(chain, ""));
        let written = self.host.db().tx(|tx| {
            tx.run_one(WRITE, params![domain, chain, old.map_or(0, |old| old.revision)]);
            tx.revision((KIND, domain), call.who(), before.as_ref(), Some(&after)).map(drop)
        });
        written.map_err(|failure| call.refused(failure))?;
        old.into_iter().for_each(|old| forget(&self.host, &old.chain));
        self.follow();
        Ok(())
    }

    pub(crate) fn remove_domain_certificate(&self, call: &Call<'_>) -> Outcome {
        let domain = call.param::<String>("domain")?.to_ascii_lowercase();
        let missing = || Problem::not_found(format!("{domain:?} has no certificate of its own"));
        let old = rows(&self.host)?.into_iter().find(|row| row.domain == domain).ok_or_else(missing)?;
        call.must_match(&old.revision.to_string())?;
        if !call.is_dry_run() {
            let before = noted(&old.chain, "");
            let written = self.host.db().tx(|tx| {
                tx.run_one(REMOVE, params![domain, old.revision]);
                tx.revision((KIND, &domain), call.who(), Some(&before), None).map(drop)
            });
            written.map_err(|failure| call.refused(failure))?;
            forget(&self.host, &old.chain);
            self.follow();
        }
        Reply::nothing()
    }

    fn domain_shown(&self, domain: &str) -> Outcome {
        let missing = || Problem::not_found(format!("{domain:?} is not the domain of an enterprise"));
        let shown = self.all_shown()?.into_iter().find(|shown| shown.domain == domain).ok_or_else(missing)?;
        Ok(Reply::ok(&shown)?.version(shown.revision))
    }

    /// Every domain of ours, and those that have a certificate and are ours no more.
    fn all_shown(&self) -> Result<Vec<Shown>, Problem> {
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

impl Row {
    fn shown(&self, is_ours: bool) -> Shown {
        Shown {
            domain: self.domain.clone(),
            origin: "uploaded",
            certificates: all_seen(&self.chain).unwrap_or_default(),
            note: if is_ours { "" } else { "no enterprise has this domain any more" },
            revision: self.revision,
            changed_at: Some(self.changed_at.clone()),
        }
    }
}

fn by_default(domain: &str, chain: &str) -> Shown {
    let note = match (chain.is_empty(), is_certificate_for(chain, domain)) {
        (true, _) => "federation makes a default certificate when it is first switched on",
        (false, true) => "",
        (false, false) => {
            "the default certificate does not have this name, so who checks certificates refuses it"
        }
    };
    let certificates = all_seen(chain).unwrap_or_default();
    Shown { domain: domain.to_owned(), origin: "default", certificates, note, revision: 0, changed_at: None }
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
