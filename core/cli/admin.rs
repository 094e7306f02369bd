//! `jackfield admin`: administrators from the terminal, and the way back in when a password is lost.

use std::io::{self, Read};

use clap::Subcommand;
use serde_json::{Value, json};

use super::Failure;
use super::appliance::Appliance;
use super::output::{Output, rows, table};
use crate::config::Config;
use crate::engine::secrets::Secret;

/// Longest password that is read, in bytes; the API has the real rule.
const MOST_BYTES: u64 = 1024;

/// What to do with administrators.
#[derive(Subcommand)]
pub enum Verb {
    /// List administrators
    List,
    /// Make an administrator
    Create {
        /// Name to sign in with
        name: String,
        /// viewer, operator or admin
        #[arg(long)]
        role: String,
        /// Read the password (12 to 128 characters) from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Give an administrator a new password; ends their sessions
    Password {
        /// Name of the administrator
        name: String,
        /// Read the password (12 to 128 characters) from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Delete an administrator
    Delete {
        /// Name of the administrator
        name: String,
    },
}

/// Does it.
pub fn run(config: &Config, verb: Verb, output: &Output) -> Result<(), Failure> {
    let password = match &verb {
        Verb::Create { .. } | Verb::Password { .. } => Some(first_line(&mut io::stdin(), "password")?),
        _ => None,
    };
    let password = password.as_ref().map(Secret::reveal);
    let appliance = Appliance::find(config)?;
    match verb {
        Verb::List => {
            let list = appliance.get("/admins?limit=500")?.body;
            output.result(&list, || {
                table(&["NAME", "ROLE", "MADE"], &rows(&list, &["name", "role", "created_at"]))
            });
        }
        Verb::Create { name, role, .. } => {
            let body = json!({"name": name, "role": role, "password": password});
            let made = appliance.call("POST", "/admins", None, Some(&body))?.body;
            output.result(&made, || format!("{name} is an administrator with the role {role}."));
        }
        Verb::Password { name, .. } => {
            let (path, etag) = named(&appliance, "admins", &name)?;
            let changed =
                appliance.call("PATCH", &path, Some(&etag), Some(&json!({"password": password})))?.body;
            output.result(&changed, || format!("{name} has a new password; their sessions have ended."));
        }
        Verb::Delete { name } => {
            let (path, etag) = named(&appliance, "admins", &name)?;
            appliance.call("DELETE", &path, Some(&etag), None)?;
            output.result(&Value::Null, || format!("{name} is no administrator any more."));
        }
    }
    appliance.close()
}

/// Path and version of the object that a person knows by its name.
pub fn named(appliance: &Appliance, kind: &str, name: &str) -> Result<(String, String), Failure> {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("name", name).finish();
    let list = appliance.get(&format!("/{kind}?{query}"))?.body;
    let Some(item) = list["items"].as_array().and_then(|items| items.first()) else {
        let (one, verb) = if kind == "admins" { ("administrator", "admin") } else { ("token", "token") };
        return Err(format!("There is no {one} {name:?}. `jackfield {verb} list` shows them all.").into());
    };
    let id = item["id"].as_str().unwrap_or_default();
    Ok((format!("/{kind}/{id}"), format!("\"{}\"", item["revision"])))
}

/// The first line of standard input, without its end.
pub fn first_line(input: &mut dyn Read, what: &str) -> Result<Secret, Failure> {
    let mut text = String::new();
    let read = input.take(MOST_BYTES).read_to_string(&mut text);
    read.map_err(|e| format!("Cannot read the {what} from standard input: {e}."))?;
    let line = Secret::new(text.lines().next().unwrap_or_default());
    zeroize::Zeroize::zeroize(&mut text);
    match line.reveal().is_empty() {
        true => {
            Err(Failure::Sentence(format!("Standard input is empty; send the {what} as its first line.")))
        }
        false => Ok(line),
    }
}
