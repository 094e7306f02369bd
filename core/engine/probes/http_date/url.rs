//! The address of a web page, taken apart: scheme, host, port, path. Only what a probe needs; no user, no fragment.

use super::super::args::bad;
use crate::catalog::rules;
use jackfield_abi::ops::Failure;

/// An address taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether it is https.
    pub is_tls: bool,
    /// Host name or IP address, without brackets.
    pub host: String,
    /// Port, the scheme's own one where none is given.
    pub port: u16,
    /// Path with query, at least a slash.
    pub path: String,
}

impl Url {
    /// Takes an address apart, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            bad(format!("http.date: url must be http://HOST[:PORT][/PATH] or https://…; {what}"))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong(&format!("{scheme:?} is neither"))),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(wrong("it must not hold a name or password"));
        }
        let (host, port) = host_and_port(authority).ok_or_else(|| wrong("its port must be 1 to 65535"))?;
        if !rules::HOST.allows(host) {
            return Err(wrong(&format!("{host:?} is neither a host name nor an IP address")));
        }
        if text.len() > 1000 || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("it must be plain ASCII without blanks, at most 1000 characters"));
        }
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { is_tls, host: host.to_owned(), port: port.unwrap_or(if is_tls { 443 } else { 80 }), path })
    }

    /// The value of the header `Host`.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']')?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    match port {
        "" => Some((host, None)),
        port => port.parse().ok().filter(|port| *port > 0).map(|port| (host, Some(port))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let table = [
            ("http://pbx", false, "pbx", 80, "/"),
            ("HTTPS://pbx.example.com:8443/a/b?c=d#e", true, "pbx.example.com", 8443, "/a/b?c=d"),
            ("https://[::1]:444/", true, "::1", 444, "/"),
            ("http://10.0.0.1?x", false, "10.0.0.1", 80, "/?x"),
        ];
        for (text, is_tls, host, port, path) in table {
            let wanted = Url { is_tls, host: host.to_owned(), port, path: path.to_owned() };
            assert_eq!(Url::parse(text).unwrap(), wanted, "{text}");
        }
        assert_eq!(Url::parse("https://[::1]/").unwrap().authority(), "[::1]:443");
    }

    #[test]
    fn what_is_no_address_of_a_page_is_refused_with_the_reason() {
        let table = [
            ("pbx", "no scheme"),
            ("ftp://pbx", "neither"),
            ("http://u:p@pbx", "name or password"),
            ("http://pbx:0", "port"),
            ("http://pbx:99999", "port"),
            ("http://", "neither a host name"),
            ("http://a_b/", "neither a host name"),
            ("http://pbx/a\r\nX: y", "ASCII"),
        ];
        for (text, words) in table {
            let said = Url::parse(text).unwrap_err().msg;
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
