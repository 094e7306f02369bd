//! Chat messages for plugins that hold `message/1`: they carry them, the engine keeps them.

use std::sync::Arc;

use jackfield_abi::ops::{
    self, Failure, MessageAccepted, MessageHistory, MessagePending, MessageSearch, MessageTaken,
    MessagesAccepted, NewMessage,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::services::read;
use super::writing::of_problem;
use crate::catalog::problems::Problem;
use crate::catalog::settings::MESSAGES_ARCHIVED;
use crate::engine::change::{Origin, Precondition};
use crate::engine::messages::{self, Accepted, Waiting};
use crate::engine::{Engine, Mode, clock, settings};
use crate::host::{Written, wire};

/// How the names of these operations begin.
pub const AREA: &str = "message.";

#[derive(Deserialize)]
struct Ids {
    ids: Vec<String>,
}

#[derive(Deserialize)]
struct Failed {
    ids: Vec<String>,
    reason: String,
}

#[derive(Deserialize)]
struct All {
    messages: Vec<NewMessage>,
}

#[derive(Deserialize)]
struct Archive {
    archived: bool,
    who: String,
}

/// Answers one of those that every message comes by.
pub fn call_written(engine: &Engine, plugin: &str, op: &str, args: &RawValue) -> Option<Written> {
    Some(match op {
        ops::MESSAGE_ACCEPT_ALL => wire::arguments(args)
            .and_then(|asked| accept_all(engine, plugin, asked).map_err(of_problem))
            .and_then(|answer| wire::written(&answer)),
        ops::MESSAGE_DELIVERED => wire::arguments(args)
            .and_then(|asked: Ids| messages::delivered(engine, asked.ids).map_err(of_problem))
            .and_then(|count| wire::written(&json!({"delivered": count}))),
        _ => return None,
    })
}

/// Answers one of the other operations of messages.
pub fn call(engine: &Arc<Engine>, plugin: &str, op: &str, args: Value) -> Result<Value, Failure> {
    let answer = match op {
        ops::MESSAGE_ACCEPT => {
            let accepted = messages::accept(engine, plugin, read(args)?);
            accepted.map(|Accepted { id, at, duplicate }| {
                json!(MessageAccepted { id, at: clock::written(at), duplicate })
            })
        }
        ops::MESSAGE_PENDING => pending(engine, &read(args)?),
        ops::MESSAGE_FAILED => {
            let asked: Failed = read(args)?;
            messages::failed(engine, asked.ids, &asked.reason).map(|count| json!({"failed": count}))
        }
        ops::MESSAGE_SEARCH => {
            let asked: MessageSearch = read(args)?;
            messages::search(engine, &asked).map(|found| json!(found))
        }
        ops::MESSAGE_HISTORY => {
            let asked: MessageHistory = read(args)?;
            messages::history(engine, &asked).map(|found| json!(found))
        }
        ops::MESSAGE_ARCHIVE => archive(engine, plugin, read(args)?),
        other => {
            let text = format!("this appliance does not know the operation {other:?}");
            return Err(Failure::new(ops::Code::NotFound, text));
        }
    };
    answer.map_err(of_problem)
}

fn accept_all(engine: &Engine, plugin: &str, asked: All) -> Result<MessagesAccepted, Problem> {
    // Those that are new bear one time.
    let mut last = (0, String::new());
    let taken = messages::accept_all(engine, plugin, asked.messages)?.into_iter().map(|one| match one {
        Ok(Accepted { id, at, duplicate }) => {
            if last.1.is_empty() || last.0 != at {
                last = (at, clock::written(at));
            }
            MessageTaken { id, at: last.1.clone(), duplicate, failure: None }
        }
        Err(problem) => MessageTaken { failure: Some(of_problem(problem)), ..MessageTaken::default() },
    });
    Ok(MessagesAccepted { accepted: taken.collect() })
}

fn pending(engine: &Engine, asked: &MessagePending) -> Result<Value, Problem> {
    let whom = engine.db.read(|read| Waiting::of(read, asked))?;
    let found = messages::pending(engine, whom, asked.after, asked.limit)?;
    Ok(json!(found))
}

/// The same setting that an administrator has, so that the one shows what the other did.
fn archive(engine: &Arc<Engine>, plugin: &str, asked: Archive) -> Result<Value, Problem> {
    let from = format!("plugin {plugin}");
    // The setting is core's own, so putting it back is as well: a revision by way of a plugin would be the plugin's.
    let origin = Origin { who: asked.who, from, via: "api", request: String::new() };
    let setting = settings::declared(MESSAGES_ARCHIVED)?;
    let own = Arc::clone(engine);
    engine.change(origin, Mode::Commit, move |change| {
        let archived = json!(asked.archived);
        settings::set(change, &own.keyring, setting, &archived, &Precondition::Exists).map(drop)
    })?;
    Ok(json!({}))
}
