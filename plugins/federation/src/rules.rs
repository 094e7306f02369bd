//! What the fields of a federated server may hold. Needs nothing but the input; rules that need other rows
//! are with the routes.

use jackfield_sdk::form::{Form, HOST, Rule};

use crate::s2s::Policy;
use crate::table::{PORT, Server};

/// The warning that somebody must have read.
const PLAIN: &str = "confirm_plain must be true where policy is \"plain_dialback\": without TLS anybody on the way reads \
     every message and can write in another's name, so it is only for a network that you trust; it is not";

static SERVER: Rule = Rule {
    says: "a host name or an IP address, or null to let DNS name it",
    holds: HOST.holds,
    caseless: true,
};

/// A row as a caller sends it; `addressed` is the domain of the path, which the row may leave out but not
/// change.
pub fn server(form: &mut Form<'_>, addressed: Option<&str>) -> Option<Server> {
    form.ignore(&["revision", "changed_at", "peer"]);
    let domain = form.field("domain").domain();
    let domain = match addressed {
        Some(own) => domain.or(own.to_owned()),
        None => domain.required(),
    };
    let nextplane = form.field("nextplane").flag().or(false);
    let server = form.field("server").matching(&SERVER).optional();
    let port = form.field("port").port().optional();
    let policy = form.field("policy").choice(&Policy::WORDS).or(Policy::default().word());
    let confirm_plain = form.field("confirm_plain").flag().or(false);
    let tls_name = form.field("tls_name").domain().optional();
    let (domain, nextplane, server, port) = (domain?, nextplane?, server?, port?);
    let (policy, confirm_plain, tls_name) = (policy?, confirm_plain?, tls_name?);
    let is_same = addressed.is_none_or(|own| own == domain);
    form.check(is_same, "domain", renamed(&domain));
    let is_plain = policy == Policy::PlainDialback.word();
    let policy = policy.to_owned();
    let row =
        Server { domain, nextplane, server, port: port.unwrap_or(PORT), policy, confirm_plain, tls_name };
    form.check(!nextplane || row.server.is_some(), "server", needed_by_nextplane("server"))
        .check(!nextplane || port.is_some(), "port", needed_by_nextplane("port"))
        .check(nextplane || row.server.is_some() || row.port == PORT, "port", unused(row.port))
        .check(!is_plain || confirm_plain, "confirm_plain", PLAIN);
    Some(row)
}

fn renamed(domain: &str) -> String {
    format!(
        "domain must be the one of the address; {domain:?} is not. To rename a row, apply the whole table"
    )
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

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
