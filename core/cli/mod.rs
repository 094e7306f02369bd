//! The command line: one verb, one file. Verbs that read or change the appliance are calls of its API, over
//! the control socket when it runs and in this very process when it does not.

mod account;
mod admin;
mod appliance;
mod check;
mod checks;
mod claim_code;
mod doctor;
mod hook;
mod output;
mod plugin;
pub mod script_host;
mod serve;
mod settings;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, DEFAULT_FILE};
use output::Output;

/// How a verb ended, short of success.
pub enum Failure {
    /// Something is wrong; the sentence says what and what to do. Exit code 1.
    Sentence(String),
    /// A problem that the API answered. Exit code 1.
    Problem(serde_json::Value),
    /// Already said; only the exit code is left. Exit code 1.
    Said,
}

impl From<String> for Failure {
    fn from(sentence: String) -> Self {
        Self::Sentence(sentence)
    }
}

/// Jackfield joins a company's presence and chat with the worlds outside.
#[derive(Parser)]
#[command(name = "jackfield", version, disable_help_subcommand = true, max_term_width = 100)]
struct Arguments {
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the appliance
    Serve,
    /// Check configuration, keys, certificate and database without starting or changing anything
    Check,
    /// Examine the appliance and say what to do
    Doctor,
    /// Show the code that makes the first administrator
    ClaimCode,
    /// Accounts: set and remove the password with which a user signs in to chat
    #[command(subcommand)]
    Account(account::Verb),
    /// Administrators: list, make, set a password, delete
    #[command(subcommand)]
    Admin(admin::Verb),
    /// Checks that scripts bring, of clocks and ports: list, run now
    #[command(subcommand)]
    Checks(checks::Verb),
    /// API tokens: list, make, revoke
    #[command(subcommand)]
    Token(token::Verb),
    /// Plugins: list, restart, replace, switch off and on, sign
    #[command(subcommand)]
    Plugin(plugin::Verb),
    /// The site's scripts: list, show, put, publish, roll back, delete
    #[command(subcommand)]
    Hook(hook::Verb),
    /// Settings in the database: list, get, set, unset
    #[command(subcommand)]
    Settings(settings::Verb),
}

/// Runs the verb of the command line. Exit code: 0 well, 1 a problem was found, 2 the command line is wrong.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error),
    };
    let output = Output::new(arguments.json);
    match perform(arguments, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::FAILURE
        }
    }
}

fn perform(mut arguments: Arguments, output: &Output) -> Result<(), Failure> {
    // Keys and signatures are made where there is no appliance, and so no configuration.
    if let Verb::Plugin(verb) = arguments.verb {
        let Some(verb) = plugin::run_alone(verb, output)? else { return Ok(()) };
        arguments.verb = Verb::Plugin(verb);
    }
    let config = Config::read(&arguments.config)?;
    match arguments.verb {
        Verb::Serve => serve::run(config, output),
        Verb::Check => check::run(&config, output),
        Verb::Doctor => doctor::run(&config, output),
        Verb::ClaimCode => claim_code::run(&config, output),
        Verb::Account(verb) => account::run(&config, verb, output),
        Verb::Admin(verb) => admin::run(&config, verb, output),
        Verb::Checks(verb) => checks::run(&config, verb, output),
        Verb::Token(verb) => token::run(&config, verb, output),
        Verb::Plugin(verb) => plugin::run(&config, verb, output),
        Verb::Hook(verb) => hook::run(&config, verb, output),
        Verb::Settings(verb) => settings::run(&config, verb, output),
    }
}
