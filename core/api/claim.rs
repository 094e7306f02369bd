//! The first claim: whether it is open, and making the first administrator with the claim code.

use serde_json::json;

use super::authenticate::throttle_key;
use super::call::{Call, Reply};
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{CLAIM_CODE, CLAIMED, INVALID, MALFORMED_JSON, Problem, WRONG_TYPE};
use crate::catalog::rules;
use crate::catalog::settings::SITE_NAME;
use crate::catalog::shape::{Field, Kind, Shape};
use crate::engine::access::{claim, passwords};
use crate::engine::objects::{ADMINS, PASSWORD, text};
use crate::engine::secrets::Secret;

static CLAIM: Shape = Shape {
    name: "Claim",
    help: "What makes the first administrator.",
    fields: &[
        Field::required(
            "code",
            Kind::Text { min: 1, max: 64, rule: None },
            "The claim code from the machine's terminal or journal; case, spaces and dashes do not matter.",
        ),
        Field::required(
            "name",
            Kind::Text { min: 2, max: 64, rule: Some(&rules::ACCESS_NAME) },
            "Name to sign in with.",
        ),
        Field::required("password", PASSWORD, "12 to 128 characters.").secret(),
    ],
};

static STATUS: Shape = Shape {
    name: "ClaimStatus",
    help: "What the first page needs to know.",
    fields: &[
        Field::read_only("open", Kind::Boolean, "Whether there is no administrator yet."),
        Field::read_only("site", Kind::Text { min: 0, max: 64, rule: None }, "The setting site.name."),
        Field::read_only("version", Kind::Text { min: 1, max: 32, rule: None }, "Version of the appliance."),
    ],
};

static CODE: Shape = Shape {
    name: "ClaimCode",
    help: "The claim code.",
    fields: &[Field::read_only(
        "code",
        Kind::Text { min: 1, max: 64, rule: None },
        "The code; null: the claim is over.",
    )],
};

/// The routes of the claim.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/claim", "Ask whether the appliance can be claimed")
            .access(Access::Public)
            .answers(200, Answer::One(&STATUS))
            .runs(status),
        Route::new("POST", "/claim", "Make the first administrator with the claim code")
            .access(Access::Public)
            .takes(Body::Whole(&CLAIM))
            .answers(201, Answer::One(ADMINS.shape))
            .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, CLAIMED, CLAIM_CODE])
            .runs(make),
        Route::new("GET", "/claim/code", "Read the claim code; only over the machine's control socket")
            .access(Access::ThisMachine)
            .answers(200, Answer::One(&CODE))
            .runs(code),
    ]
}

fn status(call: &Call<'_>) -> Result<Reply, Problem> {
    let open = call.engine().db.read(claim::is_open)?;
    let site = call.engine().settings.text(SITE_NAME);
    Ok(Reply::json(json!({"open": open, "site": site, "version": env!("CARGO_PKG_VERSION")})))
}

fn code(call: &Call<'_>) -> Result<Reply, Problem> {
    let code = claim::code(call.engine())?;
    Ok(Reply::json(json!({"code": code.as_ref().map(Secret::reveal)})))
}

fn make(call: &Call<'_>) -> Result<Reply, Problem> {
    let given = call.accepted()?;
    let keys = [throttle_key(call.request)];
    call.engine().throttle.check(&keys)?;
    let checked = claim::check(call.engine(), text(&given, "code"));
    if checked.as_ref().is_err_and(|problem| problem.kind == CLAIM_CODE) {
        call.engine().throttle.failed(&keys);
    }
    checked?;
    let name = text(&given, "name").to_owned();
    let hash = passwords::hash(&Secret::new(text(&given, "password")))?;
    let made = call.change(move |change| claim::claim(change, &name, hash).map(Reply::object))?;
    Ok(call.done(made))
}
