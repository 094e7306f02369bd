//! Rules for text, each with the words that explain it and its source.

use std::net::IpAddr;

/// One rule for text.
#[derive(Debug)]
pub struct Rule {
    /// What is allowed, as the end of the sentence "must be …", or of "text of 1 to 64 characters, …".
    pub says: &'static str,
    /// Whether the text keeps it.
    pub holds: fn(&str) -> bool,
    /// Whether case means nothing, so that the text is kept in lower case.
    pub caseless: bool,
}

impl Rule {
    pub(super) fn normal(&self, text: &str) -> String {
        if self.caseless { text.to_ascii_lowercase() } else { text.to_owned() }
    }
}

/// For names of people and things; goes with a length.
pub static PLAIN: Rule = Rule {
    says: "without control characters, and without a space at either end",
    holds: |text| !text.chars().any(char::is_control) && text.trim() == text,
    caseless: false,
};

/// Goes with a length.
pub static DIGITS: Rule =
    Rule { says: "digits only", holds: |text| text.bytes().all(|b| b.is_ascii_digit()), caseless: false };

/// RFC 1035 section 2.3.1, RFC 1123 section 2.1; it need not resolve.
pub static DOMAIN: Rule = Rule {
    says: "a DNS name such as example.com: at least two labels of letters, digits and hyphens, at most 253 \
           characters, no IP address",
    holds: is_domain,
    caseless: true,
};

/// A host to connect to.
pub static HOST: Rule = Rule { says: "a host name or an IP address", holds: is_host, caseless: true };

/// RFC 9562 section 4, as Microsoft writes it.
pub static GUID: Rule =
    Rule { says: "a GUID such as 6a7e3f1c-0b52-4b55-9d0e-2f6a1c0d9e11", holds: is_guid, caseless: true };

/// As far as one can judge without sending to it (RFC 5321 section 4.1.2, no quoted local part).
pub static EMAIL: Rule =
    Rule { says: "an e-mail address such as name@example.com", holds: is_email, caseless: false };

fn is_domain(text: &str) -> bool {
    text.contains('.') && is_name(text)
}

pub(super) fn is_host(text: &str) -> bool {
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

fn is_guid(text: &str) -> bool {
    let is_hyphen = |at| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, b): (usize, u8)| if is_hyphen(at) { b == b'-' } else { b.is_ascii_hexdigit() };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let dotted = local.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
    dotted && local.len() <= 64 && is_domain(domain)
}
