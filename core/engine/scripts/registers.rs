//! What a script registers when it is loaded, as its process tells: kept with the version, so that it is known
//! also while that process does not serve.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What one version of a script registers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Registers {
    /// Places at which it wants to be asked.
    #[serde(default)]
    pub hooks: Vec<HookEntry>,
    /// Checks that it brings.
    #[serde(default)]
    pub checks: Vec<CheckEntry>,
    /// Tests that it brings.
    #[serde(default)]
    pub tests: Vec<TestEntry>,
    /// Events that it wants to be told.
    #[serde(default)]
    pub events: Vec<String>,
}

/// One hook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HookEntry {
    /// Name, as in the catalogue.
    pub hook: String,
    /// Those with a higher one are asked first.
    #[serde(default)]
    pub priority: i64,
    /// Line of the source.
    #[serde(default)]
    pub line: u32,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckEntry {
    /// Name within the script.
    pub name: String,
    /// Seconds between two runs.
    #[serde(default)]
    pub every_s: u64,
    /// Line of the source.
    #[serde(default)]
    pub line: u32,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestEntry {
    /// What it shows, as a sentence.
    pub name: String,
    /// Line of the source.
    #[serde(default)]
    pub line: u32,
}

impl Registers {
    /// Whether it wants to be told that event.
    pub fn wants(&self, event: &str) -> bool {
        self.events.iter().any(|one| one == event)
    }

    /// As the API lists it.
    pub fn to_json(&self) -> Value {
        let hooks = self.hooks.iter().map(|one| {
            json!({"kind": "hook", "name": one.hook, "line": one.line, "priority": one.priority, "every_s": null})
        });
        let checks = self.checks.iter().map(|one| {
            json!({"kind": "check", "name": one.name, "line": one.line, "priority": null, "every_s": one.every_s})
        });
        let tests = self.tests.iter().map(
            |one| json!({"kind": "test", "name": one.name, "line": one.line, "priority": null, "every_s": null}),
        );
        hooks.chain(checks).chain(tests).collect()
    }
}
