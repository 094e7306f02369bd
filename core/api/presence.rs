//! Presence over HTTP: what an account is doing and why, and saying so for a source: a PBX, a script, a person.

use std::sync::Arc;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{INVALID, MALFORMED_JSON, PRESENCE_GOVERNED, Problem, WRONG_TYPE};
use crate::catalog::rights::{PRESENCE_READ, PRESENCE_WRITE};
use crate::catalog::rules;
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::engine::objects::text;
use crate::engine::presence::{self, AT_ONCE, NOTE_LENGTH, Person, Source, State, Wish};

const WORDS: Kind = Kind::Text { min: 0, max: 1000, rule: None };
const ID: Kind = Kind::Text { min: 1, max: 64, rule: None };
const NOTE: Kind = Kind::Text { min: 0, max: NOTE_LENGTH, rule: Some(&rules::PLAIN) };
const STATE: Kind = Kind::Choice(State::NAMES);
const SOURCE: Kind = Kind::Choice(Source::NAMES);
const SECONDS: Kind = Kind::Integer { min: 0, max: i64::MAX };
const LASTS: Kind = Kind::Integer { min: 1, max: presence::LONGEST_BY_HAND as i64 };

const NOTE_FIELD: Field =
    Field::optional("note", NOTE, Absent::Text(""), "Words that go with it, on one line.");
const LASTS_FIELD: Field = Field::optional(
    "expires_in",
    LASTS,
    Absent::Null,
    "Seconds after which it is over unless it is said again: at most a year by hand, a day for other sources. null: by hand until it is taken back, for other sources a day.",
);

static INPUT: Shape = Shape {
    name: "PresenceInput",
    help: "What one source says of an account.",
    fields: &[
        Field::read_only("source", SOURCE, "Who says so."),
        Field::read_only("state", STATE, "What it says."),
        Field::read_only("note", WORDS, "Words that go with it."),
        Field::read_only("since", Kind::Time, "Since when it says so."),
        Field::read_only("age_seconds", SECONDS, "Seconds since it last said so."),
        Field::read_only("expires_in", SECONDS, "Seconds until it is over; null: it stays."),
    ],
};

static SHAPE: Shape = Shape {
    name: "Presence",
    help: "What an account is doing, merged from its sources; `unknown` where it is not shown.",
    fields: &[
        Field::read_only("account", ID, "The account."),
        Field::read_only("state", STATE, "What it is doing."),
        Field::read_only("note", WORDS, "Words that go with it."),
        Field::read_only("source", SOURCE, "Whose word this is; null: nobody's."),
        Field::read_only("since", Kind::Time, "Since when; null: nobody says so."),
        Field::read_only("reason", WORDS, "Why this word and no other."),
        Field::read_only("age_seconds", SECONDS, "Seconds since the source last said so; null: nobody does."),
        Field::read_only(
            "teams",
            Kind::Boolean,
            "Whether Microsoft Teams is on for it: only its Teams status is shown, and none can be set by hand (seed 003).",
        ),
        Field::read_only(
            "inputs",
            Kind::Objects(&INPUT),
            "What each source says; empty where it is not shown.",
        ),
    ],
};

static TOLD: Shape = Shape {
    name: "PresenceTold",
    help: "What a source says.",
    fields: &[Field::required("state", STATE, "What the account is doing."), NOTE_FIELD, LASTS_FIELD],
};

static CHANGE: Shape = Shape {
    name: "PresenceChange",
    help: "What a source says of one account.",
    fields: &[
        Field::required("account", ID, "The account."),
        Field::optional("state", STATE, Absent::Null, "What it is doing; null: takes back what was said."),
        NOTE_FIELD,
        LASTS_FIELD,
    ],
};

static PUBLICATION: Shape = Shape {
    name: "PresencePublication",
    help: "What a source says of many accounts.",
    fields: &[
        Field::required("source", SOURCE, "Who says so."),
        Field::required("changes", Kind::Objects(&CHANGE), "At most 1,000, taken in order."),
    ],
};

static REFUSED: Shape = Shape {
    name: "PresenceRefused",
    help: "A change that was not taken.",
    fields: &[
        Field::read_only("index", SECONDS, "Its place among the changes, from 0."),
        Field::read_only("account", ID, "The account."),
        Field::read_only("detail", WORDS, "Why."),
    ],
};

static PUBLISHED: Shape = Shape {
    name: "PresencePublished",
    help: "What became of it.",
    fields: &[
        Field::read_only("accepted", SECONDS, "How many were taken."),
        Field::read_only("refused", Kind::Objects(&REFUSED), "Those that were not."),
    ],
};

const WITHOUT: Field = Field::optional(
    "without",
    SOURCE,
    Absent::Null,
    "A source to leave out: so it is told to that source's own world.",
);

/// The routes of presence.
pub fn routes() -> Vec<Route> {
    let of_source = "/accounts/{id}/presence/{source}";
    let writing = |method, path, summary: &str| {
        Route::new(method, path, summary).access(Access::Needs(PRESENCE_WRITE)).fails(&[
            INVALID,
            MALFORMED_JSON,
            WRONG_TYPE,
            PRESENCE_GOVERNED,
        ])
    };
    vec![
        Route::new("GET", "/accounts/{id}/presence", "What an account is doing, and why")
            .access(Access::Needs(PRESENCE_READ))
            .query([WITHOUT])
            .answers(200, Answer::One(&SHAPE))
            .runs(read),
        writing(
            "PUT",
            of_source,
            "Say for a source what an account is doing; what is set by hand outlives a restart",
        )
        .takes(Body::Whole(&TOLD))
        .answers(200, Answer::One(&SHAPE))
        .runs(set),
        writing("DELETE", of_source, "Take back what a source says")
            .answers(204, Answer::Nothing)
            .runs(clear),
        writing("POST", "/presence:publish", "Say for a source what many accounts are doing")
            .takes(Body::Whole(&PUBLICATION))
            .answers(200, Answer::One(&PUBLISHED))
            .runs(publish),
    ]
}

fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    let without = call.query.get(WITHOUT.name).and_then(Value::as_str).and_then(Source::parse);
    shown(call, without)
}

fn shown(call: &Call<'_>, without: Option<Source>) -> Result<Reply, Problem> {
    let account: Arc<str> = call.param("id").into();
    let see = |id: &Arc<str>, person: Option<&Person>| person.map(|p| presence::whole(id, p, without));
    let found = call.engine().presence.look(call.engine(), &[Arc::clone(&account)], see)?;
    found.into_iter().flatten().next().map(Reply::json).ok_or_else(|| presence::missing(&account))
}

fn set(call: &Call<'_>) -> Result<Reply, Problem> {
    let source = source(call)?;
    tell(call, source, wish(source, call.param("id"), &call.accepted()?)?)?;
    shown(call, None)
}

fn clear(call: &Call<'_>) -> Result<Reply, Problem> {
    tell(call, source(call)?, Wish { account: call.param("id").into(), told: None })?;
    Ok(Reply::empty())
}

fn tell(call: &Call<'_>, source: Source, wish: Wish) -> Result<(), Problem> {
    let refused = call.engine().presence.tell(call.engine(), source, vec![wish])?;
    refused.into_iter().next().map_or(Ok(()), |(_, problem)| Err(problem))
}

fn source(call: &Call<'_>) -> Result<Source, Problem> {
    let name = call.param("source");
    Source::parse(name).ok_or_else(|| {
        let known = Source::NAMES.join(", ");
        Problem::new(
            crate::catalog::problems::NOT_FOUND,
            format!("There is no source {name:?} of presence. There are {known}."),
        )
    })
}

fn wish(source: Source, account: &str, given: &Object) -> Result<Wish, Problem> {
    let (state, lasts) = (given.get("state").and_then(Value::as_str), given.get("expires_in"));
    let told = presence::told(source, state, text(given, "note"), lasts.and_then(Value::as_u64));
    // "expires_in must be ..." names the field by its first word.
    let told = told.map_err(|wrong| {
        let (field, rest) = wrong.split_once(' ').unwrap_or(("", &wrong));
        Problem::field(field, rest)
    })?;
    Ok(Wish { account: account.into(), told })
}

fn publish(call: &Call<'_>) -> Result<Reply, Problem> {
    let given = call.accepted()?;
    let source = Source::parse(text(&given, "source")).unwrap_or(Source::Manual);
    let changes = given.get("changes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if changes.len() > AT_ONCE {
        let detail = format!("must hold at most {AT_ONCE} changes; there are {}", changes.len());
        return Err(Problem::field("changes", detail));
    }
    let wishes = changes.iter().enumerate().filter_map(|(index, change)| Some((index, change.as_object()?)));
    let wishes = wishes.map(|(index, change)| {
        wish(source, text(change, "account"), change).map_err(|problem| moved(index, problem))
    });
    let wishes = wishes.collect::<Result<Vec<_>, _>>()?;
    let accounts: Vec<_> = wishes.iter().map(|wish| Arc::clone(&wish.account)).collect();
    let refused = call.engine().presence.tell(call.engine(), source, wishes)?;
    let accepted = accounts.len() - refused.len();
    let shown = |(index, problem): presence::Refused| json!({"index": index, "account": accounts.get(index).map(|id| &**id), "detail": problem.detail});
    Ok(Reply::json(
        json!({"accepted": accepted, "refused": refused.into_iter().map(shown).collect::<Vec<_>>()}),
    ))
}

/// The problem of one change, at its place among all.
fn moved(index: usize, problem: Problem) -> Problem {
    let mut errors = problem.errors;
    for error in &mut errors {
        error.pointer = format!("/changes/{index}{}", error.pointer);
    }
    Problem::invalid(errors)
}
