//! The federation plugin: whether federation is on, and with which servers. It keeps and checks the
//! configuration and says honestly how far it goes; XMPP itself is not here yet.

#![forbid(unsafe_code)]

mod apply;
mod condition;
mod rules;
mod servers;
mod standing;
mod switches;
mod table;
mod undo;

use jackfield_sdk::{Config, Event, Failure, Host, Plugin, Problem, Routes, Tx, Undo};

use standing::Standing;

jackfield_sdk::export_plugin!(Federation);

/// The plugin.
pub struct Federation {
    host: Host,
}

impl Plugin for Federation {
    const ID: &'static str = "federation";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const OPS: &'static [&'static str] = &["http", "revision.undo"];

    fn start(host: Host, _config: Config) -> Result<Self, Failure> {
        Ok(Self { host })
    }

    fn ready(&self) -> Result<(), Failure> {
        let standing = Standing::read(&self.host)?;
        condition::of(&standing.switches).tell(&self.host)
    }

    fn undo(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        self.put_back(undo, tx)
    }

    fn event(&self, event: Event) {
        self.hear(&event);
    }

    fn routes() -> Routes<Self> {
        Routes::new()
            .get("federation", Self::read_switches)
            .put("federation", Self::put_switches)
            .get("federation/servers", Self::list_servers)
            .post("federation/servers", Self::add_server)
            .post("federation/servers:apply", Self::apply_servers)
            .get("federation/servers/{domain}", Self::read_server)
            .put("federation/servers/{domain}", Self::put_server)
            .delete("federation/servers/{domain}", Self::remove_server)
    }
}
