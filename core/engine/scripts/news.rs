//! Tells scripts what happened in the appliance: those that asked for it, in order, on threads of its own, so
//! that whoever publishes never waits for a script. Presence is told out of the log of news: scripts that are slow
//! miss changes in between, never an account's last, and nothing of it is kept anywhere else.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Weak};
use std::thread::Builder;
use std::time::Duration;

use jackfield_abi::ops::Failure;
use serde::Deserialize;
use serde_json::{Value, json};

use super::audience::Audience;
use super::child;
use super::serving::Served;
use crate::catalog::events::PRESENCE_CHANGED;
use crate::catalog::hooks::{EVENT, EVENT_TELL, SCRIPTS};
use crate::engine::Engine;
use crate::engine::events::Fired;
use crate::engine::news::News;

/// News that waits to be told.
const NEWS: usize = 1024;
/// What the way there and back may take, beyond the scripts' own time.
const MARGIN: Duration = Duration::from_secs(2);
/// Accounts whose presence is read at once.
const AT_ONCE: usize = 64;
/// How often an account's presence is told while the scripts' process does not answer; one that ends the process
/// each time must not keep all others from being told.
const TRIES: usize = 3;
/// How long that process is left alone then.
const ALONE: Duration = Duration::from_secs(1);
/// How often the thread looks whether the appliance is ending while scripts listen and nothing happens.
const LOOK_UP: Duration = Duration::from_secs(30);

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
    begin("script-news", move || {
        for fired in receiver {
            let Some(engine) = weak.upgrade() else { return };
            if let Err(failure) = tell(&engine, &fired) {
                log::warn!("scripts were not told of {} {}: {failure}", fired.event, fired.object);
            }
        }
    })?;
    engine.bus.listen(move |fired| {
        if sender.try_send(fired.clone()).is_err() {
            log::warn!("too much news at once: scripts were not told of {} {}", fired.event, fired.object);
        }
    });
    let (weak, news) = (Arc::downgrade(engine), Arc::clone(&engine.news));
    let audience = Arc::clone(&engine.scripts.audience);
    begin("script-presence", move || carry_presence(&weak, &audience, &news))
}

fn begin(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let spawned = Builder::new().name(name.to_owned()).spawn(work);
    spawned.map(drop).map_err(|e| format!("Cannot start the thread that tells scripts what happened: {e}."))
}

/// Presence is in the log of news alone, not on the bus: there are thousands of changes in a second. The engine is held
/// only while there is something to do.
fn carry_presence(engine: &Weak<Engine>, audience: &Audience, news: &News) {
    let (mut heard, mut place) = (audience.since(), news.here());
    while !heard.is_over {
        let Some(engine) = engine.upgrade() else { return };
        let hearers = hearers(&engine, PRESENCE_CHANGED.name);
        if hearers.iter().all(|hearer| hearer.rests.is_some()) {
            // Whoever has rested is told what happens from then on.
            let rest = hearers.iter().filter_map(|hearer| hearer.rests).min();
            drop(engine);
            let next = audience.await_another(heard, rest);
            place = if next == heard { news.here() } else { next.place };
            heard = next;
            continue;
        }
        let here = news.here();
        let found = news.presence_after(place, AT_ONCE);
        for (position, account) in &found {
            tell_presence(&engine, account);
            place = *position;
        }
        drop(engine);
        if found.is_empty() {
            place = here;
            news.await_after(here, LOOK_UP);
        }
        heard = audience.since();
    }
}

fn tell_presence(engine: &Arc<Engine>, account: &str) {
    let fired = Fired { event: PRESENCE_CHANGED.name.to_owned(), object: account.to_owned() };
    for attempt in 1..=TRIES {
        let Err(failure) = tell(engine, &fired) else { return };
        log::warn!(
            "scripts were not told of {} {account} at attempt {attempt} of {TRIES}: {failure}",
            fired.event
        );
        std::thread::sleep(ALONE);
    }
}

/// A script that wants to be told of an event.
struct Hearer {
    script: String,
    version: i64,
    /// For how long it is not told because it failed again and again.
    rests: Option<Duration>,
}

fn hearers(engine: &Engine, event: &str) -> Vec<Hearer> {
    let hook = format!("{}{event}", EVENT.name);
    let all = engine.scripts.all().into_iter();
    let wanting =
        all.filter(|(_, one)| one.registers.as_ref().is_some_and(|registers| registers.wants(event)));
    let hearer = |(script, one): (String, Served)| {
        let rests = engine.scripts.tallies.skipped_for(&script, &hook);
        Hearer { script, version: one.version, rests }
    };
    wanting.map(hearer).collect()
}

/// The scripts that are told of an event, with the versions that serve.
fn listening(engine: &Engine, event: &str) -> Vec<(String, i64)> {
    let awake = hearers(engine, event).into_iter().filter(|hearer| hearer.rests.is_none());
    awake.map(|hearer| (hearer.script, hearer.version)).collect()
}

fn tell(engine: &Engine, fired: &Fired) -> Result<(), Failure> {
    let listening = listening(engine, &fired.event);
    if listening.is_empty() {
        return Ok(());
    }
    let scripts: Vec<Value> =
        listening.iter().map(|(name, version)| json!({"name": name, "version": version})).collect();
    let args = json!({"event": fired.event, "object": fired.object, "scripts": scripts});
    let count = u32::try_from(listening.len()).unwrap_or(u32::MAX);
    let within = EVENT.longest().saturating_mul(count) + MARGIN;
    let answer = child::ask(engine, SCRIPTS, EVENT_TELL, &args, within)?;
    count_failures(engine, &format!("{}{}", EVENT.name, fired.event), &listening, answer);
    Ok(())
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
