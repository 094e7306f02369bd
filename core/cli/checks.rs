//! `jackfield checks`: what scripts look at again and again. Exit code 1 when a check that was run is not well.

use clap::Subcommand;
use serde_json::Value;

use super::Failure;
use super::appliance::Appliance;
use super::output::{Output, cell, rows, table};
use crate::config::Config;

/// States of a run that are a problem found.
const BAD: &[&str] = &["unknown", "warning", "error", "critical"];

/// What to do with checks.
#[derive(Subcommand)]
pub enum Verb {
    /// List checks and how they stand
    List,
    /// Run a check now and say what it saw; the appliance must run
    Run {
        /// Name of the check, SCRIPT.CHECK
        name: String,
    },
}

/// Longest text in the table, in characters.
const WORDS: usize = 70;

/// Runs the verb.
pub fn run(config: &Config, verb: Verb, output: &Output) -> Result<(), Failure> {
    let appliance = Appliance::find(config)?;
    let outcome = match verb {
        Verb::List => list(&appliance, output),
        Verb::Run { name } => run_one(&appliance, &name, output),
    };
    appliance.close()?;
    outcome
}

fn list(appliance: &Appliance, output: &Output) -> Result<(), Failure> {
    let list = appliance.get("/checks")?.body;
    output.result(&list, || {
        let fields = ["name", "state", "since", "last_ok", "next_run", "detail", "advice"];
        let heading = ["CHECK", "STATE", "SINCE", "LAST OK", "NEXT RUN", "SEEN", "WHAT TO DO"];
        match list["items"].as_array().is_some_and(Vec::is_empty) {
            true => "No script brings a check.".to_owned(),
            false => table(&heading, &rows(&brief(&list), &fields)),
        }
    });
    Ok(())
}

/// The list with what fits into a line of a table; `checks run` and `--json` show all.
fn brief(list: &Value) -> Value {
    let mut list = list.clone();
    for check in list["items"].as_array_mut().into_iter().flatten() {
        for field in ["detail", "advice"] {
            let text = check[field].as_str().unwrap_or_default();
            let line: String = text.lines().next().unwrap_or_default().chars().take(WORDS).collect();
            let is_cut = line.len() < text.len();
            check[field] = (line + if is_cut { " …" } else { "" }).into();
        }
    }
    list
}

fn run_one(appliance: &Appliance, name: &str, output: &Output) -> Result<(), Failure> {
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let check = appliance.call("POST", &format!("/checks/{encoded}:run"), None, None)?.body;
    let run = &check["last_run"];
    output.result(&check, || {
        let shown = format!("{name}: {}. {}", cell(&run["outcome"]), cell(&run["detail"]));
        let advice = run["advice"].as_str().filter(|advice| !advice.is_empty());
        let advice = advice.map(|advice| format!("\n{advice}")).unwrap_or_default();
        let doubt = check["doubt"]
            .as_str()
            .map(|_| format!("\nThe check stays {} until another run confirms this.", cell(&check["state"])));
        shown + &advice + &doubt.unwrap_or_default()
    });
    let is_bad = run["outcome"].as_str().is_some_and(|outcome| BAD.contains(&outcome));
    if is_bad { Err(Failure::Said) } else { Ok(()) }
}
