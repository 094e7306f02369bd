//! Checks and their probes against real input: chronyd, hand-made packets, web servers and ports of every sort, all
//! on this machine's loopback. This file has what the probes' tests share.

mod api;
pub mod chrony;
mod clocks;
mod network;
mod packets;
pub mod ports;
pub mod web;

use serde_json::{Value, json};

use crate::harness::*;

/// Makes a probe by hand, as an operator does.
#[track_caller]
pub fn probe(client: &Client, op: &str, args: &Value) -> Value {
    client.post("/checks:probe", &json!({"op": op, "args": args})).expect(200).json
}

/// The verdict and the reason of a result.
pub fn outcome(result: &Value) -> (&str, &str) {
    let text = |name: &str| result[name].as_str().unwrap_or("none");
    (text("verdict"), text("reason"))
}
