//! API tokens. The token itself is shown once; the database keeps its hash.

use jackfield_db::Value as Cell;
use serde_json::Value;

use super::{Act, CHANGED_AT, CREATED_AT, Hidden, ID, Id, REVISION, Resource, nothing_follows, settled};
use crate::catalog::problems::Problem;
use crate::catalog::rights::{self, Role};
use crate::catalog::shape::{Absent, Field, Kind, Shape};
use crate::catalog::{events, rules};
use crate::engine::access::tokens;

const SCOPE: Kind = Kind::Choice(rights::NAMES);

static SHAPE: Shape = Shape {
    name: "Token",
    help: "A key for programs that use the API.",
    fields: &[
        ID,
        Field::required(
            "name",
            Kind::Text { min: 2, max: 64, rule: Some(&rules::ACCESS_NAME) },
            "What it is for; unique without regard to case.",
        )
        .fixed(),
        Field::required("role", Kind::Choice(Role::NAMES), "What it may do at most.").fixed(),
        Field::optional(
            "scopes",
            Kind::List { of: &SCOPE, max: 64 },
            Absent::Null,
            "Rights it is narrowed to; null: all of its role.",
        )
        .fixed(),
        Field::optional("expires_at", Kind::Time, Absent::Null, "When it stops working; null: never.")
            .fixed(),
        Field::read_only(
            "token",
            Kind::Text { min: 1, max: 64, rule: None },
            "The token itself; only in the answer that makes it.",
        )
        .once(),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// API tokens.
pub static TOKENS: Resource = Resource {
    name: "tokens",
    one: "token",
    table: "token",
    shape: &SHAPE,
    id: Id::Made("tok"),
    read: rights::TOKENS_READ,
    write: rights::TOKENS_WRITE,
    event: events::TOKEN_CHANGED,
    filters: &["name"],
    no_undo: Some("a token's value is not kept, so it cannot be put back; make a new one"),
    changeable: false,
    hide,
    settle: settled,
    follow: nothing_follows,
};

fn hide(_: &Value, _: Act) -> Result<Hidden, Problem> {
    let (token, hash) = tokens::mint()?;
    Ok(Hidden { columns: vec![("hash", Cell::Blob(hash))], once: Some(("token", token)) })
}
