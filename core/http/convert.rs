//! Between tiny_http's requests and answers and ours. Leaves out threads and whether a request may be served.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::message::{Client, Request, Response};
use super::tickets;
use super::upload::{self, IN_MEMORY, Taken};
use crate::catalog::problems::{INTERNAL, Problem};

/// The request as the appliance sees it; `None` when its body was cut short. A body that is too large for memory goes
/// to `spool`; without room there, the answer is a refusal.
pub fn request_from(
    raw: &mut tiny_http::Request,
    client: Client,
    spool: &Path,
) -> Option<Result<Request, Response>> {
    let (mut body, mut upload) = (Vec::new(), None);
    match raw.body_length().unwrap_or(0) {
        declared if declared > IN_MEMORY => match upload::take(raw.as_reader(), declared, spool) {
            Taken::Whole(file) => upload = Some(Arc::new(file)),
            Taken::Cut => return None,
            Taken::Refused(problem) => return Some(Err(refusal(&problem))),
        },
        _ => body = read_body(raw)?,
    }
    let (path, query) = raw.url().split_once('?').unwrap_or((raw.url(), ""));
    let headers = raw.headers().iter().filter(|h| !h.field.equiv(tickets::HEADER));
    let lower =
        |h: &tiny_http::Header| (h.field.as_str().as_str().to_ascii_lowercase(), h.value.as_str().to_owned());
    Some(Ok(Request {
        method: raw.method().as_str().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.map(lower).collect(),
        body,
        upload,
        client,
    }))
}

fn read_body(raw: &mut tiny_http::Request) -> Option<Vec<u8>> {
    let declared = raw.body_length().unwrap_or(0);
    let mut body = Vec::with_capacity(declared);
    match raw.as_reader().take(declared as u64).read_to_end(&mut body) {
        Ok(count) if count == declared => Some(body),
        Ok(_) => None,
        Err(cause) => {
            log::debug!("a request's body ended early: {cause}");
            None
        }
    }
}

/// An answer whose headers could be misread on the wire is a fault of ours.
pub fn checked(response: Response, what: &str) -> Response {
    let bad = response.headers.iter().find(|(name, value)| !is_token(name) || !is_field_value(value));
    if let Some((name, _)) = bad {
        log::error!(
            "the answer to {what} has a header {name:?} that HTTP cannot carry; answered 500 instead"
        );
        return fault();
    }
    if !(200..=599).contains(&response.status) {
        log::error!("the answer to {what} has the status {}; answered 500 instead", response.status);
        return fault();
    }
    response
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// RFC 9110 section 5.5, without bytes outside ASCII, which the workers' server cannot send.
fn is_field_value(value: &str) -> bool {
    value.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b))
}

fn refusal(problem: &Problem) -> Response {
    let content_type = ("Content-Type".to_owned(), "application/problem+json".to_owned());
    let (status, body) = (problem.kind.status, problem.to_json().to_string().into_bytes());
    Response { status, headers: vec![content_type], body, feed: None }
}

/// The answer to a request that met a fault of ours.
pub fn fault() -> Response {
    let problem = Problem::new(
        INTERNAL,
        "The appliance failed while it handled this request; it may have been carried out in part. Look \
         before you repeat it. The appliance's log has the cause.",
    );
    refusal(&problem)
}

/// An answer of a status only.
pub fn plain(status: u16) -> Response {
    Response { status, headers: Vec::new(), body: Vec::new(), feed: None }
}

/// Always with a Content-Length. The Server header is ours, because the library would name itself.
pub fn send(raw: tiny_http::Request, response: Response) {
    let names_server = response.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("server"));
    let own = (!names_server).then(|| ("Server".to_owned(), "Jackfield".to_owned()));
    let headers = response.headers.into_iter().chain(own);
    let headers =
        headers.filter_map(|(name, value)| tiny_http::Header::from_bytes(name, value).ok()).collect();
    let length = response.body.len();
    let body = io::Cursor::new(response.body);
    let answer = tiny_http::Response::new(response.status.into(), headers, body, Some(length), None)
        .with_chunked_threshold(usize::MAX);
    if let Err(cause) = raw.respond(answer) {
        log::debug!("an answer did not reach the door: {cause}");
    }
}
