//! The harness: an [`Appliance`] is a real process in a private directory, a [`Client`] speaks HTTPS to it,
//! an [`Answer`] knows how to be checked, and [`site`] sets up what most tests need. Leaves out any knowledge
//! of the appliance's inside: it has only the command line, the API and the files.

mod answer;
mod appliance;
mod certificates;
mod client;
mod files;
mod follower;
mod namespace;
mod photo;
mod plugins;
mod process;
mod site;
mod small_disk;

use std::path::Path;
use std::process::Command;

pub use answer::Answer;
pub use appliance::{Appliance, binary, is_readable};
pub use certificates::{Pair, with_certificate};
pub use client::Client;
pub use files::{APPLICATION_ID, USER_VERSION, assert_unchanged, header, set_header, snapshot};
pub use follower::{Follower, READ};
pub use namespace::Namespace;
pub use photo::{jpeg, not_photos, png, sha1};
pub use plugins::{await_plugin, await_that, awaited, is_alive, plugin, signal};
pub use process::{Outcome, Process, free_port};
pub use site::{Site, account, all_pages, enterprise_body, node, sister, site, site_named, with};
pub use small_disk::SmallDisk;

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace")
}

/// Longest run of a foreign tool, in seconds.
const TOOL_SECONDS: &str = "600";

/// Runs a program of the tests' Python environment in a folder; returns what it printed. The panic shows it
/// when the program fails, or says how to make the environment.
#[track_caller]
pub fn run_tool(name: &str, args: &[&str], folder: &Path) -> String {
    let tool = workspace().join("target/venv/bin").join(name);
    assert!(tool.exists(), "{} is missing: `tests/run` installs what the tests need", tool.display());
    let mut command = Command::new("timeout");
    let run = command.arg(TOOL_SECONDS).arg(tool).args(args).current_dir(folder).output();
    let run = run.expect("`timeout` of coreutils runs");
    let said = [run.stdout, run.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(run.status.success(), "{name} {args:?} ended with {}: {said}", run.status);
    said
}
