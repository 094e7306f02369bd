//! Jackfield: one binary that is the appliance, its command line, and later its own child processes.

mod api;
mod boot;
mod catalog;
mod cli;
mod config;
mod console;
mod engine;
mod host;
mod http;
mod logging;
mod lua;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a plugin's process needs nothing of the command line.
    if std::env::args_os().nth(1).is_some_and(|verb| verb == host::VERB) {
        host::child::run();
    }
    if std::env::args_os().nth(1).is_some_and(|verb| verb == host::builtin::VERB) {
        cli::script_host::run();
    }
    cli::run()
}
