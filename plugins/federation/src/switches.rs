//! `federation`: read how it stands, switch it.

use jackfield_sdk::{Call, Outcome, Problem, Reply};
use serde::Serialize;

use crate::net::Place;
use crate::server::Server;
use crate::standing::{Standing, Switches};
use crate::{Federation, condition};

/// As the API shows it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    switches: Switches,
    state: &'static str,
    reason: String,
    servers: usize,
    clients: Clients,
    revision: i64,
    changed_at: &'a str,
}

/// How it does with clients of our own users.
#[derive(Serialize)]
struct Clients {
    /// `idle`: nobody can sign in; `listening` or `not_listening`.
    state: &'static str,
    reason: String,
    places: Vec<Place>,
    connected: usize,
}

impl Clients {
    fn of(server: &Server) -> Self {
        let condition = condition::of_clients(server);
        let clients = server.clients();
        Self {
            state: condition.word,
            reason: condition.reason.into_owned(),
            places: clients.map(crate::net::Clients::places).unwrap_or_default(),
            connected: clients.map(crate::net::Clients::connected).unwrap_or_default(),
        }
    }
}

impl Federation {
    pub(crate) fn read_switches(&self, _call: &Call<'_>) -> Outcome {
        self.shown(&Standing::read(&self.host)?)
    }

    pub(crate) fn put_switches(&self, call: &Call<'_>) -> Outcome {
        let wanted = wanted(call)?;
        let standing = Standing::read(&self.host)?;
        // Who switches federation does not change what somebody adds to the table meanwhile.
        call.must_match(&standing.revision.to_string())?;
        if wanted == standing.switches {
            return self.shown(&standing);
        }
        let next = standing.switched(wanted);
        if !call.is_dry_run() {
            standing.write(&next, &self.host, call.who()).map_err(|failure| call.refused(failure))?;
            self.follow();
        }
        self.shown(&next)
    }

    /// The tag changes with the number of servers, because the answer does; the switches' version comes first.
    fn shown(&self, standing: &Standing) -> Outcome {
        let Standing { switches, revision, servers, .. } = *standing;
        let server = self.server();
        let (condition, clients) = (condition::of(&switches, &server), Clients::of(&server));
        drop(server);
        let shown = Shown {
            switches,
            state: condition.word,
            reason: condition.reason.into_owned(),
            servers,
            clients,
            revision,
            changed_at: &standing.changed_at,
        };
        Ok(Reply::ok(&shown)?.version(format!("{revision}-{}", standing.table_revision)))
    }
}

fn wanted(call: &Call<'_>) -> Result<Switches, Problem> {
    call.form(|form| {
        form.ignore(&["state", "reason", "servers", "clients", "revision", "changed_at"]);
        let (enabled, open) = (form.field("enabled").flag().required(), form.field("open").flag().required());
        Some(Switches { enabled: enabled?, open: open? })
    })
}
