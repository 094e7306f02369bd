//! `jackfield account`: passwords of accounts from the terminal.

use std::io;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use super::admin::first_line;
use super::appliance::Appliance;
use super::output::Output;
use crate::config::Config;

/// What to do with accounts.
#[derive(Subcommand)]
pub enum Verb {
    /// Set or remove the password with which the account's user signs in to chat
    Password {
        /// The account, as its enterprise's id and its login ID
        #[arg(value_name = "ENTERPRISE/LOGIN")]
        account: String,
        #[command(flatten)]
        wish: Wish,
    },
}

/// One of the two.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Wish {
    /// Read the new password (8 to 256 characters) from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Take the password away
    #[arg(long)]
    remove: bool,
}

/// Does it.
pub fn run(config: &Config, verb: Verb, output: &Output) -> Result<(), Failure> {
    let Verb::Password { account, wish } = verb;
    let password = if wish.remove { None } else { Some(first_line(&mut io::stdin(), "password")?) };
    let appliance = Appliance::find(config)?;
    let (path, etag) = named(&appliance, &account)?;
    match password {
        Some(password) => {
            let body = json!({"password": password.reveal()});
            appliance.call("PUT", &format!("{path}/password"), Some(&etag), Some(&body))?;
            output.result(&appliance.get(&path)?.body, || format!("{account} has a new password."));
        }
        None => {
            appliance.call("DELETE", &format!("{path}/password"), Some(&etag), None)?;
            output.result(&appliance.get(&path)?.body, || format!("{account} has no password of its own."));
        }
    }
    appliance.close()
}

/// Path and version of an account. A login ID may hold a slash, an enterprise's id never does.
fn named(appliance: &Appliance, account: &str) -> Result<(String, String), Failure> {
    let Some((enterprise, login)) = account.split_once('/') else {
        let text = format!("{account:?} is no account: write ENTERPRISE/LOGIN, such as acme/jo.");
        return Err(Failure::Sentence(text));
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.append_pair("enterprise", enterprise).append_pair("login_id", login).finish();
    let list = appliance.get(&format!("/accounts?{query}"))?.body;
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    // A peer's user may have the same login ID, and has no password here.
    let own = items.iter().find(|item| item["peer"].is_null()).or(items.first());
    let Some(item) = own else {
        let text = format!("There is no account {login:?} in the enterprise {enterprise:?}.");
        return Err(Failure::Sentence(text));
    };
    let id = item["id"].as_str().map(ToOwned::to_owned).unwrap_or_default();
    Ok((format!("/accounts/{id}"), format!("\"{}\"", item["revision"])))
}
