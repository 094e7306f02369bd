//! `federation/servers:apply`: the whole table in one transaction, as the console's Apply sends it (seed
//! 000). Its Reset needs nothing here: what is not applied was never stored.

use std::collections::{BTreeMap, HashMap};

use jackfield_sdk::form::read_into;
use jackfield_sdk::{Call, Errors, Outcome, Problem, Reply};
use serde::Serialize;

use crate::Federation;
use crate::rules;
use crate::standing::Standing;
use crate::table::{self, Changed, Changes, MOST_SERVERS, Row, Server};

/// What was done, and the table's version after it.
#[derive(Serialize)]
struct Applied {
    #[serde(flatten)]
    changes: Changes,
    revision: i64,
}

impl Federation {
    pub(crate) fn apply_servers(&self, call: &Call<'_>) -> Outcome {
        let wanted = self.wanted(call)?;
        let standing = Standing::read(&self.host)?;
        call.must_match(&standing.table_revision.to_string())?;
        let changes = difference(&standing, table::all(&self.host)?, wanted);
        let revision = self.change(call, &standing, &changes)?;
        Ok(Reply::ok(&Applied { changes, revision })?.version(revision))
    }

    /// The whole table, or everything that is wrong with it.
    fn wanted(&self, call: &Call<'_>) -> Result<Vec<Server>, Problem> {
        let mut errors = Errors::new();
        // A wrong row stays in its place, so that the others can be looked at further.
        let mut rows: Vec<Option<Server>> = Vec::new();
        read_into(&mut errors, &call.http.body, |form| {
            let read = form.field("servers").list(MOST_SERVERS, |row| {
                rows.push(row.object(|row| rules::server(row, None)).required());
                Some(())
            });
            read.required()
        });
        note_repeated(&rows, &mut errors);
        let placed = rows.iter().enumerate();
        let sound = placed.filter_map(|(index, row)| Some((format!("/servers/{index}"), row.as_ref()?)));
        self.note_own(sound, &mut errors)?;
        errors.done()?;
        Ok(rows.into_iter().flatten().collect())
    }
}

/// Notes every row whose domain an earlier one has.
fn note_repeated(rows: &[Option<Server>], errors: &mut Errors) {
    let mut seen = HashMap::new();
    for (index, server) in rows.iter().enumerate() {
        let Some(Server { domain, .. }) = server else { continue };
        let first = *seen.entry(domain).or_insert(index);
        if first != index {
            let detail = format!(
                "domain must be there once; {domain:?} is not: it is in /servers/{first} and /servers/{index}"
            );
            errors.note(format!("/servers/{index}/domain"), detail);
        }
    }
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
