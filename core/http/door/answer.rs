//! Reading a worker's answer: where its head ends, how long its body is, and the head as the client gets it.
//! Leaves out moving the bytes. Rules: RFC 9112 sections 6.3 and 9.6.

use std::fmt::Write;

/// Our own workers write short heads; more than this is a fault of ours.
const LARGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 128;
const NOT_FORWARDED: [&str; 5] =
    ["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"];

/// What an answer's framing depends on besides its own head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The request's method was HEAD.
    pub for_head_only: bool,
    /// The connection to the client ends with this answer.
    pub last: bool,
    /// What the worker sends is the beginning; the door goes on until the connection ends.
    pub goes_on: bool,
}

/// How much body follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// That many bytes.
    Known(u64),
    /// Everything until the worker closes; the client's connection then ends as well.
    UntilClose,
}

/// What the bytes so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not yet a complete head.
    Incomplete,
    /// An interim answer (1xx) of that many bytes, to be passed on unchanged.
    Interim(usize),
    /// A final answer.
    Final {
        /// Bytes of input the head took.
        consumed: usize,
        /// HTTP status code.
        status: u16,
        /// How much body follows.
        body: Length,
        /// The head to be sent to the client.
        head: Vec<u8>,
    },
}

/// An answer that cannot be passed on; carries the reason for the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken(pub String);

/// Reads an answer that starts at the first byte.
pub fn read(bytes: &[u8], asked: Asked) -> Result<Answer, Broken> {
    let mut slots = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut slots);
    let consumed = match response.parse(bytes) {
        Ok(httparse::Status::Complete(consumed)) => consumed,
        Ok(httparse::Status::Partial) if bytes.len() < LARGEST_HEAD => return Ok(Answer::Incomplete),
        Ok(httparse::Status::Partial) => return Err(Broken("its head is too large".into())),
        Err(cause) => return Err(Broken(cause.to_string())),
    };
    let status = response.code.unwrap_or(0);
    if (100..200).contains(&status) {
        return Ok(Answer::Interim(consumed));
    }
    let declared = declared_length(response.headers)?;
    let body = if asked.for_head_only || asked.goes_on || matches!(status, 204 | 304) {
        Length::Known(0)
    } else {
        declared.map_or(Length::UntilClose, Length::Known)
    };
    let last = asked.last || asked.goes_on || body == Length::UntilClose;
    let length = declared.filter(|_| !asked.goes_on);
    let head = head_for_client(&response, status, length, last);
    Ok(Answer::Final { consumed, status, body, head })
}

fn declared_length(headers: &[httparse::Header<'_>]) -> Result<Option<u64>, Broken> {
    if headers.iter().any(|h| h.name.eq_ignore_ascii_case("transfer-encoding")) {
        return Err(Broken("it uses Transfer-Encoding".into()));
    }
    let Some(header) = headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length")) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(header.value).unwrap_or_default();
    text.trim().parse().map(Some).map_err(|_| Broken(format!("its Content-Length is {text:?}")))
}

/// No Content-Length with 204 (RFC 9110 section 8.6), nor with 304, where a worker cannot know it.
fn head_for_client(
    response: &httparse::Response<'_, '_>,
    status: u16,
    length: Option<u64>,
    last: bool,
) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status} {}\r\n", response.reason.unwrap_or("")).into_bytes();
    for header in response.headers.iter() {
        if NOT_FORWARDED.iter().any(|name| header.name.eq_ignore_ascii_case(name)) {
            continue;
        }
        for part in [header.name.as_bytes(), b": ", header.value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    }
    let mut tail = String::new();
    if let (Some(length), false) = (length, matches!(status, 204 | 304)) {
        // Writing to a String cannot fail.
        let _ = write!(tail, "Content-Length: {length}\r\n");
    }
    if last {
        tail.push_str("Connection: close\r\n");
    }
    tail.push_str("\r\n");
    out.extend_from_slice(tail.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Asked = Asked { for_head_only: false, last: false, goes_on: false };

    fn complete(text: &str, asked: Asked) -> (Length, String) {
        match read(text.as_bytes(), asked) {
            Ok(Answer::Final { body, head, .. }) => (body, String::from_utf8(head).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_declared_body_is_counted() {
        let (body, head) = complete("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello", PLAIN);
        assert_eq!(body, Length::Known(5));
        assert_eq!(head, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\n");
    }

    #[test]
    fn an_answer_to_head_keeps_its_length_but_has_no_body() {
        let asked = Asked { for_head_only: true, last: true, goes_on: false };
        let (body, head) = complete("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", asked);
        assert_eq!(body, Length::Known(0));
        assert_eq!(head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
    }

    #[test]
    fn answers_that_never_have_a_body_declare_none() {
        for status in ["204 No Content", "304 Not Modified"] {
            let (body, head) = complete(&format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"), PLAIN);
            assert_eq!(body, Length::Known(0));
            assert_eq!(head, format!("HTTP/1.1 {status}\r\n\r\n"));
        }
    }

    #[test]
    fn a_body_without_length_lasts_until_the_end_and_is_the_last() {
        let (body, head) = complete("HTTP/1.1 200 OK\r\n\r\n", PLAIN);
        assert_eq!(body, Length::UntilClose);
        assert_eq!(head, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    }

    #[test]
    fn an_answer_that_goes_on_declares_no_length_and_is_the_last() {
        let asked = Asked { goes_on: true, ..PLAIN };
        let (body, head) = complete("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\r\n\r\n", asked);
        assert_eq!(body, Length::Known(0));
        assert_eq!(head, "HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\n\r\n");
    }

    #[test]
    fn interim_and_incomplete_answers_are_told_apart() {
        assert_eq!(read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP", PLAIN), Ok(Answer::Interim(25)));
        assert_eq!(read(b"HTTP/1.1 200 OK\r\nContent-Le", PLAIN), Ok(Answer::Incomplete));
    }

    #[test]
    fn an_answer_that_could_be_misread_is_not_passed_on() {
        assert!(read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", PLAIN).is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", PLAIN).is_err());
        assert!(read(b"nonsense\r\n\r\n", PLAIN).is_err());
    }
}
