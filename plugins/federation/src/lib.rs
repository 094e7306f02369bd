//! The federation plugin: the embedded XMPP server that talks to other companies' servers, and its configuration.
//! It serves our own users' clients as well.

#![forbid(unsafe_code)]

mod apply;
mod c2s;
mod certificate;
mod certificates;
mod condition;
mod contacts;
mod former;
mod im;
mod links;
mod metrics;
mod net;
mod options;
mod rules;
mod s2s;
mod server;
mod servers;
mod sessions;
mod standing;
mod switches;
mod table;
mod testing;
mod undo;
mod validity;
mod xml;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jackfield_sdk::{
    Config, Event, Failure, Finding, Host, Metric, Plugin, Problem, Routes, Settings, Tx, Undo,
};

use im::{Desk, Keys};
use options::Options;
use server::Server;

jackfield_sdk::export_plugin!(Federation);

/// The plugin.
pub struct Federation {
    host: Host,
    options: Mutex<Options>,
    server: Arc<Mutex<Server>>,
    office: Mutex<Option<(Desk, Keys)>>,
}

impl Plugin for Federation {
    const ID: &'static str = "federation";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const OPS: &'static [&'static str] = &["http", "doctor", "metrics", "revision.undo", "settings.changed"];
    // The test of a server takes a while, and must not hold up the rest.
    const WORKERS: usize = 4;
    // A change of presence is told one account at a time, and many come in a moment.
    const QUEUE: usize = 4096;

    fn start(host: Host, config: Config) -> Result<Self, Failure> {
        let options = Options::read(&config.settings)?;
        Ok(Self { host, options: Mutex::new(options), server: Arc::default(), office: Mutex::default() })
    }

    fn ready(&self) -> Result<(), Failure> {
        *self.office() = Some(im::open(&self.host, self.server().outside.clone())?);
        self.instruct();
        self.follow_or_say()
    }

    fn settings_changed(&self, settings: Settings) -> Result<(), Failure> {
        *self.options() = Options::read(&settings)?;
        self.instruct();
        self.follow_or_say()
    }

    fn stop(&self, _deadline: Duration) {
        self.server().stop();
        if let Some((_, keys)) = self.office().take() {
            keys.close();
        }
    }

    fn undo(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        self.put_back(undo, tx)
    }

    fn metrics(&self) -> Vec<Metric> {
        self.figures()
    }

    /// Asked for each time, because a day that passes makes a difference.
    fn doctor(&self) -> Result<Vec<Finding>, Failure> {
        Ok(vec![self.certificates_finding()?])
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
            .post("federation/servers/{domain}:test", Self::test_server)
            .get("federation/links", Self::list_links)
            .get("federation/contacts", Self::list_contacts)
            .get("federation/sessions", Self::list_sessions)
            .post("federation/sessions/{id}:end", Self::end_session)
            .get("federation/certificate", Self::read_certificate)
            .put("federation/certificate", Self::put_certificate)
            .get("federation/certificates", Self::list_certificates)
            .get("federation/certificates/{domain}", Self::read_domain_certificate)
            .put("federation/certificates/{domain}", Self::put_domain_certificate)
            .delete("federation/certificates/{domain}", Self::remove_domain_certificate)
    }
}
