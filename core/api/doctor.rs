//! The doctor over HTTP.

use serde_json::json;

use super::call::Reply;
use super::route::{Access, Answer, Route};
use crate::catalog::rights::DOCTOR_READ;
use crate::catalog::shape::{Field, Kind, Shape};
use crate::engine::doctor::{State, examine};

const WORDS: Kind = Kind::Text { min: 0, max: 1000, rule: None };

static FINDING: Shape = Shape {
    name: "Finding",
    help: "What one check saw.",
    fields: &[
        Field::read_only("name", WORDS, "Name of the check."),
        Field::read_only("state", Kind::Choice(State::NAMES), "How bad it is."),
        Field::read_only("detail", WORDS, "What was seen."),
        Field::read_only("advice", WORDS, "What to do; empty: nothing."),
    ],
};

/// The route of the doctor.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/doctor", "Run all checks of the appliance itself")
            .access(Access::Needs(DOCTOR_READ))
            .answers(200, Answer::Page(&FINDING))
            .runs(|call| {
                let items: Vec<_> = examine(call.engine()).iter().map(|result| result.to_json()).collect();
                Ok(Reply::json(json!({"items": items, "next": null})))
            }),
    ]
}
