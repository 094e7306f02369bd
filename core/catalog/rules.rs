//! Rules for the text of a field, each with the words that explain it and the source it comes from.
//! A rule given as a pattern is checked by exactly the pattern that the API description shows.

use std::net::IpAddr;
use std::sync::OnceLock;

use regex_lite::Regex;

/// How a rule decides.
pub enum Check {
    /// Anchored regular expression in the dialect that ECMA-262 and Rust share.
    Pattern(&'static str),
    /// A function, for what a pattern says badly; carries the JSON Schema `format` name.
    Format(&'static str, fn(&str) -> bool),
}

/// One rule for text.
pub struct Rule {
    /// What is allowed, as the end of the sentence "must be …".
    pub says: &'static str,
    /// How it is decided.
    pub check: Check,
    compiled: OnceLock<Option<Regex>>,
}

impl Rule {
    const fn new(says: &'static str, check: Check) -> Self {
        Self { says, check, compiled: OnceLock::new() }
    }

    /// A rule that a plugin brings with one of its settings; it lives as long as the process.
    pub fn brought(says: &str, pattern: &str) -> Self {
        Self::new(String::leak(says.to_owned()), Check::Pattern(String::leak(pattern.to_owned())))
    }

    /// Whether the text keeps the rule.
    pub fn allows(&self, text: &str) -> bool {
        match &self.check {
            Check::Format(_, check) => check(text),
            Check::Pattern(pattern) => {
                let compiled = self.compiled.get_or_init(|| Regex::new(pattern).ok());
                compiled.as_ref().is_some_and(|regex| regex.is_match(text))
            }
        }
    }
}

/// Enterprise ID and peer enterprise ID (seed 001); the length is the field's own.
pub static ENTERPRISE_ID: Rule =
    Rule::new("letters, digits and dashes only", Check::Pattern(r"^[A-Za-z0-9-]+$"));

/// Description of a peer or a trusted server (seed 001).
pub static DESCRIPTION: Rule =
    Rule::new("letters, digits, dashes and spaces only", Check::Format("description", is_description));

/// A DNS name of at least two labels (RFC 1035 section 2.3.1, RFC 1123 section 2.1); it need not resolve.
pub static DOMAIN: Rule = Rule::new("a DNS name such as example.com", Check::Format("domain", is_domain));

/// A host name, an IPv4 or an IPv6 address.
pub static HOST: Rule = Rule::new("a host name or an IP address", Check::Format("host", is_host));

/// Text without control characters, for names of people and things.
pub static PLAIN: Rule = Rule::new(
    "text without control characters",
    Check::Format("plain", |text| !text.chars().any(char::is_control)),
);

/// E-mail address as far as one can judge without sending to it (RFC 5321 section 4.1.2, no quoted local part).
pub static EMAIL: Rule =
    Rule::new("an e-mail address such as name@example.com", Check::Format("email", is_email));

/// Login ID: ISO 8859-1, `@` neither first nor last, no white space or control characters.
pub static LOGIN_ID: Rule = Rule::new(
    "characters of ISO 8859-1 without spaces, with @ neither first nor last",
    Check::Format("login-id", is_login_id),
);

/// One outgoing digit of a PBX node.
pub static OUTGOING_DIGIT: Rule = Rule::new("one of 0 to 9, * or #, or empty", Check::Pattern(r"^[0-9*#]?$"));

/// Digits as a telephone sends them.
pub static DIGITS: Rule = Rule::new("digits only", Check::Pattern(r"^[0-9]*$"));

/// An extension as a directory holds it.
pub static EXTENSION: Rule = Rule::new("digits, * and # only", Check::Pattern(r"^[0-9*#]*$"));

/// A public telephone number as people write it (ITU-T E.123 section 2), or empty.
pub static NUMBER: Rule = Rule::new(
    "a telephone number: digits, *, #, spaces, dots, dashes and brackets, with + only in front",
    Check::Pattern(r"^([+]?[0-9*#(][0-9*#(). -]*)?$"),
);

/// Name or description of a profile: plain text in which lists keep their own separator free.
pub static PROFILE: Rule = Rule::new(
    "text without | and control characters, not beginning or ending with a space",
    Check::Format("profile", |text| {
        !text.contains('|') && !text.chars().any(char::is_control) && text.trim() == text
    }),
);

/// A folder of the corporate directory: names from the top down with slashes between them.
pub static FOLDER: Rule = Rule::new(
    "folder names with / between them, such as Sales/Paris",
    Check::Format("folder", |text| {
        text.is_empty()
            || text
                .split('/')
                .all(|part| !part.is_empty() && part.trim() == part && !part.chars().any(char::is_control))
    }),
);

/// A host as another server is trusted by: an IP address or a name of at least two labels.
pub static FULL_HOST: Rule =
    Rule::new("an IP address or a fully qualified host name", Check::Format("full-host", is_full_host));

/// A time zone that the appliance knows (IANA time zone database).
pub static TIME_ZONE: Rule = Rule::new(
    "the IANA name of a time zone, such as Europe/Paris",
    Check::Format("time-zone", |text| jiff::tz::TimeZone::get(text).is_ok()),
);

/// ISO 3166-1 alpha-2 country code, or empty.
pub static COUNTRY: Rule =
    Rule::new("two capital letters of ISO 3166, such as FR, or empty", Check::Pattern(r"^([A-Z]{2})?$"));

/// First and last extension of a range.
pub static EXTENSION_RANGE: Rule = Rule::new(
    "an extension such as 2000, or a range such as 2000-2999",
    Check::Pattern(r"^[0-9]{1,8}(-[0-9]{1,8})?$"),
);

/// A right's name.
pub static RIGHT: Rule =
    Rule::new("a right such as peers:read", Check::Pattern(r"^[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*$"));

/// Name of an administrator or a token.
pub static ACCESS_NAME: Rule = Rule::new(
    "letters, digits, dots, dashes, underscores and @, beginning with a letter or digit",
    Check::Pattern(r"^[A-Za-z0-9][A-Za-z0-9._@-]*$"),
);

/// Name of a script.
pub static SCRIPT_NAME: Rule = Rule::new(
    "1 to 32 small letters, digits, dashes and underscores, beginning with a letter",
    Check::Format("script-name", is_script_name),
);

/// One entry of the prefixes by PBX node.
pub static PREFIX_BY_NODE: Rule = Rule::new(
    "NODE > PEER: PREFIX, such as Boston > Lyon: 8571, with a prefix of at most 20 characters",
    Check::Pattern(r"^[^>]{1,64} > [^:>]{1,64}: .{0,20}$"),
);

/// An IPv4 network with its prefix length (RFC 4632).
pub static IPV4_NETWORK: Rule = Rule::new(
    "an IPv4 network such as 10.0.0.0/8",
    Check::Pattern(
        r"^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])/([12]?[0-9]|3[0-2])$",
    ),
);

/// Entity tags as `If-Match` carries them (RFC 9110 section 8.8.3), or `*`.
pub const ENTITY_TAG_PATTERN: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#;
/// A list of entity tags, or `*`.
pub static ENTITY_TAG_LIST: Rule =
    Rule::new("entity tags in quotes, or *", Check::Pattern(ENTITY_TAG_PATTERN));

/// The form of an instant (RFC 3339 section 5.6); whether the day exists is checked beside it.
pub static INSTANT: Rule = Rule::new(
    "an RFC 3339 time such as 2030-01-31T12:00:00Z",
    Check::Pattern(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
    ),
);

fn is_script_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
    begins && text.len() <= 32 && text.chars().all(fits)
}

fn is_description(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == ' ') && text.trim() == text
}

fn is_domain(text: &str) -> bool {
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label) && !ends_numeric(text)
}

fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
        || (text.len() <= 253 && text.split('.').all(is_label) && !ends_numeric(text))
}

fn is_full_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_domain(text)
}

/// A name whose last label is a number would be mistaken for an IPv4 address.
fn ends_numeric(text: &str) -> bool {
    text.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()))
}

fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let dotted = local.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
    dotted && local.len() <= 64 && is_domain(domain)
}

fn is_login_id(text: &str) -> bool {
    let latin1 = |c: char| (c as u32) <= 0xFF && !c.is_whitespace() && !c.is_control();
    text.chars().all(latin1) && !text.starts_with('@') && !text.ends_with('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(rule: &Rule, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(rule.allows(text), "{text:?} should be {}", rule.says);
        }
        for text in bad {
            assert!(!rule.allows(text), "{text:?} should not pass as {}", rule.says);
        }
    }

    #[test]
    fn every_pattern_compiles() {
        for rule in [
            &ENTERPRISE_ID,
            &OUTGOING_DIGIT,
            &DIGITS,
            &EXTENSION,
            &COUNTRY,
            &EXTENSION_RANGE,
            &NUMBER,
            &ACCESS_NAME,
            &ENTITY_TAG_LIST,
            &INSTANT,
        ] {
            let Check::Pattern(pattern) = &rule.check else { panic!("{} is no pattern", rule.says) };
            assert!(Regex::new(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn enterprise_ids_have_no_separators() {
        judged(&ENTERPRISE_ID, &["paris-01", "ABCD"], &["a b", "a|b", "a,b", "a;b", "a:b", "é", ""]);
    }

    #[test]
    fn domains_have_two_labels_and_are_no_addresses() {
        judged(
            &DOMAIN,
            &["example.com", "a-1.b.co"],
            &["example", "-a.com", "a..com", "10.0.0.1", "a b.com", "é.fr"],
        );
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        judged(
            &HOST,
            &["pbx", "pbx.example.com", "10.0.0.1", "fe80::1"],
            &["", "a_b", "10.0.0.256", "http://x"],
        );
    }

    #[test]
    fn login_ids_allow_the_upn_form() {
        judged(&LOGIN_ID, &["jo", "jo@example.com", "4001", "jérôme"], &["@jo", "jo@", "j o", "jo\u{20AC}"]);
    }

    #[test]
    fn emails_need_a_name_and_a_domain() {
        judged(
            &EMAIL,
            &["a@example.com", "a.b+c@ex-1.org"],
            &["a", "@b.com", "a@b", "a..b@c.com", "a b@c.com"],
        );
    }

    #[test]
    fn descriptions_keep_to_letters_digits_dashes_and_spaces() {
        judged(&DESCRIPTION, &["Lyon site-2", "Zürich"], &["a|b", "a_b", " lead", "trail "]);
    }
}
