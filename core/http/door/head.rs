//! Reading a request head: bytes in, decision out. Only what passes here is written again, in canonical form,
//! to a worker; nothing of the client's own bytes between the headers survives. Leaves out bodies and time.
//!
//! Rules: RFC 9112 sections 2 to 6 and 9, RFC 9110 sections 5.5, 7.2, 7.6.1, 8.6 and 10.1.1.

use crate::catalog::problems::{HEAD_TOO_LARGE, LENGTH_REQUIRED, MALFORMED_REQUEST, Problem};
use crate::http::tickets;

/// Largest request line plus headers, in bytes.
pub const LARGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 100;

/// Headers that concern one connection only (RFC 9110 section 7.6.1) or that the door answers or writes
/// itself. Passing `TE` or `Upgrade` on would also change how the worker's server frames its answer.
const NOT_FORWARDED: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    tickets::HEADER,
];

/// A complete and sane request head.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes of input it took.
    pub consumed: usize,
    /// Method as sent.
    pub method: String,
    /// Path without the query, starting with `/`.
    pub path: String,
    /// Declared length of the body in bytes.
    pub body: u64,
    /// The client waits for `100 Continue` before it sends the body.
    pub wants_continue: bool,
    /// The client speaks HTTP/1.1 and so understands interim answers.
    pub understands_interim: bool,
    /// The connection ends with this request.
    pub last: bool,
    /// The head in canonical form, without the empty line that ends it.
    pub canonical: Vec<u8>,
}

/// Where the search for the end of a head has come to, so that a client that sends single bytes does not make
/// the door read everything again for each of them.
#[derive(Debug, Default)]
pub struct Scan {
    seen: usize,
}

impl Scan {
    /// Whether no byte has been looked at.
    pub fn is_fresh(&self) -> bool {
        self.seen == 0
    }

    /// The length of the head including its empty line, once it is complete.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let from = self.seen.saturating_sub(3);
        self.seen = bytes.len();
        let at = bytes[from..].windows(4).position(|four| four == b"\r\n\r\n")?;
        Some(from + at + 4)
    }
}

/// How many bytes of empty lines stand before the request line; they are ignored (RFC 9112 section 2.2).
pub fn leading_blank(bytes: &[u8]) -> usize {
    bytes.chunks_exact(2).take_while(|two| two == b"\r\n").count() * 2
}

/// Reads a head that starts at the first byte: `Ok(None)` while it is incomplete.
pub fn read(bytes: &[u8], scan: &mut Scan) -> Result<Option<Head>, Problem> {
    let Some(end) = scan.end(&bytes[..bytes.len().min(LARGEST_HEAD)]) else {
        return if bytes.len() >= LARGEST_HEAD { Err(too_large()) } else { Ok(None) };
    };
    let mut slots = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut slots);
    match request.parse(&bytes[..end]) {
        Ok(httparse::Status::Complete(consumed)) => interpret(&request, consumed).map(Some),
        Ok(httparse::Status::Partial) => Err(malformed("the head ends in the middle of a line")),
        Err(httparse::Error::TooManyHeaders) => Err(too_large()),
        Err(cause) => Err(malformed(cause)),
    }
}

fn interpret(request: &httparse::Request<'_, '_>, consumed: usize) -> Result<Head, Problem> {
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(malformed("the request line is incomplete"));
    };
    let headers = request.headers.iter().map(ascii_header).collect::<Result<Vec<_>, _>>()?;
    refuse_transfer_encoding(&headers)?;
    let (authority, target) = split_target(target)?;
    let host = choose_host(&headers, authority, minor)?;
    let body = content_length(&headers)?;
    let connection = listed(&headers, "connection");
    let canonical = canonical(method, target, host, body, &headers, &connection);
    Ok(Head {
        consumed,
        method: method.to_owned(),
        path: target.split('?').next().unwrap_or(target).to_owned(),
        body: body.unwrap_or(0),
        wants_continue: minor == 1 && listed(&headers, "expect").iter().any(|e| e == "100-continue"),
        understands_interim: minor == 1,
        last: minor == 0 || connection.iter().any(|option| option == "close"),
        canonical,
    })
}

type Field<'a> = (&'a str, &'a str);

fn ascii_header<'a>(header: &httparse::Header<'a>) -> Result<Field<'a>, Problem> {
    match std::str::from_utf8(header.value) {
        Ok(value) if value.is_ascii() => Ok((header.name, value.trim())),
        _ => Err(malformed(format_args!(
            "the header `{}` holds bytes outside ASCII; send them percent-encoded or leave the header out",
            header.name
        ))),
    }
}

fn values<'a>(headers: &'a [Field<'a>], name: &'static str) -> impl Iterator<Item = &'a str> {
    headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// The members of a comma-separated header, in lower case.
fn listed(headers: &[Field<'_>], name: &'static str) -> Vec<String> {
    values(headers, name).flat_map(|value| value.split(',')).map(|m| m.trim().to_ascii_lowercase()).collect()
}

fn refuse_transfer_encoding(headers: &[Field<'_>]) -> Result<(), Problem> {
    if values(headers, "transfer-encoding").next().is_none() {
        return Ok(());
    }
    Err(Problem::new(
        LENGTH_REQUIRED,
        "The request uses Transfer-Encoding, which this server does not accept. \
         Send the body with a Content-Length header instead.",
    ))
}

/// Splits a target into the authority of an absolute form, if it is one, and the part from the path on.
fn split_target(target: &str) -> Result<(Option<&str>, &str), Problem> {
    if !target.is_ascii() || target.contains('#') {
        return Err(malformed("the request target holds characters that need percent-encoding"));
    }
    if target.starts_with('/') {
        return Ok((None, target));
    }
    let rest = ["https://", "http://"].iter().find_map(|scheme| strip_prefix_ignoring_case(target, scheme));
    let Some(rest) = rest else {
        return Err(malformed("the request target must be a path that starts with `/`"));
    };
    let path = rest.find('/').unwrap_or(rest.len());
    match (&rest[..path], &rest[path..]) {
        (authority, "") if !authority.contains('?') => Ok((Some(authority), "/")),
        (authority, path) if !authority.contains('?') => Ok((Some(authority), path)),
        _ => Err(malformed("the request target has a query without a path")),
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// RFC 9112 section 3.2: one Host header in HTTP/1.1, overridden by an absolute target.
fn choose_host<'a>(
    headers: &'a [Field<'a>],
    authority: Option<&'a str>,
    minor: u8,
) -> Result<Option<&'a str>, Problem> {
    let mut hosts = values(headers, "host");
    let first = hosts.next();
    if hosts.next().is_some() {
        return Err(malformed("there is more than one Host header; send exactly one"));
    }
    if first.is_none() && minor == 1 {
        return Err(malformed("HTTP/1.1 needs a Host header, and there is none"));
    }
    let host = authority.or(first);
    if host.is_some_and(|h| !h.bytes().all(is_host_byte)) {
        return Err(malformed("the Host header is not a host name with an optional port"));
    }
    Ok(host)
}

/// Bytes a host name, an IP literal and a port are made of (RFC 3986 section 3.2.2, without `%` and `@`).
pub fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte)
}

/// RFC 9112 section 6.3: anything but one plain decimal number makes the end of the body uncertain.
fn content_length(headers: &[Field<'_>]) -> Result<Option<u64>, Problem> {
    let mut lengths = values(headers, "content-length");
    let Some(text) = lengths.next() else { return Ok(None) };
    if lengths.next().is_some() {
        return Err(malformed("there is more than one Content-Length header; send exactly one"));
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(length) if digits => Ok(Some(length)),
        _ => Err(malformed("the Content-Length is not a plain decimal number")),
    }
}

fn canonical(
    method: &str,
    target: &str,
    host: Option<&str>,
    body: Option<u64>,
    headers: &[Field<'_>],
    connection: &[String],
) -> Vec<u8> {
    let mut out = format!("{method} {target} HTTP/1.1\r\n");
    let mut put = |name: &str, value: &str| {
        for part in [name, ": ", value, "\r\n"] {
            out.push_str(part);
        }
    };
    put("Host", host.unwrap_or(""));
    if let Some(length) = body {
        put("Content-Length", &length.to_string());
    }
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if !NOT_FORWARDED.contains(&lower.as_str()) && !connection.contains(&lower) {
            put(name, value);
        }
    }
    out.into_bytes()
}

fn malformed(cause: impl std::fmt::Display) -> Problem {
    Problem::new(
        MALFORMED_REQUEST,
        format!(
            "The request head could not be read: {cause}. Correct the client and send the request again."
        ),
    )
}

fn too_large() -> Problem {
    Problem::new(
        HEAD_TOO_LARGE,
        format!(
            "The request line and headers may take {LARGEST_HEAD} bytes and {MOST_HEADERS} headers. \
             Shorten the address, or delete this site's cookies."
        ),
    )
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
