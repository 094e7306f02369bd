//! The console: static files, embedded, that call only the API. Knows nothing but their names.

use crate::catalog::problems::{METHOD, Problem};
use crate::http::{Request, Response};

struct File {
    path: &'static str,
    media: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($path:literal $media:literal $file:literal;)*) => {
        &[$(File { path: $path, media: $media, bytes: include_bytes!(concat!("static/", $file)) }),*]
    };
}

const FILES: &[File] = files! {
    "/" "text/html; charset=utf-8" "index.html";
    "/console/style.css" "text/css; charset=utf-8" "style.css";
    "/console/main.js" "text/javascript; charset=utf-8" "main.js";
    "/console/api.js" "text/javascript; charset=utf-8" "api.js";
    "/console/session.js" "text/javascript; charset=utf-8" "session.js";
    "/console/frame.js" "text/javascript; charset=utf-8" "frame.js";
    "/console/ui.js" "text/javascript; charset=utf-8" "ui.js";
    "/console/form.js" "text/javascript; charset=utf-8" "form.js";
    "/console/pages/claim.js" "text/javascript; charset=utf-8" "pages/claim.js";
    "/console/pages/sign_in.js" "text/javascript; charset=utf-8" "pages/sign_in.js";
    "/console/pages/overview.js" "text/javascript; charset=utf-8" "pages/overview.js";
    "/console/pages/dialing.js" "text/javascript; charset=utf-8" "pages/dialing.js";
    "/console/icon.svg" "image/svg+xml" "icon.svg";
};

/// Everything comes from this very host; nothing is inline, framed or sent elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// Answers a request for one of the console's files, if it is one.
pub fn answer(request: &Request) -> Option<Response> {
    let file = FILES.iter().find(|file| file.path == request.path)?;
    Some(if matches!(request.method.as_str(), "GET" | "HEAD") { found(file) } else { wrong_method(request) })
}

fn found(file: &File) -> Response {
    let headers = vec![
        header("Content-Type", file.media),
        header("Content-Security-Policy", POLICY),
        header("X-Content-Type-Options", "nosniff"),
        header("Referrer-Policy", "no-referrer"),
        // Small files from the same machine: asking anew costs less than an old page after an upgrade.
        header("Cache-Control", "no-cache"),
    ];
    Response { status: 200, headers, body: file.bytes.to_vec(), feed: None }
}

fn wrong_method(request: &Request) -> Response {
    let detail = format!("{} takes GET and HEAD, not {}.", request.path, request.method);
    let problem = Problem::new(METHOD, detail);
    let headers = vec![header("Content-Type", "application/problem+json"), header("Allow", "GET, HEAD")];
    let body = problem.to_json().to_string().into_bytes();
    Response { status: METHOD.status, headers, body, feed: None }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
