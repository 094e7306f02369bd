//! `jackfield hook`: the site's scripts from the terminal.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::Failure;
use super::appliance::{Answer, Appliance};
use super::output::{Output, cell, rows, table};
use crate::config::Config;

/// More than the largest script, in bytes: what is larger is refused by the API's own words.
const MOST_BYTES: u64 = 900 * 1024;

/// What to do with scripts.
#[derive(Subcommand)]
pub enum Verb {
    /// List the scripts and how they do
    List,
    /// Show one script and what it registers; with --version the source of that version
    Show {
        /// Name of the script
        name: String,
        /// Number of a version
        #[arg(long, value_name = "N")]
        version: Option<u64>,
    },
    /// Try a file as a new version and keep it; what is active stays so
    Put {
        /// File with the source
        file: PathBuf,
        /// Name of the script; left out: the file's name without its ending
        #[arg(long)]
        name: Option<String>,
        /// What this version is for
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Let a version serve: the one that was put last, or the one named
    Publish {
        /// Name of the script
        name: String,
        /// Number of the version
        #[arg(long, value_name = "N")]
        version: Option<u64>,
    },
    /// Let the version serve again that was active before, or the one named
    Rollback {
        /// Name of the script
        name: String,
        /// Number of the version
        #[arg(long, value_name = "N")]
        version: Option<u64>,
    },
    /// List the versions of a script, newest first
    Versions {
        /// Name of the script
        name: String,
    },
    /// Ask what would be dialed if a candidate served: a file, or the version that was put last
    DryRun {
        /// Name of the script
        name: String,
        /// Number that is called
        to: String,
        /// Id of the PBX node that is called from
        #[arg(long, value_name = "ID")]
        node: String,
        /// File with the candidate
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Delete a script
    Delete {
        /// Name of the script
        name: String,
    },
}

/// Does it.
pub fn run(config: &Config, verb: Verb, output: &Output) -> Result<(), Failure> {
    let appliance = Appliance::find(config)?;
    match verb {
        Verb::List => list(&appliance, output)?,
        Verb::Show { name, version: None } => show(&appliance, &name, output)?,
        Verb::Show { name, version: Some(n) } => {
            let version = appliance.get(&format!("{}/versions/{n}", path(&name)))?.body;
            output.result(&version, || cell(&version["source"]));
        }
        Verb::Put { file, name, note } => put(&appliance, &file, name, &note, output)?,
        Verb::Publish { name, version } => swap(&appliance, &name, "publish", version, output)?,
        Verb::Rollback { name, version } => swap(&appliance, &name, "rollback", version, output)?,
        Verb::Versions { name } => {
            let list = appliance.get(&format!("{}/versions", path(&name)))?.body;
            let heading = ["VERSION", "AT", "BY", "FIRST PUBLISHED", "BYTES", "NOTE"];
            let fields = ["version", "at", "author", "published_at", "bytes", "note"];
            output.result(&list, || table(&heading, &rows(&list, &fields)));
        }
        Verb::DryRun { name, to, node, file } => {
            let source = file.as_deref().map(read).transpose()?;
            let body = json!({"source": source, "node": node, "to": to});
            let answer = appliance.call("POST", &format!("{}:dry-run", path(&name)), None, Some(&body))?.body;
            output.result(&answer, || trace(&answer));
        }
        Verb::Delete { name } => {
            let before = appliance.get(&path(&name))?;
            appliance.call("DELETE", &path(&name), before.etag.as_deref(), None)?;
            output.result(&Value::Null, || {
                format!("The script {name} is deleted; its revision can be undone.")
            });
        }
    }
    appliance.close()
}

fn path(name: &str) -> String {
    format!("/hooks/{}", percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC))
}

/// Every step with who did it, and what is dialed in the end.
fn trace(answer: &Value) -> String {
    let steps = answer["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row =
        |step: &Value| ["before", "after", "code", "source", "text"].map(|field| cell(&step[field])).to_vec();
    let shown =
        table(&["BEFORE", "AFTER", "STEP", "SCRIPT", "WHAT"], &steps.iter().map(row).collect::<Vec<_>>());
    match answer["dialed"].as_str() {
        Some("") | None => format!("{shown}\nNothing is dialed."),
        Some(dialed) => format!("{shown}\nDialed: {dialed}"),
    }
}

fn list(appliance: &Appliance, output: &Output) -> Result<(), Failure> {
    let list = appliance.get("/hooks")?.body;
    let heading = ["SCRIPT", "STATE", "ACTIVE", "LATEST", "CALLS", "FAILURES", "WHY"];
    let fields = ["name", "state", "active", "latest", "calls", "failures", "reason"];
    output.result(&list, || table(&heading, &rows(&list, &fields)));
    Ok(())
}

fn show(appliance: &Appliance, name: &str, output: &Output) -> Result<(), Failure> {
    let script = appliance.get(&path(name))?.body;
    output.result(&script, || {
        let mut lines: Vec<Vec<String>> = Vec::new();
        for field in
            ["state", "reason", "active", "serving", "latest", "previous", "published_at", "published_by"]
        {
            lines.push(vec![field.to_owned(), cell(&script[field])]);
        }
        for error in [&script["last_error"]].into_iter().filter(|error| !error.is_null()) {
            let text =
                format!("{} ({} times, last {})", cell(&error["text"]), error["count"], cell(&error["at"]));
            lines.push(vec!["last_error".to_owned(), text]);
        }
        for one in script["registers"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let text = format!("{} (line {})", cell(&one["name"]), one["line"]);
            lines.push(vec![cell(&one["kind"]), text]);
        }
        table(&["SCRIPT", &cell(&script["name"])], &lines)
    });
    Ok(())
}

fn put(
    appliance: &Appliance,
    file: &Path,
    name: Option<String>,
    note: &str,
    output: &Output,
) -> Result<(), Failure> {
    let source = read(file)?;
    let stem = || file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.unwrap_or_else(stem);
    let etag = etag_if_any(appliance, &name)?;
    let body = json!({"source": source, "note": note});
    let kept = appliance.call("PUT", &path(&name), etag.as_deref(), Some(&body))?.body;
    output.result(&kept, || {
        let latest = &kept["latest"];
        match kept["active"] == *latest {
            true => format!("This is version {latest} of {name}, which serves already."),
            false => {
                format!("Version {latest} of {name} is kept. `jackfield hook publish {name}` lets it serve.")
            }
        }
    });
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    let cannot = |cause: &dyn std::fmt::Display| format!("Cannot read {}: {cause}.", file.display());
    let opened = std::fs::File::open(file).map_err(|e| cannot(&e))?;
    let mut bytes = Vec::new();
    opened.take(MOST_BYTES).read_to_end(&mut bytes).map_err(|e| cannot(&e))?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::Sentence(format!("{} is not text in UTF-8. Bytecode is never taken.", file.display()))
    })
}

/// The version of the script that is there; `None` where there is none yet.
fn etag_if_any(appliance: &Appliance, name: &str) -> Result<Option<String>, Failure> {
    match appliance.get(&path(name)) {
        Ok(Answer { etag, .. }) => Ok(etag),
        Err(Failure::Problem(problem)) if problem["status"] == 404 => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn swap(
    appliance: &Appliance,
    name: &str,
    verb: &str,
    version: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    let before = appliance.get(&path(name))?;
    let body = json!({"version": version});
    let place = format!("{}:{verb}", path(name));
    let after = appliance.call("POST", &place, before.etag.as_deref(), Some(&body))?.body;
    output.result(&after, || format!("Version {} of {name} serves.", after["active"]));
    Ok(())
}
