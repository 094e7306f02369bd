//! Whether the TLS door's certificate is valid for a while yet; the door reports it.

use super::Check;

/// The check.
pub static CHECK: Check =
    Check { name: "certificate", gates_readiness: false, run: |engine| engine.board.read("certificate") };
