//! Presence for plugins that hold `presence/1`: telling what a world says, asking what to tell a world, and the
//! news of changes, which a plugin that is slow gets late but never loses.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::thread::Builder;
use std::time::Duration;

use jackfield_abi::ops::{
    self, Code, Event, Failure, PresenceGet, PresenceGovern, PresencePublish, PresenceRefused,
};
use serde_json::{Value, json};

use super::services::read;
use super::writing::of_problem;
use crate::catalog::events::PRESENCE_CHANGED;
use crate::engine::Engine;
use crate::engine::news::Position;
use crate::engine::presence::{self, AT_ONCE, Source, TEAMS_LASTS, Wish};
use crate::host::Host;

/// Longest time for which Teams stays on without being asked again, in seconds.
const GOVERN_MOST: u64 = 24 * 3600;
/// Accounts told to one plugin before others get their turn.
const TOLD_AT_ONCE: usize = 64;
/// How long a plugin that takes no more is left alone.
const PAUSE: Duration = Duration::from_millis(50);
/// How often the thread looks whether the appliance is ending.
const LOOK_UP: Duration = Duration::from_secs(1);

/// Answers one of the operations of presence.
pub fn call(engine: &Arc<Engine>, plugin: &str, op: &str, args: Value) -> Result<Value, Failure> {
    match op {
        ops::PRESENCE_PUBLISH => publish(engine, read(args)?),
        ops::PRESENCE_GET => get(engine, &read(args)?),
        _ => govern(engine, plugin, &read(args)?),
    }
}

fn publish(engine: &Engine, told: PresencePublish) -> Result<Value, Failure> {
    let source = source(&told.source)?;
    bounded(told.changes.len())?;
    let mut wishes = Vec::with_capacity(told.changes.len());
    for change in told.changes {
        let account: Arc<str> = change.account.as_str().into();
        let told = presence::told(source, change.state.as_deref(), &change.note, change.expires_in);
        let told = told.map_err(|detail| bad(format!("account {}: {detail}", change.account)))?;
        wishes.push(Wish { account, told });
    }
    let accounts: Vec<_> = wishes.iter().map(|wish| wish.account.to_string()).collect();
    let refused = engine.presence.tell(engine, source, wishes).map_err(of_problem)?;
    let named = |(index, problem): presence::Refused| PresenceRefused {
        account: accounts.get(index).cloned().unwrap_or_default(),
        detail: problem.detail,
    };
    Ok(json!({"refused": refused.into_iter().map(named).collect::<Vec<_>>()}))
}

fn get(engine: &Engine, asked: &PresenceGet) -> Result<Value, Failure> {
    bounded(asked.accounts.len())?;
    let without = asked.without.as_deref().map(source).transpose()?;
    let accounts = ids(&asked.accounts);
    let found = engine
        .presence
        .look(engine, &accounts, |id, person| person.map(|person| presence::of_person(id, person, without)));
    let found: Vec<_> = found.map_err(of_problem)?.into_iter().flatten().collect();
    Ok(json!({"presence": found}))
}

/// Meant for whoever speaks with Teams. Which plugin that is the appliance does not know, so any that holds `presence/1`
/// may; it lasts only while it is asked for again, and the log says who asked.
fn govern(engine: &Engine, plugin: &str, asked: &PresenceGovern) -> Result<Value, Failure> {
    bounded(asked.accounts.len())?;
    let lasts = asked.lasts.unwrap_or(TEAMS_LASTS);
    if lasts == 0 || lasts > GOVERN_MOST {
        return Err(bad(format!("lasts must be 1 to {GOVERN_MOST} seconds; {lasts} is not")));
    }
    let lasts = asked.on.then(|| Duration::from_secs(lasts));
    let unknown = engine.presence.govern(engine, &ids(&asked.accounts), lasts).map_err(of_problem)?;
    let switched = if asked.on { "on" } else { "off" };
    log::debug!("the plugin {plugin} switched Teams {switched} for {} accounts", asked.accounts.len());
    Ok(json!({"unknown": unknown.iter().map(|id| &**id).collect::<Vec<_>>()}))
}

fn ids(accounts: &[String]) -> Vec<Arc<str>> {
    accounts.iter().map(|id| id.as_str().into()).collect()
}

fn source(name: &str) -> Result<Source, Failure> {
    Source::parse(name).ok_or_else(|| bad(format!("{name:?} is no source; {} are", Source::NAMES.join(", "))))
}

fn bounded(accounts: usize) -> Result<(), Failure> {
    if accounts <= AT_ONCE {
        return Ok(());
    }
    Err(bad(format!("{accounts} accounts; {AT_ONCE} are allowed at a time")))
}

fn bad(text: String) -> Failure {
    Failure::new(Code::BadRequest, text)
}

/// Starts the thread that tells plugins whose presence is another.
pub fn carry(engine: &Arc<Engine>) -> Result<(), String> {
    let engine = Arc::downgrade(engine);
    let spawned = Builder::new().name("presence-news".to_owned()).spawn(move || carrying(&engine));
    spawned.map(drop).map_err(|e| format!("Cannot start the thread that tells plugins of presence: {e}."))
}

fn carrying(engine: &Weak<Engine>) {
    let mut places: HashMap<String, Position> = HashMap::new();
    let mut looked = None;
    while let Some(engine) = engine.upgrade() {
        let here = engine.news.here();
        // Who follows since the last look is told all since then: their first change may be what woke this one.
        let since = looked.replace(here).unwrap_or(here);
        let mut is_anybody_full = false;
        if let Some(host) = engine.plugins.get() {
            let following = following(host);
            places.retain(|id, _| following.contains(id));
            for id in following {
                let place = places.entry(id.clone()).or_insert(since);
                is_anybody_full |= !tell(&engine, host, &id, place);
            }
        }
        match (is_anybody_full, places.is_empty()) {
            (true, _) => std::thread::sleep(PAUSE),
            (false, true) => std::thread::sleep(LOOK_UP),
            (false, false) => engine.news.await_after(here, LOOK_UP),
        }
    }
}

fn following(host: &Host) -> Vec<String> {
    let wanting = host.manifests().into_iter().filter(|manifest| manifest.wants(PRESENCE_CHANGED.name));
    wanting.map(|manifest| manifest.id.clone()).collect()
}

/// Tells one plugin what it has not been told; whether it took all that it was offered.
fn tell(engine: &Engine, host: &Host, id: &str, place: &mut Position) -> bool {
    loop {
        let news = engine.news.presence_after(*place, TOLD_AT_ONCE);
        let Some((last, _)) = news.last().cloned() else { return true };
        for (position, account) in news {
            let event = Event { event: PRESENCE_CHANGED.name.to_owned(), object: account.to_string() };
            if !host.tell(id, &event) {
                return false;
            }
            *place = position;
        }
        *place = last;
    }
}
