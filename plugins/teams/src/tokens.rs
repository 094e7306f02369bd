//! `teams/tokens`: every secret and certificate, when it ends, and what happens then. An expired credential is
//! the first thing to look for when Teams presence stops (seed 003, Troubleshooting).

use jackfield_sdk::jiff::civil::Date;
use jackfield_sdk::{Call, Finding, Outcome, Reply, SecretState, json};
use serde::Serialize;

use crate::Teams;
use crate::setup::Setup;

/// Days before the end from which on it is a warning.
const WARNING_DAYS: i32 = 14;

/// One credential.
#[derive(Debug, Serialize)]
struct Token<'a> {
    name: &'static str,
    since: Option<&'a str>,
    expires: Option<Date>,
    days_left: Option<i32>,
    state: &'static str,
    /// Whether it is the one that the application signs in with.
    is_used: bool,
    consequence: String,
    what_to_do: String,
}

impl Teams {
    pub(crate) fn list_tokens(&self, _call: &Call<'_>) -> Outcome {
        let (document, today) = self.setup()?;
        Reply::ok(&json!({"items": tokens(&document.value, today), "next": null}))
    }
}

/// What the doctor is told: the worst of what is used.
pub fn finding(setup: &Setup, today: Date) -> Finding {
    let all = tokens(setup, today);
    let told =
        |token: &Token<'_>| (format!("{}: {}", token.name, token.consequence), token.what_to_do.clone());
    let of_state = |state: &str| all.iter().find(|token| token.is_used && token.state == state).map(told);
    let (state, detail, advice) = match (of_state("expired"), of_state("warning")) {
        (Some((detail, advice)), _) if setup.is_on() => ("problem", detail, advice),
        (Some((detail, advice)), _) | (None, Some((detail, advice))) => ("warning", detail, advice),
        (None, None) => ("ok", "no credential ends within 14 days".to_owned(), String::new()),
    };
    Finding { name: "tokens".to_owned(), state: state.to_owned(), detail, advice }
}

fn tokens(setup: &Setup, today: Date) -> Vec<Token<'_>> {
    let is_secret = setup.credential == "secret";
    let secrets = &setup.secrets;
    let rows = [
        ("client_secret", &secrets.client_secret, setup.client_secret_expires, is_secret),
        ("certificate", &secrets.certificate, setup.certificate_expires, !is_secret),
    ];
    let shown = rows.into_iter().filter(|(_, state, _, is_used)| state.set || *is_used);
    shown.map(|(name, state, expires, is_used)| token(name, state, expires, is_used, today)).collect()
}

fn token<'a>(
    name: &'static str,
    secret: &'a SecretState,
    expires: Option<Date>,
    is_used: bool,
    today: Date,
) -> Token<'a> {
    let days_left = expires.map(|day| (day - today).get_days());
    let state = match days_left {
        _ if !secret.set => "not_set",
        None => "unknown",
        Some(days) if days < 0 => "expired",
        Some(days) if days <= WARNING_DAYS => "warning",
        Some(_) => "ok",
    };
    let since = secret.since.as_deref();
    let (consequence, what_to_do) = words(name, state, expires, is_used);
    Token { name, since, expires, days_left, state, is_used, consequence, what_to_do }
}

/// What its state means, and what to do.
fn words(name: &str, state: &str, expires: Option<Date>, is_used: bool) -> (String, String) {
    let day = expires.map(|day| day.to_string()).unwrap_or_default();
    let what = if name == "certificate" { "certificate" } else { "client secret" };
    let renew =
        format!("Make a new {what} for the application in Entra ID, and enter it here with its last day.");
    match (state, is_used) {
        ("not_set", _) => {
            (format!("without a {what} the application cannot sign in"), format!("Enter the {what}."))
        }
        ("expired", true) => {
            (format!("it ended on {day}: Teams presence stops for all users until it is renewed"), renew)
        }
        ("warning", true) => {
            (format!("on {day} it ends, and then Teams presence stops for all users"), renew)
        }
        ("expired" | "warning", false) => (
            "none: the application signs in with the other credential".to_owned(),
            format!("Remove the {what}."),
        ),
        _ => (String::new(), String::new()),
    }
}
