//! Chat messages for plugins that hold `message/1`: they carry them, the engine keeps them.

use std::sync::Arc;

use jackfield_abi::ops::{
    self, Failure, MessageAccepted, MessageHistory, MessagePending, MessageSearch, MessageTaken,
    MessagesAccepted, NewMessage,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::services::read;
use super::writing::of_problem;
use crate::catalog::problems::Problem;
use crate::catalog::settings::MESSAGES_ARCHIVED;
use crate::engine::change::{Origin, Precondition};
use crate::engine::messages::{self, Accepted, Waiting};
use crate::engine::{Engine, Mode, clock, settings};

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

/// Answers one of the operations of messages.
pub fn call(engine: &Arc<Engine>, plugin: &str, op: &str, args: Value) -> Result<Value, Failure> {
    let answer = match op {
        ops::MESSAGE_ACCEPT => {
            let accepted = messages::accept(engine, plugin, read(args)?);
            accepted.map(|Accepted { id, at, duplicate }| {
                json!(MessageAccepted { id, at: clock::written(at), duplicate })
            })
        }
        ops::MESSAGE_ACCEPT_ALL => accept_all(engine, plugin, read(args)?),
        ops::MESSAGE_PENDING => pending(engine, &read(args)?),
        ops::MESSAGE_DELIVERED => {
            let asked: Ids = read(args)?;
            messages::delivered(engine, asked.ids).map(|count| json!({"delivered": count}))
        }
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

fn accept_all(engine: &Engine, plugin: &str, asked: All) -> Result<Value, Problem> {
    let taken = messages::accept_all(engine, plugin, asked.messages)?.into_iter().map(|one| match one {
        Ok(Accepted { id, at, duplicate }) => {
            MessageTaken { id, at: clock::written(at), duplicate, failure: None }
        }
        Err(problem) => MessageTaken { failure: Some(of_problem(problem)), ..MessageTaken::default() },
    });
    Ok(json!(MessagesAccepted { accepted: taken.collect() }))
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
