//! Web addresses that a plugin calls or is called back at. Stricter than RFC 3986: what nobody types on
//! purpose is refused (user names, fragments, other schemes). Left out: whether anybody answers there.

use std::net::IpAddr;

use super::rules::{Rule, is_host};

/// Longest address, in bytes.
const LONGEST: usize = 2048;

/// An address as a whole, query included.
pub static URL: Rule = Rule {
    says: "an https address such as https://uc.example.com/back, at most 2048 characters, without user name \
           and fragment (http only to this machine)",
    holds: is_url,
    caseless: false,
};

/// An address that paths are appended to.
pub static BASE_URL: Rule = Rule {
    says: "an https address such as https://api.example.com/v1, at most 2048 characters, without user name, \
           query, fragment and final slash (http only to this machine)",
    holds: |text| is_url(text) && !text.contains('?') && !text.ends_with('/'),
    caseless: false,
};

fn is_url(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_graphic() && !br#"<>"{}|\^`#"#.contains(&b);
    if text.len() > LONGEST || !text.bytes().all(fits) {
        return false;
    }
    let (is_secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return false,
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let Some((host, port)) = split(authority) else { return false };
    let port_fits = port.is_none_or(is_port);
    port_fits && (is_secure || is_loopback(host))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Host and port of an authority; an IPv6 address stands in brackets (RFC 3986 section 3.2.2).
fn split(authority: &str) -> Option<(&str, Option<&str>)> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, rest)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, rest) = authority.split_at(end);
            is_host(host).then_some((host, rest))?
        }
    };
    match rest.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None => rest.is_empty().then_some((host, None)),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
