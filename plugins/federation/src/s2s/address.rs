//! Addresses as they are compared (RFC 7622): never as they were written.

use std::cell::RefCell;
use std::collections::HashMap;

use jid::{BareJid, DomainPart, Jid, NodePart};

/// Longest address that is looked at: three parts of 1,023 bytes and their separators (RFC 7622 section 3.1).
const LONGEST: usize = 3071;
/// Most addresses that a thread remembers.
const REMEMBERED: usize = 256;

/// A domain in lower case and as DNS has it; none: it is no domain. A dot at its end means nothing (RFC 7622 section
/// 3.2).
pub fn domain(text: &str) -> Option<String> {
    let parsed = parsed(text)?;
    let is_domain = parsed.node().is_none() && parsed.resource().is_none();
    is_domain.then(|| parsed.domain().as_str().to_owned())
}

thread_local! {
    /// Addresses that were parsed lately: the stanzas of a stream name the same few again and again.
    static LATELY: RefCell<HashMap<String, Jid>> = RefCell::default();
}

/// An address with its parts prepared and its domain as [`domain`] gives it; none: it is no address.
pub fn parsed(text: &str) -> Option<Jid> {
    if text.len() > LONGEST {
        return None;
    }
    if let Some(known) = LATELY.with_borrow(|lately| lately.get(text).cloned()) {
        return Some(known);
    }
    let address = prepared(text)?;
    LATELY.with_borrow_mut(|lately| {
        if lately.len() >= REMEMBERED {
            lately.clear();
        }
        lately.insert(text.to_owned(), address.clone());
    });
    Some(address)
}

fn prepared(text: &str) -> Option<Jid> {
    let address = Jid::new(text).ok()?;
    let domain = domain_of(&address)?;
    if address.domain().as_str() == domain {
        return Some(address);
    }
    let domain = DomainPart::new(&domain).ok()?;
    Some(Jid::from_parts(address.node(), &domain, address.resource()))
}

/// The domain of an address that is not prepared yet, as [`domain`] gives it.
fn domain_of(address: &Jid) -> Option<String> {
    let text = address.domain().as_str();
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Some(text.to_owned());
    }
    let ascii = idna::domain_to_ascii(text).ok()?;
    (!ascii.is_empty() && ascii.len() <= 253).then_some(ascii)
}

/// Characters that no node has, and how they are written in one (XEP-0106 section 2).
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

/// The login of an account from how it stands in an address, or from itself.
pub fn login(node: &str) -> String {
    match NodePart::new(node) {
        // Case is kept as it came: nobody compares logins with regard to it.
        Ok(_) => unescaped(node),
        Err(_) => node.to_owned(),
    }
}

fn unescaped(node: &str) -> String {
    let mut login = String::with_capacity(node.len());
    let mut rest = node;
    while let Some(at) = rest.find('\\') {
        login.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = ESCAPES
            .iter()
            .find(|(_, code)| rest.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case(code)));
        let (meant, length) = found.map_or(('\\', 1), |(meant, _)| (*meant, 3));
        login.push(meant);
        rest = &rest[length..];
    }
    login.push_str(rest);
    login
}

/// The address of an account; none: its login cannot stand in one.
pub fn of_login(login: &str, domain: &str) -> Option<BareJid> {
    let mut node = String::with_capacity(login.len());
    let mut rest = login;
    while let Some(c) = rest.chars().next() {
        let code = ESCAPES.iter().find(|(meant, _)| *meant == c).map(|(_, code)| *code);
        // A backslash is escaped only where it would be read as the beginning of an escape.
        let is_code = |code: &&str| {
            c != '\\'
                || *code == "\\5c"
                    && ESCAPES.iter().any(|(_, other)| {
                        rest.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case(other))
                    })
        };
        match code.filter(is_code) {
            Some(code) => node.push_str(code),
            None => node.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    let (node, domain) = (NodePart::new(&node).ok()?, DomainPart::new(domain).ok()?);
    Some(BareJid::from_parts(Some(&node), &domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_becomes_an_address_and_comes_back() {
        for login in ["john", "ann@corp.example", "d'arcy & co", "back\\slash", "back\\20slash", "a:b/c<d>"] {
            let address = of_login(login, "Home.example").unwrap();
            assert_eq!(address.domain().as_str(), "home.example");
            assert_eq!(address.node().unwrap().unescape().unwrap(), login, "{address}");
        }
        assert_eq!(of_login("", "home.example"), None);
    }

    #[test]
    fn domains_are_compared_as_dns_has_them() {
        for (text, meant) in [
            ("a.example", "a.example"),
            ("A.Example", "a.example"),
            ("a.example.", "a.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("ａ.example", "a.example"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(domain(text).as_deref(), Some(meant), "{text}");
        }
        // A letter that only looks like an `a` is another one.
        assert_ne!(domain("\u{430}.example"), domain("a.example"));
        let long = "a".repeat(5000);
        for text in [
            "",
            "user@a.example",
            "a.example/x",
            "a..example",
            " ",
            "a b",
            &long,
            &format!("{}.example", "a".repeat(300)),
        ] {
            assert_eq!(domain(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_login_and_its_address_are_the_same_both_ways() {
        for (login, node) in [
            ("ann", "ann"),
            ("Ann", "ann"),
            ("ann@corp.example", "ann\\40corp.example"),
            ("d'artagnan", "d\\27artagnan"),
            ("a b&c/d:e<f>g\"", "a\\20b\\26c\\2fd\\3ae\\3cf\\3eg\\22"),
            ("back\\slash", "back\\slash"),
            ("back\\20slash", "back\\5c20slash"),
        ] {
            let address = of_login(login, "home.example").unwrap();
            assert_eq!(address.to_string(), format!("{node}@home.example"));
            assert_eq!(super::login(node), login.to_lowercase(), "{node}");
            assert_eq!(super::login(node), address.node().unwrap().unescape().unwrap());
        }
        // Typed as the account has it.
        assert_eq!(super::login("ann@corp.example"), "ann@corp.example");
        assert_eq!(of_login("", "home.example"), None);
        assert_eq!(of_login(&"x".repeat(2000), "home.example"), None);
    }
}
