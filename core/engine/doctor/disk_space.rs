//! Whether there is room to go on writing.

use super::{Check, Finding, State};
use crate::engine::Engine;

const MIB: u64 = 1024 * 1024;
const WARN_BELOW: u64 = 512 * MIB;
const FAIL_BELOW: u64 = 32 * MIB;

/// The check.
pub static CHECK: Check = Check { name: "disk_space", gates_readiness: true, run };

fn run(engine: &Engine) -> Finding {
    let folder = engine.state.path();
    let advice = format!("Free space on the file system of {}.", folder.display());
    let free = match rustix::fs::statvfs(folder) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => return Finding::bad(State::Unknown, format!("cannot ask: {error}"), advice),
    };
    let detail = format!("{} MiB free", free / MIB);
    match free {
        ..FAIL_BELOW => Finding::bad(State::Problem, detail, advice),
        FAIL_BELOW..WARN_BELOW => Finding::bad(State::Warning, detail, advice),
        _ => Finding::ok(detail),
    }
}
