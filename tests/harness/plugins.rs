//! Plugins of an [`Appliance`]: laid out, signed, awaited. Leaves out what they are asked, which is the
//! tests' own.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Appliance, Client};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// For what needs no back-off.
const SOON: Duration = Duration::from_secs(20);

impl Appliance {
    /// Starts an appliance with these plugins of the tree, and waits until each serves.
    pub fn with_plugins(names: &[&str]) -> Self {
        let mut appliance = Self::laid_out_with(names, |config| config);
        appliance.resume();
        appliance.await_up(names);
        appliance
    }

    /// Waits until each of these serves.
    #[track_caller]
    pub fn await_up(&self, names: &[&str]) {
        let admin = self.admin();
        names.iter().for_each(|name| drop(await_plugin(&admin, name, "up")));
    }

    /// Folder of a plugin.
    pub fn plugin_folder(&self, id: &str) -> PathBuf {
        self.folder().join("plugins").join(id)
    }

    /// Signs what is in a plugin's folder now with the key of this instance.
    pub fn sign_plugin(&self, id: &str) {
        self.sign_plugin_with(id, "site.key");
    }

    /// The same with another key of the instance's folder.
    #[track_caller]
    pub fn sign_plugin_with(&self, id: &str, key: &str) {
        let (folder, key) = (self.plugin_folder(id), self.folder().join(key));
        let (folder, key) = (folder.to_str().expect("UTF-8"), key.to_str().expect("UTF-8"));
        let signed = self.cli(&["plugin", "sign", folder, "--key", key], "");
        assert_eq!(signed.code, 0, "{}{}", signed.stdout, signed.stderr);
    }
}

/// How a plugin is now.
#[track_caller]
pub fn plugin(client: &Client, id: &str) -> Value {
    client.get(&format!("/plugins/{id}")).expect(200).json
}

/// Waits until a plugin is in that state; how it is then.
#[track_caller]
pub fn await_plugin(client: &Client, id: &str, state: &str) -> Value {
    await_that(client, id, SOON, state, |status| status["state"] == state)
}

/// Waits until a plugin's status is as it should be; `what` says how in words.
#[track_caller]
pub fn await_that(
    client: &Client,
    id: &str,
    within: Duration,
    what: &str,
    fits: impl Fn(&Value) -> bool,
) -> Value {
    let found = awaited(within, || Some(plugin(client, id)).filter(&fits));
    found.unwrap_or_else(|| panic!("{id} is not {what} within {within:?}: {:#}", plugin(client, id)))
}

/// Looks until there is something to see, at most so long.
pub fn awaited<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + within;
    loop {
        let seen = look();
        if seen.is_some() || Instant::now() > deadline {
            return seen;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Sends a signal to the process of a plugin, given its status.
#[track_caller]
pub fn signal(status: &Value, signal: Signal) {
    let pid = status["pid"].as_i64().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    let pid = pid.unwrap_or_else(|| panic!("no process: {status:#}"));
    kill_process(pid, signal).expect("the process can be sent a signal");
}

/// Whether a process is there and has not ended.
pub fn is_alive(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in brackets.
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}
