//! Jackfield: one binary that is the appliance, its command line, and later its own child processes.

mod api;
mod boot;
mod catalog;
mod cli;
mod config;
mod console;
mod engine;
mod http;
mod logging;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
