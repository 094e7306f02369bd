//! `jackfield token`: API tokens from the terminal. A new token is printed once.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Failure;
use super::admin::named;
use super::appliance::Appliance;
use super::output::{Output, rows, table};
use crate::config::Config;

/// What to do with tokens.
#[derive(Subcommand)]
pub enum Verb {
    /// List tokens, never their values
    List,
    /// Make a token and print it, once
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// viewer, operator or admin
        #[arg(long)]
        role: String,
        /// Narrow it to these rights, such as accounts:read
        #[arg(long, value_delimiter = ',', value_name = "RIGHT")]
        scope: Vec<String>,
        /// When it stops working, RFC 3339
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// Revoke a token
    Revoke {
        /// Name of the token
        name: String,
    },
}

/// Does it.
pub fn run(config: &Config, verb: Verb, output: &Output) -> Result<(), Failure> {
    let appliance = Appliance::find(config)?;
    match verb {
        Verb::List => {
            let list = appliance.get("/tokens?limit=500")?.body;
            let fields = ["name", "role", "scopes", "expires_at", "created_at"];
            output.result(&list, || {
                table(&["NAME", "ROLE", "SCOPES", "EXPIRES", "MADE"], &rows(&list, &fields))
            });
        }
        Verb::Create { name, role, scope, expires_at } => {
            let scopes = if scope.is_empty() { Value::Null } else { json!(scope) };
            let body = json!({"name": name, "role": role, "scopes": scopes, "expires_at": expires_at});
            let made = appliance.call("POST", "/tokens", None, Some(&body))?.body;
            output.result(&made, || made["token"].as_str().unwrap_or_default().to_owned());
        }
        Verb::Revoke { name } => {
            let (path, etag) = named(&appliance, "tokens", &name)?;
            appliance.call("DELETE", &path, Some(&etag), None)?;
            output.result(&Value::Null, || format!("The token {name} is revoked."));
        }
    }
    appliance.close()
}
