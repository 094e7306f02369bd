//! `federation/servers:apply`: the whole table in one transaction, as the console's Apply sends it (seed
//! 000). Its Reset needs nothing here: what is not applied was never stored.

use std::collections::{BTreeMap, HashMap};

use jackfield_sdk::{Call, FieldError, Outcome, Problem, Reply, json};
use serde::{Deserialize, Serialize};

use crate::Federation;
use crate::rules::Fields;
use crate::servers::{Given, invalid};
use crate::standing::Standing;
use crate::table::{self, Changed, Changes, MOST_SERVERS, Row, Server};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    servers: Vec<Fields>,
}

/// What was done, and the table's version after it.
#[derive(Serialize)]
struct Applied {
    #[serde(flatten)]
    changes: Changes,
    revision: i64,
}

impl Federation {
    pub(crate) fn apply_servers(&self, call: &Call<'_>) -> Outcome {
        let given = given(call)?;
        refuse_repeated(&given)?;
        let wanted = self.checked(&given)?;
        let standing = Standing::read(&self.host)?;
        call.must_match(&standing.table_revision.to_string())?;
        let changes = difference(&standing, table::all(&self.host)?, wanted);
        let revision = self.change(call, &standing, &changes)?;
        Ok(Reply::ok(&Applied { changes, revision })?.version(revision))
    }
}

fn given(call: &Call<'_>) -> Result<Vec<Given>, Problem> {
    let Wanted { servers } = call.body()?;
    if servers.len() > MOST_SERVERS {
        let detail = format!("servers must have at most {MOST_SERVERS} rows; {} are given", servers.len());
        return Err(Problem::invalid(vec![FieldError { pointer: "/servers".to_owned(), detail }]));
    }
    let placed = |(index, fields)| Given { at: format!("/servers/{index}"), fields };
    Ok(servers.into_iter().enumerate().map(placed).collect())
}

fn refuse_repeated(given: &[Given]) -> Result<(), Problem> {
    let mut seen = HashMap::new();
    let mut errors = Vec::new();
    for (index, row) in given.iter().enumerate() {
        let Some(domain) = row.fields.domain.as_str().map(str::to_ascii_lowercase) else { continue };
        let first = *seen.entry(domain).or_insert(index);
        if first != index {
            errors.push(repeated(row, first, index));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(invalid(errors)) }
}

fn repeated(row: &Given, first: usize, index: usize) -> FieldError {
    let value = crate::rules::shown(&json!(row.fields.domain));
    let detail =
        format!("domain must be there once; {value}: it is in /servers/{first} and /servers/{index}");
    FieldError { pointer: format!("{}/domain", row.at), detail }
}

fn difference(standing: &Standing, old: Vec<Row>, wanted: Vec<Server>) -> Changes {
    let mut old: BTreeMap<String, Row> =
        old.into_iter().map(|row| (row.server.domain.clone(), row)).collect();
    let mut changes = Changes::default();
    for server in wanted {
        match old.remove(&server.domain) {
            None => changes.added.push(standing.row(server)),
            Some(row) if row.server == server => {}
            Some(row) => changes.changed.push(Changed { row: standing.row(server), before: row.server }),
        }
    }
    changes.removed = old.into_values().collect();
    changes
}
