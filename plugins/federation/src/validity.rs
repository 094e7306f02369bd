//! Whether our certificates do: for how long they last, and whether they have the names of the domains that go by them.
//! Nobody over there tells us when they do not, so the doctor says it before.

use jackfield_sdk::jiff::Timestamp;
use jackfield_sdk::{Failure, Finding};

use crate::Federation;
use crate::certificates::{NOT_OURS, Shown};
use crate::net::Seen;

/// Days before the end from which on it is a warning, as for the certificate of the console.
const WARNING_DAYS: i64 = 30;
const ADVICE: &str = "Give federation a new certificate with its key, on its page in the console or by PUT federation/certificate.";

/// What others hold against one whose time is over; empty: it is not.
pub fn over(certificates: &[Seen]) -> &'static str {
    match days_left(certificates, Timestamp::now()) {
        Some(..0) => "it has expired, so who checks certificates refuses it",
        _ => "",
    }
}

/// Days until the first of them, the server's own, ends.
fn days_left(certificates: &[Seen], now: Timestamp) -> Option<i64> {
    let end: Timestamp = certificates.first()?.not_after.parse().ok()?;
    Some((end.as_second() - now.as_second()).div_euclid(24 * 3600))
}

/// State, what is amiss, and how bad that is among others; none: nothing is.
fn judged(shown: &Shown, is_used: bool, now: Timestamp) -> Option<(i64, &'static str, String)> {
    let Shown { domain, certificates, note, .. } = shown;
    match days_left(certificates, now)? {
        days @ ..0 if is_used => Some((days, "problem", format!("the certificate of {domain} has expired"))),
        days @ ..0 => Some((days, "warning", format!("the certificate of {domain} has expired"))),
        days @ ..WARNING_DAYS => {
            Some((days, "warning", format!("the certificate of {domain} expires in {days} days")))
        }
        _ if note.is_empty() || !is_used => None,
        _ => Some((WARNING_DAYS, "warning", format!("the certificate of {domain} does not do: {note}"))),
    }
}

/// What the doctor is told: the worst of all.
pub fn finding(all: &[Shown], is_used: bool, now: Timestamp) -> Finding {
    let worst = all.iter().filter_map(|shown| judged(shown, is_used, now)).min_by_key(|(days, ..)| *days);
    let (state, detail, advice) = match worst {
        Some((_, state, detail)) => (state, detail, ADVICE),
        None => ("ok", format!("no certificate ends within {WARNING_DAYS} days"), ""),
    };
    Finding { name: "certificates".to_owned(), state: state.to_owned(), detail, advice: advice.to_owned() }
}

impl Federation {
    /// Looks at the certificates of all our domains; that nobody is shown is no problem.
    pub(crate) fn certificates_finding(&self) -> Result<Finding, Failure> {
        let is_used = {
            let server = self.server();
            server.net().is_some() || server.clients().is_some()
        };
        let mut shown = self.all_shown()?;
        shown.retain(|one| one.note != NOT_OURS);
        Ok(finding(&shown, is_used, Timestamp::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(domain: &str, end: &str, note: &'static str) -> Shown {
        let seen = Seen {
            subject: String::new(),
            names: vec![domain.to_owned()],
            issuer: String::new(),
            not_after: end.to_owned(),
        };
        let mut shown = Shown::with(domain, vec![seen]);
        shown.note = note;
        shown
    }

    #[test]
    fn the_worst_certificate_is_told() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let good = || shown("good.example", "2027-01-01T00:00:00Z", "");
        let told = |all: &[Shown], is_used| {
            let finding = finding(all, is_used, now);
            (finding.state, finding.detail)
        };
        let is = |state: &str, detail: &str| (state.to_owned(), detail.to_owned());
        assert_eq!(told(&[good()], true), is("ok", "no certificate ends within 30 days"));
        let soon = || shown("soon.example", "2026-06-11T00:00:00Z", "");
        let expires = is("warning", "the certificate of soon.example expires in 10 days");
        assert_eq!(told(&[good(), soon()], true), expires);
        let old = || shown("old.example", "2026-05-31T23:59:59Z", "");
        assert_eq!(told(&[soon(), old()], true), is("problem", "the certificate of old.example has expired"));
        assert_eq!(told(&[old()], false).0, "warning", "nobody is shown it");
        let named = shown("far.example", "2027-01-01T00:00:00Z", "it has another name");
        let refused = is("warning", "the certificate of far.example does not do: it has another name");
        assert_eq!(told(&[good(), named], true), refused);
        assert_eq!(told(&[Shown::with("new.example", vec![])], true).0, "ok", "there is none yet");
    }
}
