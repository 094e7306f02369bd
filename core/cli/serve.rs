//! `jackfield serve`: the appliance itself.

use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::boot::{Boot, Greeting};
use crate::config::Config;

/// Starts the appliance, says where it is, and stays until it is asked to stop.
pub fn run(config: Config, output: &Output) -> Result<(), Failure> {
    crate::logging::start(config.level, config.format);
    let boot = Boot::start(config).map_err(|cause| format!("Jackfield cannot start. {cause}"))?;
    greet(&boot.greeting(), output);
    Ok(boot.run()?)
}

fn greet(greeting: &Greeting, output: &Output) {
    let Greeting { urls, fingerprint, claim_code } = greeting;
    let code = claim_code.as_ref().map(|code| code.reveal());
    let value = json!({"console": urls, "certificate_sha256": fingerprint, "claim_code": code});
    output.result(&value, || {
        let mut lines = vec!["Jackfield is ready.".to_owned(), format!("Console      {}", urls.join("  "))];
        lines.push(format!("Certificate  SHA-256 {fingerprint}"));
        lines.extend(code.map(|code| format!("Claim code   {code}  (enter it on the console's first page)")));
        lines.join("\n")
    });
}
