//! Cases for reading request heads.

use super::*;

fn parse(text: &str) -> Result<Option<Head>, Problem> {
    read(text.as_bytes(), &mut Scan::default())
}

fn accepted(text: &str) -> Head {
    parse(text).unwrap().unwrap()
}

fn status(text: &str) -> u16 {
    parse(text).unwrap_err().kind.status
}

#[test]
fn a_plain_request_is_written_again_in_canonical_form() {
    let head = accepted("GET /a/b?c=d HTTP/1.1\r\nHost: box\r\nX-One:  1 \r\n\r\nrest");
    assert_eq!(head.path, "/a/b");
    assert_eq!(head.canonical, b"GET /a/b?c=d HTTP/1.1\r\nHost: box\r\nX-One: 1\r\n");
    assert_eq!(head.consumed, 48);
    assert!(!head.last);
}

#[test]
fn headers_of_the_connection_stay_at_the_door() {
    let head = accepted(
        "GET / HTTP/1.1\r\nHost: box\r\nTE: chunked\r\nUpgrade: h2c\r\nConnection: X-Hop, upgrade\r\n\
         X-Hop: 1\r\nExpect: magic\r\nX-Door-Ticket: 0\r\nAccept: */*\r\n\r\n",
    );
    assert_eq!(head.canonical, b"GET / HTTP/1.1\r\nHost: box\r\nAccept: */*\r\n");
}

#[test]
fn an_incomplete_head_waits() {
    assert!(matches!(parse("GET / HTTP/1.1\r\nHost: box\r\n"), Ok(None)));
}

#[test]
fn single_bytes_end_in_the_same_head() {
    let text = b"GET / HTTP/1.1\r\nHost: box\r\n\r\n";
    let mut scan = Scan::default();
    for end in 0..text.len() {
        assert!(matches!(read(&text[..end], &mut scan), Ok(None)), "after {end} bytes");
    }
    assert!(read(text, &mut scan).unwrap().is_some());
}

#[test]
fn the_end_of_the_connection_is_recognised() {
    assert!(accepted("GET / HTTP/1.0\r\n\r\n").last);
    assert!(accepted("GET / HTTP/1.1\r\nHost: b\r\nConnection: Close\r\n\r\n").last);
}

#[test]
fn an_absolute_target_overrides_the_host() {
    let head = accepted("GET HTTPS://other:1/x?y HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!(head.path, "/x");
    assert_eq!(head.canonical, b"GET /x?y HTTP/1.1\r\nHost: other:1\r\n");
}

#[test]
fn ambiguous_or_broken_heads_are_refused() {
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{e9}\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 411),
    ];
    for (text, expected) in cases {
        assert_eq!(status(text), expected, "{text:?}");
    }
}

#[test]
fn too_much_head_is_refused_before_it_is_complete() {
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(LARGEST_HEAD));
    assert_eq!(status(&long), 431);
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(MOST_HEADERS));
    assert_eq!(status(&many), 431);
}

#[test]
fn empty_lines_before_a_request_are_counted() {
    assert_eq!(leading_blank(b"\r\n\r\nGET"), 4);
    assert_eq!(leading_blank(b"\nGET"), 0);
}

#[test]
fn only_a_current_client_is_told_to_continue() {
    let modern = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n";
    assert!(accepted(modern).wants_continue);
    let old = "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
    assert!(!accepted(old).wants_continue);
}
