//! Tells scripts what happened in the appliance: those that asked for it, in order, on a thread of its own, so
//! that whoever publishes never waits for a script.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::Builder;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::child;
use crate::catalog::hooks::{EVENT, EVENT_TELL, SCRIPTS};
use crate::engine::Engine;
use crate::engine::events::Fired;

/// News that waits to be told.
const NEWS: usize = 1024;
/// What the way there and back may take, beyond the scripts' own time.
const MARGIN: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    failed: Vec<Failed>,
}

#[derive(Deserialize)]
struct Failed {
    script: String,
    #[serde(default)]
    error: String,
}

/// Begins to tell.
pub fn carry(engine: &Arc<Engine>) -> Result<(), String> {
    let (sender, receiver) = sync_channel::<Fired>(NEWS);
    let weak = Arc::downgrade(engine);
    let carry = move || {
        for fired in receiver {
            let Some(engine) = weak.upgrade() else { return };
            tell(&engine, &fired);
        }
    };
    let spawned = Builder::new().name("script-news".to_owned()).spawn(carry);
    spawned.map_err(|e| format!("Cannot start the thread that tells scripts what happened: {e}."))?;
    engine.bus.listen(move |fired| {
        if sender.try_send(fired.clone()).is_err() {
            log::warn!("too much news at once: scripts were not told of {} {}", fired.event, fired.object);
        }
    });
    Ok(())
}

fn tell(engine: &Engine, fired: &Fired) {
    let hook = format!("{}{}", EVENT.name, fired.event);
    let listening: Vec<(String, i64)> = engine
        .scripts
        .all()
        .into_iter()
        .filter(|(_, one)| one.registers.as_ref().is_some_and(|registers| registers.wants(&fired.event)))
        .filter(|(name, _)| engine.scripts.tallies.skipped_for(name, &hook).is_none())
        .map(|(name, one)| (name, one.version))
        .collect();
    if listening.is_empty() {
        return;
    }
    let scripts: Vec<Value> =
        listening.iter().map(|(name, version)| json!({"name": name, "version": version})).collect();
    let args = json!({"event": fired.event, "object": fired.object, "scripts": scripts});
    let count = u32::try_from(listening.len()).unwrap_or(u32::MAX);
    match child::ask(engine, SCRIPTS, EVENT_TELL, &args, EVENT.longest().saturating_mul(count) + MARGIN) {
        Ok(answer) => count_failures(engine, &hook, &listening, answer),
        Err(failure) => log::warn!("scripts were not told of {} {}: {failure}", fired.event, fired.object),
    }
}

fn count_failures(engine: &Engine, hook: &str, listening: &[(String, i64)], answer: Value) {
    let failed = serde_json::from_value::<Told>(answer).map(|told| told.failed).unwrap_or_default();
    for (name, _) in listening {
        match failed.iter().find(|one| one.script == *name) {
            None => engine.scripts.tallies.well(name, hook, 0),
            Some(one) => {
                log::warn!("the script {name} failed at {hook}: {}", one.error);
                engine.scripts.tallies.failed(name, hook, 0, &one.error);
            }
        }
    }
}
