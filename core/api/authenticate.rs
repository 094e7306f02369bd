//! Finds out who calls: the local socket, a token, or a session's cookie.

use crate::catalog::problems::{Problem, SIGN_IN};
use crate::engine::access::credential::Credential;
use crate::engine::access::{Principal, sessions, throttle, tokens};
use crate::engine::{Engine, fault};
use crate::http::{Client, Request};

/// The console's cookie. The prefix makes browsers insist on HTTPS and this very host (RFC 6265bis 4.1.3.2).
pub const COOKIE: &str = "__Host-jackfield";

/// Who calls; `None` when the request says nothing of it.
pub fn caller(engine: &Engine, request: &Request) -> Result<Option<Principal>, Problem> {
    if let Client::Local { uid } = request.client {
        return Ok(Some(Principal::local(uid)));
    }
    if let Some(header) = request.header("authorization") {
        return by_token(engine, header, &[throttle_key(request)]).map(Some);
    }
    match cookie(request) {
        Some(value) => sessions::authenticate(engine, value),
        None => Ok(None),
    }
}

/// By what somebody who was let in has proved who they are.
pub fn credential(request: &Request) -> Result<Credential, Problem> {
    if let Client::Local { uid } = request.client {
        return Ok(Credential::Local(uid));
    }
    let token = request.header("authorization").and_then(|header| header.split_once(' '));
    match (token, cookie(request)) {
        (Some((_, token)), _) => Ok(Credential::of_token(token.trim())),
        (None, Some(cookie)) => Ok(Credential::of_cookie(cookie)),
        (None, None) => Err(fault("follow events", "the caller was let in without a credential")),
    }
}

/// The value of the console's cookie.
pub fn cookie(request: &Request) -> Option<&str> {
    let pairs = request.header("cookie")?.split(';').map(str::trim);
    pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// What slows down guessing from where this request comes.
pub fn throttle_key(request: &Request) -> String {
    match request.client {
        Client::Remote(address) => throttle::address_key(address.ip()),
        Client::Local { uid } => format!("local:{uid}"),
    }
}

/// A good token is never held up by somebody else's bad ones from the same address.
fn by_token(engine: &Engine, header: &str, keys: &[String]) -> Result<Principal, Problem> {
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::new(
            SIGN_IN,
            format!("The scheme {scheme:?} is not taken; send `Authorization: Bearer TOKEN`."),
        ));
    }
    if let Some(principal) = tokens::authenticate(engine, token.trim())? {
        return Ok(principal);
    }
    engine.throttle.check(keys)?;
    engine.throttle.failed(keys);
    let detail = "This token is unknown, revoked or expired. Make a new one with `jackfield token create`.";
    Err(Problem::new(SIGN_IN, detail))
}
