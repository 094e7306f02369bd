//! The console: static files, embedded, that call only the API, and the pages that plugins bring. Knows nothing but
//! their names.

use crate::catalog::problems::{METHOD, Problem};
use crate::engine::Engine;
use crate::host::Page;
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
    "/console/api.js" "text/javascript; charset=utf-8" "api.js";
    "/console/confirm.js" "text/javascript; charset=utf-8" "confirm.js";
    "/console/describe.js" "text/javascript; charset=utf-8" "describe.js";
    "/console/enterprises.js" "text/javascript; charset=utf-8" "enterprises.js";
    "/console/fields.js" "text/javascript; charset=utf-8" "fields.js";
    "/console/form.js" "text/javascript; charset=utf-8" "form.js";
    "/console/frame.js" "text/javascript; charset=utf-8" "frame.js";
    "/console/hook_page.js" "text/javascript; charset=utf-8" "hook_page.js";
    "/console/import.js" "text/javascript; charset=utf-8" "import.js";
    "/console/job_view.js" "text/javascript; charset=utf-8" "job_view.js";
    "/console/listing.js" "text/javascript; charset=utf-8" "listing.js";
    "/console/live.js" "text/javascript; charset=utf-8" "live.js";
    "/console/main.js" "text/javascript; charset=utf-8" "main.js";
    "/console/paged.js" "text/javascript; charset=utf-8" "paged.js";
    "/console/pages.js" "text/javascript; charset=utf-8" "pages.js";
    "/console/pages/accounts.js" "text/javascript; charset=utf-8" "pages/accounts.js";
    "/console/pages/admins.js" "text/javascript; charset=utf-8" "pages/admins.js";
    "/console/pages/audit.js" "text/javascript; charset=utf-8" "pages/audit.js";
    "/console/pages/checks.js" "text/javascript; charset=utf-8" "pages/checks.js";
    "/console/pages/claim.js" "text/javascript; charset=utf-8" "pages/claim.js";
    "/console/pages/dialing.js" "text/javascript; charset=utf-8" "pages/dialing.js";
    "/console/pages/directory.js" "text/javascript; charset=utf-8" "pages/directory.js";
    "/console/pages/enterprises.js" "text/javascript; charset=utf-8" "pages/enterprises.js";
    "/console/pages/hooks.js" "text/javascript; charset=utf-8" "pages/hooks.js";
    "/console/pages/jobs.js" "text/javascript; charset=utf-8" "pages/jobs.js";
    "/console/pages/overview.js" "text/javascript; charset=utf-8" "pages/overview.js";
    "/console/pages/pbx_nodes.js" "text/javascript; charset=utf-8" "pages/pbx_nodes.js";
    "/console/pages/plugins.js" "text/javascript; charset=utf-8" "pages/plugins.js";
    "/console/pages/profiles.js" "text/javascript; charset=utf-8" "pages/profiles.js";
    "/console/pages/schedules.js" "text/javascript; charset=utf-8" "pages/schedules.js";
    "/console/pages/settings.js" "text/javascript; charset=utf-8" "pages/settings.js";
    "/console/pages/sign_in.js" "text/javascript; charset=utf-8" "pages/sign_in.js";
    "/console/pages/tokens.js" "text/javascript; charset=utf-8" "pages/tokens.js";
    "/console/pages/trusted_servers.js" "text/javascript; charset=utf-8" "pages/trusted_servers.js";
    "/console/password.js" "text/javascript; charset=utf-8" "password.js";
    "/console/photo.js" "text/javascript; charset=utf-8" "photo.js";
    "/console/plugin_page.js" "text/javascript; charset=utf-8" "plugin_page.js";
    "/console/presence.js" "text/javascript; charset=utf-8" "presence.js";
    "/console/resource.js" "text/javascript; charset=utf-8" "resource.js";
    "/console/schema_form.js" "text/javascript; charset=utf-8" "schema_form.js";
    "/console/session.js" "text/javascript; charset=utf-8" "session.js";
    "/console/source_editor.js" "text/javascript; charset=utf-8" "source_editor.js";
    "/console/time.js" "text/javascript; charset=utf-8" "time.js";
    "/console/ui.js" "text/javascript; charset=utf-8" "ui.js";
    "/console/undo.js" "text/javascript; charset=utf-8" "undo.js";
    "/console/icon.svg" "image/svg+xml" "icon.svg";
};

/// Everything comes from this very host; nothing is inline, framed or sent elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";
/// Small files from the same machine: asking anew costs less than an old page after an upgrade.
const ASK_ANEW: &str = "no-cache";
/// The address has the content's hash in it, so what is behind it never changes.
const NEVER_CHANGES: &str = "private, max-age=31536000, immutable";

/// Answers a request for one of the console's files or for a plugin's page, if it is one.
pub fn answer(engine: &Engine, request: &Request) -> Option<Response> {
    let response = match FILES.iter().find(|file| file.path == request.path) {
        Some(file) => found(file.media, file.bytes.to_vec(), ASK_ANEW),
        None => found(SCRIPT, plugin_page(engine, &request.path)?, NEVER_CHANGES),
    };
    Some(if matches!(request.method.as_str(), "GET" | "HEAD") { response } else { wrong_method(request) })
}

/// The page of a plugin as it was signed. Another one than the address names is none.
fn plugin_page(engine: &Engine, path: &str) -> Option<Vec<u8>> {
    let id = path.strip_prefix("/console/plugins/")?.split('/').next()?;
    let page = engine.plugins.get()?.page(id)?;
    (Page::address(id, &page.sha256) == path).then(|| page.text.clone().into_bytes())
}

fn found(media: &str, body: Vec<u8>, caching: &str) -> Response {
    let headers = vec![
        header("Content-Type", media),
        header("Content-Security-Policy", POLICY),
        header("X-Content-Type-Options", "nosniff"),
        header("Referrer-Policy", "no-referrer"),
        header("Cache-Control", caching),
    ];
    Response { status: 200, headers, body, feed: None }
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
