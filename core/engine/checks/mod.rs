//! Checks.

mod state;

pub use state::State;
