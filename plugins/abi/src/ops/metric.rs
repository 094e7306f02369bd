//! Figures of a plugin's own, for those who watch the appliance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One figure. `/metrics` shows it as `jackfield_ID_NAME`; figures of one name differ in their labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name within the plugin: small letters, digits and underscores, at most 64; that of a counter ends in `_total`,
    /// and a unit stands at the end (`_seconds`, `_bytes`).
    pub name: String,
    /// `gauge`: goes up and down; `counter`: only up, from 0 at the plugin's start.
    pub kind: String,
    /// What it says, in one sentence of at most 200 characters.
    pub help: String,
    /// What tells it from others of its name: at most 4, named like figures, values of at most 64 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How much it is.
    pub value: f64,
}

impl Metric {
    /// Something that goes up and down.
    pub fn gauge(name: &str, help: &str, value: f64) -> Self {
        Self { name: name.into(), kind: "gauge".into(), help: help.into(), labels: BTreeMap::new(), value }
    }

    /// Something that is only counted; the name ends in `_total`.
    pub fn counter(name: &str, help: &str, value: f64) -> Self {
        Self { kind: "counter".into(), ..Self::gauge(name, help, value) }
    }

    /// The same with a label.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }
}
