//! What was acknowledged stays. This file has what its areas share; one file for each way to lose something.

mod full_disk;
mod killed;
mod newer;
mod syncs;

use serde_json::{Value, json};

use crate::harness::*;

/// A whole account with that login.
pub fn person(login: &str) -> Value {
    account("acme", login, &json!({"first_name": "Ada", "extension": Value::Null}))
}
