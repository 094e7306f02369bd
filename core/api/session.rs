//! Signing in to the console and out of it.

use serde_json::{Value, json};

use super::authenticate::{COOKIE, cookie, throttle_key};
use super::call::{Call, Reply};
use super::plugin_routes;
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{BAD_CREDENTIALS, INVALID, MALFORMED_JSON, Problem, WRONG_TYPE};
use crate::catalog::rights::{ALL, Role};
use crate::catalog::shape::{Field, Kind, Shape};
use crate::engine::access::{Principal, passwords, sessions};
use crate::engine::fault;
use crate::engine::objects::text;
use crate::engine::secrets::Secret;

const ANY_TEXT: Kind = Kind::Text { min: 1, max: 128, rule: None };
/// Plugins bring rights of their own.
const RIGHT: Kind = Kind::Text { min: 3, max: 64, rule: None };

static CREDENTIALS: Shape = Shape {
    name: "Credentials",
    help: "Name and password of an administrator.",
    fields: &[
        Field::required("name", ANY_TEXT, "Name of the administrator."),
        Field::required("password", ANY_TEXT, "Their password.").secret(),
    ],
};

static SESSION: Shape = Shape {
    name: "Session",
    help: "Who is signed in.",
    fields: &[
        Field::read_only("who", ANY_TEXT, "As revisions and logs name them."),
        Field::read_only("role", Kind::Choice(Role::NAMES), "What they may do at most."),
        Field::read_only(
            "rights",
            Kind::List { of: &RIGHT, max: 1024 },
            "What they may do, here and in the plugins that are there.",
        ),
        Field::read_only(
            "csrf",
            ANY_TEXT,
            "Value for the header X-CSRF-Token on writes by cookie; null for tokens.",
        ),
    ],
};

/// The routes of sessions.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/session", "Ask who is signed in").answers(200, Answer::One(&SESSION)).runs(show),
        Route::new("POST", "/session", "Sign in; the answer sets the session's cookie")
            .access(Access::Public)
            .takes(Body::Whole(&CREDENTIALS))
            .answers(201, Answer::One(&SESSION))
            .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, BAD_CREDENTIALS])
            .runs(sign_in),
        Route::new("DELETE", "/session", "Sign out").answers(204, Answer::Nothing).runs(sign_out),
    ]
}

fn show(call: &Call<'_>) -> Result<Reply, Problem> {
    call.principal().map(|who| Reply::json(described(call, who)))
}

fn described(call: &Call<'_>, who: &Principal) -> Value {
    let all = ALL.iter().copied().chain(plugin_routes::rights(call.engine()));
    let rights: Vec<_> = all.filter(|right| who.holds(right)).map(|right| right.name).collect();
    json!({"who": who.label, "role": who.role.name(), "rights": rights, "csrf": who.csrf})
}

fn sign_in(call: &Call<'_>) -> Result<Reply, Problem> {
    let given = call.accepted()?;
    let (name, from) = (text(&given, "name"), call.from());
    let address = throttle_key(call.request);
    let person = format!("{} at {address}", name.to_lowercase());
    let keys = [address, person.clone()];
    call.engine().throttle.check(&keys)?;
    let known = call.engine().db.read(|read| sessions::known(read, name))?;
    let password = Secret::new(text(&given, "password"));
    let fits = passwords::verify(&password, known.as_ref().map(|k| k.hash.as_str()))?;
    let Some(known) = known.filter(|_| fits) else {
        call.engine().throttle.failed(&keys);
        log::warn!("signing in as {name:?} from {from} failed");
        let detail =
            "Check both. `jackfield admin password NAME --password-stdin` on the machine sets a new one.";
        return Err(Problem::new(BAD_CREDENTIALS, detail));
    };
    // The address stays marked: somebody else there may go on guessing.
    call.engine().throttle.succeeded(&[person]);
    let cookie = call.engine().db.write(move |tx| sessions::begin(tx, known.seq, &from))?;
    let who = sessions::authenticate(call.engine(), cookie.reveal())?;
    let who = who.ok_or_else(|| fault("begin a session", "it ended at once"))?;
    Ok(call.done(Reply::json(described(call, &who))).header("Set-Cookie", set_cookie(cookie.reveal(), "")))
}

fn sign_out(call: &Call<'_>) -> Result<Reply, Problem> {
    if let Some(value) = cookie(call.request).map(str::to_owned) {
        call.engine().db.write(move |tx| sessions::end(tx, &value))?;
    }
    Ok(Reply::empty().header("Set-Cookie", set_cookie("", "; Max-Age=0")))
}

fn set_cookie(value: &str, age: &str) -> String {
    format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}")
}
