//! `jackfield doctor`: runs every check and says what to do. Exit code 1 when one found a problem.

use super::Failure;
use super::appliance::Appliance;
use super::output::{Output, rows, table};
use crate::config::Config;

/// Runs the doctor.
pub fn run(config: &Config, output: &Output) -> Result<(), Failure> {
    let appliance = Appliance::find(config)?;
    let running = appliance.is_running();
    let findings = appliance.get("/doctor")?.body;
    appliance.close()?;
    output.result(&findings, || {
        let table = table(
            &["CHECK", "STATE", "SEEN", "WHAT TO DO"],
            &rows(&findings, &["name", "state", "detail", "advice"]),
        );
        if running {
            table
        } else {
            format!("The appliance does not run; its parts report nothing.\n{table}")
        }
    });
    let items = findings["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.iter().any(|item| item["state"] == "problem") { Err(Failure::Said) } else { Ok(()) }
}
