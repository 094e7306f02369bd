//! The corporate directory over HTTP. An entry is hidden and shown again by its account's `in_directory`.

use serde_json::Value;

use super::call::{Call, Reply};
use super::page::{self, CURSOR, LIMIT};
use super::route::{Access, Answer, Route};
use crate::catalog::problems::Problem;
use crate::catalog::rights::ACCOUNTS_READ;
use crate::catalog::shape::{Absent, Field, Kind, Shape};
use crate::engine::directory::{self, Wanted};

const WORDS: Kind = Kind::Text { min: 0, max: 320, rule: None };

/// Words of which each must be part of a name, number or e-mail.
pub const SEARCH: Field = Field::optional(
    "q",
    Kind::Text { min: 0, max: 100, rule: None },
    Absent::Text(""),
    "Only those with each of these words somewhere in name, login ID, e-mail or extension; case and accents do not matter.",
);
const ENTERPRISE: Field = Field::optional("enterprise", WORDS, Absent::Null, "Only of this enterprise.");

static ENTRY: Shape = Shape {
    name: "DirectoryEntry",
    help: "An account as the corporate directory shows it.",
    fields: &[
        Field::read_only("account", WORDS, "Id of the account."),
        Field::read_only("enterprise", WORDS, "Enterprise it belongs to."),
        Field::read_only("folder", WORDS, "Folder it is in, with / between folders; empty: the top."),
        Field::read_only("first_name", WORDS, "First name."),
        Field::read_only("last_name", WORDS, "Last name."),
        Field::read_only("email", WORDS, "E-mail address."),
        Field::read_only("extension", WORDS, "Extension."),
        Field::read_only("login_id", WORDS, "Login ID."),
        Field::read_only("pbx_node", WORDS, "PBX node; null: none."),
        Field::read_only("peer", WORDS, "Peer whose user it is; null: one of ours."),
        Field::read_only("in_directory", Kind::Boolean, "Whether it is shown; false: hidden."),
    ],
};

static FOLDER: Shape = Shape {
    name: "DirectoryFolder",
    help: "A folder of the corporate directory.",
    fields: &[
        Field::read_only("folder", WORDS, "Its path with / between folders; empty: the top."),
        Field::read_only(
            "kind",
            Kind::Choice(&["top", "unit", "peer"]),
            "The top, an organizational unit, or a peer's.",
        ),
        Field::read_only("peer", WORDS, "The peer; null: the folder is no peer's."),
        Field::read_only(
            "entries",
            Kind::Integer { min: 0, max: i64::MAX },
            "Entries in it, without those below.",
        ),
    ],
};

/// The routes of the directory.
pub fn routes() -> Vec<Route> {
    let folder = "Only in this folder and those below it, such as Sales/Paris; /: only at the top.";
    let hidden = "1: hidden entries too.";
    vec![
        Route::new("GET", "/directory", "List the corporate directory")
            .access(Access::Needs(ACCOUNTS_READ))
            .query([
                LIMIT,
                CURSOR,
                ENTERPRISE,
                Field::optional("folder", WORDS, Absent::Null, folder),
                SEARCH,
                Field::optional("hidden", Kind::Boolean, Absent::Boolean(false), hidden),
            ])
            .answers(200, Answer::Page(&ENTRY))
            .runs(list),
        Route::new("GET", "/directory/folders", "List the folders of an enterprise's directory")
            .access(Access::Needs(ACCOUNTS_READ))
            .query([LIMIT, CURSOR, Field::required("enterprise", WORDS, "Enterprise whose folders to list.")])
            .answers(200, Answer::Page(&FOLDER))
            .runs(folders),
    ]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let given = |name: &str| call.query.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let wanted = Wanted {
        enterprise: given("enterprise"),
        folder: given("folder"),
        words: given(SEARCH.name).unwrap_or_default(),
        with_hidden: call.query.get("hidden") == Some(&Value::Bool(true)),
        after: page::read_cursor("directory", &call.query)?,
        limit: page::limit(&call.query),
    };
    let (items, next) = call.engine().db.read(|read| directory::list(read, &wanted))?;
    Ok(Reply::json(page::shown("directory", items, next)))
}

fn folders(call: &Call<'_>) -> Result<Reply, Problem> {
    let enterprise = call.query.get("enterprise").and_then(Value::as_str).unwrap_or_default();
    let after = page::read_cursor("folders", &call.query)?;
    let limit = page::limit(&call.query);
    let (items, next) = call.engine().db.read(|read| directory::folders(read, enterprise, after, limit))?;
    Ok(Reply::json(page::shown("folders", items, next)))
}
