//! What plugins get from the engine: their own tables, secrets, events, findings and revisions, and a memory
//! of their deaths. Leaves out their processes, which are `host`'s.

mod directory;
mod jobs;
mod login;
mod memory;
mod messages;
pub mod metrics;
mod peers;
mod people;
mod presence;
mod rows;
mod services;
mod settings;
pub mod undo;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Builder;

use jackfield_abi::ops::Event;

use super::Engine;
use super::events::Fired;
use crate::catalog::rights::{self, Role};
use crate::host::manifest::Manifest;
use crate::host::policy::Pace;
use crate::host::verify::{Trust, read_manifest};
use crate::host::{Config, Host, Timing, builtin};

/// Events that wait for plugins to be told.
const NEWS: usize = 1024;

/// Begins to supervise the plugins of a folder, and to tell them events.
pub fn supervise(engine: &Arc<Engine>, folder: PathBuf, trust: Trust) -> Result<(), String> {
    // A plugin that is switched off brings its rights as well: a token can be made for it.
    declare(&folder, trust);
    let host = Host::start(Config {
        plugins: folder,
        trust,
        builtins: builtin::ALL,
        exe: PathBuf::from("/proc/self/exe"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        services: Arc::new(services::EngineServices::new(engine)),
        memory: Arc::new(memory::EngineMemory::new(engine)),
        timing: Timing::default(),
        pace: Pace::default(),
    });
    let host = host.map_err(|e| format!("Cannot start the threads that supervise plugins: {e}."))?;
    if engine.plugins.set(host).is_err() {
        return Err("The plugins are supervised already.".to_owned());
    }
    super::jobs::begin(engine)?;
    let news = carry_news(engine)?;
    presence::carry(engine)?;
    engine.bus.listen_by(move |fired, by| {
        // Whoever publishes must not wait for a plugin.
        if news.try_send((fired.clone(), by.map(str::to_owned))).is_err() {
            log::warn!("too much news at once: plugins were not told of {} {}", fired.event, fired.object);
        }
    });
    Ok(())
}

/// Puts the settings and rights of the plugins in a folder into the catalogue, for the command line without a
/// running appliance. A plugin that would be refused brings none.
pub fn declare(folder: &Path, trust: Trust) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for id in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        let brought = read_manifest(folder, &id, trust).map_err(|refusal| refusal.to_string());
        if let Err(cause) = brought.and_then(|(manifest, _)| bring(&manifest)) {
            log::debug!("no settings of the plugin {id}: {cause}");
        }
    }
}

/// Puts what a manifest declares into the catalogue.
fn bring(manifest: &Manifest) -> Result<(), String> {
    for right in &manifest.rights {
        let least = Role::parse(&right.role).unwrap_or(Role::Admin);
        rights::bring(&right.name, least, &right.help)
            .ok_or("Plugins brought too many rights already; restart the appliance.")?;
    }
    settings::bring(manifest)
}

/// What happened, and the plugin that did it and knows it already.
type ByWhom = (Fired, Option<String>);

/// Starts the thread that tells plugins what happened, in order.
fn carry_news(engine: &Arc<Engine>) -> Result<SyncSender<ByWhom>, String> {
    let (sender, receiver) = sync_channel::<ByWhom>(NEWS);
    let engine = Arc::downgrade(engine);
    let carry = move || {
        for (fired, by) in receiver {
            let Some(engine) = engine.upgrade() else { return };
            let Some(host) = engine.plugins.get() else { continue };
            let event = Event { event: fired.event.clone(), object: fired.object.clone() };
            host.publish(&event, by.as_deref());
            settings::follow(&engine, host, &fired);
        }
    };
    let spawned = Builder::new().name("plugin-news".to_owned()).spawn(carry);
    spawned.map_err(|e| format!("Cannot start the thread that tells plugins what happened: {e}."))?;
    Ok(sender)
}
