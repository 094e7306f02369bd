//! Finds out who calls: the local socket, a token, or a session's cookie.

use crate::catalog::problems::{Problem, SIGN_IN};
use crate::engine::Engine;
use crate::engine::access::{Principal, sessions, tokens};
use crate::http::{Client, Request};

/// The console's cookie. The prefix makes browsers insist on HTTPS and this very host (RFC 6265bis 4.1.3.2).
pub const COOKIE: &str = "__Host-jackfield";

/// Who calls; `None` when the request says nothing of it.
pub fn caller(engine: &Engine, request: &Request) -> Result<Option<Principal>, Problem> {
    let address = match request.client {
        Client::Local { uid } => return Ok(Some(Principal::local(uid))),
        Client::Remote(address) => format!("address:{}", address.ip()),
    };
    if let Some(header) = request.header("authorization") {
        return by_token(engine, header, address).map(Some);
    }
    match cookie(request) {
        Some(value) => sessions::authenticate(engine, value),
        None => Ok(None),
    }
}

/// The value of the console's cookie.
pub fn cookie(request: &Request) -> Option<&str> {
    let pairs = request.header("cookie")?.split(';').map(str::trim);
    pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

fn by_token(engine: &Engine, header: &str, address: String) -> Result<Principal, Problem> {
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::new(
            SIGN_IN,
            format!("The scheme {scheme:?} is not taken; send `Authorization: Bearer TOKEN`."),
        ));
    }
    let keys = [address];
    engine.throttle.check(&keys)?;
    match tokens::authenticate(engine, token.trim())? {
        Some(principal) => Ok(principal),
        None => {
            engine.throttle.failed(&keys);
            Err(Problem::new(
                SIGN_IN,
                "This token is unknown, revoked or expired. Make a new one with `jackfield token create`.",
            ))
        }
    }
}
