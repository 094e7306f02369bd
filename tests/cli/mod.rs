//! Every verb of the command line as a person and as a program uses it, with and without a running appliance.
//! This file has what all verbs share; the rest is one file for each verb.

mod account;
mod admin;
mod check;
mod doctor;
mod settings;
mod token;

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::*;

/// The same deeds on an appliance that does not run and on one that does.
pub fn stopped_and_running(deeds: impl Fn(&Appliance)) {
    deeds(&Appliance::laid_out(|config| config));
    deeds(&Appliance::start());
}

/// A verb that must succeed in silence but for its result.
#[track_caller]
pub fn done(appliance: &Appliance, args: &[&str], stdin: &str) -> String {
    let outcome = appliance.cli(args, stdin);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{args:?}: {}", outcome.stdout);
    outcome.stdout
}

/// The same, for programs.
#[track_caller]
pub fn json(appliance: &Appliance, args: &[&str], stdin: &str) -> Value {
    parsed(&done(appliance, &[args, &["--json"]].concat(), stdin))
}

/// A verb that must find a problem: exit code 1, the sentence on standard error; with `--json` the same words
/// in a problem on standard output.
#[track_caller]
pub fn refused(appliance: &Appliance, args: &[&str], stdin: &str, words: &[&str]) {
    let outcome = appliance.cli(args, stdin);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{args:?}: {}", outcome.stderr);
    let machine = appliance.cli(&[args, &["--json"]].concat(), stdin);
    assert_eq!((machine.code, machine.stderr.as_str()), (1, ""), "{args:?} --json: {}", machine.stdout);
    let problem = parsed(&machine.stdout);
    for word in words {
        assert!(outcome.stderr.contains(word), "{args:?} does not say {word:?}: {}", outcome.stderr);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(word), "{args:?} --json does not say {word:?}: {problem}");
    }
}

#[track_caller]
fn parsed(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "one line of JSON: {text}");
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not JSON ({e}): {text}"))
}

#[test]
fn a_wrong_command_line_is_exit_code_2_and_names_what_is_meant() {
    let appliance = Appliance::laid_out(|config| config);
    let table: &[(&[&str], &str)] = &[
        (&["servee"], "'serve'"),
        (&["settings", "lst"], "'list'"),
        (&["settings", "get"], "<NAME>"),
        (&["token", "create", "--name", "job"], "--role <ROLE>"),
        (&["admin", "create", "bob", "--role", "admin"], "--password-stdin"),
        (&["check", "--jsn"], "'--json'"),
    ];
    for (args, meant) in table {
        let outcome = appliance.cli(args, "");
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{args:?}");
        assert!(outcome.stderr.contains(meant), "{args:?}: {}", outcome.stderr);
    }
    assert!(snapshot(&appliance.state()).is_empty(), "a wrong command line touched the state");
}

#[test]
fn a_mistake_in_the_configuration_is_told_by_every_verb() {
    let appliance = Appliance::laid_out(|config| config.replace("listen =", "lisen ="));
    for args in [&["check"][..], &["doctor"], &["claim-code"], &["admin", "list"], &["settings", "list"]] {
        refused(&appliance, args, "", &["unknown key lisen in [http]; did you mean listen?"]);
    }
    assert!(snapshot(&appliance.state()).is_empty());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let appliance = Appliance::start();
    for args in [&["settings", "list"][..], &["doctor"], &["--help"], &["settings", "list", "--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut verb = appliance.command(args);
        let mut verb = Process::start(verb.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()));
        let status = verb.wait(std::time::Duration::from_secs(10));
        let told = std::io::read_to_string(verb.child().stderr.take().unwrap()).unwrap();
        assert_eq!((status.code(), told.as_str()), (Some(0), ""), "{args:?}: {status}");
    }
}

#[test]
fn the_claim_code_is_shown_before_the_claim_and_not_after() {
    stopped_and_running(|appliance| {
        let code = done(appliance, &["claim-code"], "").trim().to_owned();
        assert_eq!(code.len(), "XXXX-XXXX-XXXX".len(), "{code}");
        assert_eq!(json(appliance, &["claim-code"], "")["code"], code.as_str());
        done(
            appliance,
            &["admin", "create", "alice", "--role", "admin", "--password-stdin"],
            admin::PASSWORD,
        );
        refused(appliance, &["claim-code"], "", &["has an administrator already", "jackfield admin create"]);
    });
}

#[test]
fn the_version_is_one_line() {
    let appliance = Appliance::laid_out(|config| config);
    let version = done(&appliance, &["--version"], "");
    assert!(version.starts_with("jackfield ") && version.lines().count() == 1, "{version}");
}

/// Help as a terminal of 100 columns shows it. `UPDATE_GOLDEN=1` writes the file anew.
#[test]
fn help_is_as_it_was_reviewed() {
    const VERBS: &[&str] = &[
        "",
        "serve",
        "check",
        "doctor",
        "claim-code",
        "admin",
        "admin list",
        "admin create",
        "admin password",
        "admin delete",
        "checks",
        "checks list",
        "checks run",
        "hook",
        "hook list",
        "hook show",
        "hook put",
        "hook publish",
        "hook rollback",
        "hook versions",
        "hook dry-run",
        "hook delete",
        "token",
        "token list",
        "token create",
        "token revoke",
        "settings",
        "settings list",
        "settings get",
        "settings set",
        "settings unset",
    ];
    let shown: String = VERBS.iter().map(|verb| help(verb)).collect();
    let golden = workspace().join("tests/golden/help.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &shown).unwrap();
    }
    let reviewed = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(shown == reviewed, "help has changed; review it and run with UPDATE_GOLDEN=1:\n{shown}");
}

fn help(verb: &str) -> String {
    let mut command = Command::new(binary());
    // The name of the file must not matter to the text that was reviewed.
    std::os::unix::process::CommandExt::arg0(&mut command, "jackfield");
    command.args(verb.split_whitespace()).arg("--help").env_clear().env("COLUMNS", "100");
    let outcome = Outcome::of(command, "");
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{verb} --help");
    format!("$ jackfield {}\n{}\n", format!("{verb} --help").trim(), outcome.stdout)
}
