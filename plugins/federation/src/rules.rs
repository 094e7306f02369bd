//! What the fields of a federated server may hold, and the sentence for each that may not. Needs nothing but
//! the input; rules that need other rows are with the routes.

use std::net::IpAddr;

use jackfield_sdk::{FieldError, Value};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::table::{PORT, Server};

const DOMAIN: &str = "domain must be a DNS name such as example.com: at least two labels of letters, digits \
                      and hyphens, at most 253 characters, no IP address";
const NEXTPLANE: &str = "nextplane must be true or false";
const SERVER: &str = "server must be a host name or an IP address, or null to let DNS name it";
const PORTS: &str = "port must be a whole number from 1 to 65535";
/// Most characters of a wrong value that an answer repeats.
const ECHO: usize = 80;

/// A row as a caller sends it. The version and time that reading gave may be sent back, and say nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Domain of the server, in any case.
    #[serde(default)]
    pub domain: Value,
    #[serde(default)]
    nextplane: Value,
    #[serde(default)]
    server: Value,
    #[serde(default)]
    port: Value,
    #[serde(default, rename = "revision")]
    _revision: IgnoredAny,
    #[serde(default, rename = "changed_at")]
    _changed_at: IgnoredAny,
}

impl Fields {
    /// The server, or every field that is wrong. `at` points to the row, as JSON pointers do (RFC 6901).
    pub fn checked(&self, at: &str) -> Result<Server, Vec<FieldError>> {
        let mut wrong = Wrong { at, errors: Vec::new() };
        let domain = wrong.sorted("domain", domain(&self.domain));
        let nextplane = wrong.sorted("nextplane", nextplane(&self.nextplane));
        let server = wrong.sorted("server", server(&self.server));
        let port = wrong.sorted("port", port(&self.port));
        let (Some(domain), Some(nextplane), Some(server), Some(port)) = (domain, nextplane, server, port)
        else {
            return Err(wrong.errors);
        };
        let (no_server, no_port) = (server.is_none(), port.is_none());
        let port = port.unwrap_or(PORT);
        let together = [
            ("server", nextplane && no_server, needed_by_nextplane("server")),
            ("port", nextplane && no_port, needed_by_nextplane("port")),
            ("port", !nextplane && no_server && port != PORT, unused(port)),
        ];
        together.into_iter().filter(|rule| rule.1).for_each(|(field, _, detail)| wrong.note(field, detail));
        if wrong.errors.is_empty() {
            Ok(Server { domain, nextplane, server, port })
        } else {
            Err(wrong.errors)
        }
    }
}

/// The errors of one row.
struct Wrong<'a> {
    at: &'a str,
    errors: Vec<FieldError>,
}

impl Wrong<'_> {
    fn sorted<T>(&mut self, field: &str, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|detail| self.note(field, detail)).ok()
    }

    fn note(&mut self, field: &str, detail: String) {
        self.errors.push(FieldError { pointer: format!("{}/{field}", self.at), detail });
    }
}

fn needed_by_nextplane(field: &str) -> String {
    format!(
        "{field} must be given where nextplane is true, as DNS does not name such a server; it is missing"
    )
}

/// Without a server, DNS names host and port (RFC 6120 section 3.2.1), and 5269 where it names none (3.2.2).
fn unused(port: u16) -> String {
    format!(
        "port must be {PORT} or left out where no server is given, because DNS then names it; {port} is not"
    )
}

fn domain(value: &Value) -> Result<String, String> {
    let text = value.as_str().map(str::to_ascii_lowercase).filter(|text| is_domain(text));
    text.ok_or_else(|| format!("{DOMAIN}; {}", shown(value)))
}

fn nextplane(value: &Value) -> Result<bool, String> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(format!("{NEXTPLANE}; {}", shown(value))),
    }
}

/// Forms send an empty text for an empty cell.
fn server(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) if is_host(text) => Ok(Some(text.to_ascii_lowercase())),
        _ => Err(format!("{SERVER}; {}", shown(value))),
    }
}

fn port(value: &Value) -> Result<Option<u16>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let number = value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0);
    number.map(Some).ok_or_else(|| format!("{PORTS}; {}", shown(value)))
}

/// A wrong value in the end of a sentence.
pub fn shown(value: &Value) -> String {
    if value.is_null() {
        return "it is missing".to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(ECHO) {
        Some((end, _)) => format!("{}… is not", &text[..end]),
        None => format!("{text} is not"),
    }
}

/// RFC 1035 section 2.3.1, RFC 1123 section 2.1.
fn is_domain(text: &str) -> bool {
    text.contains('.') && is_name(text)
}

fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_name(text)
}

/// A last label of digits only would be mistaken for the end of an IPv4 address.
fn is_name(text: &str) -> bool {
    let ends_numeric = text.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    text.len() <= 253 && text.split('.').all(is_label) && !ends_numeric
}

fn is_label(label: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(fits)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
