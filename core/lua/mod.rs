//! The site's own scripts: each version in an engine of its own with bounds of memory, steps and time, an
//! allow-list instead of a library, and strictly read answers. Runs in a child process that `host` supervises;
//! this part knows neither that process nor the engine, only the messages ([`jackfield_abi`]) and the
//! catalogue of hooks. The only folder that names mlua.

mod checking;
mod context;
mod dialing;
mod duration;
mod errors;
mod events;
mod helpers;
mod hosts;
mod lane;
mod loading;
mod meter;
#[cfg(test)]
mod reference;
mod register;
mod sandbox;
mod text;
mod unit;
mod values;
mod verdicts;
mod vm;
mod wire;

#[cfg(test)]
mod tests;

pub use unit::ScriptHost;

/// Most memory of one engine, in bytes.
pub const MEMORY_BYTES: usize = 12 * 1024 * 1024;
/// Longest script, in bytes.
pub const SOURCE_BYTES: usize = 256 * 1024;
