//! Synchronizations for plugins that hold `directory/1`: they read a source, the engine decides what becomes of it.

use std::sync::Arc;

use jackfield_abi::ops::{self, Code, DirectoryGone, DirectoryOpened, DirectoryPut, Failure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::services::read;
use super::writing::of_problem;
use crate::engine::{Engine, synchronization};

/// How the names of these operations begin.
pub const AREA: &str = "directory.";

#[derive(Deserialize)]
struct Named {
    run: String,
}

/// Answers one of the operations of directories.
pub fn call(engine: &Arc<Engine>, plugin: &str, op: &str, args: Value) -> Result<Value, Failure> {
    let runs = &engine.runs;
    let answer = match op {
        ops::DIRECTORY_OPEN => {
            runs.open(engine, plugin, read(args)?).map(|run| json!(DirectoryOpened { run }))
        }
        ops::DIRECTORY_PUT => {
            let DirectoryPut { run, entries } = read(args)?;
            runs.put(engine, plugin, &run, &entries).map(|taken| json!(taken))
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
        ops::PEER_DOMAIN => synchronization::note_domain(engine, read(args)?).map(|()| json!({})),
        other => {
            let text = format!("this appliance does not know the operation {other:?}");
            return Err(Failure::new(Code::NotFound, text));
        }
    };
    answer.map_err(of_problem)
}
