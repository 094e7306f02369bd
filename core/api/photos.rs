//! Photos of accounts over HTTP: the picture itself, as it came. Which photo an account has the account itself says.

use super::call::{Call, Reply};
use super::reply::etag;
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{IF_MATCH_MISSING, INVALID, Problem, STALE, WRONG_TYPE};
use crate::catalog::rights::{ACCOUNTS_READ, ACCOUNTS_WRITE};
use crate::engine::photos::{self, Photo};

/// The routes of accounts' photos.
pub fn routes() -> Vec<Route> {
    let path = "/accounts/{id}/photo";
    let changing = |method, summary: &str| {
        Route::new(method, path, summary)
            .access(Access::Needs(ACCOUNTS_WRITE))
            .answers(204, Answer::Nothing)
            .conditional()
            .can_rehearse()
    };
    vec![
        Route::new("GET", path, "The account's photo; its ETag is the account's")
            .access(Access::Needs(ACCOUNTS_READ))
            .answers(200, Answer::Image)
            .runs(get),
        changing("PUT", "Give the account a photo: a JPEG or PNG of at most 102,400 bytes and 2,048 pixels a side; If-Match names the account's version")
            .takes(Body::Image)
            .fails(&[INVALID, WRONG_TYPE, STALE, IF_MATCH_MISSING])
            .runs(set),
        changing("DELETE", "Take the account's photo away; If-Match names the account's version")
            .fails(&[STALE, IF_MATCH_MISSING])
            .runs(remove),
    ]
}

fn get(call: &Call<'_>) -> Result<Reply, Problem> {
    let (revision, photo) = call.engine().db.read(|read| photos::of_account(read, call.param("id")))?;
    Ok(Reply::image(photo.image.media_type, photo.bytes).header("ETag", etag(revision)))
}

fn set(call: &Call<'_>) -> Result<Reply, Problem> {
    let seen = call.precondition()?;
    let media = call.input.as_str().unwrap_or_default();
    let photo = Photo::accept_as(media, call.request.body.clone())?;
    let id = call.param("id").to_owned();
    call.change(move |change| photos::set(change, &id, &seen, &photo).map(|()| Reply::empty()))
}

fn remove(call: &Call<'_>) -> Result<Reply, Problem> {
    let (seen, id) = (call.precondition()?, call.param("id").to_owned());
    call.change(move |change| photos::remove(change, &id, &seen).map(|()| Reply::empty()))
}
