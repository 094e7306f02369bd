//! `jackfield settings`: settings in the database from the terminal.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Failure;
use super::admin::first_line;
use super::appliance::Appliance;
use super::output::{Output, cell, rows, table};
use crate::config::Config;
use crate::engine::secrets::Secret;

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
        #[arg(required_unless_present = "value_stdin", conflicts_with = "value_stdin")]
        value: Option<String>,
        /// Read the value from the first line of standard input, so that a secret is in no list of processes
        #[arg(long)]
        value_stdin: bool,
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
                let mut lines = rows(&list, &["name", "value", "default", "help"]);
                let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
                lines.iter_mut().zip(items).for_each(|(line, setting)| line[1] = shown(setting));
                table(&["NAME", "VALUE", "DEFAULT", "MEANING"], &lines)
            });
        }
        Verb::Get { name } => {
            let setting = appliance.get(&path(&name))?.body;
            output.result(&setting, || shown(&setting));
        }
        Verb::Set { name, value, .. } => {
            let given = match value {
                Some(value) => Secret::new(value),
                None => first_line(&mut std::io::stdin(), "value")?,
            };
            let before = appliance.get(&path(&name))?;
            let value = typed(given.reveal(), &before.body);
            let after = appliance
                .call("PUT", &path(&name), before.etag.as_deref(), Some(&json!({"value": value})))?
                .body;
            output.result(&after, || match after["is_secret"] == true {
                true => format!("{name} is set."),
                false => format!("{name} is {}.", cell(&after["value"])),
            });
        }
        Verb::Unset { name } => {
            let before = appliance.get(&path(&name))?;
            let after = appliance.call("DELETE", &path(&name), before.etag.as_deref(), None)?.body;
            output.result(&after, || match after["is_secret"] == true {
                true => format!("{name} is not set any more."),
                false => format!("{name} follows its default again: {}.", cell(&after["value"])),
            });
        }
    }
    appliance.close()
}

/// Its value; of a secret, whether there is one.
fn shown(setting: &Value) -> String {
    match (setting["is_secret"] == true, setting["is_set"] == true) {
        (false, _) => cell(&setting["value"]),
        (true, true) => format!("(secret, set {})", cell(&setting["changed_at"])),
        (true, false) => "(secret, not set)".to_owned(),
    }
}

fn path(name: &str) -> String {
    format!("/settings/{}", percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC))
}

/// What was typed, as text where the setting is text, else as the JSON it looks like.
fn typed(value: &str, setting: &Value) -> Value {
    match &setting["default"] {
        Value::String(_) => value.into(),
        Value::Null if setting["is_secret"] == true => value.into(),
        _ => serde_json::from_str(value).unwrap_or_else(|_| value.into()),
    }
}
