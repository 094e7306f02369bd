//! What is forgotten when it is old enough. Nothing is while the clock has leapt: what looks old may be young.

use crate::catalog::problems::Problem;
use crate::engine::access::sessions;
use crate::engine::{Engine, messages, photos, revisions, synchronization};

/// One round of all sweeps; one that fails is in the log, and keeps none of the others from running.
pub fn all(engine: &Engine) {
    told("write down how late it is", engine.leaps.keep(&engine.db));
    // Once for all of them.
    if let Err(problem) = engine.leaps.refuse() {
        return told("forget what is old", Err(problem));
    }
    told("forget old revisions", revisions::sweep(engine, |_| false).map(drop));
    told("drop sessions that are over", sessions::sweep(engine).map(drop));
    told("drop messages that are old enough", messages::sweep(engine).map(drop));
    told("forget photos that nobody has", photos::sweep(engine).map(drop));
    engine.runs.drop_silent();
    let expired = synchronization::expire(engine);
    if let Some(count) = expired.as_ref().ok().filter(|count| **count > 0) {
        log::info!("{count} accounts and contacts are deleted: their grace period is over");
    }
    told("delete whose grace period is over", expired.map(drop));
}

fn told(what: &str, swept: Result<(), Problem>) {
    if let Err(problem) = swept {
        log::warn!("could not {what}: {}", problem.detail);
    }
}
