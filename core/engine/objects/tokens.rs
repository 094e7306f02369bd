//! API tokens. The token itself is shown once; the database keeps its hash.

use jackfield_db::{Read, Value as Cell};
use serde_json::Value;

use super::{Act, CHANGED_AT, CREATED_AT, Hidden, ID, Id, REVISION, Resource, nothing_follows};
use crate::catalog::problems::{FieldError, Problem};
use crate::catalog::rights::{self, Right, Role};
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::catalog::{events, nearest, rules};
use crate::engine::access::tokens;

/// Which names there are is looked at when the token is made: plugins bring rights of their own.
const SCOPE: Kind = Kind::Text { min: 3, max: 80, rule: Some(&rules::RIGHT) };

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
            "Rights it is narrowed to, plugins' too; null: all of its role.",
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
    settle,
    follow: nothing_follows,
};

/// A narrowed token that may make administrators or tokens could widen itself.
const NEVER_NARROWED: &[&Right] = &[rights::ADMINS_WRITE, rights::TOKENS_WRITE];

fn settle(_: &Read<'_>, object: &mut Object) -> Result<(), Problem> {
    if tokens::has_expired(object.get("expires_at").and_then(Value::as_str)) {
        return Err(Problem::field("expires_at", "is over already; give a time to come, or leave it out"));
    }
    let scopes = object.get("scopes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    refuse_unknown(scopes)?;
    match NEVER_NARROWED.iter().find(|right| scopes.iter().any(|scope| scope == right.name)) {
        Some(right) => {
            let why =
                format!("cannot hold {}: with it the token could widen itself; leave scopes out", right.name);
            Err(Problem::field("scopes", why))
        }
        None => Ok(()),
    }
}

fn refuse_unknown(scopes: &[Value]) -> Result<(), Problem> {
    let known = rights::names();
    let wrong = scopes.iter().enumerate().filter_map(|(at, scope)| Some((at, scope.as_str()?)));
    let wrong = wrong.filter(|(_, scope)| !known.contains(scope)).map(|(at, scope)| {
        let meant = nearest(scope, known.iter().copied());
        let meant = meant.map(|word| format!("; did you mean {word:?}?")).unwrap_or_default();
        let detail = format!("must be a right; {scope:?} is none{meant}");
        FieldError { pointer: format!("/scopes/{at}"), detail }
    });
    let errors: Vec<_> = wrong.collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

fn hide(_: &Value, _: Act) -> Result<Hidden, Problem> {
    let (token, hash) = tokens::mint()?;
    Ok(Hidden { columns: vec![("hash", Cell::Blob(hash))], once: Some(("token", token)) })
}
