//! `federation/servers`: list, read, add, change and remove single rows. The whole table at once is in
//! `apply.rs`.

use jackfield_sdk::form::{Form, read_into};
use jackfield_sdk::{Call, Errors, FieldError, Outcome, Part, Problem, Reply, Value, json};

use crate::Federation;
use crate::rules;
use crate::standing::Standing;
use crate::table::{self, Changed, Changes, MOST_SERVERS, Row, Server};

/// Largest answer to a change, in bytes. The transaction that makes it is at most three times as large,
/// besides the caller's name in every revision, and must fit into a message of 1 MiB.
const MOST_BYTES: usize = 320 * 1024;

impl Federation {
    pub(crate) fn list_servers(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let standing = Standing::read(&self.host)?;
        let page = table::page(&self.host, after, limit)?;
        let last = page.rows.last().filter(|_| page.more);
        let next = last.map(|shown| shown.row.server.domain.as_str());
        Ok(Reply::list(&page.rows, next)?.version(standing.table_revision))
    }

    pub(crate) fn read_server(&self, call: &Call<'_>) -> Outcome {
        let row = self.row(&path_domain(call)?)?;
        Ok(Reply::ok(&row)?.version(row.revision))
    }

    pub(crate) fn add_server(&self, call: &Call<'_>) -> Outcome {
        let server = self.checked(&call.http.body, |form| rules::server(form, None))?;
        let standing = Standing::read(&self.host)?;
        self.refuse_twice(&server)?;
        refuse_full(&standing)?;
        let row = standing.row(server);
        let changes = Changes { added: vec![row.clone()], ..Changes::default() };
        self.change(call, &standing, &changes)?;
        Ok(Reply::created(&row)?.version(row.revision))
    }

    pub(crate) fn put_server(&self, call: &Call<'_>) -> Outcome {
        let domain = path_domain(call)?;
        let server = self.checked(&call.http.body, |form| rules::server(form, Some(&domain)))?;
        let standing = Standing::read(&self.host)?;
        let old = self.row(&domain)?;
        call.must_match(&old.revision.to_string())?;
        if old.server == server {
            return Ok(Reply::ok(&old)?.version(old.revision));
        }
        let row = standing.row(server);
        let changed = vec![Changed { row: row.clone(), before: old.server }];
        self.change(call, &standing, &Changes { changed, ..Changes::default() })?;
        Ok(Reply::ok(&row)?.version(row.revision))
    }

    pub(crate) fn remove_server(&self, call: &Call<'_>) -> Outcome {
        let standing = Standing::read(&self.host)?;
        let old = self.row(&path_domain(call)?)?;
        call.must_match(&old.revision.to_string())?;
        self.change(call, &standing, &Changes { removed: vec![old], ..Changes::default() })?;
        Reply::nothing()
    }

    /// Makes the changes, unless this is a dry run, and gives the table's version after them.
    pub(crate) fn change(
        &self,
        call: &Call<'_>,
        standing: &Standing,
        changes: &Changes,
    ) -> Result<i64, Problem> {
        if changes.is_empty() {
            return Ok(standing.table_revision);
        }
        refuse_large(changes)?;
        if !call.is_dry_run() {
            let written = changes.write(standing, &self.host, call.who());
            written.map_err(|failure| call.refused(failure))?;
            self.follow();
        }
        Ok(standing.table_revision + 1)
    }

    /// The row that `body` is, if it keeps every rule.
    pub(crate) fn checked(
        &self,
        body: &Value,
        read: impl FnOnce(&mut Form<'_>) -> Option<Server>,
    ) -> Result<Server, Problem> {
        let mut errors = Errors::new();
        let server = read_into(&mut errors, body, read);
        self.note_own(server.iter().map(|server| (String::new(), server)), &mut errors)?;
        errors.done()?;
        server.ok_or_else(|| Problem::new(500, "the row was not understood"))
    }

    /// Notes every row, given with its pointer, whose domain is one of ours.
    pub(crate) fn note_own<'a>(
        &self,
        servers: impl Iterator<Item = (String, &'a Server)> + Clone,
        errors: &mut Errors,
    ) -> Result<(), Problem> {
        let domains: Vec<&str> = servers.clone().map(|(_, server)| server.domain.as_str()).collect();
        let own = table::own(&self.host, &domains)?;
        for (at, server) in servers {
            let Some(own) = own.iter().find(|own| own.domain == server.domain) else { continue };
            let detail = format!(
                "domain must be another company's; {:?} is the domain of our enterprise {:?}",
                own.domain, own.enterprise
            );
            errors.note(format!("{at}/domain"), detail);
        }
        Ok(())
    }

    pub(crate) fn row(&self, domain: &str) -> Result<Row, Problem> {
        let missing =
            || Problem::not_found(format!("{domain:?} is not a federated server's domain; list them first"));
        table::one(&self.host, domain)?.ok_or_else(missing)
    }

    fn refuse_twice(&self, server: &Server) -> Result<(), Problem> {
        if table::one(&self.host, &server.domain)?.is_none() {
            return Ok(());
        }
        let detail = format!(
            "domain must be there once; {:?} is in the table already: change that row",
            server.domain
        );
        let errors = vec![FieldError { pointer: "/domain".to_owned(), detail: detail.clone() }];
        Err(Problem { errors, ..Problem::conflict(detail) })
    }
}

/// The table is bounded.
pub fn refuse_full(standing: &Standing) -> Result<(), Problem> {
    if standing.servers < MOST_SERVERS {
        return Ok(());
    }
    Err(Problem::conflict(format!("the table has {MOST_SERVERS} servers, and no more fit; remove one first")))
}

fn refuse_large(changes: &Changes) -> Result<(), Problem> {
    let bytes = json!(changes).to_string().len();
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let detail = format!(
        "changes {} KiB of the table, and {} KiB can be changed at once; apply it in several steps",
        bytes.div_ceil(1024),
        MOST_BYTES / 1024
    );
    Err(Problem::invalid(vec![FieldError { pointer: "/servers".to_owned(), detail }]))
}

/// Domains are kept in lower case, and DNS knows none.
fn path_domain(call: &Call<'_>) -> Result<String, Problem> {
    Ok(call.param::<String>("domain")?.to_ascii_lowercase())
}
