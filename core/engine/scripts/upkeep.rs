//! Keeps what serves and what was published together: whenever the scripts' process has started, each published
//! version is loaded; where one does not load, the newest that ran before it stands in, and that is said aloud.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::Builder;
use std::time::Duration;

use super::child::{self, Refused};
use super::registers::Registers;
use super::rows;
use super::serving::{Scripts, Served};
use crate::catalog::events::HOOK_CHANGED;
use crate::catalog::hooks::SCRIPTS;
use crate::catalog::problems::Problem;
use crate::engine::Engine;
use crate::engine::events::Fired;

/// Until what could not be taken up is tried again; a process that was only slow tells of no new start.
const AGAIN: Duration = Duration::from_secs(5);

impl Scripts {
    /// Has the upkeep look soon. Never waits.
    pub fn rouse(&self) {
        // A full channel means that it will look anyway.
        let _ = self.wake.get().map(|wake| wake.try_send(()));
    }
}

/// Takes up what is published and starts the thread that keeps it loaded. Comes before the processes start.
pub fn supervise(engine: &Arc<Engine>) -> Result<(), String> {
    engine.scripts.reload(&engine.db).map_err(|problem| problem.detail)?;
    let (wake, woken) = sync_channel(1);
    if engine.scripts.wake.set(wake).is_err() {
        return Err("The scripts are looked after already.".to_owned());
    }
    let weak = Arc::downgrade(engine);
    let spawned = Builder::new().name("scripts".to_owned()).spawn(move || look_after(&weak, &woken));
    spawned.map_err(|e| format!("Cannot start the thread that looks after scripts: {e}."))?;
    Ok(())
}

fn look_after(engine: &Weak<Engine>, woken: &Receiver<()>) {
    let mut is_all_done = true;
    loop {
        let roused = if is_all_done {
            woken.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            woken.recv_timeout(AGAIN)
        };
        if roused == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        let Some(engine) = engine.upgrade() else { return };
        is_all_done = engine.scripts.all().into_iter().all(|(name, _)| {
            let taken = take_up(&engine, &name);
            if let Err(cause) = &taken {
                log::debug!(
                    "the scripts' process does not serve: {cause}; {name} will be looked after again"
                );
            }
            taken.is_ok()
        });
    }
}

/// Loads what was published of a script, or what stands in for it. The error says why the process does not serve.
fn take_up(engine: &Engine, name: &str) -> Result<(), String> {
    let _turn = engine.scripts.turns.wait();
    let Some(known) = engine.scripts.of(name) else { return Ok(()) };
    let active = known.active;
    let found = match load(engine, name, active)? {
        Ok(registers) => Served { active, version: active, registers: Some(registers), failure: None },
        Err(cause) => {
            log::error!("version {active} of the script {name} was published but does not load: {cause}");
            stand_in(engine, name, active, known.registers.clone(), cause)?
        }
    };
    // Whatever was tried on the way, or stood in until now, must not stay loaded.
    for n in [active, known.version].into_iter().filter(|n| *n != found.version) {
        child::unload(engine, SCRIPTS, name, n);
    }
    if known.registers != found.registers {
        keep(engine, name, &found);
    }
    if engine.scripts.note(name, found) {
        engine.bus.publish(&[Fired { event: HOOK_CHANGED.name.to_owned(), object: name.to_owned() }]);
    }
    Ok(())
}

/// Outer error: the process does not serve. Inner error: the script is at fault.
fn load(engine: &Engine, name: &str, n: i64) -> Result<Result<Registers, String>, String> {
    let source = match engine.db.read(|read| rows::source(read, name, n)) {
        Ok(source) => source,
        Err(problem) => return Ok(Err(problem.detail)),
    };
    match child::load(engine, SCRIPTS, name, n, &source) {
        Ok(registers) => Ok(Ok(registers)),
        Err(Refused::Script(text)) => Ok(Err(text)),
        Err(Refused::Process(text)) => Err(text),
    }
}

/// The newest version that ran before and loads; where there is none, the published one is failed.
fn stand_in(
    engine: &Engine,
    name: &str,
    active: i64,
    registers: Option<Registers>,
    cause: String,
) -> Result<Served, String> {
    let proven = engine.db.read(|read| rows::proven(read, name, active)).map_err(|problem| problem.detail)?;
    for version in proven {
        if let Ok(registers) = load(engine, name, version)? {
            log::error!("version {version} of the script {name} serves in its place");
            return Ok(Served { active, version, registers: Some(registers), failure: Some(cause) });
        }
    }
    Ok(Served { active, version: active, registers, failure: Some(cause) })
}

/// Keeps what a version registers, so that it is known also while the process does not serve.
fn keep(engine: &Engine, name: &str, found: &Served) {
    let Some(registers) = found.registers.clone() else { return };
    let (script, n) = (name.to_owned(), found.version);
    let kept: Result<(), Problem> =
        engine.db.write(move |tx| rows::keep_registers(tx, &script, n, &registers));
    if let Err(problem) = kept {
        log::warn!("could not keep what the script {name} registers: {}", problem.detail);
    }
}
