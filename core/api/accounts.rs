//! Accounts in bulk over HTTP: the import and export of lists, and Import Users.

use std::io::{Read, Seek};

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::jobs::SHAPE as JOB;
use super::page::{self, CURSOR};
use super::route::{Access, Answer, Body, Route};
use crate::catalog::problems::{CONFLICT, INVALID, KEY_REUSED, MALFORMED_JSON, Problem, WRONG_TYPE};
use crate::catalog::rights::{ACCOUNTS_READ, ACCOUNTS_WRITE};
use crate::catalog::shape::{Absent, Field, Kind, Shape};
use crate::engine::import::{self, DEPLOY, Mode, Plan, Wanted};
use crate::engine::jobs::{self, OWN, Order};
use crate::engine::objects::{self, ENTERPRISES, text};

/// Path of the import, below the API's base.
pub const IMPORT: &str = "/accounts/import";
const EXPORT: &str = "/accounts/export";
const ENTERPRISE: Kind = Kind::Text { min: 0, max: 32, rule: None };

static DEPLOYMENT: Shape = Shape {
    name: "ImportUsers",
    help: "Which un-deployed accounts to deploy.",
    fields: &[Field::optional(
        "enterprise",
        ENTERPRISE,
        Absent::Text(""),
        "Of this enterprise; empty: of all.",
    )],
};

/// The routes of accounts in bulk.
pub fn routes() -> Vec<Route> {
    let mode = "What happens when some lines are wrong: nothing is taken, or the good ones are.";
    let lines = Kind::Integer { min: 1, max: 50_000 };
    vec![
        Route::new("POST", IMPORT, "Make and change accounts by a list; answers with the job that does it")
            .access(Access::Needs(ACCOUNTS_WRITE))
            .query([
                Field::optional(
                    "enterprise",
                    ENTERPRISE,
                    Absent::Text(""),
                    "Enterprise of lines that name none.",
                ),
                Field::optional("mode", Kind::Choice(Mode::NAMES), Absent::Text(Mode::NAMES[0]), mode),
            ])
            .takes(Body::Csv)
            .answers(202, Answer::One(&JOB))
            .can_rehearse()
            .fails(&[INVALID, WRONG_TYPE, CONFLICT, KEY_REUSED])
            .runs(start),
        Route::new(
            "GET",
            EXPORT,
            "Accounts as a list that the import takes; the header Link leads to the next page",
        )
        .access(Access::Needs(ACCOUNTS_READ))
        .query([
            Field::optional("limit", lines, Absent::Integer(10_000), "Most accounts of a page."),
            CURSOR,
            Field::optional("enterprise", ENTERPRISE, Absent::Null, "Only of this enterprise."),
        ])
        .answers(200, Answer::Csv)
        .runs(export),
        Route::new(
            "POST",
            "/accounts:import-users",
            "Import Users: deploy un-deployed accounts; answers with the job",
        )
        .access(Access::Needs(ACCOUNTS_WRITE))
        .takes(Body::Whole(&DEPLOYMENT))
        .answers(202, Answer::One(&JOB))
        .keyed()
        .fails(&[INVALID, MALFORMED_JSON, WRONG_TYPE, KEY_REUSED])
        .runs(deploy),
    ]
}

fn start(call: &Call<'_>) -> Result<Reply, Problem> {
    let given = |name: &str| call.query.get(name).and_then(Value::as_str).unwrap_or_default();
    refuse_unknown(call, "?enterprise", given("enterprise"))?;
    let origin = call.origin();
    let plan = Plan {
        enterprise: given("enterprise").to_owned(),
        mode: Mode::parse(given("mode")),
        dry_run: call.is_rehearsal(),
        from: origin.from,
        via: origin.via.to_owned(),
        request: origin.request,
    };
    let id = jobs::new_id()?;
    match &call.request.upload {
        Some(file) => {
            let mut file = file.as_ref();
            file.rewind().map_err(|e| crate::engine::fault("read the list", &e.to_string()))?;
            import::keep(call.engine(), &id, &mut file, &plan)?;
        }
        None => import::keep(call.engine(), &id, &mut call.request.body.as_slice() as &mut dyn Read, &plan)?,
    }
    let (order, job) = (import::order(&plan, &call.principal()?.label)?, id.clone());
    // A dry run is a job too, which changes nothing: what is meant here is to queue it.
    let queued = call.commit(move |change| {
        import::refuse_crowd(change.tx)?;
        jobs::queue_as(change.tx, &job, &order).map(|job| Reply::json(job).status(202))
    });
    let is_ours =
        queued.as_ref().is_ok_and(|reply| reply.body.as_ref().is_some_and(|job| job["id"] == id.as_str()));
    if !is_ours {
        // Refused, or the answer of an earlier request with the same key: its job has a list of its own.
        import::drop_list(call.engine(), &id);
    }
    call.engine().jobs.rouse();
    queued
}

fn refuse_unknown(call: &Call<'_>, pointer: &str, enterprise: &str) -> Result<(), Problem> {
    if enterprise.is_empty() || call.engine().db.read(|read| ENTERPRISES.find(read, enterprise))?.is_some() {
        return Ok(());
    }
    Err(Problem::at(pointer, objects::names_nothing(&ENTERPRISES, enterprise)))
}

fn export(call: &Call<'_>) -> Result<Reply, Problem> {
    let enterprise = call.query.get("enterprise").and_then(Value::as_str).map(ToOwned::to_owned);
    let wanted = Wanted {
        enterprise,
        after: page::read_cursor("export", &call.query)?,
        limit: page::limit(&call.query),
    };
    let (text, next) = call.engine().db.read(|read| import::export(read, &wanted))?;
    let reply = Reply::text("text/csv; charset=utf-8; header=present", text)
        .header("Content-Disposition", "attachment; filename=\"accounts.csv\"".to_owned());
    let Some(next) = next else { return Ok(reply) };
    // RFC 8288 section 3.
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("limit", &wanted.limit.to_string())
        .append_pair("cursor", &page::cursor("export", next));
    if let Some(enterprise) = &wanted.enterprise {
        query.append_pair("enterprise", enterprise);
    }
    let link = format!("<{}{EXPORT}?{}>; rel=\"next\"", super::BASE, query.finish());
    Ok(reply.header("Link", link))
}

fn deploy(call: &Call<'_>) -> Result<Reply, Problem> {
    let given = call.accepted()?;
    let enterprise = text(&given, "enterprise");
    refuse_unknown(call, "/enterprise", enterprise)?;
    let order = Order {
        plugin: OWN.to_owned(),
        name: DEPLOY.name.to_owned(),
        input: json!({"enterprise": enterprise}),
        who: call.principal()?.label.clone(),
    };
    let queued =
        call.change(move |change| jobs::queue(change.tx, &order).map(|job| Reply::json(job).status(202)));
    call.engine().jobs.rouse();
    queued
}
