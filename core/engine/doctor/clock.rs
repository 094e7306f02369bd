//! Whether the clock goes on evenly; one that has leapt ahead would make everything old at once.

use super::Check;

/// The check.
pub static CHECK: Check =
    Check { name: "clock", gates_readiness: false, run: |engine| engine.leaps.finding() };
