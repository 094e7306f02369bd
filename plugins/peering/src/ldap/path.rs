//! A directory's path, `ldap://host:port/DC=example,DC=com`: the part of an LDAP address (RFC 4516) that says where
//! the directory is and where its tree begins.

use std::fmt::Write;
use std::net::Ipv6Addr;

/// What a path says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Whether it is `ldaps`, that is TLS from the first byte.
    pub is_secure: bool,
    /// Host name or address as it was written.
    pub host: String,
    /// Port, where one is written.
    pub port: Option<u16>,
    /// Name at which the tree begins, with its escapes resolved.
    pub base_dn: String,
}

impl Path {
    /// Takes a path apart; the error is the cause, as the end of a sentence. What host and name may hold is
    /// judged elsewhere.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or("ldap:// is missing")?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "ldap" => false,
            "ldaps" => true,
            _ => return Err(format!("{scheme:?} is neither ldap nor ldaps")),
        };
        let (authority, name) = rest.split_once('/').ok_or("the / before the base DN is missing")?;
        if name.contains('?') {
            return Err("scope and filter have fields of their own; leave out ? and what follows".to_owned());
        }
        let (host, port) = split(authority)?;
        Ok(Self { is_secure, host, port, base_dn: decoded(name)? })
    }

    /// As text; the port is left out where there is none.
    pub fn text(&self) -> String {
        let scheme = if self.is_secure { "ldaps" } else { "ldap" };
        let host = match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host.clone(),
        };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{host}{port}/{}", encoded(&self.base_dn))
    }
}

fn split(authority: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if host.is_empty() {
        return Err("the host is missing".to_owned());
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        digits => {
            let number = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
            let number = number.and_then(|digits| digits.parse().ok()).filter(|number: &u16| *number > 0);
            Some(number.ok_or_else(|| format!("{port:?} is no port"))?)
        }
    };
    Ok((host.to_owned(), port))
}

/// RFC 4516 section 2.1: what would end the name, or is not for addresses, is written as `%` and two digits.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
        if is_plain {
            text.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn decoded(name: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = byte.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        bytes.push(byte.ok_or("after % two hexadecimal digits are needed")?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| "its %-escapes are not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_and_put_together() {
        for (text, is_secure, host, port, base_dn) in [
            ("ldap://dc1/DC=mitel,DC=com", false, "dc1", None, "DC=mitel,DC=com"),
            ("ldaps://dc1.mitel.com:3269/", true, "dc1.mitel.com", Some(3269), ""),
            ("ldap://[::1]:389/OU=My%20People,O=x", false, "::1", Some(389), "OU=My People,O=x"),
            ("ldap://h/O=%C3%A9%3F", false, "h", None, "O=é?"),
        ] {
            let path = Path { is_secure, host: host.to_owned(), port, base_dn: base_dn.to_owned() };
            assert_eq!((Path::parse(text), path.text()), (Ok(path.clone()), text.to_owned()));
        }
        assert_eq!(Path::parse("LDAP://h/O=a b").map(|path| path.base_dn), Ok("O=a b".to_owned()));
    }

    #[test]
    fn what_is_none_is_refused_with_the_cause() {
        for (text, cause) in [
            ("dc1/DC=a", "ldap:// is missing"),
            ("http://dc1/DC=a", "\"http\" is neither ldap nor ldaps"),
            ("ldap://dc1", "the / before the base DN is missing"),
            ("ldap:///DC=a", "the host is missing"),
            ("ldap://dc1:x/DC=a", "\":x\" is no port"),
            ("ldap://dc1:0/DC=a", "is no port"),
            ("ldap://dc1:+1/DC=a", "is no port"),
            ("ldap://dc1:70000/DC=a", "is no port"),
            ("ldap://[::1]x/DC=a", "is no port"),
            ("ldap://dc1/DC=a?cn?sub", "leave out ?"),
            ("ldap://dc1/DC=%4", "after % two"),
            ("ldap://dc1/DC=%+1", "after % two"),
            ("ldap://dc1/DC=%ff", "not UTF-8"),
        ] {
            let said = Path::parse(text).unwrap_err();
            assert!(said.contains(cause), "{text}: {said}");
        }
    }
}
