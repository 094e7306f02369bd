//! `jackfield check`: looks at everything that starting needs, and changes nothing.

use std::net::TcpListener;

use serde_json::json;

use super::Failure;
use super::output::{Output, table};
use crate::config::Config;
use crate::engine::secrets::MasterKey;
use crate::engine::state::StateDir;
use crate::engine::storage;
use crate::http::{CertStore, local};

struct Looked {
    name: &'static str,
    outcome: Result<String, String>,
}

/// Looks at each thing in turn. Exit code 1 when one is wrong.
pub fn run(config: &Config, output: &Output) -> Result<(), Failure> {
    let state = StateDir::at(&config.state);
    let running = local::connect(&state.control_socket()).is_ok_and(|stream| stream.is_some());
    let looked = [
        Looked { name: "configuration", outcome: Ok(format!("{} is understood", config.file.display())) },
        Looked { name: "certificate", outcome: certificate(config) },
        Looked { name: "addresses", outcome: addresses(config, running) },
        Looked { name: "plugins", outcome: Ok(plugins(config)) },
        Looked { name: "master key", outcome: master_key(&state) },
        Looked { name: "database", outcome: database(&state) },
    ];
    let value = looked.iter().map(|l| match &l.outcome {
        Ok(detail) => json!({"name": l.name, "state": "ok", "detail": detail}),
        Err(detail) => json!({"name": l.name, "state": "problem", "detail": detail}),
    });
    let value = json!({"running": running, "items": value.collect::<Vec<_>>()});
    output.result(&value, || {
        let row = |l: &Looked| match &l.outcome {
            Ok(detail) => vec![l.name.to_owned(), "ok".to_owned(), detail.clone()],
            Err(detail) => vec![l.name.to_owned(), "problem".to_owned(), detail.clone()],
        };
        table(&["WHAT", "STATE", "SEEN"], &looked.iter().map(row).collect::<Vec<_>>())
    });
    if looked.iter().any(|l| l.outcome.is_err()) { Err(Failure::Said) } else { Ok(()) }
}

fn certificate(config: &Config) -> Result<String, String> {
    let Some((cert, key)) = &config.certificate else {
        return Ok("self-signed, made at the first start".to_owned());
    };
    let read = |file: &std::path::Path| {
        std::fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()))
    };
    let store = CertStore::new(&read(cert)?, &read(key)?).map_err(|e| e.to_string())?;
    Ok(format!("{} for {}", cert.display(), store.names().join(", ")))
}

fn addresses(config: &Config, running: bool) -> Result<String, String> {
    let listed = config.listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if running {
        return Ok(format!("{listed} (the appliance runs)"));
    }
    for address in &config.listen {
        TcpListener::bind(address).map_err(|e| {
            format!("cannot listen on {address}: {e}; stop what uses it or change [http] listen")
        })?;
    }
    Ok(format!("{listed} can be used"))
}

/// Plugins are optional, so a missing folder is worth knowing but no problem.
fn plugins(config: &Config) -> String {
    let folder = config.plugins.display();
    match std::fs::read_dir(&config.plugins) {
        Ok(entries) => {
            let found =
                entries.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "so")).count();
            format!("{found} found in {folder}; this version runs without plugins")
        }
        Err(cause) => format!("none: {folder} cannot be read ({cause})"),
    }
}

fn master_key(state: &StateDir) -> Result<String, String> {
    match MasterKey::read(&state.master_key())? {
        Some(key) => {
            key.refuse_without_database(&state.master_key(), &state.database())?;
            Ok("can be read".to_owned())
        }
        None if state.database().exists() => {
            Err(format!("{} is missing, and the database needs it", state.master_key().display()))
        }
        None => Ok("will be made at the first start".to_owned()),
    }
}

fn database(state: &StateDir) -> Result<String, String> {
    if !state.database().exists() {
        return Ok("will be made at the first start".to_owned());
    }
    jackfield_db::inspect(&storage(state)).map_err(|e| e.to_string())
}
