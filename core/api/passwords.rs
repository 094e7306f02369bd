//! Passwords of accounts over HTTP: set and removed, never read. That there is one the account itself says.

use std::sync::Arc;

use super::call::{Call, Reply};
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{
    CONFLICT, IF_MATCH_MISSING, INVALID, MALFORMED_JSON, Problem, STALE, WRONG_TYPE,
};
use crate::catalog::rights::ACCOUNTS_PASSWORD;
use crate::catalog::shape::{Field, Shape};
use crate::engine::login;
use crate::engine::objects::text;
use crate::engine::secrets::Secret;

static SHAPE: Shape = Shape {
    name: "AccountPassword",
    help: "The password with which a user signs in to chat.",
    fields: &[Field::required(
        "password",
        login::PASSWORD,
        "8 to 256 characters; spaces are allowed, control characters and those newer than Unicode 3.2 are not (RFC 4013).",
    )
    .secret()],
};

/// The routes of accounts' passwords.
pub fn routes() -> Vec<Route> {
    let path = "/accounts/{id}/password";
    let changing = |method, summary: &str| {
        Route::new(method, path, summary)
            .access(Access::Needs(ACCOUNTS_PASSWORD))
            .answers(204, Answer::Nothing)
            .conditional()
            .can_rehearse()
    };
    vec![
        changing("PUT", "Set the password with which the account's user signs in to chat; If-Match names the account's version")
            .takes(Body::Whole(&SHAPE))
            .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, CONFLICT, STALE, IF_MATCH_MISSING])
            .runs(set),
        changing("DELETE", "Remove the account's password; If-Match names the account's version")
            .fails(&[STALE, IF_MATCH_MISSING])
            .runs(remove),
    ]
}

fn set(call: &Call<'_>) -> Result<Reply, Problem> {
    let seen = call.precondition()?;
    let verifier = login::verifier(&Secret::new(text(&call.accepted()?, "password")))?;
    let (id, engine) = (call.param("id").to_owned(), Arc::clone(call.engine()));
    let sealed = login::seal(&engine.keyring, &id, &verifier)?;
    call.change(move |change| login::set(change, &id, &seen, &sealed).map(|()| Reply::empty()))
}

fn remove(call: &Call<'_>) -> Result<Reply, Problem> {
    let (seen, id) = (call.precondition()?, call.param("id").to_owned());
    call.change(move |change| login::remove(change, &id, &seen).map(|()| Reply::empty()))
}
