//! Addresses of people: bare JIDs (RFC 7622), in lower case. An account's is its login id, escaped as XEP-0106
//! says because a login id in UPN form has an `@`, at its enterprise's domain.

use std::fmt;

use jackfield_db::{Read, params};

use crate::catalog::problems::Problem;

/// Longest part before or after the `@`, in bytes (RFC 7622 sections 3.2 and 3.3).
const PART_BYTES: usize = 1023;
/// What must not stand in the part before the `@`, and its escape (XEP-0106 section 4.2).
const ESCAPES: [(char, &str); 10] = [
    (' ', "\\20"),
    ('"', "\\22"),
    ('&', "\\26"),
    ('\'', "\\27"),
    ('/', "\\2f"),
    (':', "\\3a"),
    ('<', "\\3c"),
    ('>', "\\3e"),
    ('@', "\\40"),
    ('\\', "\\5c"),
];

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Before the `@`, escaped.
    pub node: String,
    /// After it.
    pub domain: String,
}

/// Where an address leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// To this account.
    Account(String),
    /// To nobody, although its domain is one of ours.
    Nobody,
    /// Elsewhere.
    Elsewhere,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.node, self.domain)
    }
}

impl Address {
    /// Reads `node@domain`; the error is what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("the address {text:?} {why}; node@domain is needed");
        let (node, domain) = text.split_once('@').ok_or_else(|| wrong("has no @"))?;
        if node.is_empty() || domain.is_empty() {
            return Err(wrong("has nothing before or after its @"));
        }
        if node.len() > PART_BYTES || domain.len() > PART_BYTES {
            return Err(wrong("is too long"));
        }
        let is_forbidden = |c: char| c.is_control() || c.is_whitespace() || "\"&'/:<>@".contains(c);
        if node.contains(is_forbidden) {
            return Err(wrong("has a character before its @ that must be escaped as XEP-0106 says"));
        }
        // A colon is part of an IPv6 address.
        if domain.contains(|c: char| is_forbidden(c) && c != ':') {
            return Err(wrong("has a character after its @ that no domain has"));
        }
        Ok(Self { node: node.to_lowercase(), domain: domain.to_lowercase() })
    }

    /// An account's.
    pub fn of_login(login: &str, domain: &str) -> Self {
        Self { node: escaped(&login.to_lowercase()), domain: domain.to_lowercase() }
    }

    /// Where it leads. Accounts that are not deployed are nobody, and a peer's users have the peer's domain.
    pub fn home(&self, read: &Read<'_>) -> Result<Home, Problem> {
        let sql = "SELECT id FROM enterprise WHERE domain = ?1";
        let Some(enterprise) = read.one(sql, params![self.domain], |row| row.get::<_, String>(0))? else {
            return Ok(Home::Elsewhere);
        };
        let sql = "SELECT id FROM account WHERE enterprise = ?1 AND login_id = ?2 AND deployed = 1 AND peer IS NULL";
        let found =
            read.one(sql, params![enterprise, unescaped(&self.node)], |row| row.get::<_, String>(0))?;
        Ok(found.map_or(Home::Nobody, Home::Account))
    }
}

/// A login id as the part before the `@`. A backslash is escaped only where it would be read as an escape.
pub fn escaped(login: &str) -> String {
    let mut node = String::with_capacity(login.len());
    for (at, letter) in login.char_indices() {
        let escape = ESCAPES.iter().find(|(escaped, _)| *escaped == letter).map(|(_, escape)| *escape);
        match escape {
            Some(escape) if letter != '\\' || begins_escape(&login[at..]) => node.push_str(escape),
            _ => node.push(letter),
        }
    }
    node
}

/// The login id that the part before the `@` stands for.
pub fn unescaped(node: &str) -> String {
    let mut login = String::with_capacity(node.len());
    let mut rest = node;
    while let Some(letter) = rest.chars().next() {
        match ESCAPES.iter().find(|(_, escape)| is_escape(rest, escape)) {
            Some((escaped, escape)) => {
                login.push(*escaped);
                rest = &rest[escape.len()..];
            }
            None => {
                login.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    login
}

fn begins_escape(text: &str) -> bool {
    ESCAPES.iter().any(|(_, escape)| is_escape(text, escape))
}

fn is_escape(text: &str, escape: &str) -> bool {
    text.get(..escape.len()).is_some_and(|start| start.eq_ignore_ascii_case(escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of XEP-0106, and a login id in UPN form.
    #[test]
    fn login_ids_are_escaped_as_the_standard_has_it_and_come_back() {
        for (login, node) in [
            ("john", "john"),
            ("john@acme.com", "john\\40acme.com"),
            ("space cadet", "space\\20cadet"),
            ("call me \"ishmael\"", "call\\20me\\20\\22ishmael\\22"),
            ("at&t guy", "at\\26t\\20guy"),
            ("d'artagnan", "d\\27artagnan"),
            ("/.fanboy", "\\2f.fanboy"),
            ("::foo::", "\\3a\\3afoo\\3a\\3a"),
            ("<foo>", "\\3cfoo\\3e"),
            ("c:\\net", "c\\3a\\net"),
            ("c:\\cool stuff", "c\\3a\\cool\\20stuff"),
            ("c:\\5commas", "c\\3a\\5c5commas"),
            ("müller", "müller"),
        ] {
            assert_eq!(escaped(login), node);
            assert_eq!(unescaped(node), login);
        }
        assert_eq!(unescaped("a\\2Fb"), "a/b", "in either case");
        assert_eq!(unescaped("tail\\"), "tail\\");
    }

    #[test]
    fn what_is_no_bare_address_is_refused_with_the_reason() {
        let address = Address::parse("John\\40Acme.com@ACME.example.com").unwrap();
        assert_eq!(address.to_string(), "john\\40acme.com@acme.example.com");
        assert_eq!(Address::of_login("John@Acme.com", "acme.example.com"), address);
        for (wrong, why) in [
            ("john", "has no @"),
            ("@acme.com", "nothing before"),
            ("john@", "nothing before or after"),
            ("a b@acme.com", "XEP-0106"),
            ("john@acme.com/phone", "after its @"),
            ("john@a@b", "after its @"),
        ] {
            assert!(Address::parse(wrong).unwrap_err().contains(why), "{wrong}");
        }
        assert!(Address::parse(&format!("{}@a", "x".repeat(1024))).is_err());
    }
}
