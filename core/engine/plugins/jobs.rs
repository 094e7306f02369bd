//! Jobs that plugins ask for themselves, at once or by the clock; only those that their manifests name.

use std::sync::Arc;

use jackfield_abi::ops::{Code, Failure, JobPlans};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::writing::of_problem;
use crate::engine::Engine;
use crate::engine::jobs::{self, Order};
use crate::engine::objects::text;
use crate::engine::schedule::plans;

/// A job that a plugin asks for.
#[derive(Deserialize)]
pub struct Wanted {
    name: String,
    #[serde(default)]
    input: Value,
    who: String,
}

/// Queues one.
pub fn queue(engine: &Arc<Engine>, plugin: &str, wanted: Wanted) -> Result<Value, Failure> {
    refuse_unknown(engine, plugin, &wanted.name)?;
    let order = Order { plugin: plugin.to_owned(), name: wanted.name, input: wanted.input, who: wanted.who };
    let queued = engine.db.write(move |tx| jobs::queue(tx, &order)).map_err(of_problem)?;
    engine.jobs.rouse();
    Ok(json!({"job": text(&queued, "id")}))
}

/// Exchanges the plans.
pub fn plan(engine: &Arc<Engine>, plugin: &str, given: JobPlans) -> Result<Value, Failure> {
    given.plans.iter().try_for_each(|plan| refuse_unknown(engine, plugin, &plan.job))?;
    let plugin = plugin.to_owned();
    let next = engine.db.write(move |tx| plans::replace(tx, &plugin, &given.plans, Timestamp::now()));
    Ok(json!({"next": next.map_err(of_problem)?}))
}

fn refuse_unknown(engine: &Engine, plugin: &str, job: &str) -> Result<(), Failure> {
    let manifests = engine.plugins.get().map(crate::host::Host::manifests).unwrap_or_default();
    let manifest = manifests.iter().find(|manifest| manifest.id == plugin);
    if manifest.is_some_and(|manifest| manifest.jobs.iter().any(|known| known.name == job)) {
        return Ok(());
    }
    Err(Failure::new(Code::NotFound, format!("the manifest does not list {job:?} under jobs")))
}
