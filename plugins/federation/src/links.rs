//! `federation/links`: how every link does; and the test of one server, step by step.

use jackfield_sdk::{Call, Outcome, Problem, Reply, json};
use serde::Serialize;

use crate::Federation;
use crate::net::{Seen, Step, Tested};
use crate::s2s::address;

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
    own: String,
    ok: bool,
    steps: Vec<Shown>,
    certificate: Option<Seen>,
    expected: Vec<String>,
}

impl Federation {
    pub(crate) fn list_links(&self, _call: &Call<'_>) -> Outcome {
        let links = self.server().net().map(crate::net::Net::links).unwrap_or_default();
        Reply::ok(&json!({"items": links, "next": null}))
    }

    pub(crate) fn test_server(&self, call: &Call<'_>) -> Outcome {
        let row = self.row(&call.param::<String>("domain")?.to_ascii_lowercase())?;
        let off = || {
            let detail = "federation does not run, so nothing can be tested; switch it on first";
            Problem::conflict(detail)
        };
        let tester = self.server().net().map(crate::net::Net::tester).ok_or_else(off)?;
        let own = tester
            .own()
            .ok_or_else(|| Problem::conflict("no enterprise has a domain; give one its domain first"))?;
        let domain = address::domain(&row.server.domain).unwrap_or(row.server.domain);
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
        Reply::ok(&Outcomes { domain, own, ok: failed.is_none(), steps, certificate, expected })
    }
}
