//! `jackfield plugin`: plugins from the terminal, and signing for those who package them.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::Failure;
use super::appliance::Appliance;
use super::output::{Output, cell, rows, table};
use crate::config::Config;
use crate::host::conformance::{self, Finding, Verdict};
use crate::host::sign;

/// What to do with plugins.
#[derive(Subcommand)]
pub enum Verb {
    /// List plugins and how they do; the appliance must run
    List,
    /// Stop a plugin and start it again
    Restart {
        /// Id of the plugin
        id: String,
    },
    /// Start what is in the plugin's folder now, without losing a request
    Replace {
        /// Id of the plugin
        id: String,
    },
    /// Switch a plugin off
    Disable {
        /// Id of the plugin
        id: String,
    },
    /// Switch a plugin on
    Enable {
        /// Id of the plugin
        id: String,
    },
    /// Forget a plugin's deaths and start it
    ClearQuarantine {
        /// Id of the plugin
        id: String,
    },
    /// Treat a plugin badly and say what it makes of it; needs no appliance
    Check {
        /// Folder with plugin.toml and the library, or a library alone
        target: PathBuf,
    },
    /// Make a key to sign plugins with; the public half goes to the folder keys beside the plugins
    Key {
        /// File for the private half
        file: PathBuf,
    },
    /// Sign the plugin in a folder: its library's SHA-256 goes into the manifest, and the manifest is signed
    Sign {
        /// Folder with plugin.toml and the library
        folder: PathBuf,
        /// File made by `jackfield plugin key`
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

/// Does what needs no appliance; gives back the verb that does.
pub fn run_alone(verb: Verb, output: &Output) -> Result<Option<Verb>, Failure> {
    match verb {
        Verb::Key { file } => {
            let public = sign::make_key(&file)?;
            let value = json!({"private": file, "public": public});
            output.result(&value, || {
                format!("Keep {} secret; install {} in keys/.", file.display(), public.display())
            });
        }
        Verb::Sign { folder, key } => {
            let manifest = sign::sign(&folder, &key)?;
            let value = json!({"id": manifest.id, "version": manifest.version, "sha256": manifest.sha256});
            output.result(&value, || format!("{} {} is signed.", manifest.id, manifest.version));
        }
        Verb::Check { target } => check(&target, output)?,
        other => return Ok(Some(other)),
    }
    Ok(None)
}

/// Prints a table of findings; exit code 1 when one is a problem.
fn check(target: &Path, output: &Output) -> Result<(), Failure> {
    let findings = conformance::check(Path::new("/proc/self/exe"), target)?;
    let word = |finding: &Finding| match finding.verdict {
        Verdict::Ok => "ok".to_owned(),
        Verdict::Problem => "problem".to_owned(),
    };
    output.result(&json!({"items": findings}), || {
        let row = |f: &Finding| vec![f.check.to_owned(), word(f), f.detail.clone()];
        table(&["CHECK", "STATE", "SEEN"], &findings.iter().map(row).collect::<Vec<_>>())
    });
    let has_problem = findings.iter().any(|finding| finding.verdict == Verdict::Problem);
    if has_problem { Err(Failure::Said) } else { Ok(()) }
}

/// Does what needs the appliance.
pub fn run(config: &Config, verb: Verb, output: &Output) -> Result<(), Failure> {
    let appliance = Appliance::find(config)?;
    match verb {
        Verb::List => {
            let list = appliance.get("/plugins")?.body;
            let fields = ["id", "version", "state", "since", "restarts", "reason"];
            let heading = ["PLUGIN", "VERSION", "STATE", "SINCE", "RESTARTS", "WHY"];
            output.result(&list, || table(&heading, &rows(&list, &fields)));
        }
        Verb::Restart { id } => order(&appliance, &id, "restart", output)?,
        Verb::Replace { id } => order(&appliance, &id, "replace", output)?,
        Verb::Disable { id } => order(&appliance, &id, "disable", output)?,
        Verb::Enable { id } => order(&appliance, &id, "enable", output)?,
        Verb::ClearQuarantine { id } => order(&appliance, &id, "clear-quarantine", output)?,
        Verb::Check { .. } | Verb::Key { .. } | Verb::Sign { .. } => {}
    }
    appliance.close()
}

fn order(appliance: &Appliance, id: &str, command: &str, output: &Output) -> Result<(), Failure> {
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    let status: Value = appliance.call("POST", &format!("/plugins/{id}:{command}"), None, None)?.body;
    output.result(&status, || {
        format!("{} is {}. {}", cell(&status["id"]), cell(&status["state"]), cell(&status["reason"]))
    });
    Ok(())
}
