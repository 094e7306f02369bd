//! Synchronizations for plugins that hold `directory/1`: they read a source, the engine decides what becomes of it.

use std::sync::Arc;

use jackfield_abi::ops::{self, Code, DirectoryGone, DirectoryOpened, DirectoryPut, Failure};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::services::read;
use super::writing::of_problem;
use crate::engine::{Engine, synchronization};
use crate::host::{Written, wire};

/// How the names of these operations begin.
pub const AREA: &str = "directory.";

#[derive(Deserialize)]
struct Named {
    run: String,
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    after: Option<String>,
}

/// Answers what comes by the hundred thousand from the text as it came; none: it is another operation.
pub fn call_written(engine: &Engine, plugin: &str, op: &str, args: &RawValue) -> Option<Written> {
    let put =
        |DirectoryPut { run, entries }| engine.runs.put(engine, plugin, &run, &entries).map_err(of_problem);
    (op == ops::DIRECTORY_PUT)
        .then(|| wire::arguments(args).and_then(put).and_then(|taken| wire::written(&taken)))
}

/// Answers one of the other operations of directories.
pub fn call(engine: &Arc<Engine>, plugin: &str, op: &str, args: Value) -> Result<Value, Failure> {
    let runs = &engine.runs;
    let answer = match op {
        ops::DIRECTORY_OPEN => {
            runs.open(engine, plugin, read(args)?).map(|run| json!(DirectoryOpened { run }))
        }
        ops::DIRECTORY_GONE => {
            let DirectoryGone { run, keys } = read(args)?;
            runs.gone(engine, plugin, &run, &keys).map(|()| json!({}))
        }
        ops::DIRECTORY_CLOSE => runs.close(engine, plugin, &read(args)?).map(|closed| json!(closed)),
        ops::DIRECTORY_DROP => {
            let Named { run } = read(args)?;
            runs.drop_one(plugin, &run);
            Ok(json!({}))
        }
        ops::DIRECTORY_FORGET => runs.forget(engine, plugin, &read(args)?).map(|forgotten| json!(forgotten)),
        ops::DIRECTORY_SINCE => {
            let Since { after } = read(args)?;
            let news = engine.db.read(|read| synchronization::since(read, after.as_deref()));
            news.map(|news| json!(news))
        }
        ops::PEER_DOMAIN => synchronization::note_domain(engine, read(args)?).map(|()| json!({})),
        other => {
            let text = format!("this appliance does not know the operation {other:?}");
            return Err(Failure::new(Code::NotFound, text));
        }
    };
    answer.map_err(of_problem)
}
