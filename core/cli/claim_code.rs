//! `jackfield claim-code`: shows the code that makes the first administrator.

use serde_json::json;

use super::Failure;
use super::appliance::Appliance;
use super::output::Output;
use crate::config::Config;

/// Shows the code, or says that there is none any more.
pub fn run(config: &Config, output: &Output) -> Result<(), Failure> {
    let appliance = Appliance::find(config)?;
    let status = appliance.get("/claim/code")?.body;
    appliance.close()?;
    let Some(code) = status["code"].as_str() else {
        return Err(Failure::Sentence(
            "The appliance has an administrator already. `jackfield admin create` makes another one."
                .to_owned(),
        ));
    };
    output.result(&json!({"code": code}), || code.to_owned());
    Ok(())
}
