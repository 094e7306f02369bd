//! `jackfield script-host ID`, hidden: the process of the appliance's own units. Joins its two halves, which do
//! not know each other: `host`, which binds the process and passes messages, and `lua`, which answers them.

use std::time::Duration;

use jackfield_abi::frame::Frame;

use crate::host::builtin;
use crate::host::child::Inside;
use crate::lua::ScriptHost;

#[cfg(test)]
mod tests;

/// Runs the process to its end.
pub fn run() -> ! {
    let id = std::env::args().nth(2).unwrap_or_default();
    builtin::run(move |send, hello| ScriptHost::start(&id, &hello.version, send))
}

impl Inside for ScriptHost {
    fn recv(&mut self, frame: &Frame) -> bool {
        Self::recv(self, frame)
    }

    fn stop(self: Box<Self>, within: Duration) {
        Self::stop(*self, within);
    }
}
