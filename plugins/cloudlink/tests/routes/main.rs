//! The plugin's routes end to end, on the appliance's real storage: what is answered, what is stored, which
//! revisions are left, and what the host is told.

#![cfg(test)]

mod activation;
mod daemon;
mod network;
mod setup;

use jackfield_cloudlink::CloudLink;
use jackfield_sdk::bench::differences;
use jackfield_sdk::{Value, json};

const MANIFEST: &str = include_str!("../../plugin.toml");

type Appliance = jackfield_bench::Appliance<CloudLink>;

fn appliance() -> Appliance {
    Appliance::new(MANIFEST)
}

/// A set-up that lacks nothing.
fn whole() -> Value {
    json!({"region": "us", "account_number": "123456789", "client_id": "jackfield-site-1",
        "redirect_uri": "https://uc.example.com/api/v1/cloudlink:callback", "terms_agreed": true,
        "integrated_mode": true})
}

#[test]
fn the_plugin_is_what_its_manifest_says() {
    assert_eq!(differences::<CloudLink>(MANIFEST), Vec::<String>::new());
}
