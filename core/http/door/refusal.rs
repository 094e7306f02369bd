//! What the door says when it answers itself. Leaves out when it does.

use std::time::SystemTime;

use super::head::is_host_byte;
use crate::catalog::problems::{Kind, OVERLOADED, PLAIN_HTTP, Problem};

/// Seconds after which a client that met an overload may try again.
const RETRY_AFTER: u32 = 2;

/// Whether the refused request allows a body in its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Head and body.
    Whole,
    /// The request was HEAD: the head only.
    HeadOnly,
}

/// A whole answer that refuses a request with a problem body (RFC 9457) and ends the connection.
pub fn problem(problem: &Problem, reply: Reply) -> Vec<u8> {
    let body = problem.to_json().to_string();
    let more =
        if problem.kind == OVERLOADED { format!("Retry-After: {RETRY_AFTER}\r\n") } else { String::new() };
    answer(problem.kind, "application/problem+json", &more, &body, reply)
}

/// The answer to a client that speaks HTTP without TLS, in words for the person at the browser. `start` is
/// what the client has sent so far, `local` the address it reached.
pub fn plain_http(start: &[u8], local: &str) -> Vec<u8> {
    let host = host_in(start).unwrap_or_else(|| local.to_owned());
    let body = format!("This port speaks HTTPS. Use https://{host}/\n");
    answer(PLAIN_HTTP, "text/plain; charset=utf-8", "", &body, Reply::Whole)
}

fn answer(kind: &Kind, content_type: &str, more: &str, body: &str, reply: Reply) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{more}Connection: close\r\n\r\n",
        kind.status,
        kind.title,
        httpdate::fmt_http_date(SystemTime::now()),
        body.len(),
    );
    match reply {
        Reply::Whole => [head.as_bytes(), body.as_bytes()].concat(),
        Reply::HeadOnly => head.into_bytes(),
    }
}

fn host_in(start: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(start).ok()?;
    let line = text.lines().find(|line| line.get(..5).is_some_and(|n| n.eq_ignore_ascii_case("host:")))?;
    let host = line[5..].trim();
    let sane = !host.is_empty() && host.len() < 256 && host.bytes().all(is_host_byte);
    sane.then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::problems::MALFORMED_REQUEST;

    #[test]
    fn a_refusal_says_how_long_it_is_and_that_it_is_the_last() {
        let bytes = problem(&Problem::new(MALFORMED_REQUEST, "No."), Reply::Whole);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 "));
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
        assert!(head.contains("Connection: close"));
        assert!(body.contains("\"detail\":\"No.\""));
    }

    #[test]
    fn an_overload_says_when_to_come_back() {
        let text = String::from_utf8(problem(&Problem::new(OVERLOADED, ""), Reply::HeadOnly)).unwrap();
        assert!(text.contains("Retry-After: 2\r\n") && text.ends_with("\r\n\r\n"));
    }

    #[test]
    fn plain_http_is_pointed_to_https_under_the_name_it_used() {
        let said = |start: &[u8]| String::from_utf8(plain_http(start, "192.0.2.1:443")).unwrap();
        assert!(said(b"GET / HTTP/1.1\r\nHost: box:8443\r\n\r\n").contains("https://box:8443/"));
        assert!(said(b"GET / HTTP/1.1\r\nHost: <script>\r\n\r\n").contains("https://192.0.2.1:443/"));
        assert!(said(b"GET").contains("https://192.0.2.1:443/"));
    }
}
