//! `jackfield settings`: settings in the database from the terminal.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Failure;
use super::appliance::Appliance;
use super::output::{Output, cell, rows, table};
use crate::config::Config;

/// What to do with settings.
#[derive(Subcommand)]
pub enum Verb {
    /// List all settings
    List,
    /// Print one value
    Get {
        /// Name such as site.name
        name: String,
    },
    /// Give a setting a value
    Set {
        /// Name such as site.name
        name: String,
        /// The value; JSON where it is not text
        value: String,
    },
    /// Let a setting follow its default again
    Unset {
        /// Name such as site.name
        name: String,
    },
}

/// Does it.
pub fn run(config: &Config, verb: Verb, output: &Output) -> Result<(), Failure> {
    let appliance = Appliance::find(config)?;
    match verb {
        Verb::List => {
            let list = appliance.get("/settings")?.body;
            output.result(&list, || {
                table(
                    &["NAME", "VALUE", "DEFAULT", "MEANING"],
                    &rows(&list, &["name", "value", "default", "help"]),
                )
            });
        }
        Verb::Get { name } => {
            let setting = appliance.get(&path(&name))?.body;
            output.result(&setting, || cell(&setting["value"]));
        }
        Verb::Set { name, value } => {
            let before = appliance.get(&path(&name))?;
            let value = typed(&value, &before.body["default"]);
            let after = appliance
                .call("PUT", &path(&name), before.etag.as_deref(), Some(&json!({"value": value})))?
                .body;
            output.result(&after, || format!("{name} is {}.", cell(&after["value"])));
        }
        Verb::Unset { name } => {
            let before = appliance.get(&path(&name))?;
            let after = appliance.call("DELETE", &path(&name), before.etag.as_deref(), None)?.body;
            output.result(&after, || format!("{name} follows its default again: {}.", cell(&after["value"])));
        }
    }
    appliance.close()
}

fn path(name: &str) -> String {
    format!("/settings/{}", percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC))
}

/// What was typed, as text where the setting is text, else as the JSON it looks like.
fn typed(value: &str, default: &Value) -> Value {
    match default {
        Value::String(_) => value.into(),
        _ => serde_json::from_str(value).unwrap_or_else(|_| value.into()),
    }
}
