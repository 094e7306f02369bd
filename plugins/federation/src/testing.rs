//! The test of a federated server: the whole way to it, step by step, in the name of one of our domains.

use std::borrow::Cow;

use jackfield_sdk::{Call, Failure, FieldError, Outcome, Problem, Reply, params};
use serde::{Deserialize, Serialize};

use crate::Federation;
use crate::net::{Direction, Link, Seen, Step, Tested};
use crate::s2s::address;

/// The domain of the enterprise whose peer the server is, else of the enterprise with most users.
const LIKELY: &str =
    "SELECT domain, EXISTS (SELECT 1 FROM core_peers p WHERE p.enterprise = e.id AND p.kind = 'external'
        AND lower(p.domain) = ?1) AS is_of_peer
    FROM core_enterprises e WHERE domain <> ''
    ORDER BY is_of_peer DESC,
        (SELECT count(*) FROM core_accounts a WHERE a.enterprise = e.id AND a.peer IS NULL AND a.deployed) DESC, domain
    LIMIT 1";

#[derive(Deserialize)]
struct Likely {
    domain: String,
    #[serde(deserialize_with = "jackfield_sdk::flag")]
    is_of_peer: bool,
}

/// One of our domains, and why a test speaks for it.
struct Own {
    domain: String,
    reason: Cow<'static, str>,
}

/// One step of a test.
#[derive(Serialize)]
struct Shown {
    step: Step,
    /// `ok`, `failed` or `not_reached`.
    outcome: &'static str,
    detail: String,
    advice: &'static str,
}

/// A whole test.
#[derive(Serialize)]
struct Outcomes {
    domain: String,
    /// The domain of ours that it spoke for.
    own: String,
    /// Why that one, in words.
    own_reason: Cow<'static, str>,
    ok: bool,
    steps: Vec<Shown>,
    certificate: Option<Seen>,
    expected: Vec<String>,
}

impl Federation {
    pub(crate) fn test_server(&self, call: &Call<'_>) -> Outcome {
        let asked = call.param::<String>("domain")?;
        let off =
            || Problem::conflict("federation does not run, so nothing can be tested; switch it on first");
        let server = self.server();
        let net = server.net().ok_or_else(off)?;
        let (tester, links) = (net.tester(), net.links());
        drop(server);
        let domain = address::domain(&asked).filter(|domain| tester.is_partner(domain));
        let domain = domain.ok_or_else(|| {
            Problem::not_found(format!("{asked:?} is not a federated server's domain; list them first"))
        })?;
        let Own { domain: own, reason: own_reason } = match call.query("own") {
            Some(own) => named(own, &tester.own())?,
            None => self.likely(&domain, &links, &tester.own())?,
        };
        let Tested { done, trouble, certificate, expected } = tester.test(&own, &domain);
        let failed = trouble.as_ref().map(|trouble| trouble.step);
        let steps = Step::ALL.into_iter().map(|step| {
            let seen = done.iter().find(|(at, _)| *at == step).map(|(_, words)| words.clone());
            match (&trouble, failed) {
                (Some(trouble), Some(at)) if at == step => {
                    Shown { step, outcome: "failed", detail: trouble.detail.clone(), advice: trouble.advice }
                }
                (_, Some(at)) if at < step => {
                    Shown { step, outcome: "not_reached", detail: String::new(), advice: "" }
                }
                _ => Shown { step, outcome: "ok", detail: seen.unwrap_or_default(), advice: "" },
            }
        });
        let steps = steps.collect();
        Reply::ok(&Outcomes { domain, own, own_reason, ok: failed.is_none(), steps, certificate, expected })
    }

    /// The domain of ours that most likely talks to that partner.
    fn likely(&self, partner: &str, links: &[Link], all: &[String]) -> Result<Own, Problem> {
        let own = |domain: &str, reason| Own { domain: domain.to_owned(), reason };
        let none = || Problem::conflict("no enterprise has a domain; give one its domain first");
        if let [only] = all {
            return Ok(own(only, "it is our only domain".into()));
        }
        let used = links.iter().filter(|link| link.domain == partner && all.contains(&link.own));
        if let Some(link) = used.max_by(|one, other| recency(one).cmp(&recency(other))) {
            return Ok(own(
                &link.own,
                format!("of our domains it was the last to have a link with {partner}").into(),
            ));
        }
        let Some(Likely { domain, is_of_peer }) = self.likely_enterprise(partner)? else {
            return all
                .first()
                .map(|first| own(first, "it is the first of our domains".into()))
                .ok_or_else(none);
        };
        let reason = if is_of_peer {
            format!("its enterprise has the external peer of {partner}").into()
        } else {
            "of our domains it has the most users".into()
        };
        Ok(own(&address::domain(&domain).unwrap_or(domain), reason))
    }

    fn likely_enterprise(&self, partner: &str) -> Result<Option<Likely>, Failure> {
        self.host.db().first(LIKELY, params![partner])
    }
}

/// What stands counts before what has ended, whatever its age.
fn recency(link: &Link) -> (bool, &str, bool) {
    (link.state == "up", &link.since, link.direction == Direction::Out)
}

/// The domain that somebody named, if it is one of ours.
fn named(asked: &str, all: &[String]) -> Result<Own, Problem> {
    let domain = address::domain(asked).filter(|domain| all.contains(domain));
    let domain = domain.ok_or_else(|| {
        let some: Vec<_> = all.iter().take(5).map(String::as_str).collect();
        let more = if all.len() > some.len() { " and others" } else { "" };
        let detail = format!("must be one of our domains ({}{more}); {asked:?} is not", some.join(", "));
        Problem::invalid(vec![FieldError { pointer: "?own".to_owned(), detail }])
    })?;
    Ok(Own { domain, reason: "it was asked for".into() })
}
