//! What was acknowledged stays. This file has what its areas share; one file for each way to lose something.

mod full_disk;
mod killed;
mod newer;
pub mod small_disk;
mod syncs;

use serde_json::{Value, json};

use crate::harness::*;

/// A whole account with that login.
pub fn person(login: &str) -> Value {
    account("acme", login, &json!({"first_name": "Ada", "extension": Value::Null}))
}

/// The value of an unlabelled figure of `/metrics`.
pub fn figure(client: &Client, name: &str) -> f64 {
    let page = client.root("GET", "/metrics").send().expect(200);
    let text = String::from_utf8(page.bytes).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.unwrap_or_else(|| panic!("/metrics has no {name}")).parse().unwrap()
}
