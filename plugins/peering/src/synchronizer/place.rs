//! Where a directory is: said as one path or as host, port and base DN, which must agree where both are said.

use jackfield_sdk::form::{Form, HOST, PLAIN};
use jackfield_sdk::{Value, json};

use super::Tls;
use crate::ldap::name::Name;
use crate::ldap::path::Path;

const NAME: &str = "a distinguished name (RFC 4514) with the leaf first, such as OU=Sales,DC=example,DC=com";
const PATH: &str = "a path such as ldap://host/DC=example,DC=com";

/// A place.
pub struct Place {
    pub host: String,
    pub port: u16,
    pub base_dn: String,
    pub tls: Tls,
}

/// Reads path, host, port, base DN and TLS mode.
pub fn read(form: &mut Form<'_>) -> Option<Place> {
    let path = path(form);
    let tls = form.field("tls").choice(Tls::WORDS).optional();
    let host = form.field("host").host().optional();
    let port = form.field("port").port().optional();
    let base = name(form, "base_dn");
    let (path, tls, host, port, base) = (path?, tls?.map(Tls::of), host?, port?, base?);
    let is_secure = path.as_ref().map(|path| path.is_secure);
    let tls = mode(form, is_secure, tls)?;
    let said = path.as_ref();
    let host = one(form, "host", said.map(|path| path.host.to_ascii_lowercase()), host);
    let port = one(form, "port", said.and_then(|path| path.port), port);
    let base = one(form, "base_dn", said.map(|path| path.base_dn.clone()), base);
    let (host, port, base_dn) = (host?, port?, base?);
    let sentence = |field, must| format!("{field} must be {must}, unless path says it; it is missing");
    form.check(host.is_some(), "host", sentence("host", HOST.says));
    form.check(base_dn.is_some(), "base_dn", sentence("base_dn", NAME));
    Some(Place { host: host?, port: port.unwrap_or_else(|| tls.usual_port()), base_dn: base_dn?, tls })
}

/// A path whose parts keep their own rules.
fn path(form: &mut Form<'_>) -> Option<Option<Path>> {
    let text = form.field("path").text(1..=2048, &PLAIN).optional()?;
    let Some(text) = text else { return Some(None) };
    let parsed = Path::parse(&text).and_then(|path| {
        let base_dn = Name::parse(&path.base_dn)?.text();
        if base_dn.is_empty() {
            return Err("the base DN is missing".to_owned());
        }
        match (HOST.holds)(&path.host) {
            true => Ok(Path { base_dn, ..path }),
            false => Err(format!("{:?} is neither a host name nor an IP address", path.host)),
        }
    });
    let wrong =
        parsed.as_ref().err().map(|cause| format!("path must be {PATH}; {} is not: {cause}", short(&text)));
    form.check(wrong.is_none(), "path", wrong.unwrap_or_default());
    parsed.ok().map(Some)
}

/// `ldap://` says nothing of TLS, because people write it with either; without a word it is StartTLS.
fn mode(form: &mut Form<'_>, is_secure: Option<bool>, said: Option<Tls>) -> Option<Tls> {
    let agrees = is_secure != Some(true) || said.is_none_or(|said| said == Tls::Ldaps);
    let shown = json!(said);
    form.check(
        agrees,
        "tls",
        format!("tls must be \"ldaps\" or left out where path begins with ldaps://; {shown} is not"),
    );
    agrees.then(|| said.unwrap_or(if is_secure == Some(false) { Tls::Upgrade } else { Tls::Ldaps }))
}

/// What is said once, or twice the same.
fn one<T>(form: &mut Form<'_>, field: &'static str, by_path: Option<T>, alone: Option<T>) -> Option<Option<T>>
where
    T: PartialEq + serde::Serialize,
{
    if let (Some(path), Some(alone)) = (&by_path, &alone)
        && path != alone
    {
        let (path, alone) = (json!(path), json!(alone));
        let sentence =
            format!("{field} must be what path says, {path}, or one of them be left out; {alone} is not");
        form.check(false, field, sentence);
        return None;
    }
    Some(by_path.or(alone))
}

/// A distinguished name, normalised; none where it is empty.
pub fn name(form: &mut Form<'_>, field: &'static str) -> Option<Option<String>> {
    let text = form.field(field).text(1..=1024, &PLAIN).optional()?;
    let Some(text) = text else { return Some(None) };
    let parsed = Name::parse(&text);
    let wrong = parsed
        .as_ref()
        .err()
        .map(|cause| format!("{field} must be {NAME}; {} is not: {cause}", short(&text)));
    form.check(wrong.is_none(), field, wrong.unwrap_or_default());
    parsed.ok().map(|name| Some(name.text()))
}

/// A wrong value in a sentence, cut where it is long.
pub fn short(text: &str) -> String {
    let shown = Value::from(text).to_string();
    match shown.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}
