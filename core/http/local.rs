//! The command line's side of the control socket: one request, one answer, plain HTTP.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{Request, Response};

/// Longest wait for the answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest answer that is read, in bytes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
const MOST_HEADERS: usize = 64;

/// Connects to the socket of a running appliance; `None` when nobody listens there.
pub fn connect(socket: &Path) -> io::Result<Option<UnixStream>> {
    match UnixStream::connect(socket) {
        Ok(stream) => Ok(Some(stream)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Sends a request and reads the answer.
pub fn ask(mut stream: UnixStream, request: &Request) -> io::Result<Response> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&head(request))?;
    stream.write_all(&request.body)?;
    let mut bytes = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut bytes)?;
    parse(&bytes)
}

fn head(request: &Request) -> Vec<u8> {
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let mut text = format!(
        "{} {}{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
        request.method, request.path
    );
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
    text.into_bytes()
}

fn parse(bytes: &[u8]) -> io::Result<Response> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "the appliance broke off its answer");
    let Ok(httparse::Status::Complete(length)) = answer.parse(bytes) else { return Err(cut()) };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers: Vec<_> =
        answer.headers.iter().map(|h| (h.name.to_ascii_lowercase(), text(h.value))).collect();
    let body = bytes[length..].to_vec();
    let declared =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, v)| v.parse::<usize>().ok());
    if declared.is_some_and(|length| length > body.len()) {
        return Err(cut());
    }
    Ok(Response { status: answer.code.unwrap_or_default(), headers, body, feed: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_broke_off_is_not_taken_for_a_whole_one() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nConte").is_err());
        let whole = parse(b"HTTP/1.1 201 Created\r\nETag: \"7\"\r\nContent-Length: 3\r\n\r\nabc").unwrap();
        assert_eq!((whole.status, whole.body.as_slice()), (201, b"abc".as_slice()));
        assert_eq!(whole.headers[0], ("etag".to_owned(), "\"7\"".to_owned()));
    }
}
