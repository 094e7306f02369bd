//! The dialing preview: what would be dialed, and why, by the code that dials.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{INVALID, MALFORMED_JSON, Problem, WRONG_TYPE};
use crate::catalog::rights::DIALING_PREVIEW;
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::engine::dial::{Caller, Wish, decide};
use crate::engine::dialing::{LINT_CODES, STEP_CODES};

/// Id of an object.
pub const ID: Kind = Kind::Text { min: 1, max: 64, rule: None };
/// A number as it is typed.
pub const NUMBER: Kind = Kind::Text { min: 0, max: 200, rule: None };
const WORDS: Kind = Kind::Text { min: 0, max: 1000, rule: None };

/// Whom to call.
pub static WISH: Shape = Shape {
    name: "Destination",
    help: "An account; or a number, typed or on a peer.",
    fields: &[
        Field::optional("account", ID, Absent::Null, "Account of the caller's enterprise; alone."),
        Field::optional(
            "number",
            NUMBER,
            Absent::Null,
            "What was typed, or what the directory has for the contact.",
        ),
        Field::optional("peer", ID, Absent::Null, "Peer that the number's owner lives on; needs number."),
    ],
};

static QUESTION: Shape = Shape {
    name: "DialingQuestion",
    help: "Who wants to call whom. Give either from_account or node.",
    fields: &[
        Field::optional("from_account", ID, Absent::Null, "Account that calls, from its PBX node."),
        Field::optional("node", ID, Absent::Null, "PBX node that is called from."),
        Field::required(
            "to",
            Kind::Either(&[NUMBER, Kind::Object(&WISH)]),
            "What was typed, or a destination.",
        ),
    ],
};

static STEP: Shape = Shape {
    name: "DialingStep",
    help: "One step on the way to the dialed string.",
    fields: &[
        Field::read_only("code", Kind::Named(STEP_CODES), "Stable name of the step."),
        Field::read_only("text", WORDS, "What happened and why."),
        Field::read_only("before", WORDS, "The string before."),
        Field::read_only("after", WORDS, "The string after; empty: nothing is dialed."),
        Field::read_only(
            "source",
            WORDS,
            "Script of the site that did it, as site/NAME.lua:LINE; null: the appliance's own rule.",
        ),
    ],
};

static LINT: Shape = Shape {
    name: "DialingLint",
    help: "Something that deserves a second look; never blocks.",
    fields: &[
        Field::read_only("code", Kind::Named(LINT_CODES), "Stable name of the lint."),
        Field::read_only("text", WORDS, "What was found and what to do."),
    ],
};

/// What would be dialed, and why.
pub static ANSWER: Shape = Shape {
    name: "DialingAnswer",
    help: "What would be dialed.",
    fields: &[
        Field::read_only(
            "dialed",
            WORDS,
            "What the PBX is asked to dial, after the site's scripts; empty: nothing, and a lint says why.",
        ),
        Field::read_only("steps", Kind::Objects(&STEP), "How it came about, in order."),
        Field::read_only("lints", Kind::Objects(&LINT), "What deserves a second look."),
    ],
};

/// The route of the preview.
pub fn routes() -> Vec<Route> {
    let summary = "Ask which digits would be dialed: the node's outgoing digit, the peer's prefix, the extension (seed 001)";
    vec![
        Route::new("POST", "/dialing/preview", summary)
            .access(Access::Needs(DIALING_PREVIEW))
            .takes(Body::Whole(&QUESTION))
            .answers(200, Answer::One(&ANSWER))
            .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE])
            .runs(preview),
    ]
}

fn preview(call: &Call<'_>) -> Result<Reply, Problem> {
    let question = call.accepted()?;
    let (caller, wish) = (caller(&question)?, wish(&question)?);
    let dialed = decide(call.engine(), &caller, &wish)?;
    Ok(Reply::json(json!(dialed)))
}

fn given(object: &Object, field: &str) -> Option<String> {
    object.get(field).and_then(Value::as_str).map(str::to_owned)
}

/// Who calls.
pub fn caller(question: &Object) -> Result<Caller, Problem> {
    match (given(question, "from_account"), given(question, "node")) {
        (Some(account), None) => Ok(Caller::Account(account)),
        (None, Some(node)) => Ok(Caller::Node(node)),
        (None, None) => Err(Problem::field("from_account", "is missing, and so is node: give one of them")),
        (Some(_), Some(_)) => {
            Err(Problem::field("node", "and from_account are both given: give one of them"))
        }
    }
}

/// Whom they want to reach.
pub fn wish(question: &Object) -> Result<Wish, Problem> {
    let to = match question.get("to") {
        Some(Value::String(typed)) => return Ok(Wish::Number(typed.clone())),
        Some(Value::Object(to)) => to,
        _ => return Err(Problem::field("to", "must be text or an object")),
    };
    match (given(to, "account"), given(to, "number"), given(to, "peer")) {
        (Some(account), None, None) => Ok(Wish::Account(account)),
        (None, Some(number), Some(peer)) => Ok(Wish::Peer { peer, number }),
        (None, Some(number), None) => Ok(Wish::Number(number)),
        _ => Err(Problem::field("to", "must hold account alone, or number, or number and peer")),
    }
}
