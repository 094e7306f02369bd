//! Whether the TLS door's loop is turning; the door reports it.

use super::Check;

/// The check.
pub static CHECK: Check =
    Check { name: "door", gates_readiness: true, run: |engine| engine.board.read("door") };
