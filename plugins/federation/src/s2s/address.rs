//! Addresses as they are compared (RFC 7622): never as they were written.

use jid::{BareJid, DomainPart, Jid};

/// Longest address that is looked at: three parts of 1,023 bytes and their separators (RFC 7622 section 3.1).
const LONGEST: usize = 3071;

/// A domain in lower case and as DNS has it; none: it is no domain. A dot at its end means nothing (RFC 7622 section
/// 3.2).
pub fn domain(text: &str) -> Option<String> {
    let parsed = parsed(text)?;
    (parsed.node().is_none() && parsed.resource().is_none()).then(|| domain_of(&parsed))?
}

/// An address with its parts prepared and its domain as [`domain`] gives it; none: it is no address.
pub fn parsed(text: &str) -> Option<Jid> {
    if text.len() > LONGEST {
        return None;
    }
    let address = Jid::new(text).ok()?;
    let domain = domain_of(&address)?;
    if address.domain().as_str() == domain {
        return Some(address);
    }
    let domain = DomainPart::new(&domain).ok()?;
    Some(Jid::from_parts(address.node(), &domain, address.resource()))
}

/// The domain of an address, as [`domain`] gives it.
pub fn domain_of(address: &Jid) -> Option<String> {
    let text = address.domain().as_str();
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Some(text.to_owned());
    }
    let ascii = idna::domain_to_ascii(text).ok()?;
    (!ascii.is_empty() && ascii.len() <= 253).then_some(ascii)
}

/// What an address writes differently before its `@` (XEP-0106 section 3.2). A backslash only where it would be read as
/// one of these.
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

/// The address of an account: its login at its enterprise's domain; none: there is no such address.
pub fn of_login(login: &str, domain: &str) -> Option<BareJid> {
    let begins_escape = |rest: &str| ESCAPES.iter().any(|(_, escape)| starts(rest, escape));
    let mut node = String::with_capacity(login.len());
    for (at, letter) in login.char_indices() {
        match ESCAPES.iter().find(|(escaped, _)| *escaped == letter) {
            Some((_, escape)) if letter != '\\' || begins_escape(&login[at..]) => node.push_str(escape),
            _ => node.push(letter),
        }
    }
    let address = parsed(&format!("{node}@{domain}"))?;
    address.node().is_some().then(|| address.into_bare())
}

fn starts(text: &str, escape: &str) -> bool {
    text.get(..escape.len()).is_some_and(|start| start.eq_ignore_ascii_case(escape))
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
}
