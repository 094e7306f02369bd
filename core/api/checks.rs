//! Checks over HTTP: how each stands and why, running one now, and trying a probe by hand.

use jackfield_abi::ops::Code;
use serde_json::json;

use super::call::{Call, Reply};
use super::page;
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{CHECK_UNFINISHED, CHECKS_IDLE, INVALID, MALFORMED_JSON, Problem, WRONG_TYPE};
use crate::catalog::rights::{CHECKS_READ, CHECKS_RUN};
use crate::catalog::shape::{Absent, Field, Kind, Shape};
use crate::engine::checks::{self, State};
use crate::engine::probes;

const WORDS: Kind = Kind::Text { min: 0, max: 2000, rule: None };
const COUNT: Kind = Kind::Integer { min: 0, max: i64::MAX };
const STATE: Kind = Kind::Choice(State::NAMES);
/// Newest runs of a check to show.
const LIMIT: Field = Field::optional(
    "limit",
    Kind::Integer { min: 0, max: 500 },
    Absent::Integer(50),
    "Most runs of the history to return.",
);

static RUN: Shape = Shape {
    name: "CheckRun",
    help: "One run of a check.",
    fields: &[
        Field::read_only("at", Kind::Time, "When it ended."),
        Field::read_only("outcome", STATE, "What this run alone came to."),
        Field::read_only("state", STATE, "The state that is shown since."),
        Field::read_only("changed", Kind::Boolean, "Whether it changed that state."),
        Field::read_only("detail", WORDS, "What was seen."),
        Field::read_only("advice", WORDS, "What to do; empty: nothing."),
        Field::read_only("data", Kind::Any, "Figures and whatever else the check gave."),
        Field::read_only("took_ms", COUNT, "How long it took, in milliseconds."),
    ],
};

static CHECK: Shape = Shape {
    name: "Check",
    help: "What a script looks at again and again. A state gets worse only when two runs in a row say so.",
    fields: &[
        Field::read_only("name", WORDS, "SCRIPT.CHECK."),
        Field::read_only("state", STATE, "How it stands."),
        Field::read_only(
            "doubt",
            STATE,
            "What the last run came to, if the next one must confirm it; null: nothing.",
        ),
        Field::read_only("since", Kind::Time, "Since when it is in that state."),
        Field::read_only("detail", WORDS, "What the last run saw."),
        Field::read_only("advice", WORDS, "What to do; empty: nothing."),
        Field::read_only("script", WORDS, "The script that brings it."),
        Field::read_only("version", COUNT, "Version of that script; null while the appliance does not run."),
        Field::read_only(
            "place",
            WORDS,
            "File and line of the check; null while the appliance does not run.",
        ),
        Field::read_only(
            "every_s",
            COUNT,
            "Seconds between two runs; null while the appliance does not run.",
        ),
        Field::read_only("next_run", Kind::Time, "When it runs next; null while the appliance does not run."),
        Field::read_only("running", Kind::Boolean, "Whether it runs now."),
        Field::read_only("last_ok", Kind::Time, "When it was ok last; null: never."),
        Field::read_only("last_run", Kind::Object(&RUN), "The last run; null: none yet."),
        Field::read_only(
            "history",
            Kind::Objects(&RUN),
            "Its newest runs, newest first; null where it was not asked for alone.",
        ),
    ],
};

static QUESTION: Shape = Shape {
    name: "ProbeQuestion",
    help: "A probe to make now, by the operations that scripts have.",
    fields: &[
        Field::required("op", Kind::Choice(probes::OPS), "Which probe."),
        Field::required(
            "args",
            Kind::Any,
            "Its arguments, such as {\"address\": \"ntp.example.com\"}; a wrong one is named.",
        ),
    ],
};

/// The routes of checks.
pub fn routes() -> Vec<Route> {
    let probe = "Make a probe now: ask a clock, try a port, look up a name, read a web page's date";
    vec![
        Route::new("GET", "/checks", "List checks and how they stand")
            .access(Access::Needs(CHECKS_READ))
            .answers(200, Answer::Page(&CHECK))
            .runs(|call| Ok(Reply::json(page::shown("checks", checks::list(call.engine())?, None)))),
        Route::new("GET", "/checks/{name}", "Read one check with its history")
            .access(Access::Needs(CHECKS_READ))
            .query([LIMIT])
            .answers(200, Answer::One(&CHECK))
            .runs(|call| {
                let found = checks::find(call.engine(), call.param("name"), page::limit(&call.query))?;
                Ok(Reply::json(found))
            }),
        Route::new("POST", "/checks/{name}:run", "Run a check now and wait for what it comes to")
            .access(Access::Needs(CHECKS_RUN))
            .answers(200, Answer::One(&CHECK))
            .fails(&[CHECKS_IDLE, CHECK_UNFINISHED])
            .runs(|call| checks::run_now(call.engine(), call.param("name")).map(Reply::json)),
        Route::new("POST", "/checks:probe", probe)
            .access(Access::Needs(CHECKS_RUN))
            .takes(Body::Whole(&QUESTION))
            .answers(200, Answer::Json)
            .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, CHECKS_IDLE])
            .runs(try_probe),
    ]
}

fn try_probe(call: &Call<'_>) -> Result<Reply, Problem> {
    let question = call.accepted()?;
    let op = question.get("op").and_then(|op| op.as_str()).unwrap_or_default();
    let args = question.get("args").cloned().unwrap_or_else(|| json!({}));
    let engine = call.engine();
    // Whoever asks by hand wants to see what is now.
    let _fresh = engine.probes.demand();
    probes::call(engine, op, &args).map(Reply::json).map_err(|failure| match failure.code {
        Code::BadRequest => Problem::field("args", failure.msg),
        _ => Problem::new(CHECKS_IDLE, failure.msg).retry_after(5),
    })
}
